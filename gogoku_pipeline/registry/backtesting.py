"""What the stored scores would have earned on the stored market: where a backtest's frames come from.

Belongs here: reading tables for a backtest. The backtest itself knows no store (`evaluation.backtest`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.evaluation.backtest.market import BARS, LISTED, MEMBERS, NOTICES, MarketFrames
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.schema import daily_bars, dividends, listed_issues, topix
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.walk_forward import SCORES, scores_from_table

TOPIX = ("session", "close_points")


def stored_market(store: Store, start: date | None = None) -> MarketFrames:
    """The tables a backtest reads, from a session on; TOPIX and dividends are None where the plan never had them.

    Args:
        store: where they lie.
        start: first session, `volume_window` sessions before the first score or earlier; None for all.
    """
    tables = store.tables
    return MarketFrames(
        tables.scan(daily_bars.TABLE, start=start).select(BARS).collect(),
        tables.scan(listed_issues.SNAPSHOT, start=start).select(LISTED).collect(),
        tables.scan(UNIVERSE, start=start).select(MEMBERS).collect(),
        tables.scan(topix.TABLE, start=start).select(TOPIX).collect() if tables.exists(topix.TABLE) else None,
        tables.scan(dividends.TABLE).select(NOTICES).collect() if tables.exists(dividends.TABLE) else None,
    )


def walk_forward_scores(store: Store, cutoff: date | None = None) -> pl.DataFrame:
    """Out-of-sample scores of every recipe of one walk.

    Args:
        store: where `eval__walk_forward` lies.
        cutoff: of the walk; None for the newest.

    Returns:
        [model, fold, seed, session, code, horizon_d, score, is_counted].

    Raises:
        PartitionMissingError: no walk ended at that cut-off.
    """
    kept = store.tables.sessions(SCORES)
    day = cutoff or (kept[-1] if kept else None)
    rows = store.tables.scan(SCORES, start=day, end=day).collect() if day in kept else SCORES.empty()
    if rows.is_empty():
        raise PartitionMissingError(
            f"walk-forward scores of cut-off {day or 'any session'}",
            got="none stored",
            want=f"a cut-off in {kept[0]} .. {kept[-1]}" if kept else "at least one walk",
            remedy="Run `gogoku demo`, or materialise eval__walk_forward at a cut-off.",
        )
    return scores_from_table(rows)


def served_scores(store: Store) -> pl.DataFrame:
    """The lists that were served, as the champion of each evening made them: [session, code, horizon_d, score].

    Raises:
        PartitionMissingError: no list was ever made.
    """
    rows = store.tables.scan(PREDICTIONS).select("session", "code", "horizon_d", "score").collect()
    if rows.is_empty():
        raise PartitionMissingError(
            "served predictions", got="none stored", want="at least one evening", remedy="Materialise pred__daily."
        )
    return rows
