"""What Nikkei 225 options said on each trading day: volatility at three tenors, the 25-delta wings, puts and calls.

Rows: normal margin, monthly contracts (contract month YYYY-MM), settlement after the row's day, a volatility above 0.
Volatilities and rates are served in percent and become decimals; a volatility outside 0.01..3 takes no part in the
surface. Options have them from 2016-07-19 on; earlier days give nothing. Source: features.md 3.12; J-Quants V2
/derivatives/bars/daily/options/225.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.features.expressions import Whole
from gogoku_pipeline.features.states.night_rows import EXPIRES_SESSIONS, HISTORY_SESSIONS, night_rows, releases
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.features.states.surface import DAYS_IN_YEAR, at_quarter_delta, at_tenor, at_the_money

SHORTEST_DAYS = 5
"""Expiries nearer than this say more about the last trades than about volatility."""

HOLD_DAYS = 45
"""Where the nearest expiry lies beyond a tenor, its volatility holds down to the tenor if it is at most so far away.
Monthly expiries lie 28 or 35 days apart, so with the skipped ones the nearest is at most 40 days away.
See decision 0017."""

_PUT = "1"
_MONTHLY = r"^\d{4}-\d{2}$"
_PERCENT_RANGE = (1.0, 300.0)
_COLUMNS = (
    *("contract_month", "strike_price", "put_call", "special_quotation_date", "volume_contracts"),
    *("open_interest_contracts", "implied_volatility_percent", "underlying_price", "interest_rate_percent"),
)


def stage(known: Known) -> pl.DataFrame:
    """[release, known_session, columns]: one row per trading day with options."""
    rows = monthly_rows(night_rows(known, "index_options", _COLUMNS))
    days = releases(known, "index_options")
    return days.join(totals(rows), left_on="release", right_on="trade_date", how="left").join(
        volatilities(rows), left_on="release", right_on="trade_date", how="left"
    )


def monthly_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Monthly contracts that are not settled yet and have a volatility, with `days` to settlement."""
    return rows.filter(
        pl.col("contract_month").str.contains(_MONTHLY)
        & (pl.col("special_quotation_date") > pl.col("trade_date"))
        & (pl.col("implied_volatility_percent") > 0)
    ).with_columns(days=(pl.col("special_quotation_date") - pl.col("trade_date")).dt.total_days().cast(pl.Float64))


def totals(rows: pl.DataFrame) -> pl.DataFrame:
    """[trade_date, put and call sums, underlying]."""
    is_put = pl.col("put_call") == _PUT
    volume, interest = pl.col("volume_contracts"), pl.col("open_interest_contracts")
    return rows.group_by("trade_date").agg(
        put_volume=volume.filter(is_put).sum(),
        call_volume=volume.filter(~is_put).sum(),
        put_open_interest=interest.filter(is_put).sum(),
        call_open_interest=interest.filter(~is_put).sum(),
        underlying=pl.col("underlying_price").max(),
    )


def volatilities(rows: pl.DataFrame) -> pl.DataFrame:
    """[trade_date, iv_near, iv_30d, iv_90d, put_iv_30d, call_iv_30d], days ascending.

    Args:
        rows: monthly rows with `days` to settlement.
    """
    quoted = (
        rows.filter(
            pl.col("implied_volatility_percent").is_between(*_PERCENT_RANGE)
            & (pl.col("underlying_price") > 0)
            & (pl.col("strike_price") > 0)
        )
        .select(
            "trade_date",
            "days",
            strike="strike_price",
            is_call=pl.col("put_call") != _PUT,
            vol=pl.col("implied_volatility_percent") / 100,
            forward="underlying_price",
            years=pl.col("days") / DAYS_IN_YEAR,
            rate=(pl.col("interest_rate_percent") / 100).fill_null(float("nan")),
        )
        .sort("trade_date", "days", "strike", "is_call")
    )
    starts = _starts(quoted, "trade_date", "days")
    columns = [quoted[name].to_numpy() for name in ("strike", "is_call", "vol", "forward")]
    terms = (quoted["years"].to_numpy(), quoted["rate"].to_numpy())
    level = at_the_money(starts, *columns)
    put, call = (at_quarter_delta(starts, *columns, *terms, side) for side in (False, True))
    # An expiry with one wing alone would bring the slope of volatility over time into the skew.
    one_wing = np.isnan(put) | np.isnan(call)
    put[one_wing], call[one_wing] = np.nan, np.nan
    expiries = quoted[starts[:-1]].select("trade_date", "days")
    of_day, days = _starts(expiries, "trade_date"), expiries["days"].to_numpy()
    near = expiries.with_columns(iv_near=level).filter(pl.col("days") >= SHORTEST_DAYS)
    surface = pl.DataFrame(
        {
            "trade_date": expiries["trade_date"].gather(of_day[:-1]),
            "iv_30d": at_tenor(of_day, days, level, 30.0, SHORTEST_DAYS, HOLD_DAYS),
            "iv_90d": at_tenor(of_day, days, level, 90.0, SHORTEST_DAYS, HOLD_DAYS),
            "put_iv_30d": at_tenor(of_day, days, put, 30.0, SHORTEST_DAYS, HOLD_DAYS),
            "call_iv_30d": at_tenor(of_day, days, call, 30.0, SHORTEST_DAYS, HOLD_DAYS),
        }
    ).join(near.unique("trade_date", keep="first", maintain_order=True).drop("days"), on="trade_date", how="left")
    return surface.with_columns(pl.exclude("trade_date").fill_nan(None))


def _starts(frame: pl.DataFrame, *by: str) -> Whole:
    """First row of each run of equal values, and the number of rows."""
    if frame.is_empty():
        return np.zeros(1, np.int64)
    first = frame.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in by)).to_series()
    return np.concatenate((np.flatnonzero(first.to_numpy()), [frame.height])).astype(np.int64)


STATE = State(
    alias="options",
    axis="release",
    tables=("index_options",),
    columns={
        "iv_near": "Volatility at the money of the nearest expiry with at least 5 days, annual decimal.",
        "iv_30d": "Volatility at the money at 30 calendar days, annual decimal.",
        "iv_90d": "Volatility at the money at 90 calendar days, annual decimal.",
        "put_iv_30d": "Volatility of the 25-delta put at 30 calendar days, annual decimal.",
        "call_iv_30d": "Volatility of the 25-delta call at 30 calendar days, annual decimal.",
        "put_volume": "Puts traded, contracts.",
        "call_volume": "Calls traded, contracts.",
        "put_open_interest": "Puts open, contracts.",
        "call_open_interest": "Calls open, contracts.",
        "underlying": "Price of the underlying, points.",
        "session_number": "Number of the row's day on the exchange calendar.",
    },
    stage=stage,
    expires_sessions=EXPIRES_SESSIONS,
    history_sessions=HISTORY_SESSIONS,
    price_sessions=HISTORY_SESSIONS,
    sessions_per_release=1,
)
