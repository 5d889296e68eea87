"""Short selling by sector and in the market: the ratio, its change, and what is null."""

from __future__ import annotations

from datetime import date, time

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.states.short_ratio import MARKET_STATE, STATE
from tests.unit.features.short_rows import bars, inputs, known, staged, typed

DAYS = tse_calendar().between(date(2024, 1, 4), date(2024, 2, 29))
SECTORS = {"10000": "0050", "20000": "3700"}
AMOUNTS = ("long_sell_jpy", "short_sell_restricted_jpy", "short_sell_unrestricted_jpy")


def row(day: date, sector: str, long: float, restricted: float, free: float) -> dict:
    return {"session": day, "sector33_code": sector} | dict(zip(AMOUNTS, (long, restricted, free), strict=True))


def computed(names: list[str], *rows: dict) -> pl.DataFrame:
    prices = staged(bars(DAYS), bars(DAYS).with_columns(code=pl.lit("20000")))
    given = inputs(prices, SECTORS, short_ratio=typed("short_ratio", *rows))
    return compute(names, given, start=DAYS[0], end=DAYS[-1])


def series(frame: pl.DataFrame, name: str, code: str = "10000") -> list[float | None]:
    return frame.filter(pl.col("code") == code)[name].to_list()


def test_a_stock_sees_its_own_sector_and_the_market_sees_all_of_them():
    names = ["shr_sec_ratio", "shr_sec_nores_share", "shr_mkt_ratio"]
    frame = computed(
        names, row(DAYS[0], "0050", 60, 30, 10), row(DAYS[0], "3700", 90, 5, 5), row(DAYS[0], "9999", 100, 0, 0)
    )
    first = frame.filter(pl.col("session") == DAYS[0]).select(names).rows()
    assert first == [
        (pytest.approx(0.4), pytest.approx(0.25), pytest.approx(50 / 300)),
        (pytest.approx(0.1), pytest.approx(0.5), pytest.approx(50 / 300)),
    ]
    assert frame.filter(pl.col("session") > DAYS[0]).select(names).null_count().row(0) == (frame.height - 2,) * 3


def test_a_sector_without_sales_has_no_ratio_and_one_without_short_sales_no_share_of_them():
    frame = computed(
        ["shr_sec_ratio", "shr_sec_nores_share"], row(DAYS[0], "0050", 0, 0, 0), row(DAYS[0], "3700", 9, 0, 0)
    )
    assert series(frame, "shr_sec_ratio")[0] is None
    assert series(frame, "shr_sec_ratio", "20000")[0] == 0.0
    assert series(frame, "shr_sec_nores_share", "20000")[0] is None


def test_what_a_sector_without_sales_lacks_is_owed():
    names = ["shr_sec_ratio", "shr_sec_nores_share", "shr_mkt_ratio"]
    prices = staged(bars(DAYS), bars(DAYS).with_columns(code=pl.lit("20000")))
    rows = [row(DAYS[0], "0050", 0, 0, 0), row(DAYS[0], "3700", 9, 0, 0), row(DAYS[1], "0050", 0, 0, 0)]
    given = inputs(prices, SECTORS, short_ratio=typed("short_ratio", *rows))
    for count in null_budget(compute(names, given, start=DAYS[0], end=DAYS[1]), given):
        assert count.expected == count.observed and count.filled == 0


def test_the_change_is_a_week_against_a_month_from_the_fifteenth_observation_on():
    rows = [row(day, "0050", 80 if i < 20 else 60, 20 if i < 20 else 40, 0) for i, day in enumerate(DAYS)]
    frame = computed(["shr_sec_chg_5_20", "shr_mkt_chg_5_20"], *rows)
    for name in ("shr_sec_chg_5_20", "shr_mkt_chg_5_20"):
        change = series(frame, name)
        assert change[:14] == [None] * 14
        assert change[14:20] == [pytest.approx(0.0, abs=1e-7)] * 6
        assert change[24] == pytest.approx(0.4 - (15 * 0.2 + 5 * 0.4) / 20)
    assert series(frame, "shr_sec_chg_5_20", "20000") == [None] * len(DAYS)


@pytest.mark.parametrize("state", [STATE, MARKET_STATE], ids=["by sector", "whole market"])
def test_rows_delivered_after_the_hour_of_decision_are_not_there(state):
    table = typed("short_ratio", row(DAYS[0], "0050", 60, 30, 10))
    prices = staged(bars(DAYS))
    assert state.frame(known(prices, time(16, 30), short_ratio=table)).height == 0
    assert state.frame(known(prices, time(16, 31), short_ratio=table)).height == 1
