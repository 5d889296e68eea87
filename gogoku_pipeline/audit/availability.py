"""Part one: no row claims to have been available before its publisher could have handed it out."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.audit.market import SOURCES, AuditedMarket
from gogoku_pipeline.audit.report import Finding, finding


def availability(market: AuditedMarket) -> Finding:
    """Compare every `available_at` with the earliest instant its table's publication rule allows.

    A row may be later than the rule (a correction is available when it was fetched), never earlier.
    """
    offenders: list[str] = []
    compared = 0
    for name, table in SOURCES.items():
        frame: pl.DataFrame = getattr(market, name)
        compared += frame.height
        if table.rule is None or "available_at" not in frame.columns:
            offenders.append(f"{table.name} carries no publication rule or no available_at")
            continue
        early = frame.filter(pl.col("available_at") < table.rule.instant(pl.col("session")))
        if early.height:
            first = early.row(0, named=True)
            offenders.append(
                f"{table.name}: {early.height} rows too early, first {first['session']} at {first['available_at']}"
            )
    return finding("availability", offenders, compared, "no row is earlier than its publication rule allows")
