"""The engine: axes, dependencies, group series, values of another room, and what it refuses."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError, FeatureError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.declaration import declared, per_day, per_group, per_market, per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, F, P
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.operators.cross_section import leave_one_out_mean, members_count, members_mean
from gogoku_pipeline.features.operators.windows import lag, mean
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import Registry, house

SESSIONS = tse_calendar(date(2024, 1, 4)).sessions[:6]
CLOSES = {"10000": [1, 2, 3, 4, 5, 6], "10010": [2, 4, 6, 8, 10, 12], "10020": [3, 3, 3, 3, 3, 3], "10030": [9] * 6}
SECTORS = {"10000": "0050", "10010": "0050", "10020": "1050", "10030": "1050"}
SOME = {"start": SESSIONS[0], "end": SESSIONS[-1]}


def small(given: pl.DataFrame | None = None) -> FeatureInputs:
    """Four stocks in two sectors on six sessions; the last one is outside the universe."""
    rows = [
        {"session": day, "code": code, "close": float(close)}
        for code, closes in CLOSES.items()
        for day, close in zip(SESSIONS, closes, strict=True)
    ]
    prices = pl.DataFrame(rows).with_columns(
        *(pl.col("close").alias(name) for name in ("open", "high", "low", "mark", "volume", "turnover_jpy")),
        is_market_halt=False,
        is_gap=False,
    )
    universe = prices.select(
        "session",
        "code",
        is_in_universe=pl.col("code") != "10030",
        sector33_code=pl.col("code").replace(SECTORS),
        sector17_code=pl.lit("1"),
    )
    topix = pl.DataFrame({"session": SESSIONS, "close_points": [1000.0] * 6, "is_market_halt": [False] * 6})
    return FeatureInputs(prices, universe, topix, given)


def column(frame: pl.DataFrame, name: str, code: str) -> list[float | None]:
    return frame.filter(pl.col("code") == code)[name].to_list()


def settings(group: str = "sector", **more):
    return {"group": group, "unit": "ratio", "sources": ("bars.C",), **more}


def test_a_group_series_is_rolled_on_its_own_table_and_joined_to_its_members():
    registry = Registry("test")

    @per_group("sec33_close", registry=registry, by="sector33", **settings(role="sector"))
    def level() -> Expr:
        """Mean close of a sector: mean of c over the members."""
        return members_mean(P.close)

    @per_group(
        "sec33_mean_2d",
        registry=registry,
        by="sector33",
        **settings(role="sector", sources=("@sec33_close",), window="S2", min_obs=2, observes=("@sec33_close",)),
    )
    def smooth() -> Expr:
        """Two-session mean of it: mean_2(sec33_close)."""
        return mean(F("sec33_close"), 2)

    @per_stock("gap", registry=registry, **settings(sources=("bars.C", "@sec33_mean_2d")))
    def gap() -> Expr:
        """Distance from the sector's mean: c - sec33_mean_2d."""
        return P.close - F("sec33_mean_2d")

    frame = compute(["sec33_close", "sec33_mean_2d", "gap"], small(), **SOME, registry=registry.freeze())
    assert column(frame, "sec33_close", "10000") == [1.5, 3.0, 4.5, 6.0, 7.5, 9.0]
    assert column(frame, "sec33_mean_2d", "10010") == [None, 2.25, 3.75, 5.25, 6.75, 8.25]
    assert column(frame, "gap", "10000") == [None, -0.25, -0.75, -1.25, -1.75, -2.25]
    assert column(frame, "sec33_close", "10030") == [3.0] * 6


def test_min_obs_counts_members_where_a_series_is_made_of_stocks():
    registry = Registry("test")

    @per_group("sec33_count", registry=registry, by="sector33", **settings(observes=("close",), members=2))
    def number() -> Expr:
        """Members with a close: count of c over the members."""
        return members_count(P.close)

    @per_market("all_mean", registry=registry, **settings(sources=("@plain",), observes=("@plain",), members=4))
    def everybody() -> Expr:
        """Mean over at least four members: mean of plain over U."""
        return members_mean(F("plain"))

    @per_stock("plain", registry=registry, **settings())
    def plain() -> Expr:
        """The close: c."""
        return P.close + 0.0

    frame = compute(["all_mean"], small(), **SOME, registry=registry.freeze())
    assert frame["all_mean"].null_count() == frame.height


def test_values_of_another_room_can_be_named_and_lagged():
    registry = Registry("test", house())

    @declared("g_degree_count", registry=registry, **settings("graph", unit="count"))
    def degree() -> None:
        """Number of neighbours: number of edges."""

    @per_stock("g_degree_chg_1d", registry=registry, **settings("graph", sources=("@g_degree_count",), window="E2"))
    def change() -> Expr:
        """Change of it: g_degree_count[t] - g_degree_count[t-1]."""
        return F("g_degree_count") - lag(F("g_degree_count"), 1)

    registry.freeze()
    given = pl.DataFrame({"session": SESSIONS, "code": ["10010"] * 6, "g_degree_count": [1.0, 4, 4, None, 2, 3]})
    frame = compute(["g_degree_chg_1d", "ret_1d"], small(given), **SOME, registry=registry)
    assert column(frame, "g_degree_chg_1d", "10010") == [None, 3.0, 0.0, None, None, 1.0]
    assert column(frame, "ret_1d", "10010")[1] == 1.0
    with pytest.raises(FeatureError, match="inputs.given"):
        compute(["g_degree_count"], small(), **SOME, registry=registry)


