"""Dividends in summaries of statements: what a company forecasts for the running fiscal year, and what it paid last.

The forecast of a year is told by documents of that year and by the full-year document before it. Results and
revisions of the dividend forecast speak about it even when they leave it open (then it is undecided, null); other
documents only where they print a number. Per-share figures are used as filed, and only while no price factor lies
between the start of the document's fiscal year and t: otherwise their basis is unknown. Forecasts expire 250 sessions
after their document, paid dividends 250 sessions after the newest results of the issue.
Source: features.md 3.16; J-Quants /fins/summary (FDivAnn, NxFDivAnn, DivAnn, FPayoutRatioAnn, NxFPayoutRatioAnn).
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days, known_within
from gogoku_pipeline.features.states.price_basis import NEWEST, factor_steps
from gogoku_pipeline.features.states.state import Known, State

EXPIRES_SESSIONS = 250

COLUMNS = {
    "forecast": "Forecast annual dividend of the running fiscal year, yen per share as filed.",
    "forecast_before": "The forecast before it for the same fiscal year.",
    "ratio": "Forecast payout ratio as filed, decimal.",
    "paid": "Annual dividend of the last full-year document, yen per share as filed.",
    "told": "Number of the session on which the newest document with a dividend forecast became usable.",
}


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever one of the columns may change."""
    filed = _filed(known)
    splits = factor_steps(known.factors).filter("is_split").select("code", "number", split="number")
    forecasts, paid = _forecasts(filed), _paid(filed)
    told = forecasts.filter(pl.col("forecast").is_not_null()).select("code", "number", told="number")
    results = filed.filter("is_result").select("code", "number", reported="number")
    points = _points([forecasts, paid, splits, told, results])
    for track in (forecasts, paid, splits, told, results):
        newest = track.unique(["code", "number"], keep="last", maintain_order=True).sort("number")
        points = points.sort("number").join_asof(newest, **NEWEST)
    rows = points.sort("code", "number").with_columns(_in_force())
    return rows.select(
        "code",
        known_within(rows["number"], known.sessions).alias("known_session"),
        pl.int_range(pl.len()).over("code").alias("release"),
        pl.col(*COLUMNS).cast(pl.Float64),
    )


def _filed(known: Known) -> pl.DataFrame:
    """Documents in order of publication, with the year they forecast and the session they became usable."""
    days, rows = exchange_days(), known.table("statements")
    kind = pl.col("document_type")
    is_year = kind.str.starts_with("FYFinancialStatements")
    end = pl.col("fiscal_year_end_date")
    year_later = (
        pl.when(end == end.dt.month_end()).then(end.dt.offset_by("1y").dt.month_end()).otherwise(end.dt.offset_by("1y"))
    )
    filed = rows.with_columns(
        days.known(rows["available_at"], known.cutoff).alias("number"),
        days.on_or_after(rows["fiscal_year_start_date"]).alias("begins"),
        is_year=is_year,
        is_result=kind.str.contains("FinancialStatements"),
        is_about_dividends=kind.str.contains("FinancialStatements|DividendForecastRevision"),
        target=pl.when(is_year).then(pl.coalesce("next_fiscal_year_end_date", year_later)).otherwise(end),
        forecast=_amount(
            pl.when(is_year).then("next_forecast_dividend_annual_jpy").otherwise("forecast_dividend_annual_jpy")
        ),
        paid=_amount(pl.col("dividend_annual_jpy")),
        ratio=pl.when(is_year).then("next_forecast_payout_ratio").otherwise("forecast_payout_ratio"),
    )
    order = ("disclosed_date", "disclosed_time", "disclosure_number")
    return filed.sort("code", "number", *order, nulls_last=True)


def _amount(dividend: pl.Expr) -> pl.Expr:
    """A dividend below zero is none: null."""
    return pl.when(dividend >= 0).then(dividend)


def _forecasts(filed: pl.DataFrame) -> pl.DataFrame:
    """(code, number, forecast, forecast_before, ratio, begins, begins_before): what is said about the running year."""
    said = filed.filter(
        pl.col("target").is_not_null()
        & (pl.col("is_about_dividends") | pl.col("forecast").is_not_null() | pl.col("ratio").is_not_null())
    )
    target = pl.col("target").to_physical()
    running = said.filter(target == target.cum_max().over("code"))
    year, number = ["code", "target"], pl.col("forecast")
    return running.with_columns(
        earlier_begins=pl.when(number.is_not_null()).then("begins").forward_fill().over(year),
        earlier=number.forward_fill().over(year),
        # Results that leave the ratio open end it; other documents without it say nothing about it.
        ratio=pl.when("is_result")
        .then(pl.col("ratio").fill_null(float("nan")))
        .otherwise("ratio")
        .forward_fill()
        .over(year)
        .fill_nan(None),
    ).select(
        "code",
        "number",
        "forecast",
        "ratio",
        begins="begins",
        forecast_before=pl.col("earlier").shift(1).over(year),
        begins_before=pl.col("earlier_begins").shift(1).over(year),
    )


def _paid(filed: pl.DataFrame) -> pl.DataFrame:
    """(code, number, paid, paid_begins): dividend of the latest fiscal year with a full-year document."""
    years = filed.filter(pl.col("is_year") & pl.col("fiscal_year_end_date").is_not_null())
    end = pl.col("fiscal_year_end_date").to_physical()
    newest = years.filter(end == end.cum_max().over("code"))
    return newest.select("code", "number", "paid", paid_begins="begins")


def _points(tracks: list[pl.DataFrame]) -> pl.DataFrame:
    """(code, number): sessions on which one of the tracks moves or expires."""
    moves = pl.concat([track.select("code", "number") for track in tracks]).unique()
    return pl.concat([moves, moves.with_columns(pl.col("number") + EXPIRES_SESSIONS + 1)]).unique()


def _in_force() -> list[pl.Expr]:
    """The columns with everything null that has expired or stands on an unknown basis."""
    split, now = pl.col("split").fill_null(-1), pl.col("number")
    fresh = now - pl.col("told") <= EXPIRES_SESSIONS
    reporting = now - pl.col("reported") <= EXPIRES_SESSIONS
    same_basis = split < pl.col("begins")
    both_bases = same_basis & (split < pl.col("begins_before"))
    return [
        pl.when(fresh & same_basis).then("forecast").alias("forecast"),
        pl.when(fresh & both_bases & pl.col("forecast").is_not_null()).then("forecast_before").alias("forecast_before"),
        pl.when(fresh).then("ratio").alias("ratio"),
        pl.when(reporting & (split < pl.col("paid_begins"))).then("paid").alias("paid"),
    ]


STATE = State(
    alias="payout",
    axis="release",
    tables=("statements",),
    unit="code",
    columns=COLUMNS,
    stage=stage,
)
