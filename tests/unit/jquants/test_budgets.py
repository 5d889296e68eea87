"""Every budget is paced for itself; a block of the key stops them all."""

import asyncio
import json
from datetime import datetime

import pytest
from aiohttp import web

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import RequestError
from gogoku_pipeline.jquants import PLANS, JQuantsClient
from gogoku_pipeline.jquants.budgets import Budgets
from tests.unit.jquants.asking import CANARY, GOOD
from tests.unit.jquants.stepped_clock import SteppedClock

OTHERS = ("statements", "statement_details")


def test_a_full_statements_minute_does_not_stop_prices():
    budgets = Budgets(PLANS["premium"], SteppedClock())
    assert budgets.rejected("statements", 0.0) == 60
    closed = {budget: limiter.closed_seconds() for budget, limiter in limiters(budgets)}
    assert closed == {"plan": 0, "statements": 60, "statement_details": 0}
    assert [used.rejections for used in budgets.utilisation().values()] == [0, 1, 0]


def test_a_rejection_that_asks_for_the_blocks_length_stops_everything():
    clock = SteppedClock()
    budgets = Budgets(PLANS["premium"], clock)
    for pause in (60, 120):
        assert budgets.rejected("plan", clock.monotonic()) == pause
        clock.jump(pause + 1)
        assert budgets["statements"].closed_seconds() == 0
    assert budgets.rejected("plan", clock.monotonic()) == 300
    assert {limiter.closed_seconds() for _, limiter in limiters(budgets)} == {300}
    assert budgets.utilisation()["statements"].paused_seconds == 300
    assert budgets.utilisation()["statements"].rejections == 0


def test_a_second_budget_rejected_while_the_first_waits_means_the_key():
    clock = SteppedClock()
    budgets = Budgets(PLANS["premium"], clock)
    budgets.rejected("plan", 0.0)
    clock.jump(20)
    assert budgets.rejected("statements", clock.monotonic()) == 60
    assert {limiter.closed_seconds() for _, limiter in limiters(budgets)} == {60}


def test_a_late_rejection_of_the_same_episode_does_not_lengthen_a_hold():
    clock = SteppedClock()
    budgets = Budgets(PLANS["premium"], clock)
    sent = clock.monotonic()
    clock.jump(1)
    budgets.rejected("plan", sent)
    clock.jump(5)
    assert budgets.rejected("plan", sent) == 55
    assert budgets["statements"].closed_seconds() == 0


def test_nothing_goes_out_while_a_hold_lasts():
    clock = SteppedClock()
    budgets = Budgets(PLANS["premium"], clock)

    async def go():
        waiting = [asyncio.create_task(budgets["statements"].acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        for _, limiter in limiters(budgets):
            limiter.hold(300)
        return await clock.drive(*waiting)

    assert sorted(asyncio.run(go()))[1] >= 300


def test_the_pace_of_every_budget_is_taken_over():
    clock = SteppedClock()
    first = Budgets(PLANS["light"], clock)
    first.rejected("statements", 0.0)
    second = Budgets(PLANS["light"], clock)
    second.resume(first.pace())
    assert second["statements"].closed_seconds() == 60
    assert second["plan"].closed_seconds() == 0
    assert json.loads(json.dumps([pace.next_at for pace in second.pace().values()])) == [0, 60, 0]


def test_a_process_that_left_no_word_costs_one_turn():
    clock = SteppedClock()
    budgets = Budgets(PLANS["free"], clock)
    budgets.resume({"plan": Budgets(PLANS["free"], clock).pace()["plan"]})

    async def go():
        return await clock.drive(*[asyncio.create_task(budgets[name].acquire()) for name in ("plan", *OTHERS)])

    turn = 60 / (5 * 0.98)
    assert asyncio.run(go()) == pytest.approx([0, turn, turn])


def limiters(budgets):
    return [(name, budgets[name]) for name in ("plan", *OTHERS)]


def test_a_client_paces_and_reports_each_budget(run, serve, steps):
    clock = VirtualClock(datetime(2024, 5, 8, 19, tzinfo=JST), rate_scale=2_000)

    async def ask(client, source, n):
        for _ in range(n):
            async for _ in client.pages(source, {"date": "2024-05-08"}):
                pass

    async def go():
        async with (
            serve(steps(GOOD)) as service,
            JQuantsClient(service.base_url, CANARY, plan="premium", clock=clock) as client,
        ):
            await asyncio.gather(ask(client, "daily_bars", 8), ask(client, "statements", 3))
            return client.utilisation, [await client.in_flight(name) for name in ("plan", *OTHERS)]

    used, in_flight = run(go())
    assert [entry.requests for entry in used.values()] == [8, 3, 0]
    assert in_flight == [34, 4, 4]


def test_a_429_on_statements_lets_prices_through(run, serve):
    clock = VirtualClock(datetime(2024, 5, 8, 19, tzinfo=JST), rate_scale=60)

    async def picky(request, n):
        refused = request.path.endswith("/fins/summary") and n == 1
        return web.json_response({"message": "slow"} if refused else {"data": []}, status=429 if refused else 200)

    async def go():
        async with (
            serve(picky) as service,
            JQuantsClient(service.base_url, CANARY, plan="light", clock=clock) as client,
        ):

            async def one(source):
                return [page async for page in client.pages(source, {"date": "2024-05-08"})]

            statements = asyncio.create_task(one("statements"))
            while not client.utilisation["statements"].rejections:
                await asyncio.sleep(0.001)
            await one("daily_bars")
            was_waiting = not statements.done()
            await statements
            return was_waiting, client.utilisation

    was_waiting, used = run(go())
    assert was_waiting
    assert (used["statements"].rejections, used["plan"].rejections) == (1, 0)
    assert used["statements"].paused_seconds == 60


def test_the_plan_says_what_it_includes():
    client = JQuantsClient("http://127.0.0.1:9/v2", CANARY, plan="standard")
    assert [client.includes(name) for name in ("daily_bars", "topix", "short_ratio", "breakdown")] == [
        *[True] * 3,
        False,
    ]
    with pytest.raises(RequestError, match="unknown name"):
        client.includes("prices")
    with pytest.raises(RequestError, match="not known yet"):
        JQuantsClient("http://127.0.0.1:9/v2", CANARY).includes("topix")
