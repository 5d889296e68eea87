"""Budgets, storms, revoked keys and changed plans: what a key may do, and how that can change while it is used."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from gogoku_pipeline.simulator import faults
from gogoku_pipeline.simulator.faults import FaultPlan, FaultRate, When
from gogoku_pipeline.simulator.server import ServerOptions

BARS, CALENDAR, SUMMARY, DETAILS = "/equities/bars/daily", "/markets/calendar", "/fins/summary", "/fins/details"


class HandClock:
    """A rate clock moved by hand."""

    def __init__(self, now):
        self._now, self.seconds = now, 1000.0

    def now(self):
        return self._now

    def monotonic(self):
        return self.seconds

    async def sleep(self, seconds):
        self.seconds += seconds


@pytest.fixture
def hand_clock(evening):
    return HandClock(evening.now())


def _asked(ask, server, path, n, plan="premium"):
    return Counter(ask(server, path, key=f"simulator-{plan}-key", date="2020-09-09").status for _ in range(n))


def test_statements_and_details_have_sixty_a_minute_each_whatever_the_plan(serve, ask, hand_clock):
    server = serve(hand_clock)
    assert _asked(ask, server, SUMMARY, 62) == {200: 60, 429: 2}
    assert _asked(ask, server, DETAILS, 62) == {200: 60, 429: 2}
    assert _asked(ask, server, CALENDAR, 70) == {200: 70}
    hand_clock.seconds += 60.5
    assert _asked(ask, server, SUMMARY, 1) == {200: 1}


def test_a_smaller_plan_keeps_its_rate_for_statements(serve, ask, hand_clock):
    server = serve(hand_clock)
    statuses = [ask(server, SUMMARY, key="simulator-free-key", date="2020-09-09").status for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 200


def test_statements_do_not_use_up_the_plan(serve, ask, hand_clock):
    server = serve(hand_clock)
    assert _asked(ask, server, SUMMARY, 60, "standard") == {200: 60}
    assert _asked(ask, server, CALENDAR, 121, "standard") == {200: 120, 429: 1}


def test_who_is_shut_out_of_one_budget_is_shut_out_of_all_for_five_minutes(serve, ask, hand_clock):
    server = serve(hand_clock, options=ServerOptions(overrun=3))
    assert _asked(ask, server, SUMMARY, 63) == {200: 60, 429: 3}
    assert _asked(ask, server, CALENDAR, 1) == {429: 1}
    hand_clock.seconds += 299.0
    assert _asked(ask, server, CALENDAR, 1) == {429: 1}
    hand_clock.seconds += 2.0
    assert _asked(ask, server, CALENDAR, 1) == {200: 1}


def test_a_storm_refuses_some_requests_and_then_shuts_the_key_out(serve, ask, hand_clock):
    storm = faults.RateStorm(When(requests=frozenset(range(2, 100)), times=4))
    server = serve(hand_clock, faults=FaultPlan(storm))
    assert _asked(ask, server, CALENDAR, 8) == {200: 1, 429: 7}
    assert server.faults.struck == [4] and server.faults.by_kind == {"RateStorm": 4}
    hand_clock.seconds += 299.0
    assert _asked(ask, server, CALENDAR, 1) == {429: 1}
    hand_clock.seconds += 2.0
    assert _asked(ask, server, CALENDAR, 1) == {200: 1}


def test_a_key_may_be_revoked_in_the_middle(serve, ask, hand_clock):
    server = serve(hand_clock, faults=FaultPlan(faults.KeyRevoked(When(requests=frozenset({3})))))
    replies = [ask(server, CALENDAR) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 403, 403]
    assert replies[2].body == {"message": "The incoming api key is invalid or expired."}
    assert ask(server, CALENDAR, key="simulator-light-key").status == 200
    server.revoke("simulator-light-key")
    assert ask(server, CALENDAR, key="simulator-light-key").status == 403


def test_a_plan_may_change_in_the_middle(market, serve, ask, hand_clock):
    server = serve(hand_clock, faults=FaultPlan(faults.PlanChanged(When(requests=frozenset({2})), plan="light")))
    day = market.sessions[-1].isoformat()
    keys = [len(ask(server, BARS, date=day).rows[0]) for _ in range(3)]
    assert keys == [44, 18, 18]
    assert ask(server, "/markets/breakdown", date=day).status == 403
    server.set_plan("simulator-premium-key", "free")
    assert ask(server, BARS, date=day).status == 400
    server.set_plan("simulator-premium-key", "premium")
    assert len(ask(server, BARS, date=day).rows[0]) == 44


def test_a_rate_of_faults_strikes_its_share_with_every_kind_and_the_same_requests_each_time():
    def struck(seed, n=10_000):
        plan = FaultPlan(FaultRate(share=0.1, seed=seed))
        kinds = [
            tuple(type(fault).__name__ for fault in plan.striking(number, CALENDAR, {}, 1))
            for number in range(1, n + 1)
        ]
        return plan, kinds

    plan, kinds = struck(3)
    assert struck(3)[1] == kinds != struck(4)[1]
    assert sum(plan.struck) == sum(plan.by_kind.values()) == sum(len(kind) for kind in kinds)
    assert 900 < plan.struck[0] < 1100
    assert set(plan.by_kind) == {type(kind).__name__ for kind in faults.WIRE_FAULTS}
    assert min(plan.by_kind.values()) > 120


def test_a_rate_of_faults_on_the_wire_leaves_the_other_answers_whole(market, serve, ask, evening):
    rate = FaultRate(share=0.3, kinds=(faults.ServerFailure(), faults.GatewayPage(), faults.TooManyRequests()), seed=1)
    server = serve(evening, faults=FaultPlan(rate), options=ServerOptions(is_rate_limited=False))
    statuses = Counter(ask(server, CALENDAR, to="2020-06-01").status for _ in range(100))
    assert set(statuses) == {200, 500, 502, 429}
    assert 100 - statuses[200] == sum(server.faults.by_kind.values())


@pytest.mark.parametrize("minutes", [-10, 10])
def test_the_services_clock_may_be_wrong(market, serve, ask, clock_at, minutes):
    day = market.sessions[-1]
    right = clock_at(day, 16, 25 if minutes > 0 else 35)
    skewed = serve(right, options=ServerOptions(clock_skew=timedelta(minutes=minutes)))
    honest = serve(right)
    assert bool(ask(honest, BARS, date=day.isoformat()).rows) is (minutes < 0)
    assert bool(ask(skewed, BARS, date=day.isoformat()).rows) is (minutes > 0)
