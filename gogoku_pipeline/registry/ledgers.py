"""What was tried and what was looked at, written down once: the ledger of trials and the log of hold-out openings.

Both are append-only tables in the store. What a line means, and what the counts say, is `evaluation.trials` and
`dataset.holdout`; here they are kept.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.dataset.holdout import OPENINGS, Holdout, opening
from gogoku_pipeline.evaluation.trials import TRIALS, new_trials
from gogoku_pipeline.registry.champions import history
from gogoku_pipeline.store import CommitInfo, Store


def record_trials(store: Store, rows: pl.DataFrame, *, commit: CommitInfo) -> int:
    """Append the trials the ledger does not hold yet.

    Args:
        store: where the ledger is kept.
        rows: `trials.trial_rows`.
        commit: who writes.

    Returns:
        How many lines were added.
    """
    fresh = new_trials(trial_ledger(store), rows)
    if fresh.height:
        store.tables.append(TRIALS, fresh, commit=commit)
    return fresh.height


def trial_ledger(store: Store) -> pl.DataFrame:
    """Every trial ever logged, as `trials.TRIALS` declares it."""
    return store.tables.scan(TRIALS).collect()


def design_hash(*, config_hash: str, feature_hash: str, universe_hash: str) -> str:
    """What is judged, whatever data it was fitted on: a recipe's configuration, its features, its universe."""
    return sha256_json({"config": config_hash, "features": feature_hash, "universe": universe_hash})


def open_holdout(
    store: Store,
    holdout: Holdout,
    design: str,
    promoted: tuple[str, str],
    read_through: date,
    *,
    opened_at: datetime,
    commit: CommitInfo,
) -> pl.DataFrame:
    """Write down that a promoted design may now look at the hold-out; call it before reading one session of it.

    Args:
        store: holds the history of verdicts and the log.
        holdout: what is opened.
        design: `design_hash` of the promoted design.
        promoted: model and version of that design that the gate promoted.
        read_through: last session that is looked at.
        opened_at: aware instant.
        commit: who writes.

    Returns:
        The line that was appended.

    Raises:
        DatasetError: not promoted, opened before, a start already seen, a rewritten log.
        RegistryError: no verdict at all.
    """
    model, version = promoted
    verdicts = history(store).filter(model=model, version=version)
    if verdicts.is_empty():
        raise RegistryError(
            f"hold-out from {holdout.start}",
            got=f"no verdict on {model} {version}",
            want="a promotion by the gate",
            remedy="Judge the design on walk-forward folds first.",
        )
    passed = bool((verdicts["decision"] == "promote").any())
    line = opening(openings(store), holdout, design, read_through, is_promoted=passed, opened_at=opened_at)
    store.tables.append(OPENINGS, line, commit=commit)
    return line


def openings(store: Store) -> pl.DataFrame:
    """Every opening of the hold-out, as `holdout.OPENINGS` declares it."""
    return store.tables.scan(OPENINGS).collect()
