"""The service's manners: when it publishes, what each plan sees, what it refuses and in which words."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.server import ServerOptions, SimulatorServer

BARS, MASTER = "/equities/bars/daily", "/equities/master"
TOPIX, CALENDAR = "/indices/bars/daily/topix", "/markets/calendar"


def test_bars_and_topix_of_today_appear_at_half_past_four(market, serve, ask, clock_at):
    today = market.sessions[100]
    for minute, expected in ((29, False), (30, True)):
        server = serve(clock_at(today, 16, minute))
        assert bool(ask(server, BARS, date=today.isoformat()).rows) is expected
        assert (ask(server, TOPIX).rows[-1]["Date"] == today.isoformat()) is expected
        assert (ask(server, BARS, code=market.codes[0]).rows[-1]["Date"] == today.isoformat()) is expected


def test_before_publication_the_answer_looks_like_a_holidays(market, serve, ask, clock_at):
    server = serve(clock_at(market.sessions[100], 10))
    reply = ask(server, BARS, date=market.sessions[100].isoformat())
    holiday = ask(server, BARS, date="2020-08-10")
    assert (reply.status, reply.body) == (holiday.status, holiday.body) == (200, {"data": []})


def test_one_clock_moved_on_publishes_more_without_a_restart(market, serve, ask, clock_at):
    today = market.sessions[100]
    clock = clock_at(today, 12)
    server = serve(clock)
    assert ask(server, BARS, date=today.isoformat()).rows == []
    clock.advance_to(clock_at(today, 17).now())
    assert ask(server, BARS, date=today.isoformat()).rows


def test_the_next_sessions_master_is_previewed_at_half_past_five(market, serve, ask, clock_at):
    today, tomorrow = market.sessions[100], market.sessions[101]
    afternoon, evening = serve(clock_at(today, 17, 29)), serve(clock_at(today, 17, 30))
    assert ask(afternoon, MASTER, date=tomorrow.isoformat()).rows[0]["Date"] == today.isoformat()
    assert ask(evening, MASTER, date=tomorrow.isoformat()).rows[0]["Date"] == tomorrow.isoformat()
    assert (
        ask(evening, MASTER, date=(tomorrow + timedelta(days=90)).isoformat()).rows[0]["Date"] == tomorrow.isoformat()
    )
    assert ask(serve(clock_at(today, 8)), MASTER).rows[0]["Date"] == today.isoformat()


def test_the_master_of_a_holiday_is_the_next_sessions(market, serve, ask, evening):
    assert ask(serve(evening), MASTER, date="2020-08-08").rows[0]["Date"] == "2020-08-11"


def test_keys_are_checked_before_anything_else(market, serve, ask, evening):
    server = serve(evening)
    missing, wrong = ask(server, "/nowhere", key=None), ask(server, BARS, key="wrong")
    assert (missing.status, missing.body) == (403, {"message": "The api key is required."})
    assert (wrong.status, wrong.body) == (403, {"message": "The incoming api key is invalid or expired."})


@pytest.mark.parametrize("path", ["/nowhere", "/td/list", "/equities/bars/minute", "/bulk", "/"])
def test_every_other_path_does_not_exist(market, serve, ask, evening, path):
    reply = ask(serve(evening), path)
    assert reply.status == 403
    assert reply.body["message"].startswith("The requested endpoint does not exist.")


def test_nothing_but_get_is_understood(serve, evening):
    server = serve(evening)
    request = Request(f"{server.base_url}{CALENDAR}", data=b"x", headers={"x-api-key": "simulator-key"}, method="POST")
    with pytest.raises(HTTPError, match="403"):
        urlopen(request, timeout=20)


def test_free_has_no_topix_and_light_has(market, serve, ask, evening):
    server = serve(evening)
    refused = ask(server, TOPIX, key="simulator-free-key")
    assert refused.status == 403
    assert refused.body["message"].startswith("This API is not available on your subscription.")
    assert ask(server, TOPIX, key="simulator-light-key").status == 200


def test_a_date_outside_the_plan_is_a_400_that_names_the_window(serve, ask, clock_at):
    market = generate_market(MarketConfig(30, 40, date(2026, 9, 1)))
    server = serve(clock_at(date(2026, 9, 21)), of=market)
    light = ask(server, BARS, key="simulator-light-key", date="2021-09-20")
    assert light.status == 400
    assert light.body["message"].startswith("Your subscription covers the following dates: 2021-09-21 ~ . If you want")
    standard = ask(server, BARS, key="simulator-standard-key", date="2016-09-20")
    assert "2016-09-21 ~ ." in standard.body["message"]
    free = ask(server, BARS, key="simulator-free-key", date="2026-09-18")
    assert free.status == 400 and "2024-06-29 ~ 2026-06-29." in free.body["message"]
    assert ask(server, BARS, key="simulator-free-key", date="2026-06-29").status == 200
    assert ask(server, MASTER, key="simulator-free-key", date="2026-09-18").status == 400


def test_a_range_beyond_the_window_is_cut_or_refused_as_set(market, serve, ask, evening):
    query = {"code": market.codes[0], "from_": "1990-01-04", "to": market.sessions[3].isoformat()}
    assert len(ask(serve(evening), BARS, **query).rows) == 4
    strict = serve(evening, options=ServerOptions(is_partial_range_refused=True))
    assert ask(strict, BARS, **query).status == 400
    assert ask(serve(evening), BARS, code=market.codes[0], from_="1990-01-04", to="1990-02-01").status == 400


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "This API requires at least 1 parameter as follows; date, code"),
        ({"from_": "20200601", "to": "20200605"}, "This API requires at least 1 parameter as follows; date, code"),
        ({"code": "720"}, "'code' must be 4 or 5 digits."),
        ({"code": "7203-0"}, "'code' must be 4 or 5 digits."),
        ({"date": "2020-02-30"}, "'date' must be a valid date"),
        ({"date": "2020-0601"}, "'date' must be a valid date"),
        ({"code": "7203", "from_": "20200605", "to": "20200601"}, "'from' must not be after 'to'."),
    ],
)
def test_wrong_parameters_are_a_400_in_the_services_words(market, serve, ask, evening, params, message):
    reply = ask(serve(evening), BARS, **params)
    assert reply.status == 400 and reply.body["message"].startswith(message)


def test_both_ways_of_writing_a_date_ask_for_the_same_day(market, serve, ask, evening):
    server, day = serve(evening), market.sessions[5]
    assert ask(server, BARS, date=day.strftime("%Y%m%d")).rows == ask(server, BARS, date=day.isoformat()).rows != []


def test_answers_are_compressed_only_on_request(market, serve, ask, evening):
    server, day = serve(evening), market.sessions[5].isoformat()
    plain, zipped = ask(server, BARS, date=day), ask(server, BARS, zipped=True, date=day)
    assert "Content-Encoding" not in plain.headers and zipped.headers["Content-Encoding"] == "gzip"
    assert plain.body == zipped.body and len(zipped.raw) < len(plain.raw) / 2


class HandClock:
    """A rate clock moved by hand, so that minutes pass when the test says so."""

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
    return HandClock(evening.now().astimezone(JST))


def test_the_plans_rate_is_kept_over_any_sixty_seconds(market, serve, ask, hand_clock):
    server = serve(hand_clock)
    answers = [ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status for _ in range(6)]
    assert answers == [200] * 5 + [429]
    hand_clock.seconds += 59.0
    assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 429
    hand_clock.seconds += 1.5
    assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 200


def test_a_429_says_little_and_never_when_to_retry(market, serve, ask, hand_clock):
    server = serve(hand_clock)
    replies = [ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01") for _ in range(6)]
    assert "Retry-After" not in replies[-1].headers and set(replies[-1].body) == {"message"}


def test_going_on_regardless_shuts_the_key_out_for_five_minutes(market, serve, ask, hand_clock):
    server = serve(hand_clock, options=ServerOptions(overrun=3))
    for _ in range(5 + 3):
        ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01")
    hand_clock.seconds += 299.0
    assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 429
    assert ask(server, CALENDAR, key="simulator-light-key", to="2020-06-01").status == 200
    hand_clock.seconds += 2.0
    assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 200


def test_a_fixed_window_opens_again_at_the_full_minute(market, serve, ask, hand_clock):
    hand_clock.seconds = 1019.0
    server = serve(hand_clock, options=ServerOptions(rate_window="fixed"))
    for _ in range(5):
        assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 200
    hand_clock.seconds = 1020.0
    assert ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 200


def test_the_scaled_clock_makes_a_minute_short(market, serve, ask):
    noon = datetime.combine(market.sessions[-1], time(12), JST)
    server = serve(VirtualClock(noon, rate_scale=1e5))
    assert all(ask(server, CALENDAR, key="simulator-free-key", to="2020-06-01").status == 200 for _ in range(20))


def test_a_key_of_its_own_gets_the_servers_plan(market, serve, ask, evening):
    server = serve(evening, plan="light", api_keys={"mine": "free"})
    day = market.sessions[-1].isoformat()
    assert len(ask(server, BARS, key="simulator-key", date=day).rows[0]) == 18
    assert ask(server, TOPIX, key="mine").status == 403
    assert ask(server, BARS, date=day).status == 403


def test_the_server_remembers_what_it_was_asked(market, serve, ask, evening):
    server = serve(evening)
    ask(server, BARS, date=market.sessions[0].isoformat())
    ask(server, BARS, key="wrong")
    first, second = server.requests_seen
    assert (first.number, first.path, first.plan, first.status) == (1, BARS, "premium", 200)
    assert first.params == {"date": market.sessions[0].isoformat()}
    assert (second.number, second.plan, second.status) == (2, "", 403)


def test_a_plan_nobody_sells_is_refused_by_name(market, clock_at):
    with pytest.raises(ConfigError, match=r"'gold'; want one of \['free', 'light', 'standard', 'premium'\]"):
        SimulatorServer(market, clock=clock_at(market.sessions[-1]), plan="gold")
