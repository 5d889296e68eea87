"""Part 1, truncation, at the source: no row is available before its publisher could have handed it out."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.audit.market import SOURCES
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.schema.register import SOURCES as PUBLISHED
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.schema.tables import Table

LAW = "availability"


def availability(case: Case) -> Answer:
    """Compare every `available_at` with the earliest instant its table's publication rule allows.

    A row may be later than the rule (a correction is available when it was fetched), never earlier, never unknown.
    A source that the plan lacks has no rows to look at and is left out, and so is a log of events that did not happen;
    any other without rows is a violation.

    Raises:
        LeakError: a table declares no publication rule.
    """
    market = case.market
    found: list[Violation] = []
    compared = 0
    frames = [(name, table, getattr(market, name)) for name, table in SOURCES.items()]
    frames += [(name, TABLE_OF[name], frame) for name, frame in market.tables.items()]
    may_be_empty = {name for name, source in PUBLISHED.items() if source.empty != "never"} | market.switched_off
    for name, table, frame in frames:
        compared += frame.height
        if frame.is_empty() and name in may_be_empty:
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
    early = frame["available_at"] < table.rule.available_at(frame)
    event = table.key[0] if "session" not in frame.columns else "session"
    rows = frame.filter(early.fill_null(value=True)).sort(event)
    if rows.is_empty():
        return []
    session, instant = rows.select(event, "available_at").row(0)
    return [_violation(table, session, f"{rows.height} rows too early or without an instant, first {instant}")]


def _violation(table: Table, session: date, words: str) -> Violation:
    return Violation(LAW, table.name, session, "", words)
