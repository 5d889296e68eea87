"""Sessions as partitions: which keys exist on a Friday evening, a Saturday, a holiday."""

from datetime import date, datetime

import dagster as dg
import pytest

from assets.partitions import session_partitions
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.sessions import tse_calendar


def keys_at(definition, instant):
    with dg.partition_loading_context(instant):
        return definition.get_partition_keys()


def test_keys_are_the_exchange_calendar_with_the_outage_day():
    definition = session_partitions(date(2016, 1, 4), date(2024, 12, 30))
    expected = [day.isoformat() for day in tse_calendar().between(date(2016, 1, 4), date(2024, 12, 30))]
    assert definition.get_partition_keys() == expected
    assert "2020-10-01" in expected


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (datetime(2024, 5, 10, 19, 5, tzinfo=JST), "2024-05-10"),
        (datetime(2024, 5, 9, 0, 1, tzinfo=JST), "2024-05-09"),
        (datetime(2024, 5, 2, 19, 5, tzinfo=JST), "2024-05-02"),
    ],
    ids=["friday evening", "just after midnight", "eve of a long weekend"],
)
def test_todays_key_exists_on_a_session(now, newest):
    assert keys_at(session_partitions(date(2024, 4, 1)), now)[-1] == newest


@pytest.mark.parametrize("now", [datetime(2024, 5, 11, 12, 0, tzinfo=JST), datetime(2024, 5, 6, 19, 5, tzinfo=JST)])
def test_the_offset_overshoots_on_closed_days_so_callers_must_ask_the_calendar(now):
    newest = date.fromisoformat(keys_at(session_partitions(date(2024, 4, 1)), now)[-1])
    assert newest > tse_calendar().on_or_before(now.date())


def test_a_window_of_one_session_is_one_calendar_day():
    window = session_partitions(date(2020, 3, 2), date(2020, 3, 31)).time_window_for_partition_key("2020-03-06")
    assert (window.start.date(), window.end.date()) == (date(2020, 3, 6), date(2020, 3, 7))


def test_a_fixed_end_is_included_and_nothing_follows_it():
    definition = session_partitions(date(2024, 4, 29), date(2024, 5, 8))
    expected = ["2024-04-30", "2024-05-01", "2024-05-02", "2024-05-07", "2024-05-08"]
    assert keys_at(definition, datetime(2024, 6, 1, tzinfo=JST)) == expected


def test_a_range_without_sessions_is_refused():
    with pytest.raises(ConfigError, match="holds no session"):
        session_partitions(date(2024, 5, 3), date(2024, 5, 6))
