"""Golden examples of the feature catalogue: tiny tables, values in and values out."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, F, P
from gogoku_pipeline.features.groups.trend import rsi
from gogoku_pipeline.features.groups.volatility import yang_zhang
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.operators.cross_section import leave_one_out_mean, rank_0_1
from gogoku_pipeline.features.operators.regression import pair_regression
from gogoku_pipeline.features.operators.windows import mean
from gogoku_pipeline.features.registry import Registry, house

CALENDAR = tse_calendar(date(2020, 9, 1), date(2022, 12, 30))
PLAIN = {"group": "returns", "unit": "ratio", "sources": ("bars.C",)}
SOME = {"start": date(2000, 1, 1), "end": date(2100, 1, 1)}


def staged(rows: list[dict], index: list[float] | None = None) -> FeatureInputs:
    """Inputs of staged rows; what a row does not say is null, the mark is the close unless said."""
    full = []
    for row in rows:
        blank = dict.fromkeys(("open", "high", "low", "close", "volume", "turnover_jpy"))
        made = {"code": "72030", "is_market_halt": False, "is_gap": False, **blank, **row}
        full.append({"mark": made["close"], "sector33_code": "0050", "is_in_universe": True, **made})
    prices = pl.DataFrame(
        full,
        schema_overrides={
            name: pl.Float64 for name in ("open", "high", "low", "close", "volume", "turnover_jpy", "mark")
        },
        infer_schema_length=None,
    )
    days = prices["session"].unique().sort()
    topix = pl.DataFrame(
        {"session": days, "close_points": index or [1500.0] * len(days), "is_market_halt": days == OUTAGE}
    )
    universe = prices.select("session", "code", "is_in_universe", "sector33_code", sector17_code=pl.lit("1"))
    return FeatureInputs(prices.drop("sector33_code", "is_in_universe"), universe, topix)


def declared(made: Expr, axis=per_stock, base: Registry | None = None, **settings) -> Registry:
    registry = Registry("golden", base)

    def golden() -> Expr:
        """A golden example: see the catalogue."""
        return made

    axis("golden", registry=registry, **{"window": "S20", **PLAIN, **settings})(golden)
    return registry.freeze()


def values(inputs: FeatureInputs, registry: Registry, name: str = "golden") -> list[float | None]:
    return compute([name], inputs, **SOME, registry=registry)[name].to_list()


def approx(expected: list[float | None]):
    return pytest.approx(expected, abs=5e-7, nan_ok=True)


def test_g1_a_split_leaves_no_trace_in_returns():
    closes, factors = [1000, 1020, 510, 520, 515], [1, 1, 0.5, 1, 1]
    basis = np.cumprod(factors)
    rows = [{"session": CALENDAR.sessions[i], "close": closes[i] / basis[i]} for i in range(5)]
    returns = values(staged(rows), house(), "ret_1d")
    assert returns[0] is None
    assert returns[1:] == approx([0.020000, 0.0, 0.019608, -0.009615])
    by_seven = [{**row, "close": row["close"] * 7} for row in rows]
    assert values(staged(by_seven), house(), "ret_1d")[1:] == approx(returns[1:])
    assert values(staged(rows[:2]), house(), "ret_1d") == returns[:2]


def test_g2_windows_count_sessions_across_the_outage():
    days = CALENDAR.between(date(2020, 9, 28), date(2020, 10, 8))
    closes = [100, 101, 102, None, 104, 105, 106, 107, 108]
    marks = [100, 101, 102, 102, 104, 105, 106, 107, 108]
    rows = [
        {"session": day, "close": close, "mark": mark, "is_market_halt": day == OUTAGE}
        for day, close, mark in zip(days, closes, marks, strict=True)
    ]
    frame = compute(["ret_1d", "ret_5d"], staged(rows), **SOME)
    one = [None, 0.010000, 0.009901, None, None, 0.009615, 0.009524, 0.009434, 0.009346]
    assert [value is None for value in frame["ret_1d"]] == [value is None for value in one]
    assert frame["ret_1d"].drop_nulls().to_list() == approx([value for value in one if value is not None])
    assert frame["ret_5d"][:5].null_count() == 5
    assert frame["ret_5d"][5:].to_list() == approx([0.050000, 0.049505, 0.049020, 0.058824])


def test_g2_the_outage_occupies_a_place_and_is_no_observation():
    days = CALENDAR.between(date(2020, 9, 28), date(2020, 10, 8))
    closes = [100, 101, 102, None, 104, 105, 106, 107, 108]
    rows = [{"session": day, "close": close} for day, close in zip(days, closes, strict=True)]
    seen = [
        values(
            staged(rows),
            declared(
                mean(F("ret_1d"), 5), base=house(), sources=("@ret_1d",), window="S5", min_obs=n, observes=("@ret_1d",)
            ),
        )
        for n in (1, 2, 3, 4, 5)
    ]
    counted = [sum(column[row] is not None for column in seen) for row in range(9)]
    assert counted == [0, 1, 2, 2, 2, 3, 3, 3, 4]


def test_g2_the_halt_does_not_count_as_a_day_without_volume():
    days = CALENDAR.between(date(2020, 9, 7), date(2021, 1, 29))[:62]
    rows = [
        {"session": day, "close": 1.0, "volume": None if day == OUTAGE else 1.0, "is_market_halt": day == OUTAGE}
        for day in days
    ]
    rows[30]["volume"] = None
    assert OUTAGE in days
    assert values(staged(rows), house(), "zero_volume_share_60d")[-1] == pytest.approx(1 / 59)


def test_g4_yang_zhang_and_parkinson():
    bars = zip(
        [101, 103, 102, 104, 106], [103, 104, 105, 107, 108], [100, 101, 101, 103, 104], [102, 102, 104, 106, 105],
        strict=True,
    )  # fmt: skip
    rows = [{"session": CALENDAR.sessions[0], "open": None, "close": 100}]
    rows += [
        {"session": CALENDAR.sessions[i + 1], "open": o, "high": h, "low": low, "close": c}
        for i, (o, h, low, c) in enumerate(bars)
    ]
    assert values(staged(rows), declared(yang_zhang(5)))[-1] == pytest.approx(0.353595, abs=1e-6)
    repeated = [{**rows[1 + i % 5], "session": day} for i, day in enumerate(CALENDAR.sessions[:20])]
    assert values(staged(repeated), house(), "vol_pk_20d")[-1] == pytest.approx(0.328739, abs=1e-6)


def test_g5_ties_share_their_average_rank():
    def ranks(xs: list[float | None]) -> list[float | None]:
        rows = [{"session": CALENDAR.first, "code": f"{1000 + i}0", "close": x} for i, x in enumerate(xs)]
        return values(staged(rows), declared(rank_0_1(P.close), axis=per_day))

    third, sixth = pytest.approx(2 / 3), pytest.approx(1 / 6)
    assert ranks([3, 1, 1, None, 5]) == [third, sixth, sixth, None, 1.0]
    assert ranks([2, 2, 2]) == [0.5, 0.5, 0.5]
    assert ranks([2]) == [None]


def test_g6_a_sector_mean_leaves_the_stock_itself_out():
    sectors = {"A": [0.01, 0.03, -0.02, None], "B": [0.05, 0.02]}
    rows = [
        {"session": CALENDAR.first, "code": f"{1000 + 10 * n + i}0", "close": x, "sector33_code": name}
        for n, (name, xs) in enumerate(sectors.items())
        for i, x in enumerate(xs)
    ]
    others = leave_one_out_mean(P.close, by="sector33")
    assert values(staged(rows), declared(others, axis=per_day))[:3] == approx([0.005, -0.005, 0.02])
    relative = values(staged(rows), declared(P.close - others, axis=per_day))
    assert relative[:3] == approx([0.005, 0.035, -0.04])
    assert relative[3:] == [None, None, None]


MARKET = [0.01, -0.004, 0.006, -0.012, 0.003, 0.008, -0.002, 0.005]
STOCK = [0.012, None, 0.01, -0.02, 0.001, None, -0.004, 0.009]


@pytest.mark.parametrize(("least", "expected"), [(5, 1.535398), (7, None)])
def test_g7_beta_is_taken_over_complete_pairs(least, expected):
    pairs = pair_regression(P.close, P.open, 8)
    rows = [
        {"session": CALENDAR.sessions[i], "open": x, "close": y}
        for i, (x, y) in enumerate(zip(MARKET, STOCK, strict=True))
    ]
    settings = {"window": "S8", "min_obs": least, "observes": ("close", "open")}
    beta = values(staged(rows), declared(pairs.slope, **settings))[-1]
    assert beta == (None if expected is None else pytest.approx(expected, abs=1e-6))
    if expected is not None:
        spread = values(staged(rows), declared(pairs.residual_deviation * math.sqrt(245), **settings))[-1]
        assert spread == pytest.approx(0.035827, abs=1e-6)
        assert values(staged(rows), declared(pairs.r2, **settings))[-1] == pytest.approx(0.971346, abs=1e-6)


def test_g18_wilder_rsi_is_seeded_by_a_mean_and_a_flat_series_is_null():
    def scores(closes: list[float]) -> list[float | None]:
        rows = [{"session": CALENDAR.sessions[i], "close": close} for i, close in enumerate(closes)]
        return values(staged(rows), declared(rsi(P.close, 3)))

    found = scores([10, 10.5, 10.2, 10.8, 10.6, 11.0])
    assert found[:3] == [None, None, None]
    assert found[3:] == pytest.approx([78.5714, 64.7059, 76.9231], abs=5e-5)
    assert scores([10.0] * 8) == [None] * 8


def test_g19_the_null_budget_counts_listings():
    calendar = tse_calendar(date(2021, 1, 4), date(2023, 12, 29)).sessions
    span = calendar[100:350]
    listed = {"A": calendar[:350], "B": calendar[110:350], "C": calendar[100:112]}
    rows = [
        {"session": day, "code": code, "close": 100.0 * 1.01 ** (i % 7)}
        for code, days in listed.items()
        for i, day in enumerate(days)
    ]
    inputs = staged(rows)
    frame = compute(["vol_20d"], inputs, start=span[0], end=span[-1])
    (count,) = null_budget(frame, inputs)
    assert (count.rows, count.expected, count.observed, count.allowed) == (502, 27, 27, 28)
    assert count.is_within
    filled = frame.with_columns(pl.col("vol_20d").fill_null(strategy="backward", limit=1))
    (count,) = null_budget(filled, inputs)
    assert not count.is_within
