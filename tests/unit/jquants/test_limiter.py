"""The limiter fills the rate and never exceeds it, in any window a publisher may count by."""

import asyncio
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.jquants import PLANS, Pace, RateLimiter
from tests.unit.jquants.stepped_clock import SteppedClock


def grants(rate, workers, latency, requests):
    """Instants at which requests went out, with some workers and a constant latency."""

    async def go():
        clock = SteppedClock()
        limiter = RateLimiter(rate, clock)
        sent = []

        async def worker():
            while len(sent) < requests:
                sent.append(await limiter.acquire())
                await clock.sleep(latency)

        await clock.drive(*[asyncio.create_task(worker()) for _ in range(workers)])
        return sorted(sent), limiter.utilisation()

    return asyncio.run(go())


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(plan.requests_per_minute for plan in PLANS.values())), st.floats(0, 3), st.integers(1, 40)
)
def test_no_minute_holds_more_than_allowed(rate, latency, workers):
    sent, _ = grants(rate, workers, latency, 3 * rate)
    for first, instant in enumerate(sent):
        assert sum(instant <= other < instant + 60 for other in sent[first:]) <= rate


@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.name)
@pytest.mark.parametrize("latency", [0.2, 1.0, 3.0])
def test_the_rate_is_filled_although_answers_take_long(plan, latency):
    workers = max(2, -(-plan.requests_per_minute * 4 // 60))
    _, used = grants(plan.requests_per_minute, workers, latency, 3 * plan.requests_per_minute)
    assert used.share >= 0.95


def test_too_few_workers_cannot_fill_the_rate():
    _, used = grants(500, 1, 1.0, 500)
    assert used.share < 0.2


def test_one_rejection_stops_everybody_and_pauses_grow():
    async def go():
        clock = SteppedClock()
        limiter = RateLimiter(60, clock)
        pauses, sent = [], []

        async def worker():
            for _ in range(3):
                sent.append(await limiter.acquire())

        waiting = [asyncio.create_task(worker()) for _ in range(4)]
        await asyncio.sleep(0)
        for _ in range(4):
            first = clock.monotonic()
            pauses.append(limiter.rejected(first))
            limiter.rejected(first - 1)  # sent before the gate closed: the same episode
            clock._time = limiter._open_at + 0.5
        closed_until = limiter._open_at
        await clock.drive(*waiting)
        return pauses, [instant for instant in sent if 0 < instant < closed_until]

    pauses, escaped = asyncio.run(go())
    assert pauses == [60, 120, 300, 300]
    assert len(escaped) == 0


def test_pauses_start_over_after_a_success():
    clock = VirtualClock(datetime(2024, 5, 8, tzinfo=JST), rate_scale=100_000)
    limiter = RateLimiter(500, clock)
    assert limiter.rejected(clock.monotonic()) == 60
    sent = asyncio.run(limiter.acquire())
    limiter.accepted(sent)
    assert limiter.rejected(clock.monotonic()) == 60


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([5, 60, 120]), st.lists(st.integers(1, 40), min_size=2, max_size=8))
def test_limiters_that_follow_each_other_look_like_one(rate, shares):
    async def go():
        clock, pace, sent = SteppedClock(), None, []
        for share in shares:
            limiter = RateLimiter(rate, clock)
            if pace is not None:
                limiter.take_over(pace)

            async def some(limiter=limiter, share=share):
                sent.extend([await limiter.acquire() for _ in range(share)])

            await clock.drive(asyncio.create_task(some()))
            pace = limiter.pace()
        return sent

    sent = asyncio.run(go())
    for first, instant in enumerate(sent):
        assert sum(instant <= other < instant + 60 for other in sent[first:]) <= rate


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([5, 60, 120]), st.lists(st.integers(1, 40), min_size=2, max_size=8))
def test_processes_that_are_killed_one_after_the_other_look_like_one(rate, shares):
    async def go():
        clock, sent = SteppedClock(), []
        for place, share in enumerate(shares):
            limiter = RateLimiter(rate, clock)
            if place:
                limiter.wait_one_turn()

            async def some(limiter=limiter, share=share):
                sent.extend([await limiter.acquire() for _ in range(share)])

            await clock.drive(asyncio.create_task(some()))
        return sent

    sent = asyncio.run(go())
    for first, instant in enumerate(sent):
        assert sum(instant <= other < instant + 60 for other in sent[first:]) <= rate


def test_a_closed_gate_stays_closed_for_the_next_limiter_and_nonsense_is_ignored():
    clock = SteppedClock()
    first, second = RateLimiter(60, clock), RateLimiter(60, clock)
    first.rejected(clock.monotonic())
    second.take_over(first.pace())

    async def go():
        return await clock.drive(asyncio.create_task(second.acquire()))

    assert asyncio.run(go()) == [60]
    assert second.rejected(clock.monotonic()) == 120
    third = RateLimiter(60, clock)
    third.take_over(Pace(1e9, 1e9, 5))
    assert third.pace().open_at == float("-inf")


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="positive"):
        RateLimiter(0, SteppedClock())
