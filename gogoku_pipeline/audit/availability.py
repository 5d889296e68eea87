"""No row claims to have been available before its publisher could have handed it out."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.audit.market import SOURCES, AuditedMarket
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.schema.tables import Table

LAW = "availability"


def availability(market: AuditedMarket) -> tuple[list[Violation], int]:
    """Compare every `available_at` with the earliest instant its table's publication rule allows.

    A row may be later than the rule (a correction is available when it was fetched), never earlier, never unknown.
    A source that the plan lacks has no rows to look at and is left out; any other without rows is a violation.

    Returns:
        Violations, and rows looked at.

    Raises:
        LeakError: a table declares no publication rule.
    """
    found: list[Violation] = []
    compared = 0
    for name, table in SOURCES.items():
        frame: pl.DataFrame = getattr(market, name)
        compared += frame.height
        if frame.is_empty() and name in market.switched_off:
            continue
        found += _early(frame, table) if frame.height else [_violation(table, date.min, "no rows to look at")]
    return found, compared


def _early(frame: pl.DataFrame, table: Table) -> list[Violation]:
    if table.rule is None:
        raise LeakError(
            f"audit of {table.name}",
            got="a table without a publication rule",
            want="a rule that says when its rows are known",
            remedy="Declare `rule` on the table.",
        )
    early = pl.col("available_at") < table.rule.instant(pl.col("session"))
    rows = frame.filter(early.fill_null(value=True)).sort("session")
    if rows.is_empty():
        return []
    session, instant = rows.select("session", "available_at").row(0)
    return [_violation(table, session, f"{rows.height} rows too early or without an instant, first {instant}")]


def _violation(table: Table, session: date, words: str) -> Violation:
    return Violation(LAW, table.name, session, "", words)
