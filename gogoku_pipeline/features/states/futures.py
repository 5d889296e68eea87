"""What four futures said on each trading day: TOPIX, Nikkei 225, Nikkei volatility and the ten-year bond.

The central contract k(d) of a day is the one the publisher flags; before the flags begin (2016-07-19) the one with the
largest open interest, the nearer one of equals. Returns follow the contract held overnight, k(d-1), so a roll never
jumps. A price of 0 means that nothing traded and is null. Settlements exist from 2016-07-19 on, so of the earlier days
only night prices and open interest say something.
Source: features.md 3.13; J-Quants V2 /derivatives/bars/daily/futures.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.night_rows import EXPIRES_SESSIONS, HISTORY_SESSIONS, night_rows, releases
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.tables.asof import cutoff_at

PRODUCTS = {"tpx": "TOPIXF", "nk": "NK225F", "nkvi": "NKVIF", "jgb": "JGBLF"}
"""Prefix of the leaves to kind of contract."""

_PRICES = ("settlement_price", "night_close_price", "day_close_price")
_COLUMNS = (
    *("product_category", "contract_code", "contract_month", "open_interest_contracts"),
    *("special_quotation_date", "is_central_month", *_PRICES),
)
_DAY = ["trade_date", "product_category"]


def stage(known: Known) -> pl.DataFrame:
    """[release, known_session, columns]: one row per trading day with futures."""
    rows = night_rows(known, "futures", _COLUMNS).filter(pl.col("product_category").is_in(list(PRODUCTS.values())))
    rows = rows.with_columns(pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in _PRICES)
    days = releases(known, "futures")
    said = products(rows, days["release"])
    frame = days.join(_spots(known, days), on="release", how="left")
    for prefix, category in PRODUCTS.items():
        own = said.filter(pl.col("product_category") == category).drop("product_category")
        named = {name: f"{prefix}_{name}" for name in own.columns if name != "trade_date"}
        frame = frame.join(own.rename(named), left_on="release", right_on="trade_date", how="left")
    return frame


def products(rows: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """What each product's contracts say together.

    Args:
        rows: one row per trading day and contract, prices null where nothing traded.
        days: trading days in order; the one before a day is that of the contract held overnight.

    Returns:
        [trade_date, product_category, settle, day_close, days_to_sq, held_settle, held_night_close, heaviest_settle,
        heaviest_gap_days, following_settle, open_interest].
    """
    central = _central(rows)
    own = central.select(
        *_DAY,
        pl.col("contract_month").alias("central_month"),
        pl.col("special_quotation_date").alias("central_sqd"),
        settle="settlement_price",
        day_close="day_close_price",
        days_to_sq=_days_between("trade_date", "special_quotation_date"),
    )
    later = rows.join(own.select(*_DAY, "central_month", "central_sqd"), on=_DAY).filter(
        (pl.col("contract_month") > pl.col("central_month")) & pl.col("settlement_price").is_not_null()
    )
    every = rows.group_by(_DAY).agg(open_interest=pl.col("open_interest_contracts").sum())
    return (
        every.join(own, on=_DAY, how="left")
        .join(_held(rows, central, days), on=_DAY, how="left")
        .join(_heaviest(later), on=_DAY, how="left")
        .join(_following(later), on=_DAY, how="left")
        .drop("central_month", "central_sqd")
    )


def _central(rows: pl.DataFrame) -> pl.DataFrame:
    """The central contract's row of every trading day and product that has one."""
    has_flags = pl.col("is_central_month").is_not_null().any().over(_DAY)
    return _first_of_each(rows.filter(~has_flags | pl.col("is_central_month")))


