"""Morning and afternoon of one session: raw prices against raw prices, and what is null without them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.registry import house
from tests.unit.features.short_rows import bars, inputs, staged

DAYS = tse_calendar().between(date(2024, 1, 4), date(2024, 2, 29))
NAMES = [feature.name for feature in house().features if feature.group == "sessions"]
MORNING = {"open": 100.0, "high": 106.0, "low": 98.0, "close": 104.0}
AFTERNOON = {"open": 105.0, "high": 110.0, "low": 103.0, "close": 103.0}


def halves(**changed) -> pl.DataFrame:
    """Sessions that all look alike, unless columns say otherwise."""
    size = len(DAYS)
    columns = {f"morning_{name}_jpy": [value] * size for name, value in MORNING.items()}
    columns |= {f"afternoon_{name}_jpy": [value] * size for name, value in AFTERNOON.items()}
    columns |= {"open_jpy": [100.0] * size, "high_jpy": [110.0] * size, "low_jpy": [98.0] * size}
    columns |= {"close_jpy": [103.0] * size, "turnover_jpy": [1000.0] * size, "morning_turnover_jpy": [600.0] * size}
    columns |= {f"morning_is_limit_{side}": [False] * size for side in ("up", "down")}
    return bars(DAYS, **(columns | changed))


def computed(frame: pl.DataFrame) -> pl.DataFrame:
    return compute(NAMES, inputs(staged(frame)), start=DAYS[0], end=DAYS[-1])


def test_each_half_is_measured_on_its_own_raw_prices():
    row = computed(halves()).row(-1, named=True)
    wanted = {
        "am_ret": 0.04,
        "pm_ret": 103 / 105 - 1,
        "lunch_gap": 105 / 104 - 1,
        "am_range_share": 8 / 12,
        "am_value_share": 0.6,
        "am_value_share_dev_20d": 0.0,
        "pm_am_diff_20d": 103 / 105 - 1.04,
        "am_limit_flag": 0.0,
    }
    assert {name: row[name] for name in NAMES} == {
        name: pytest.approx(value, rel=1e-5, abs=1e-7) for name, value in wanted.items()
    }


def test_a_split_changes_nothing_because_no_adjustment_enters():
    factor = [1.0] * len(DAYS)
    factor[10] = 0.5
    assert computed(halves(adjustment_factor=factor)).equals(computed(halves()))


def test_a_half_day_has_a_morning_and_no_afternoon():
    absent = {f"afternoon_{name}_jpy": [None] * len(DAYS) for name in AFTERNOON}
    frame = computed(halves(**absent))
    assert frame.select("pm_ret", "lunch_gap", "pm_am_diff_20d").null_count().row(0) == (len(DAYS),) * 3
    assert frame.select("am_ret", "am_range_share", "am_value_share").null_count().row(0) == (0,) * 3


def test_without_a_morning_trade_nothing_is_said_about_the_morning_not_even_that_no_limit_was_touched():
    columns = {f"morning_{name}_jpy": [None] + [value] * (len(DAYS) - 1) for name, value in MORNING.items()}
    columns["morning_turnover_jpy"] = [None] + [600.0] * (len(DAYS) - 1)
    row = computed(halves(**columns)).row(0, named=True)
    assert {name for name in NAMES if row[name] is not None} == {"pm_ret"}


def test_plans_without_session_halves_have_nulls_and_no_numbers():
    frame = computed(bars(DAYS))
    assert frame.select(NAMES).null_count().row(0) == (len(DAYS),) * len(NAMES)


@pytest.mark.parametrize("side", ["up", "down"])
def test_touching_either_limit_raises_the_flag(side):
    touched = [i == 4 for i in range(len(DAYS))]
    frame = computed(halves(**{f"morning_is_limit_{side}": touched}))
    assert frame["am_limit_flag"].to_list() == [float(claim) for claim in touched]


def test_a_session_of_one_price_has_no_range_to_share():
    frame = computed(halves(high_jpy=[104.0] * len(DAYS), low_jpy=[104.0] * len(DAYS)))
    assert frame["am_range_share"].null_count() == len(DAYS)


def test_the_deviation_leaves_today_out_of_its_mean_and_wants_today_and_fifteen_before():
    turnover = [600.0] * len(DAYS)
    turnover[20] = 900.0
    deviation = computed(halves(morning_turnover_jpy=turnover))["am_value_share_dev_20d"].to_list()
    assert deviation[:15] == [None] * 15
    assert deviation[20] == pytest.approx(0.3)
    assert deviation[21] == pytest.approx(0.6 - (19 * 0.6 + 0.9) / 20)
