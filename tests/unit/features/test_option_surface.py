"""The volatility surface: deltas, interpolation in strike, delta and total variance; the planted one is recovered."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import norm

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import options as state
from gogoku_pipeline.features.states.surface import at_quarter_delta, at_tenor, at_the_money, call_delta, put_delta
from gogoku_pipeline.schema import index_options
from gogoku_pipeline.simulator.books.derivatives_market import black76
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from tests.unit.features.night_tables import known, option, simulated, typed

ONE = np.array([0, 1])
SESSIONS = tse_calendar(date(2024, 6, 3)).sessions[:10]
CASES = [
    tuple(float(part) for part in row)
    for row in np.column_stack(
        [
            stream(1, "deltas").uniform(20_000, 50_000, 60),
            stream(2, "deltas").uniform(15_000, 60_000, 60),
            stream(3, "deltas").uniform(5 / 365, 1.5, 60),
            stream(4, "deltas").uniform(0.05, 1.2, 60),
            stream(5, "deltas").uniform(-0.005, 0.05, 60),
        ]
    )
]


def expected_call_delta(forward, strike, years, vol, rate):
    upper = math.log(forward / strike) / (vol * math.sqrt(years)) + 0.5 * vol * math.sqrt(years)
    return math.exp(-rate * years) * norm.cdf(upper)


@pytest.mark.parametrize("case", CASES[:20], ids=range(20))
def test_the_delta_of_a_call_is_that_of_black_76(case):
    assert call_delta(*case) == pytest.approx(expected_call_delta(*case), abs=1e-13)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_deltas_of_call_and_put_differ_by_the_discount(case):
    assert call_delta(*case) - put_delta(*case) == pytest.approx(math.exp(-case[4] * case[2]), abs=1e-14)


@pytest.mark.parametrize("case", CASES[:20], ids=range(20))
def test_a_delta_is_the_slope_of_the_price_in_the_forward(case):
    forward, strike, years, vol, rate = case
    bump = forward * 1e-5
    up, down = (black76(forward + way * bump, np.array([strike]), np.array([years]), vol, rate) for way in (1, -1))
    for side, delta in enumerate((call_delta(*case), put_delta(*case))):
        assert (up[side][0] - down[side][0]) / (2 * bump) == pytest.approx(delta, abs=1e-6)


def test_at_the_money_without_time_premium_a_call_has_half_a_delta():
    assert call_delta(100.0, 100.0 * math.exp(0.5 * 0.2**2), 1.0, 0.2, 0.0) == pytest.approx(0.5, abs=1e-15)


def quotes(rows):
    strike, is_call, vol = (np.array(column) for column in zip(*rows, strict=True))
    return np.array([0, len(rows)]), strike.astype(float), is_call.astype(bool), vol.astype(float)


def test_a_strike_with_one_side_only_is_no_neighbour():
    starts, *rows = quotes([(90, 0, 0.3), (90, 1, 0.3), (99, 0, 0.9), (101, 1, 0.9), (110, 0, 0.2), (110, 1, 0.2)])
    assert at_the_money(starts, *rows, np.full(6, 100.0))[0] == pytest.approx(0.25)


def test_an_underlying_on_a_strike_takes_that_strike():
    starts, *rows = quotes([(90, 0, 0.3), (90, 1, 0.3), (100, 0, 0.24), (100, 1, 0.26), (110, 0, 0.2), (110, 1, 0.2)])
    assert at_the_money(starts, *rows, np.full(6, 100.0))[0] == pytest.approx(0.25)


@pytest.mark.parametrize("forward", [80.0, 120.0])
def test_an_underlying_outside_the_strikes_has_no_volatility(forward):
    starts, *rows = quotes([(90, 0, 0.3), (90, 1, 0.3), (110, 0, 0.2), (110, 1, 0.2)])
    assert np.isnan(at_the_money(starts, *rows, np.full(4, forward))[0])


@pytest.mark.parametrize("call", [False, True])
def test_a_wing_is_linear_in_delta_between_its_neighbours(call):
    strikes = [85.0, 92.0, 100.0, 109.0, 118.0]
    vols = [0.31, 0.27, 0.22, 0.2, 0.21]
    starts, *rows = quotes([(k, side, v) for k, v in zip(strikes, vols, strict=True) for side in (0, 1)])
    n = len(rows[0])
    found = at_quarter_delta(starts, *rows, np.full(n, 100.0), np.full(n, 0.2), np.full(n, 0.01), call)[0]
    size = [
        abs((call_delta if call else put_delta)(100.0, k, 0.2, v, 0.01)) for k, v in zip(strikes, vols, strict=True)
    ]
    order = np.argsort(size)
    assert found == pytest.approx(np.interp(0.25, np.array(size)[order], np.array(vols)[order]), abs=1e-14)


def test_a_wing_that_no_strike_reaches_is_unknown():
    starts, *rows = quotes([(99, 0, 0.2), (99, 1, 0.2), (101, 0, 0.2), (101, 1, 0.2)])
    for call in (False, True):
        assert np.isnan(at_quarter_delta(starts, *rows, np.full(4, 100.0), np.full(4, 0.2), np.zeros(4), call)[0])


@pytest.mark.parametrize(
    ("days", "vols", "wanted"),
    [
        ([12, 40], [0.18, 0.21], 0.205982),
        ([4, 12, 40], [0.9, 0.18, 0.21], 0.205982),
        ([5, 30, 40], [0.5, 0.2, 0.1], 0.2),
        ([12, 20, 40], [0.18, math.nan, 0.21], 0.205982),
        ([4, 39, 67], [0.9, 0.25, 0.2], 0.25),
        ([45], [0.25], 0.25),
        ([46, 74], [0.25, 0.2], math.nan),
        ([12, 29], [0.18, 0.2], math.nan),
    ],
)
def test_thirty_days_lie_between_expiries_or_hold_the_nearest_one(days, vols, wanted):
    starts = np.array([0, len(days)])
    found = at_tenor(starts, np.array(days, float), np.array(vols), 30.0, 5.0, 45.0)[0]
    assert found == pytest.approx(wanted, abs=5e-7, nan_ok=True)


def test_an_expiry_with_one_wing_alone_is_left_out_of_the_skew():
    day, rows = SESSIONS[0], []
    for days, strikes in ((12, (37_900.0, 38_100.0, 40_000.0)), (40, (34_000.0, 38_100.0, 42_000.0))):
        settled = day + timedelta(days=days)
        rows += [option(day, settled, strike, side, 20.0 + days / 10) for strike in strikes for side in ("P", "C")]
    found = state.STATE.frame(known({"index_options": typed(index_options.TABLE, rows)}, SESSIONS)).row(0, named=True)
    assert found["iv_near"] == pytest.approx(0.212)
    assert (found["put_iv_30d"], found["call_iv_30d"]) == pytest.approx((0.24, 0.24))


@pytest.fixture(scope="module")
def planted():
    """Options of 80 sessions of a simulated market, and the surface they were priced with."""
    market = generate_market(MarketConfig(n_issues=24, n_sessions=140))
    places = range(50, 130)
    frame = state.STATE.frame(known(simulated(market, places), market.sessions[50:131]))
    return frame, market.volatility, np.array([market.sessions.index(day) for day in frame["release"]])


def test_the_planted_level_is_recovered(planted):
    """Within 1.5 points, 0.5 on average: the planted term structure is linear in ln T, ours in total variance."""
    frame, volatility, at = planted
    gap = np.abs(frame["iv_30d"].to_numpy() - volatility.level[at])
    assert gap.max() < 0.015
    assert gap.mean() < 0.005


def test_the_planted_level_at_ninety_days_is_recovered(planted):
    frame, volatility, at = planted
    assert np.abs(frame["iv_90d"].to_numpy() - (volatility.level + volatility.term)[at]).max() < 0.003


def test_the_planted_skew_is_recovered(planted):
    """Within 0.2 points: the planted wings lie at a quarter delta up to the drift of the forward."""
    frame, volatility, at = planted
    gap = (frame["put_iv_30d"] - frame["call_iv_30d"]).to_numpy() - volatility.skew[at]
    assert np.abs(gap).max() < 0.002


def test_no_session_is_without_volatility_at_thirty_days(planted):
    frame, _, _ = planted
    assert frame.height == 80
    assert (
        frame.select("iv_near", "iv_30d", "iv_90d", "put_iv_30d", "call_iv_30d").null_count().sum_horizontal()[0] == 0
    )
