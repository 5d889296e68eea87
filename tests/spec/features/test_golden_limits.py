"""Price limits by example: streaks (golden example G3), the band of the day, and what a day without a trade says."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.tables.prices import stage_prices

NAMES = [feature.name for feature in house().public if feature.group == "limits"]
DAYS = tse_calendar(date(2024, 1, 4)).sessions
RAW = ("open_jpy", "high_jpy", "low_jpy", "close_jpy", "volume_shares", "turnover_jpy")


def bar(high: float, low: float, close: float, up: bool = False, down: bool = False, factor: float = 1.0) -> dict:
    prices = {"open_jpy": close, "high_jpy": high, "low_jpy": low, "close_jpy": close}
    amounts = {"volume_shares": 100.0, "turnover_jpy": 100.0 * close}
    return {**prices, **amounts, "is_limit_up": up, "is_limit_down": down, "adjustment_factor": factor}


def no_trade(factor: float = 1.0) -> dict:
    return {**dict.fromkeys(RAW), "is_limit_up": False, "is_limit_down": False, "adjustment_factor": factor}


def computed(rows: list[dict], days=DAYS) -> pl.DataFrame:
    """All features of the group for one stock; a second one trades every day, so that no session is a halt."""
    other = [bar(100.0, 90.0, 95.0)] * len(rows)
    frame = pl.DataFrame(
        [
            {"session": day, "code": code, **row}
            for code, several in (("10000", rows), ("20000", other))
            for day, row in zip(days, several, strict=False)
        ],
        infer_schema_length=None,
    )
    blank = [pl.lit(None).alias(name) for name in daily_bars.TABLE.polars_schema if name not in frame.columns]
    bars = frame.with_columns(blank).select(daily_bars.TABLE.polars_schema.names()).cast(daily_bars.TABLE.polars_schema)
    used = bars["session"].unique().sort()
    topix = pl.DataFrame({"session": used, "close_points": 1500.0, "is_market_halt": False})
    universe = bars.select("session", "code", is_in_universe=True, sector33_code=pl.lit("0050"), sector17_code=None)
    inputs = FeatureInputs(stage_prices(bars, extra=price_columns(NAMES)), universe, topix)
    out = compute(NAMES, inputs, start=used[0], end=used[-1])
    return out.filter(pl.col("code") == "10000")


UP, TOUCHED, PLAIN = bar(180.0, 150.0, 180.0, up=True), bar(180.0, 150.0, 170.0, up=True), bar(160.0, 150.0, 155.0)
DOWN = bar(180.0, 150.0, 150.0, down=True)


def test_g3_a_session_without_a_trade_holds_the_streak_and_a_close_below_the_limit_ends_it():
    frame = computed([PLAIN, UP, UP, no_trade(), UP, TOUCHED, UP])
    assert frame["lim_up_close_flag"].to_list() == [0, 1, 1, None, 1, 0, 1]
    assert frame["lim_up_streak_sessions"].to_list() == [0, 1, 2, None, 3, 0, 1]
    assert frame["lim_up_touch_flag"].to_list() == [0, 1, 1, None, 1, 1, 1]
    assert frame["lim_down_streak_sessions"].to_list() == [0, 0, 0, None, 0, 0, 0]


def test_each_side_has_its_own_claims_and_one_price_all_day_is_locked():
    frame = computed([DOWN, bar(150.0, 150.0, 150.0, down=True), bar(180.0, 180.0, 180.0, up=True), PLAIN])
    assert frame["lim_down_close_flag"].to_list() == [1, 1, 0, 0]
    assert frame["lim_down_locked_flag"].to_list() == [0, 1, 0, 0]
    assert frame["lim_up_locked_flag"].to_list() == [0, 0, 1, 0]
    assert frame["lim_down_streak_sessions"].to_list() == [1, 2, 0, 0]


def test_touches_are_counted_and_their_age_ends_at_sixty():
    frame = computed([PLAIN, UP, no_trade(), DOWN, *[PLAIN] * 70])
    assert frame["lim_age_sessions"].to_list() == [60, 0, 1, 0, *range(1, 60), *[60] * 11]
    assert frame["lim_up_20d_count"].to_list()[:15] == [None] * 15
    assert frame["lim_up_20d_count"].to_list()[15:24] == [1] * 6 + [0] * 3
    assert frame["lim_down_20d_count"].to_list()[22:24] == [1, 0]


def test_the_age_is_unknown_while_sixty_sessions_bring_no_trade():
    frame = computed([PLAIN, *[no_trade()] * 61])
    assert frame["lim_age_sessions"].to_list()[58:] == [60, 60, None, None]


def test_the_band_stands_on_the_previous_mark_on_the_basis_of_the_day():
    rows = [bar(1000.0, 1000.0, 1000.0), no_trade(), bar(1150.0, 1100.0, 1150.0), bar(600.0, 540.0, 600.0, factor=0.5)]
    frame = computed(rows)
    # limit_jpy(1,000) = 300; after the split the base is 575, whose limit is 100.
    assert frame["lim_band_pos"].to_list() == [None, None, pytest.approx(150 / 300), pytest.approx(25 / 100)]
    assert frame["lim_width_next"].to_list() == pytest.approx([300 / 1000, None, 300 / 1150, 100 / 600])


def test_a_base_on_a_bound_falls_into_the_wider_bracket_after_any_split():
    rows = [bar(303.0, 303.0, 303.0), bar(101.0, 99.0, 100.0, factor=1 / 3), bar(120.0, 100.0, 120.0)]
    frame = computed(rows)
    # The bracket of a base of exactly 100 is "below 200": 50 yen.
    assert frame["lim_band_pos"].to_list()[2] == pytest.approx(20 / 50)


def test_before_the_table_was_in_force_nothing_is_said_about_bands():
    days = tse_calendar(date(2009, 12, 28), date(2010, 1, 8)).sessions
    frame = computed([PLAIN] * len(days), days)
    known = [day >= date(2010, 1, 4) for day in days]
    assert frame["lim_band_pos"].is_not_null().to_list() == known
    assert frame["lim_width_next"].is_not_null().to_list() == known
    assert frame["lim_up_touch_flag"].null_count() == 0
