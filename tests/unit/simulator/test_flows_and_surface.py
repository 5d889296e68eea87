"""Weekly flows and the option surface: published when they are, with the memory their law says."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.simulator.crowding import balance_places
from gogoku_pipeline.simulator.flows import FLOW_MEMORY, make_flows
from gogoku_pipeline.simulator.volatility import (
    SKEW_MEAN,
    SKEW_MEMORY,
    SKEW_SPREAD,
    draw_skew,
    expected_skew,
    known_skew,
)


@pytest.fixture(scope="module")
def sessions():
    return list(tse_calendar(date(2016, 1, 4)).sessions[:2000])


def test_a_week_is_published_on_the_fourth_session_of_the_next_mostly_thursday(sessions):
    flows = make_flows(5, sessions)
    inside = flows.published < len(sessions)
    weekdays = [sessions[place].weekday() for place in flows.published[inside]]
    assert weekdays.count(3) > 0.75 * len(weekdays)
    assert (flows.published == flows.week_end + 4).all()
    week = 30
    assert flows.known[flows.published[week]] == np.float32(flows.z[week])
    assert flows.known[flows.published[week] - 1] == np.float32(flows.z[week - 1])


def test_flows_are_standard_and_remember(sessions):
    z = np.concatenate([make_flows(seed, sessions).z for seed in range(20)])
    assert abs(z.mean()) < 0.1 and 0.9 < z.std() < 1.1
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1] - FLOW_MEMORY) < 0.03


def test_an_expected_flow_fades_with_each_publication_to_come(sessions):
    flows = make_flows(5, sessions)
    place = int(flows.published[40])
    assert flows.expected(place, 0) == flows.z[40]
    ahead = int(flows.published[41]) - place
    assert flows.expected(place, ahead - 1) == flows.z[40]
    assert flows.expected(place, ahead) == flows.z[40] * FLOW_MEMORY
    assert flows.expected(0, 3) == 0.0


def test_skew_is_known_one_session_late_and_returns_to_its_mean():
    skew = draw_skew(2, 20_000)
    assert np.array_equal(known_skew(skew)[1:], skew[:-1])
    assert abs(skew.mean() - SKEW_MEAN) < 0.004 and 0.85 < skew.std() / SKEW_SPREAD < 1.1
    z = skew - SKEW_MEAN
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1] - SKEW_MEMORY) < 0.02
    assert expected_skew(0.08, 0) == 0.08 and abs(expected_skew(0.08, 500) - SKEW_MEAN) < 1e-6


def test_the_surface_is_positive_and_rises_when_the_index_falls(market):
    surface = market.volatility
    assert surface.level.dtype == surface.skew.dtype == surface.term.dtype == np.float32
    assert (surface.level > 0.05).all() and (surface.level + surface.term > 0.05).all()
    fall = np.diff(np.log(market.history.topix[:, 3]))
    assert np.corrcoef(fall, np.diff(np.log(surface.level)))[0, 1] < -0.2


def test_balances_are_weekly_and_two_sessions_late_then_daily_and_one_late():
    days = list(tse_calendar(date(2026, 8, 3)).sessions[:60])
    newest = balance_places(days)
    weekly = days.index(date(2026, 9, 4))
    assert days[newest[weekly + 2]] == date(2026, 9, 4) and days[newest[weekly + 1]] == date(2026, 8, 28)
    daily = days.index(date(2026, 10, 14))
    assert newest[daily] == daily - 1
