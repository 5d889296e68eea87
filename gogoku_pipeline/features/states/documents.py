"""Documents as their readers met them: in which order, from which session usable, priced by which session, new or not.

Belongs here: reading `/fins/summary` for every state that is made of it. Does not belong here: what figures mean
(`quarters`, `guidance`, `shares`).

`order` ranks a company's documents by disclosure: a version that was filed later says more, whenever it arrived.
Source: features.md 2.5 and 2.6; J-Quants /fins/summary.
"""

from __future__ import annotations

from datetime import date, time

import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days
from gogoku_pipeline.features.states.state import Known

RESULTS_MARK = "FinancialStatements"
"""What the kind of every results document contains, and of no other one."""

CLOSING_TIMES = ((date(2024, 11, 5), time(15, 30)), (date.min, time(15, 0)))
"""Hour at which the cash market closes, from each date on, newest first."""

FOREIGN_CURRENCIES = (("62690", date(2022, 2, 1), "USD"),)
"""Issues whose figures are no yen, from which disclosure on, and in what they are; nothing in the rows says so."""

IDENTITY = (
    "code",
    "disclosure_number",
    "disclosed_date",
    "document_type",
    "fiscal_year_start_date",
    "fiscal_year_end_date",
    "period_end_date",
    "number",
    "event",
    "order",
    "currency",
    "is_results",
    "is_new_period",
)
"""Columns of `documents`, before those asked for."""


def documents(known: Known, *columns: str) -> pl.DataFrame:
    """Every statement and revision with the two sessions that matter, in the order in which they became usable.

    Args:
        known: what staging functions may look at; needs the table `statements`.
        *columns: further columns of the table to carry.

    Returns:
        IDENTITY and `columns`, sorted by (code, number, order). `number`: number of the first session at whose hour
        of decision the document was available, on the exchange's calendar; `event`: number of the session that could
        first price it (that of its day when filed before the close, else the next one); `order`: rank among the
        company's documents by disclosure; `currency`: JPY or another; `is_results`: whether it reports a period;
        `is_new_period`: results of a (fiscal year end, period end) not usable before: anything else repeats or
        corrects.
    """
    rows, days = known.table("statements"), exchange_days()
    serial = pl.col("disclosure_number")
    filed = rows.with_columns(
        days.known(rows["available_at"], known.cutoff).alias("number"), event_number(rows).alias("event")
    ).sort("code", "disclosed_date", "disclosed_time", serial.str.len_chars(), serial, "available_at", nulls_last=True)
    read = filed.with_columns(
        order=pl.int_range(pl.len(), dtype=pl.Int64).over("code"),
        currency=_currency(),
        is_results=pl.col("document_type").str.contains(RESULTS_MARK, literal=True),
    ).sort("code", "number", "order")
    period = ["code", "is_results", "fiscal_year_end_date", "period_end_date"]
    is_first = pl.int_range(pl.len()).over(period) == 0
    return read.with_columns(is_new_period=pl.col("is_results") & is_first).select(*IDENTITY, *columns)


def results_documents(known: Known, *columns: str) -> pl.DataFrame:
    """Statements only, as `documents` returns them: quarters and full years, their repetitions and corrections."""
    return documents(known, *columns).filter("is_results")


def event_number(rows: pl.DataFrame) -> pl.Series:
    """Number of the session that could first price each document (Int64).

    Args:
        rows: (disclosed_date Date, disclosed_time "HH:MM:SS" or null). Without a time: the next session.
    """
    days, day = exchange_days(), rows["disclosed_date"]
    closes = pl.lit(CLOSING_TIMES[-1][1])
    for since, closing in reversed(CLOSING_TIMES[:-1]):
        closes = pl.when(pl.col("disclosed_date") >= since).then(pl.lit(closing)).otherwise(closes)
    clock = pl.col("disclosed_time").cast(pl.String).str.to_time("%H:%M:%S")
    during = rows.select((clock < closes).fill_null(value=False)).to_series()
    # On a day without trading the first session on or after it is the next session anyway.
    return pl.select(pl.when(during).then(days.on_or_after(day)).otherwise(days.after(day))).to_series()


def _currency() -> pl.Expr:
    currency = pl.lit("JPY")
    for code, since, name in FOREIGN_CURRENCIES:
        is_foreign = (pl.col("code") == code) & (pl.col("disclosed_date") >= since)
        currency = pl.when(is_foreign).then(pl.lit(name)).otherwise(currency)
    return currency