def _held(rows: pl.DataFrame, central: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """[trade_date, product_category, held_settle, held_night_close] of the contract central on the day before."""
    after = pl.DataFrame({"trade_date": days, "next_date": days.shift(-1)}).drop_nulls()
    held = central.select(*_DAY, "contract_code").join(after, on="trade_date")
    held = held.drop("trade_date").rename({"next_date": "trade_date"})
    return rows.join(held, on=[*_DAY, "contract_code"]).select(
        *_DAY, held_settle="settlement_price", held_night_close="night_close_price"
    )


def _heaviest(later: pl.DataFrame) -> pl.DataFrame:
    """The later contract with the largest open interest, the nearer one of equals."""
    return _first_of_each(later).select(
        *_DAY,
        heaviest_settle="settlement_price",
        heaviest_gap_days=_days_between("central_sqd", "special_quotation_date"),
    )


def _following(later: pl.DataFrame) -> pl.DataFrame:
    """The next contract in time."""
    nearest = later.sort(*_DAY, "contract_month").unique(_DAY, keep="first", maintain_order=True)
    return nearest.select(*_DAY, following_settle="settlement_price")


def _first_of_each(rows: pl.DataFrame) -> pl.DataFrame:
    order = rows.sort(
        *_DAY,
        "open_interest_contracts",
        "contract_month",
        descending=[False, False, True, False],
        nulls_last=True,
    )
    return order.unique(_DAY, keep="first", maintain_order=True)


def _days_between(first: str, last: str) -> pl.Expr:
    return (pl.col(last) - pl.col(first)).dt.total_days().cast(pl.Float64)


def _spots(known: Known, days: pl.DataFrame) -> pl.DataFrame:
    """[release, tpx_spot, nk_spot]: TOPIX at the close of the row's day, and the underlying of that day's options.

    Only what was known when the futures' rows were; both normally are.
    """
    topix = known.table("topix").select(
        pl.col("session").alias("release"),
        pl.when(~pl.col("is_market_halt")).then(pl.col("close_points")).alias("tpx_spot"),
        "available_at",
    )
    under = night_rows(known, "index_options", ["underlying_price"]).group_by("trade_date")
    nikkei = under.agg(pl.col("underlying_price").max().alias("nk_spot")).rename({"trade_date": "release"})
    options = releases(known, "index_options").select("release", pl.col("known_session").alias("options_known"))
    spots = (
        days.join(topix, on="release", how="left")
        .join(nikkei, on="release", how="left")
        .join(options, on="release", how="left")
    )
    in_time = pl.col("available_at") < cutoff_at(pl.col("known_session"), known.cutoff)
    return spots.select(
        "release",
        pl.when(in_time).then(pl.col("tpx_spot")).alias("tpx_spot"),
        pl.when(pl.col("options_known") <= pl.col("known_session")).then(pl.col("nk_spot")).alias("nk_spot"),
    )


def _words() -> dict[str, str]:
    every = {
        "settle": "Settlement of the central contract, quoted price.",
        "held_settle": "Settlement of the contract that was central on the trading day before.",
    }
    index = {
        **every,
        "spot": "Price of the underlying index at the close of the row's day, points.",
        "days_to_sq": "Calendar days from the row's day to the special quotation of the central contract.",
        "heaviest_settle": "Settlement of the later contract with the largest open interest.",
        "heaviest_gap_days": "Calendar days between the special quotations of that contract and the central one.",
        "open_interest": "Contracts open over all months.",
        "day_close": "Close of the day session of the central contract.",
        "held_night_close": "Close of the night session of the contract that was central on the trading day before.",
    }
    volatility = {"settle": every["settle"], "following_settle": "Settlement of the next contract in time."}
    kinds = {"tpx": index, "nk": index, "nkvi": volatility, "jgb": every}
    return {f"{prefix}_{name}": words for prefix, own in kinds.items() for name, words in own.items()} | {
        "session_number": "Number of the row's day on the exchange calendar."
    }


STATE = State(
    alias="futures",
    axis="release",
    tables=("futures", "index_options", "topix"),
    columns=_words(),
    stage=stage,
    expires_sessions=EXPIRES_SESSIONS,
    history_sessions=HISTORY_SESSIONS,
    price_sessions=HISTORY_SESSIONS,
    sessions_per_release=1,
)