def test_the_output_is_sorted_float32_and_only_the_range_asked_for():
    frame = compute(["ret_1d", "xs_ret_1d"], small(), start=SESSIONS[2], end=SESSIONS[4])
    assert frame.equals(frame.sort("session", "code"))
    assert frame["session"].unique().sort().to_list() == list(SESSIONS[2:5])
    assert frame.schema == pl.Schema(
        {"session": pl.Date, "code": pl.String, "ret_1d": pl.Float32, "xs_ret_1d": pl.Float32}
    )
    assert not frame["ret_1d"].is_nan().any()


def test_the_universe_decides_who_is_averaged():
    frame = compute(["xs_ret_1d"], small(), **SOME)
    assert column(frame, "xs_ret_1d", "10030")[1] == pytest.approx((1.0 + 1.0 + 0.0) / 3)


def test_empty_inputs_give_an_empty_frame():
    whole = small()
    nobody = FeatureInputs(whole.prices.clear(), whole.universe.clear(), whole.topix)
    names = [member.name for member in house().public if not price_columns([member.name]) and not member.states]
    plain = [name for name in names if not state_tables([name])]
    frame = compute(plain, nobody, **SOME)
    assert (frame.height, frame.width) == (0, 2 + len(plain)) and len(plain) > 80


def test_a_result_too_large_for_float32_is_null():
    registry = Registry("test")

    @per_stock("huge", registry=registry, **settings())
    def huge() -> Expr:
        """A number beyond Float32: c * 1e300."""
        return P.close * 1e300

    assert compute(["huge"], small(), **SOME, registry=registry.freeze())["huge"].null_count() == 24


def test_a_missing_session_is_an_error_and_not_a_shorter_window():
    whole = small()
    holed = FeatureInputs(whole.prices.filter(pl.col("session") != SESSIONS[3]), whole.universe, whole.topix)
    with pytest.raises(DataError, match="one row per session"):
        compute(["ret_5d"], holed, **SOME)


def test_a_doubled_row_is_an_error():
    whole = small()
    doubled = FeatureInputs(pl.concat([whole.prices, whole.prices.head(1)]), whole.universe, whole.topix)
    with pytest.raises(DataError):
        compute(["ret_5d"], doubled, **SOME)


def test_a_missing_column_is_an_error():
    whole = small()
    with pytest.raises(SchemaError, match="mark"):
        FeatureInputs(whole.prices.drop("mark"), whole.universe, whole.topix)


def test_an_unknown_feature_is_an_error():
    with pytest.raises(FeatureError, match="unknown name"):
        compute(["ret_2d"], small(), **SOME)


def test_a_comparison_inside_a_stock_formula_is_refused():
    registry = Registry("test")

    @per_stock("wrong_axis", registry=registry, **settings())
    def wrong() -> Expr:
        """A comparison in a stock's formula: c less its peers."""
        return P.close - leave_one_out_mean(P.close, by="sector33")

    with pytest.raises(FeatureError, match="per_stock formula"):
        compute(
            ["wrong_axis"], with_many_codes(), start=date(2000, 1, 1), end=date(2100, 1, 1), registry=registry.freeze()
        )


def with_many_codes() -> FeatureInputs:
    """More rows than one block holds."""
    days = tse_calendar(date(2022, 1, 4)).sessions[:200]
    codes = [f"{1000 + n}0" for n in range(100)]
    prices = pl.DataFrame({"session": np.repeat(np.array(days), 100).tolist(), "code": codes * 200}).with_columns(
        *(pl.lit(1.0).alias(name) for name in ("open", "high", "low", "close", "mark", "volume", "turnover_jpy")),
        is_market_halt=False,
        is_gap=False,
    )
    universe = prices.select(
        "session", "code", is_in_universe=True, sector33_code=pl.lit("0050"), sector17_code=pl.lit("1")
    )
    topix = pl.DataFrame({"session": days, "close_points": [1.0] * 200, "is_market_halt": [False] * 200})
    return FeatureInputs(prices, universe, topix)


def test_flat_prices_give_null_where_a_spread_divides_and_zero_where_it_is_the_value():
    names = (
        "close_location",
        "rsi_14_score",
        "bb_pctb_20",
        "adx_14_score",
        "stoch_k_14",
        "trend_tstat_60d",
        "skew_60d",
    )
    names += (
        "beta_60d",
        "idio_vol_60d",
        "r2_60d",
        "resid_ret_1d",
        "resid_ret_5d",
        "ret_250d_skip20",
        "ret_1d",
        "ret_5d",
    )
    names += (
        "vol_20d",
        "vol_yz_20d",
        "atr_pct_14",
        "xs_disp_20d",
        "sma_gap_20d",
        "volume_ratio_5_60",
        "amihud_20d_per_bnjpy",
    )
    frame = compute(names, with_many_codes(), start=date(2000, 1, 1), end=date(2100, 1, 1))
    last = frame.filter(pl.col("session") == frame["session"].max()).row(0, named=True)
    undefined = {"close_location", "rsi_14_score", "bb_pctb_20", "adx_14_score", "stoch_k_14", "trend_tstat_60d"}
    undefined |= {"skew_60d", "beta_60d", "idio_vol_60d", "r2_60d", "resid_ret_1d", "resid_ret_5d", "ret_250d_skip20"}
    assert {name for name, value in last.items() if value is None} == undefined
    assert (last["vol_20d"], last["vol_yz_20d"], last["atr_pct_14"], last["xs_disp_20d"]) == (0, 0, 0, 0)


def test_a_day_feature_of_the_house_needs_three_members_in_the_sector():
    registry = Registry("test")

    @per_day("rel", registry=registry, **settings())
    def relative() -> Expr:
        """Close less the peers': c minus its leave-one-out sector mean."""
        return P.close - leave_one_out_mean(P.close, by="sector17")

    frame = compute(["rel"], small(), **SOME, registry=registry.freeze())
    assert column(frame, "rel", "10000")[0] == pytest.approx(1 - 2.5)
    assert column(frame, "rel", "10030") == [None] * 6
