"""The ground floor keeps its promises (small enough to be tested beside the house rules)."""

import asyncio
from contextlib import chdir
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.codes import full_code
from gogoku_pipeline.core.errors import ConfigError, DataError
from gogoku_pipeline.core.price_rules import limit_jpy, tick_jpy
from gogoku_pipeline.core.seeds import derive_seed, stream
from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.core.settings import Settings, load_settings

CALENDAR = tse_calendar(date(2020, 6, 1), date(2025, 12, 31))


def test_the_outage_is_a_session():
    assert OUTAGE in CALENDAR
    assert CALENDAR.shift(date(2020, 9, 30), 1) == OUTAGE
    assert CALENDAR.shift(OUTAGE, 1) == date(2020, 10, 2)


def test_holidays_and_weekends_are_not_sessions():
    for day in (date(2024, 5, 3), date(2024, 5, 4), date(2025, 1, 1)):
        assert day not in CALENDAR
        with pytest.raises(DataError, match="a day without trading"):
            CALENDAR.index(day)
    assert date(2024, 5, 3) in CALENDAR.weekday_holidays()
    assert date(2024, 5, 4) not in CALENDAR.weekday_holidays()


@given(st.integers(0, len(CALENDAR.sessions) - 1), st.integers(-50, 50))
def test_shifting_there_and_back_is_home(place, n):
    session = CALENDAR.sessions[place]
    if 0 <= place + n < len(CALENDAR.sessions):
        assert CALENDAR.shift(CALENDAR.shift(session, n), -n) == session


@given(st.dates(CALENDAR.first, CALENDAR.last))
def test_neighbouring_sessions_enclose_every_day(day):
    assert CALENDAR.on_or_before(day) <= day <= CALENDAR.on_or_after(day) if day <= CALENDAR.last else True
    assert (CALENDAR.on_or_before(day) == CALENDAR.on_or_after(day)) == (day in CALENDAR)


@pytest.mark.parametrize(
    ("base", "limit"), [(99, 30), (100, 50), (199, 50), (280, 80), (2999, 500), (3000, 700), (6e7, 1e7)]
)
def test_limits_follow_the_exchange_table(base, limit):
    assert limit_jpy(base) == limit


@pytest.mark.parametrize(
    ("price", "large", "tick"), [(1000, True, 0.1), (1000.5, True, 0.5), (1000, False, 1), (3001, False, 5)]
)
def test_ticks_follow_the_exchange_table(price, large, tick):
    assert tick_jpy(price, is_topix500=large) == tick


def test_unknown_prices_have_unknown_limits():
    assert np.isnan(limit_jpy([np.nan])[0])
    assert np.isnan(tick_jpy([np.nan])[0])


@pytest.mark.parametrize(
    ("given_code", "full"), [("7203", "72030"), ("72030", "72030"), ("130a", "130A0"), ("25935", "25935")]
)
def test_four_characters_mean_the_ordinary_share(given_code, full):
    assert full_code(given_code) == full


@pytest.mark.parametrize("wrong", ["", "72", "720300", "ABCDE", "72-30"])
def test_other_codes_are_refused_with_a_remedy(wrong):
    with pytest.raises(DataError, match="gogoku describe"):
        full_code(wrong)


def test_streams_depend_on_their_name_only():
    assert derive_seed(1, "a") != derive_seed(1, "b") != derive_seed(2, "b")
    assert np.array_equal(stream(7, "x").random(5), stream(7, "x").random(5))


def test_a_virtual_clock_keeps_publication_time_and_speeds_up_waiting():
    clock = VirtualClock(datetime(2022, 6, 15, 19, 5, tzinfo=JST), rate_scale=1000)
    before = clock.monotonic()
    asyncio.run(clock.sleep(10))
    assert clock.monotonic() - before >= 10
    assert clock.now().hour == 19
    clock.advance_to(clock.now() + timedelta(days=1))
    with pytest.raises(ConfigError, match="a move back"):
        clock.advance_to(clock.now() - timedelta(days=1))


def test_a_naive_instant_is_refused():
    with pytest.raises(ConfigError, match="naive"):
        VirtualClock(datetime(2022, 6, 15, 19, 5))  # noqa: DTZ001 - the point of the test


def test_secrets_do_not_print():
    settings = Settings(JQUANTS_API_KEY="canary-key", smtp_url="smtp://u:canary@h", alert_webhook_url="http://h/canary")
    assert "canary" not in f"{settings!r} {settings}"


def test_an_empty_variable_means_the_default():
    assert Settings(plan="", api_url="").api_url.startswith("https://")


def test_a_misspelt_name_is_refused_instead_of_ignored(tmp_path):
    (tmp_path / ".env").write_text("GOGOKU_PLAN=light\n# GOGOKU_OLD=1\nexport GOGOKU_DATAURL=s3://bucket\n")
    with chdir(tmp_path), pytest.raises(ConfigError, match=r"GOGOKU_DATAURL: .*GOGOKU_DATA_URL"):
        load_settings()
    (tmp_path / ".env").write_text("GOGOKU_PLAN=light\n")
    with chdir(tmp_path):
        assert load_settings().plan == "light"
