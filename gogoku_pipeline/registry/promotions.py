"""From the gate's rows to the history of verdicts: every judged version is written down once."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta

import polars as pl

from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.evaluation.verdict import Criterion, Verdict
from gogoku_pipeline.registry.champions import VerdictRecord, history, record_verdict
from gogoku_pipeline.registry.tables import GATE
from gogoku_pipeline.store import CommitInfo, Store

_PLACES: dict[str, int] = {"promote": 0, "passed_over": 1}


def incumbent(store: Store, cutoff: date) -> str | None:
    """The champion's recipe before a cut-off, for the gate to ask whether a challenger is surely worse.

    Read from promotions of earlier cut-offs, whether they are written into the history yet or only in the gate's own
    table: a backfill of cut-offs judges each against whoever the ones before it promoted. A promotion of the cut-off
    itself is not looked at, so judging it again says the same.

    Args:
        store: holds the gate's table and the history.
        cutoff: the training cut-off.

    Returns:
        Name of the recipe; None when that is the baseline.
    """
    told = store.tables.scan(GATE, end=cutoff - timedelta(days=1)).filter(pl.col("decision") == "promote")
    written = history(store).filter((pl.col("decision") == "promote") & (pl.col("decided_for") < cutoff))
    found = pl.concat(
        [
            told.select(pl.col("session").alias("decided_for"), pl.col("challenger").alias("model")).collect(),
            written.select("decided_for", "model"),
        ]
    ).sort("decided_for", maintain_order=True)
    return None if found.is_empty() else str(found["model"][-1])


def record_verdicts(store: Store, *, recorded_at: datetime, commit: CommitInfo) -> int:
    """Write down every verdict of `eval__gate` that the history lacks; a promotion without a version is an error.

    Args:
        store: holds the gate's table, the versions and the history.
        recorded_at: aware instant of writing.
        commit: who writes.

    Returns:
        How many lines were added.

    Raises:
        RegistryError: a promoted recipe has no version trained at that cut-off.
    """
    past = history(store).select("decided_for", "model").unique()
    rows = store.tables.scan(GATE).collect()
    fresh = rows.rename({"challenger": "model", "session": "decided_for"}).join(
        past, on=["decided_for", "model"], how="anti"
    )
    added = 0
    for (cutoff, model), part in fresh.group_by(["decided_for", "model"], maintain_order=True):
        record = _record(store, part, str(model), cutoff, recorded_at)
        added += record is not None and record_verdict(store, record, commit=commit)
    return added


def _record(
    store: Store, rows: pl.DataFrame, model: str, cutoff: object, recorded_at: datetime
) -> VerdictRecord | None:
    assert isinstance(cutoff, date)
    head = rows.row(0, named=True)
    manifests = {version: store.artefacts.manifest(model, version) for version in store.artefacts.versions(model)}
    trained = [version for version, found in manifests.items() if found.get("cutoff") == cutoff.isoformat()]
    if not trained and head["decision"] != "promote":
        return None
    if not trained:
        raise RegistryError(
            f"promotion of {model} at {cutoff}",
            got="no version trained at that cut-off",
            want="one that may serve from then on",
            remedy=f"Materialise model__{model} for {cutoff}.",
        )
    newest = manifests[sorted(trained)[-1]]
    return VerdictRecord(
        decided_for=cutoff,
        recorded_at=recorded_at,
        model=model,
        version=sorted(trained)[-1],
        decision=head["decision"],
        reasons=tuple(json.loads(head["reasons"])),
        cutoff=cutoff,
        config_hash=head["config_hash"],
        feature_hash=str(newest.get("feature_hash", "")),
        recipe_hash=None if "config_hash" not in newest else str(newest["config_hash"]),
    )


def last_verdicts(store: Store, until: date | None = None) -> tuple[Verdict, ...]:
    """What the gate said of every challenger at its newest cut-off up to a session; nothing before the first.

    Returns:
        Who is promoted first, then who is passed over, then by the lower bound of the edge, the best first.
    """
    cutoffs = [session for session in store.tables.sessions(GATE) if until is None or session <= until]
    if not cutoffs:
        return ()
    rows = store.tables.scan(GATE, start=cutoffs[-1], end=cutoffs[-1]).collect()
    found = [verdict_of(part) for part in rows.partition_by("challenger", maintain_order=True)]
    return tuple(sorted(found, key=_standing))


def _standing(verdict: Verdict) -> tuple[int, float]:
    """Place of a verdict among those of its cut-off."""
    low = verdict.edge[1]
    return _PLACES.get(verdict.decision, len(_PLACES)), math.inf if math.isnan(low) else -low


def verdict_of(rows: pl.DataFrame) -> Verdict:
    """The verdict that was written down: the inverse of `predictions.gate_rows`.

    Args:
        rows: rows of `eval__gate` of one cut-off and challenger, in any order.
    """
    ordered = rows.sort("place")
    head = ordered.row(0, named=True)
    criteria = tuple(
        Criterion(
            row["criterion"],
            _figure(row["value"]),
            _figure(row["threshold"]),
            row["is_passed"],
            row["words"],
            row["on_failure"],
        )
        for row in ordered.iter_rows(named=True)
    )
    return Verdict(
        decision=head["decision"],
        criteria=criteria,
        reasons=tuple(json.loads(head["reasons"])),
        challenger=head["challenger"],
        baseline=head["baseline"],
        n_days=head["paired_days"],
        edge=(_figure(head["edge"]), _figure(head["edge_low"]), _figure(head["edge_high"])),
        minimum_detectable_effect=_figure(head["detectable_effect"]),
        sessions_needed=head["more_sessions"],
        is_suspect=head["is_suspect"],
        config_hash=head["config_hash"],
    )


def _figure(value: float | None) -> float:
    """A stored number; null stands for what could not be measured."""
    return float("nan") if value is None else value
