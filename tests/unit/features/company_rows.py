"""Hand-made rows of company tables and a small staged market to read them from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.schema import calendar, dividends, earnings_dates, statements
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.tables import Table

CODE = "72030"
Rows = Sequence[Mapping[str, object]]


def _typed(table: Table, source: str, rows: Rows) -> pl.DataFrame:
    """Rows with what they say, nulls elsewhere, and the instant the publication rule gives them."""
    made = pl.DataFrame([{"code": CODE, **row} for row in rows], infer_schema_length=None)
    schema = table.polars_schema
    missing = [pl.lit(None).alias(name) for name in schema if name not in made.columns]
    full = (
        made.with_columns(missing).select(list(schema)).cast({n: t for n, t in schema.items() if n != "available_at"})
    )
    return full.with_columns(RULES[source].available_at(full)).cast(schema)


def statement_rows(*rows: Mapping[str, object]) -> pl.DataFrame:
    """Documents of `core_jquants__statements`; numbered in the order given unless they say otherwise."""
    numbered = [{"disclosure_number": f"{place:014d}", **row} for place, row in enumerate(rows)]
    return _typed(statements.TABLE, "statements", numbered)


def notice_rows(*rows: Mapping[str, object]) -> pl.DataFrame:
    """Notices of `core_jquants__dividends`."""
    return _typed(dividends.TABLE, "dividends", rows)


def schedule_rows(*rows: Mapping[str, object]) -> pl.DataFrame:
    """Announcements of `core_jquants__earnings_dates`."""
    return _typed(earnings_dates.TABLE, "earnings_dates", rows)


def calendar_rows(first: date, last: date, halves: Sequence[date] = ()) -> pl.DataFrame:
    """Days of `core_jquants__calendar`."""
    days = pl.date_range(first, last, eager=True)
    sessions = tse_calendar().between(first, last)
    division = [("2" if day in halves else "1") if day in sessions else "0" for day in days.to_list()]
    made = pl.DataFrame({"date": days, "holiday_division": division, "is_session": [d != "0" for d in division]})
    rule = calendar.TABLE.rule
    return made.with_columns(rule.available_at(made)).cast(calendar.TABLE.polars_schema)


def market(
    first: date,
    last: date,
    *,
    closes: Mapping[str, Sequence[float | None]] | None = None,
    splits: Mapping[tuple[str, date], float] | None = None,
    cutoff: time = time(19, 0),
    **tables: pl.DataFrame,
) -> FeatureInputs:
    """Staged inputs of one sector; every issue has a raw close of 1,000 on each session unless `closes` says otherwise.

    Args:
        first: first day of the range.
        last: last day of the range.
        closes: code to raw close per session (a null: no trade).
        splits: (code, ex-date) to price factor.
        cutoff: hour of decision.
        **tables: source name to rows.
    """
    sessions = tse_calendar().between(first, last)
    frames = []
    for code, given in (closes or {CODE: [1000.0] * len(sessions)}).items():
        factor, steps = 1.0, []
        for day in sessions:
            factor *= (splits or {}).get((code, day), 1.0)
            steps.append(factor)
        frames.append(pl.DataFrame({"session": sessions, "code": code, "raw": given, "factor": steps}))
    price = pl.col("raw") / pl.col("factor")
    prices = pl.concat(frames).with_columns(
        **dict.fromkeys(("open", "high", "low", "close"), price),
        mark=price.forward_fill(limit=4).over("code"),
        volume=pl.when(pl.col("raw").is_not_null()).then(100.0),
        volume_factor=pl.col("factor"),
        turnover_jpy=pl.when(pl.col("raw").is_not_null()).then(1e6),
        is_market_halt=pl.lit(value=False),
        is_gap=pl.lit(value=False),
    )
    universe = prices.select(
        "session", "code", is_in_universe=True, sector33_code=pl.lit("0050"), sector17_code=pl.lit("1")
    )
    topix = pl.DataFrame({"session": sessions, "close_points": 1500.0, "is_market_halt": False})
    return FeatureInputs(prices.drop("raw"), universe, topix, tables=tables, cutoff=cutoff)


def series(inputs: FeatureInputs, *names: str, code: str = CODE) -> dict[date, tuple[float | None, ...]]:
    """Session to the values of the features for one issue."""
    days = inputs.prices["session"]
    frame = compute(list(names), inputs, start=days.min(), end=days.max()).filter(pl.col("code") == code)
    return {row[0]: row[1:] for row in frame.select("session", *names).iter_rows()}


def value(inputs: FeatureInputs, name: str, code: str = CODE) -> dict[date, float | None]:
    """Session to the value of one feature for one issue."""
    return {day: found for day, (found,) in series(inputs, name, code=code).items()}
