"""Golden examples of returns, trend and volatility, and what the catalogue's sentences say of single cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import P
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.operators.fractional import fractional_weights
from gogoku_pipeline.features.operators.range_volatility import parkinson, rogers_satchell, yang_zhang_variance
from gogoku_pipeline.features.operators.streaks import run_length
from gogoku_pipeline.features.registry import house
from tests.spec.features.test_golden import CALENDAR, SOME, declared, staged, values

GROUPS = [member for member in house().public if member.group in ("returns", "trend", "volatility")]


def path(closes: list[float | None], **columns: list[float | None]) -> FeatureInputs:
    """One stock whose sessions trade at one price unless `columns` say otherwise."""
    rows = []
    for i, close in enumerate(closes):
        bar = dict.fromkeys(("open", "high", "low", "close"), close)
        bar |= {"volume": None if close is None else 100.0, "turnover_jpy": None if close is None else 100.0 * close}
        rows.append({"session": CALENDAR.sessions[i], **bar, **{name: column[i] for name, column in columns.items()}})
    return staged(rows)


def last(inputs: FeatureInputs, name: str) -> float | None:
    return compute([name], inputs, **SOME)[name].to_list()[-1]


def column(inputs: FeatureInputs, name: str) -> list[float | None]:
    return compute([name], inputs, **SOME)[name].to_list()


def test_g3_a_streak_is_ended_by_a_zero_and_held_over_a_session_without_a_trade():
    flags = [0.0, 1.0, 1.0, None, 1.0, 0.0, 1.0]
    rows = [{"session": CALENDAR.sessions[i], "close": flag} for i, flag in enumerate(flags)]
    streak = values(staged(rows), declared(run_length(P.close), window="X1", observes=("close",), needs=("close[t]",)))
    assert streak == [0, 1, 2, None, 3, 0, 1]


def test_g4_variances_seen_through_ranges():
    bars = {
        "open": [None, 101, 103, 102, 104, 106],
        "high": [None, 103, 104, 105, 107, 108],
        "low": [None, 100, 101, 101, 103, 104],
    }
    inputs = path([100, 102, 102, 104, 106, 105], **bars)
    found = {
        name: values(inputs, declared(made))[-1]
        for name, made in {
            "yz": yang_zhang_variance(P.open, P.high, P.low, P.close, 5),
            "pk": parkinson(P.high, P.low, 5),
            "rs": rogers_satchell(P.open, P.high, P.low, P.close, 5),
        }.items()
    }
    assert found["yz"] == pytest.approx(0.000510324, abs=5e-10)
    assert found["rs"] == pytest.approx(0.000517640, abs=5e-10)
    annual = {name: math.sqrt(245 * variance) for name, variance in found.items() if variance is not None}
    assert annual == pytest.approx({"yz": 0.353595, "pk": 0.328739, "rs": 0.356120}, abs=1e-6)


def test_g4_rogers_satchell_and_garman_klass_of_the_catalogue():
    bars = {
        "open": [101, 103, 102, 104, 106] * 4,
        "high": [103, 104, 105, 107, 108] * 4,
        "low": [100, 101, 101, 103, 104] * 4,
    }
    inputs = path([102, 102, 104, 106, 105] * 4, **bars)
    assert last(inputs, "vol_rs_20d") == pytest.approx(0.356120, abs=1e-6)
    width = np.log(np.array(bars["high"]) / bars["low"])
    move = np.log(np.array([102, 102, 104, 106, 105] * 4) / bars["open"])
    daily = np.mean(0.5 * width**2 - (2 * math.log(2) - 1) * move**2)
    assert last(inputs, "vol_gk_20d") == pytest.approx(math.sqrt(245 * daily), rel=1e-6)


def test_g16_a_fractional_difference_keeps_its_value_on_another_basis():
    weights = fractional_weights(0.4, 100)
    assert weights[:5] == pytest.approx([1.0, -0.4, -0.12, -0.064, -0.0416], abs=1e-12)
    assert weights.sum() == pytest.approx(0.106726, abs=5e-7)
    closes = 100 * np.cumprod(1 + 0.01 * np.sin(np.arange(100)))
    assert last(path(closes.tolist()), "fracdiff_0p4") == pytest.approx(-0.007931, abs=5e-7)
    assert last(path((7 * closes).tolist()), "fracdiff_0p4") == pytest.approx(-0.007931, abs=5e-7)
    assert column(path(closes.tolist()), "fracdiff_0p4")[:99] == [None] * 99
    bare = [float((weights * np.log(factor * closes[::-1])).sum()) for factor in (1, 7)]
    assert bare == pytest.approx([0.483558, 0.691237], abs=1e-6)


def test_a_null_session_ends_a_run_of_rising_closes():
    streak = column(path([10, 11, 12, 12, 13, None, 14, 15, 16, 15, 14]), "up_streak_sessions")
    assert streak == [None, 1, 2, 0, 1, None, None, 1, 2, -1, -2]


def test_a_breakout_leaves_the_channel_of_the_sessions_before():
    closes = [100.0 + (i % 5) for i in range(20)]
    assert last(path([*closes, 106.0]), "donchian_break_20") == pytest.approx(1.5)
    assert last(path([*closes, 98.0]), "donchian_break_20") == pytest.approx(-0.5)
    assert last(path([*closes, 102.0]), "donchian_break_20") == pytest.approx(0.5)


def test_the_most_recent_of_equal_extremes_counts():
    closes = [100.0] * 26
    closes[3] = closes[9] = 120.0
    closes[5] = closes[24] = 80.0
    assert last(path(closes), "aroon_osc_25") == pytest.approx((1 - 16) / 25)


def test_a_session_of_one_price_leaves_both_sums_of_the_money_flow():
    high, low, close = [12.0] * 20, [8.0] * 20, [11.0] * 20
    high[4] = low[4] = close[4] = 9.0
    volume = [100.0] * 19 + [300.0]
    found = last(path(close, open=close, high=high, low=low, volume=volume), "cmf_20")
    assert found == pytest.approx(0.5)
    assert last(path([10.0] * 20), "cmf_20") is None


def test_a_drawdown_is_measured_from_the_high_before_it():
    closes = [100.0] * 40 + [150.0, 120.0, 90.0, 99.0] + [140.0] * 16
    assert last(path(closes), "max_drawdown_60d") == pytest.approx(90 / 150 - 1)


def test_a_shock_is_measured_in_the_deviation_of_the_day_before():
    closes = [100.0 * 1.01 ** (i % 2) for i in range(30)] + [120.0]
    returns = np.diff(np.log(closes))
    expected = returns[-1] / np.std(returns[-21:-1], ddof=1)
    assert last(path(closes), "ret_shock_1d") == pytest.approx(expected, rel=1e-5)


def test_a_flat_price_has_no_relative_strength_and_no_bands():
    flat = path([50.0] * 120)
    for name in ("rsi_2_score", "rsi_14_score", "bb_pctb_20", "kama_gap_10", "skew_60d", "jump_share_60d", "gap_atr"):
        assert last(flat, name) is None
    for name in ("vol_20d", "bb_width_20", "max_drawdown_60d", "up_streak_sessions", "squeeze_age_sessions"):
        assert last(flat, name) == 0.0


def test_a_flat_price_has_exactly_the_nulls_that_are_declared_undefined():
    ones = [1.0] * 300
    flat = path([50.0] * 300, factor=ones, volume_factor=ones)
    frame = compute([member.name for member in GROUPS], flat, **SOME)
    off = {count.feature: count.observed - count.expected for count in null_budget(frame, flat) if not count.is_within}
    assert off == {}


def test_discreteness_is_above_zero_when_few_big_days_made_the_year():
    moves = np.tile([0.08, -0.004, -0.004, -0.004, -0.004], 52)
    closes = (100 * np.cumprod(1 + moves)).tolist()
    assert last(path(closes), "ret_discreteness_250d") == pytest.approx(0.6)
    assert last(path(closes[::-1]), "ret_discreteness_250d") == pytest.approx(0.6, abs=0.01)


def test_the_season_is_the_same_stretch_a_year_ago():
    closes = [100.0 * 1.001**i for i in range(251)]
    closes[20] = 130.0
    assert last(path(closes), "ret_season_20d") == pytest.approx(0.3)
    assert column(path(closes), "ret_season_20d")[:250] == [None] * 250


def test_a_rights_issue_moves_the_price_basis_of_turnover_and_price_alike():
    raw = [1000.0] * 50 + [800.0] * 30
    factor = [1.0] * 50 + [0.8] * 30
    closes = [price / basis for price, basis in zip(raw, factor, strict=True)]
    ones = [1.0] * 80
    inputs = path(
        closes, turnover_jpy=[100.0 * price for price in raw], volume=[100.0] * 80, factor=factor, volume_factor=ones
    )
    assert last(inputs, "vwap_gap_60d") == pytest.approx(0.0, abs=1e-7)


def test_the_price_against_what_buyers_paid():
    closes = [100.0] * 40 + [130.0] * 20
    ones = [1.0] * 60
    inputs = path(closes, volume=[100.0] * 40 + [400.0] * 20, factor=ones, volume_factor=ones,
                  turnover_jpy=[100.0 * 100] * 40 + [400.0 * 130] * 20)  # fmt: skip
    assert last(inputs, "vwap_gap_60d") == pytest.approx(130 / 120 - 1, rel=1e-6)


def test_a_coil_is_counted_from_the_session_it_began():
    rng = np.random.default_rng(5)
    wild = 100 + np.cumsum(rng.normal(0, 2, 40))
    quiet = wild[-1] + 0.05 * (-1.0) ** np.arange(40)
    close = np.concatenate([wild, quiet])
    high, low = close + 1.0, close - 1.0
    inputs = path(close.tolist(), high=high.tolist(), low=low.tolist(), open=close.tolist())
    age = column(inputs, "squeeze_age_sessions")
    previous = np.concatenate([[np.nan], close[:-1]])
    true_range = np.fmax(high - low, np.fmax(abs(high - previous), abs(low - previous)))
    true_range[0] = np.nan
    expected, run = [], 0
    for t in range(1, 80):
        window = slice(max(0, t - 19), t + 1)
        inside = 2 * close[window].std() < 1.5 * np.nanmean(
            np.where(np.arange(80)[window] > 0, true_range[window], np.nan)
        )
        run = run + 1 if inside else 0
        expected.append(run)
    assert age[:19] == [None] * 19
    assert age[19:] == expected[18:]
    assert max(expected) > 15
