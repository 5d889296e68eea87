"""The newest disclosure of results: from when it was usable, which session priced it, and how far it missed guidance.

A document that repeats or corrects a period already known is no new event. Between the session on which results
become usable and the one that can price them they are pending, and what the market made of them is null, not the
previous quarter's. A reaction is told for 250 sessions after its event session, the miss for 250 after its document.
Source: features.md 2.6 and 3.19; J-Quants /fins/summary.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.documents import documents
from gogoku_pipeline.features.states.lifetimes import Lifetime, release_rows
from gogoku_pipeline.features.states.state import Known, State

EXPIRES_SESSIONS = 250
SETTLED_AFTER = 2
"""Sessions after the event session until the market's first opinion counts as formed."""

COLUMNS = {
    "known": "Number of the session on which the newest results of a new period became usable; never expires.",
    "pending": "1 from the session on which they became usable to the one before their event session, else 0.",
    "priced": "Number of the event session, once it has come.",
    "settled": "Number of the event session, once two more sessions have passed.",
    "miss": "Full-year profit minus the last forecast from an earlier day, yen; null after other documents.",
}

LIFETIMES = (
    Lifetime("event", EXPIRES_SESSIONS, ("priced", "settled")),
    Lifetime("known", EXPIRES_SESSIONS, ("miss",)),
)


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever the newest results or their standing change."""
    events = _events(known)
    points = _points(events)
    event, now = pl.col("event"), pl.col("point")
    rows = points.select(
        "code",
        pl.col("known", "event", "miss"),
        number=now,
        pending=event > now,
        priced=pl.when(event <= now).then(event),
        settled=pl.when(event + SETTLED_AFTER <= now).then(event),
    )
    return release_rows(rows.with_columns(pl.exclude("code", "number").cast(pl.Float64)), LIFETIMES, known.sessions)


def _events(known: Known) -> pl.DataFrame:
    """(code, known, event, miss, until): the newest disclosure of a new period from each session on."""
    filed = documents(
        known,
        "profit_jpy",
        "forecast_profit_jpy",
        "next_forecast_profit_jpy",
        "next_fiscal_year_end_date",
    )
    new = filed.filter("is_new_period").join(_promised(filed), on=["code", "disclosure_number"], how="left")
    miss = pl.when(_is_year() & (pl.col("currency") == "JPY")).then(pl.col("profit_jpy") - pl.col("promised"))
    newest = new.sort("code", "number", "order").unique(["code", "number"], keep="last", maintain_order=True)
    return newest.select(
        "code",
        "event",
        miss.alias("miss"),
        known="number",
        until=pl.col("number").shift(-1).over("code").fill_null(2**40),
    )


def _is_year() -> pl.Expr:
    return pl.col("document_type").str.starts_with("FYFinancialStatements")


def _promised(filed: pl.DataFrame) -> pl.DataFrame:
    """(code, disclosure_number, promised): the last forecast of its profit from a day before each full-year document.

    What is revised on the day of the results is part of their news, and what became usable later was not known.
    """
    moment = pl.col("number", "order", "disclosed_date").name.suffix("_told")
    own = filed.filter(~_is_year()).select("code", moment, year="fiscal_year_end_date", promised="forecast_profit_jpy")
    ahead = filed.filter(_is_year()).select(
        "code", moment, year="next_fiscal_year_end_date", promised="next_forecast_profit_jpy"
    )
    told = pl.concat([own, ahead]).drop_nulls()
    asked = filed.filter(_is_year() & pl.col("is_new_period")).rename({"fiscal_year_end_date": "year"})
    before = (pl.col("number_told") <= pl.col("number")) & (pl.col("disclosed_date_told") < pl.col("disclosed_date"))
    return (
        asked.select("code", "disclosure_number", "number", "disclosed_date", "year")
        .join(told, on=["code", "year"])
        .filter(before)
        .group_by("code", "disclosure_number")
        .agg(pl.col("promised").sort_by("order_told").last())
    )


def _points(events: pl.DataFrame) -> pl.DataFrame:
    """Every event once per session on which its standing changes while it is the newest."""
    moments = (pl.col("known"), pl.col("event"), pl.col("event") + SETTLED_AFTER)
    every = pl.concat([events.with_columns(point=moment) for moment in moments])
    alive = (pl.col("point") >= pl.col("known")) & (pl.col("point") < pl.col("until"))
    return every.filter(alive).unique(["code", "point"])


STATE = State(
    alias="earn",
    axis="release",
    tables=("statements",),
    unit="code",
    columns=COLUMNS,
    stage=stage,
)
