"""The history of refreshes: which newer weights of a promoted recipe may serve, from which session on.

Belongs here: appending an answer, reading the accepted ones up to a session.
Does not belong here: the checks (`refresh`), who is champion (`champions`).

Like the history of verdicts it is append-only and read by date: what is decided for a later session never serves on
an earlier one, whenever it is written down.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.registry.tables import REFRESHES
from gogoku_pipeline.store import CommitInfo, Store

DESIGN = ("config_hash", "feature_hash")
"""Entries of a manifest that two versions of one design share."""


@dataclass(frozen=True)
class RefreshFigures:
    """What was measured of a refresh; NaN for what could not be. See `tables.REFRESHES` for the fields."""

    unique_ratio: float = math.nan
    score_std: float = math.nan
    rank_correlation: float = math.nan
    correlation_floor: float = math.nan
    rank_ic: float = math.nan
    rank_ic_low: float = math.nan
    rank_ic_high: float = math.nan
    validation_days: int = 0


@dataclass(frozen=True)
class RefreshRecord:
    """One line of the history; see `tables.REFRESHES` for the fields."""

    decided_for: date
    recorded_at: datetime
    model: str
    version: str
    promoted_version: str
    previous_version: str | None
    decision: str
    reasons: tuple[str, ...]
    figures: RefreshFigures
    config_hash: str
    feature_hash: str


def record_refresh(store: Store, record: RefreshRecord, *, commit: CommitInfo) -> bool:
    """Append the answer to a refresh.

    Args:
        store: where the history is kept.
        record: the answer.
        commit: who writes.

    Returns:
        True if a line was written; False if an answer to this refresh already stands (a run was repeated).

    Raises:
        RegistryError: decided for a day that has not come, or an accepted refresh of another design than the promoted.
        ArtefactError: an accepted refresh of a promotion whose manifest cannot be read.
    """
    written = record.recorded_at.astimezone(JST).date() if record.recorded_at.tzinfo else None
    if written is None or record.decided_for > written:
        raise _bad(record, f"recorded at {record.recorded_at}", f"an aware instant on {record.decided_for} or later")
    if record.decision == "accepted":
        promoted = store.artefacts.manifest(record.model, record.promoted_version)
        if other := other_design(promoted, vars(record)):
            raise _bad(record, other, f"the design of {record.promoted_version}, which was promoted")
    key = {name: getattr(record, name) for name in REFRESHES.key}
    if refreshes(store).filter(**key).height:
        return False
    row = vars(record) | vars(record.figures) | {"reasons": json.dumps(list(record.reasons), ensure_ascii=False)}
    del row["figures"]
    frame = pl.DataFrame([row], schema=REFRESHES.polars_schema).with_columns(pl.col(pl.Float64).fill_nan(None))
    store.tables.append(REFRESHES, frame, commit=commit)
    return True


def refreshes(store: Store) -> pl.DataFrame:
    """Every answer, oldest first, as `tables.REFRESHES` declares them."""
    return store.tables.scan(REFRESHES).collect()


def accepted_refreshes(store: Store, model: str, promoted_version: str, at: date) -> list[tuple[date, str]]:
    """(decided_for, version) of the accepted refreshes of a promotion up to a session, newest first."""
    accepted = refreshes(store).filter(model=model, promoted_version=promoted_version, decision="accepted")
    known = accepted.filter(pl.col("decided_for") <= at).sort("decided_for", "recorded_at", descending=True)
    return known.select("decided_for", "version").rows()


def other_design(promoted: Mapping[str, object], fresh: Mapping[str, object]) -> str:
    """In words how the design of fresh weights differs from the promoted one; empty when it does not."""
    changed = [name for name in DESIGN if promoted.get(name) != fresh.get(name)]
    return ", ".join(
        f"{name.replace('_', ' ')} {str(fresh.get(name))[:12]} instead of {str(promoted.get(name))[:12]}"
        for name in changed
    )


def _bad(record: RefreshRecord, got: str, want: str) -> RegistryError:
    return RegistryError(
        f"refresh {record.version} of {record.model} for {record.decided_for}",
        got=got,
        want=want,
        remedy="A changed recipe is not a refresh: let the gate judge it.",
    )
