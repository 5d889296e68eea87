# ruff: noqa: E501 (tables that people read line by line)
"""When is a row known, and in whose partition does it lie: worked by hand, one line per case, the reason in words.

Read a line as: a row of this source, dated so, may be used from this instant on, and lies in the partition of this
session, because ... Sessions around the cases: Golden Week 2024 closes 29 April, 3 May and 6 May; Golden Week 2019
closes 27 April to 6 May; the year ends on 2024-12-30 and begins on 2025-01-06; 2026-09-21 to 23 are holidays.
"""

from __future__ import annotations

from datetime import date, datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF

# source, date [time or publication date], usable from, partition, reason
WORKED = """
calendar          | 2025-05-05            | 2024-03-31 00:00 | -          | announced on 31 March of the year before
calendar          | 2008-01-01            | 2007-03-31 00:00 | -          | the first day the publisher has follows the same rule
listed_issues     | 2024-05-08            | 2024-05-08 08:00 | 2024-05-08 | the final edition of the day itself
listed_issues     | 2025-01-06            | 2025-01-06 08:00 | 2025-01-06 | first session of the year; the preview of 30 December is not used
daily_bars        | 2024-05-08            | 2024-05-08 16:30 | 2024-05-08 | an ordinary Wednesday
daily_bars        | 2024-11-01            | 2024-11-01 16:30 | 2024-11-01 | last session that closed at 15:00
daily_bars        | 2024-11-05            | 2024-11-05 16:30 | 2024-11-05 | first session that closed at 15:30; the delivery did not move
daily_bars        | 2020-10-01            | 2020-10-01 16:30 | 2020-10-01 | nothing traded, and still a session with rows of nulls
valuation         | 2024-12-30            | 2024-12-30 16:30 | 2024-12-30 | last session of the year
topix             | 2024-05-07            | 2024-05-07 16:30 | 2024-05-07 | first session after Golden Week
indices           | 2025-01-06            | 2025-01-06 16:30 | 2025-01-06 | first session of the year
short_ratio       | 2024-05-02            | 2024-05-02 16:30 | 2024-05-02 | last session before Golden Week
breakdown         | 2024-05-08            | 2024-05-08 18:00 | 2024-05-08 | the breakdown comes at 18:00, not with the bars
breakdown         | 2024-11-05            | 2024-11-05 18:00 | 2024-11-05 | the later close did not move it
investor_types    | 2024-05-09            | 2024-05-09 18:00 | 2024-05-09 | Thursday after the short week of Golden Week
investor_types    | 2025-01-09            | 2025-01-09 18:00 | 2025-01-09 | fourth session of the new year; of 16:30 and 18:00 the later page counts
investor_types    | 2024-05-11            | 2024-05-11 18:00 | 2024-05-13 | a Saturday would lie in Monday's partition
statements        | 2024-05-08 15:00      | 2024-05-08 18:00 | 2024-05-08 | in time for the preliminary file
statements        | 2024-05-08 12:00      | 2024-05-08 18:00 | 2024-05-08 | disclosed at noon, delivered in the evening
statements        | 2024-05-08 17:30      | 2024-05-08 18:00 | 2024-05-08 | the last minute that counts as in time
statements        | 2024-05-08 17:30:01   | 2024-05-09 00:30 | 2024-05-08 | one second too late: 24:30 of the day
statements        | 2024-05-08 18:00      | 2024-05-09 00:30 | 2024-05-08 | at the hour of the file is too late for the file
statements        | 2024-05-08 19:00      | 2024-05-09 00:30 | 2024-05-08 | after the preliminary file
statements        | 2024-05-08 -          | 2024-05-09 00:30 | 2024-05-08 | a missing time counts as late
statements        | 2024-05-08 00:00      | 2024-05-08 18:00 | 2024-05-08 | midnight is early in the day, not late
statements        | 2024-05-10 17:45      | 2024-05-11 00:30 | 2024-05-10 | late on Friday: known on Saturday, still Friday's partition
statements        | 2024-05-11 12:00      | 2024-05-11 18:00 | 2024-05-13 | a Saturday disclosure lies in Monday's partition
statements        | 2024-05-12 -          | 2024-05-13 00:30 | 2024-05-13 | a Sunday without a time is known early on Monday
statements        | 2024-05-03 10:00      | 2024-05-03 18:00 | 2024-05-07 | a holiday of Golden Week lies in the session after it
statements        | 2019-05-01 -          | 2019-05-02 00:30 | 2019-05-07 | in the middle of the ten days of Golden Week 2019
statements        | 2024-12-31 15:00      | 2024-12-31 18:00 | 2025-01-06 | New Year's Eve lies in the first session of the year
statements        | 2024-02-29 17:45      | 2024-03-01 00:30 | 2024-02-29 | 24:30 of a leap day is in March
statements        | 2024-11-05 15:30      | 2024-11-05 18:00 | 2024-11-05 | at the new close: the file does not know about closes
statement_details | 2024-05-08 15:00      | 2024-05-08 18:00 | 2024-05-08 | the same file as the summaries
statement_details | 2024-05-08 -          | 2024-05-09 00:30 | 2024-05-08 | the same doubt as the summaries
earnings_dates    | 2024-05-08            | 2024-05-09 10:05 | 2024-05-09 | the next session, though the day itself may have been possible
earnings_dates    | 2024-05-10            | 2024-05-13 10:05 | 2024-05-13 | announced on Friday
earnings_dates    | 2024-05-11            | 2024-05-13 10:05 | 2024-05-13 | announced on Saturday: the same Monday
earnings_dates    | 2024-05-02            | 2024-05-07 10:05 | 2024-05-07 | over Golden Week
earnings_dates    | 2024-12-30            | 2025-01-06 10:05 | 2025-01-06 | over the year end
dividends         | 2024-05-08 09:21      | 2024-05-08 12:00 | 2024-05-08 | the first delivery of the day is at noon
dividends         | 2024-05-08 11:59      | 2024-05-08 12:00 | 2024-05-08 | one minute before the first delivery
dividends         | 2024-05-08 12:00      | 2024-05-08 13:00 | 2024-05-08 | at noon sharp has missed the noon delivery
dividends         | 2024-05-08 15:00      | 2024-05-08 16:00 | 2024-05-08 | the next full hour is a later hour
dividends         | 2024-05-08 17:30      | 2024-05-08 18:00 | 2024-05-08 | half past five makes the delivery at six
dividends         | 2024-05-08 17:59      | 2024-05-08 18:00 | 2024-05-08 | the last minute of the day
dividends         | 2024-05-08 18:00      | 2024-05-09 12:00 | 2024-05-08 | at six is too late: noon of the next session
dividends         | 2024-05-08 19:00      | 2024-05-09 12:00 | 2024-05-08 | after the last delivery
dividends         | 2024-05-08 -          | 2024-05-09 12:00 | 2024-05-08 | a missing time counts as late
dividends         | 2024-05-10 18:30      | 2024-05-13 12:00 | 2024-05-10 | late on Friday: Monday noon, Friday's partition
dividends         | 2024-05-11 10:00      | 2024-05-11 12:00 | 2024-05-13 | a Saturday notice lies in Monday's partition
dividends         | 2019-04-26 20:00      | 2019-05-07 12:00 | 2019-04-26 | ten closed days until the next session
dividends         | 2024-12-30 -          | 2025-01-06 12:00 | 2024-12-30 | over the year end
short_positions   | 2024-05-08            | 2024-05-08 17:30 | 2024-05-08 | reports come at 17:30
short_positions   | 2024-12-30            | 2024-12-30 17:30 | 2024-12-30 | last session of the year
margin_alerts     | 2024-02-08            | 2024-02-08 16:30 | 2024-02-08 | the day of publication, not the day of the balances
margin_alerts     | 2024-11-05            | 2024-11-05 16:30 | 2024-11-05 | the later close did not move it
margin_interest   | 2024-05-10 -          | 2024-05-14 16:30 | 2024-05-14 | a Friday is published on Tuesday
margin_interest   | 2024-11-01 -          | 2024-11-06 16:30 | 2024-11-06 | Monday 4 November is a holiday: Wednesday
margin_interest   | 2024-05-02 -          | 2024-05-08 16:30 | 2024-05-08 | Thursday ends a week of three sessions; 7 and 8 May follow
margin_interest   | 2024-12-27 -          | 2025-01-06 16:30 | 2025-01-06 | 30 December is the first session after, 6 January the second
margin_interest   | 2025-12-26 -          | 2025-12-30 16:30 | 2025-12-30 | both sessions after it lie before the year end
margin_interest   | 2026-09-18 -          | 2026-09-25 16:30 | 2026-09-25 | last weekly date; 24 and 25 September follow three holidays
margin_interest   | 2026-09-24 -          | 2026-09-28 16:30 | 2026-09-28 | last day of the old regime: still the second session after
margin_interest   | 2026-09-25 -          | 2026-09-28 16:30 | 2026-09-28 | first daily date; without a publication date the next session
margin_interest   | 2026-09-25 2026-09-28 | 2026-09-28 16:30 | 2026-09-28 | first daily date as published
margin_interest   | 2026-09-25 2026-09-29 | 2026-09-29 16:30 | 2026-09-28 | published a day late: known late, partition unmoved
margin_interest   | 2026-09-28 2026-09-29 | 2026-09-29 16:30 | 2026-09-29 | the second daily date
margin_interest   | 2026-10-09 -          | 2026-10-13 16:30 | 2026-10-13 | Monday 12 October is a holiday
futures           | 2024-05-08            | 2024-05-09 03:00 | 2024-05-08 | "27:00" is 03:00 of the next day
futures           | 2024-05-10            | 2024-05-11 03:00 | 2024-05-10 | Friday's file comes on Saturday
options           | 2024-12-30            | 2024-12-31 03:00 | 2024-12-30 | the last session of the year is known on New Year's Eve
options           | 2022-09-23            | 2022-09-24 03:00 | 2022-09-26 | first holiday trading: a Friday, in Monday's partition
index_options     | 2024-02-29            | 2024-03-01 03:00 | 2024-02-29 | across the end of a leap February
index_options     | 2020-10-01            | 2020-10-02 03:00 | 2020-10-01 | derivatives traded while shares did not
"""

CASES = [tuple(cell.strip() for cell in line.split("|")) for line in WORKED.strip().splitlines()]


def clock(text: str) -> str | None:
    """A time as tables keep it."""
    return None if text == "-" else time.fromisoformat(text).isoformat()


def row_of(source: str, told: str) -> dict[str, object]:
    """The columns the rule needs, from `2024-05-08 15:00`, `2024-05-08 -` or `2026-09-25 2026-09-28`."""
    day, *more = told.split()
    needs = RULES[source].needs
    row: dict[str, object] = {needs[0]: date.fromisoformat(day)}
    if len(needs) > 1:
        second = more[0]
        is_time = needs[1].endswith("_time")
        row[needs[1]] = clock(second) if is_time else (None if second == "-" else date.fromisoformat(second))
    return row


def frame(source: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    table = TABLE_OF[source]
    return pl.DataFrame(rows, schema={name: table.column(name).dtype for name in RULES[source].needs})


@pytest.mark.parametrize(("source", "told", "usable", "partition", "reason"), CASES, ids=lambda text: text[:40])
def test_a_worked_date_is_usable_from_its_instant_and_lies_in_its_session(source, told, usable, partition, reason):
    rule = RULES[source]
    found = rule.available_at(frame(source, [row_of(source, told)]))
    assert found.name == "available_at" and found.dtype == JST_INSTANT
    assert found.item() == datetime.strptime(usable, "%Y-%m-%d %H:%M").replace(tzinfo=JST), reason
    if partition != "-":
        assert rule.session_of(date.fromisoformat(told.split()[0])) == date.fromisoformat(partition), reason


def test_the_worked_dates_speak_of_every_source_that_publishes_on_its_own_clock():
    at_fetch = {name for name, rule in RULES.items() if rule.delivery == "at_fetch"}
    assert at_fetch == {"morning_bars", "earnings_calendar"}
    assert {case[0] for case in CASES} == set(SOURCES) - at_fetch
    assert len(CASES) >= 40


@pytest.mark.parametrize("source", ["morning_bars", "earnings_calendar"])
def test_what_has_no_history_is_known_from_its_fetch(source):
    fetched = datetime(2024, 5, 8, 19, 12, 7, tzinfo=JST)
    rows = pl.DataFrame({"fetched_at": [fetched]}, schema={"fetched_at": JST_INSTANT})
    assert RULES[source].available_at(rows).to_list() == [fetched]
    assert RULES[source].days_of(date(2024, 5, 8)) == []


# source, partition, the event days it asks for, reason
ASKED = """
daily_bars      | 2024-05-07 | 2024-05-07                                             | bars exist on sessions only; Golden Week is not asked
listed_issues   | 2025-01-06 | 2025-01-06                                             | a closed day would answer with the next session's listing
statements      | 2024-05-08 | 2024-05-08                                             | a plain Wednesday
statements      | 2024-05-13 | 2024-05-11 2024-05-12 2024-05-13                       | Monday asks for the weekend too
statements      | 2024-05-07 | 2024-05-03 2024-05-04 2024-05-05 2024-05-06 2024-05-07 | Golden Week is asked on its first session
dividends       | 2025-01-06 | 2024-12-31 2025-01-01 2025-01-02 2025-01-03 2025-01-04 2025-01-05 2025-01-06 | a week around New Year
short_positions | 2024-05-13 | 2024-05-11 2024-05-12 2024-05-13                       | a log may have rows on any day
earnings_dates  | 2024-05-13 | 2024-05-10 2024-05-11 2024-05-12                       | what was announced since Friday, not Monday's own
earnings_dates  | 2024-05-09 | 2024-05-08                                             | the day before
margin_interest | 2024-05-14 | 2024-05-10                                             | Tuesday brings last Friday
margin_interest | 2024-05-13 |                                                        | nothing is published on Monday
margin_interest | 2025-01-06 | 2024-12-27                                             | 30 December stood alone in its week and has no balances
margin_interest | 2025-12-30 | 2025-12-26                                             | published inside the week of two sessions
margin_interest | 2026-01-06 |                                                        | the week of 29 and 30 December 2025 had two sessions: no balances
margin_interest | 2026-09-25 | 2026-09-18                                             | the last weekly balances
margin_interest | 2026-09-28 | 2026-09-25                                             | the first daily balances; 24 September has none
margin_interest | 2026-09-29 | 2026-09-28                                             | daily from here on
index_options   | 2022-09-26 | 2022-09-23 2022-09-26                                  | the first holiday trading is asked with Monday
index_options   | 2024-05-07 | 2024-05-03 2024-05-06 2024-05-07                       | weekday holidays, no weekend
index_options   | 2021-05-06 | 2021-05-06                                             | before September 2022 nothing traded on holidays
calendar        | 2024-05-08 |                                                        | not partitioned
"""

ASKED_CASES = [tuple(cell.strip() for cell in line.split("|")) for line in ASKED.strip().splitlines()]


@pytest.mark.parametrize(("source", "partition", "days", "reason"), ASKED_CASES, ids=lambda text: text[:30])
def test_a_partition_asks_for_its_event_days(source, partition, days, reason):
    asked = RULES[source].days_of(date.fromisoformat(partition))
    assert asked == [date.fromisoformat(day) for day in days.split()], reason


# source, event day, first answer, complete answer, reason
ANSWERED = """
daily_bars      | 2024-05-08 | 2024-05-08 16:30 | 2024-05-08 16:30 | nothing before, everything after
listed_issues   | 2024-05-08 | 2024-05-08 08:00 | 2024-05-08 08:00 | the final edition
breakdown       | 2024-05-08 | 2024-05-08 18:00 | 2024-05-08 18:00 | one file
statements      | 2024-05-08 | 2024-05-08 18:00 | 2024-05-09 00:30 | preliminary, then final at 24:30
statements      | 2024-05-11 | 2024-05-11 18:00 | 2024-05-12 00:30 | a Saturday keeps the same hours
dividends       | 2024-05-08 | 2024-05-08 12:00 | 2024-05-08 19:00 | hourly from noon to seven
earnings_dates  | 2024-05-10 | 2024-05-13 10:05 | 2024-05-13 10:05 | the next session
short_positions | 2024-05-08 | 2024-05-08 17:30 | 2024-05-08 17:30 | one file
margin_interest | 2024-05-10 | 2024-05-14 16:30 | 2024-05-14 16:30 | Friday's balances on Tuesday
margin_interest | 2026-09-25 | 2026-09-28 16:30 | 2026-09-28 16:30 | the next session
margin_alerts   | 2024-02-08 | 2024-02-08 16:30 | 2024-02-08 16:30 | asked by publication date
investor_types  | 2024-05-09 | 2024-05-09 18:00 | 2024-05-09 18:00 | asked by publication date
futures         | 2024-05-10 | 2024-05-11 03:00 | 2024-05-11 03:00 | Saturday before dawn
calendar        | 2025-05-05 | 2024-03-31 00:00 | 2024-03-31 00:00 | the year before
"""

ANSWERED_CASES = [tuple(cell.strip() for cell in line.split("|")) for line in ANSWERED.strip().splitlines()]


@pytest.mark.parametrize(("source", "day", "first", "final", "reason"), ANSWERED_CASES, ids=lambda text: text[:30])
def test_an_answer_begins_and_is_complete_at_its_hours(source, day, first, final, reason):
    rule, event = RULES[source], date.fromisoformat(day)
    for found, told in ((rule.first_at(event), first), (rule.final_at(event), final)):
        assert found == datetime.strptime(told, "%Y-%m-%d %H:%M").replace(tzinfo=JST), reason


def test_the_outage_is_a_session_of_every_partition():
    for name, rule in RULES.items():
        if rule.events not in ("margin", "day_before", "none"):
            assert rule.session_of(OUTAGE) == OUTAGE, name
    assert RULES["earnings_dates"].session_of(date(2020, 9, 30)) == OUTAGE
    assert RULES["margin_interest"].days_of(date(2020, 10, 6)) == [date(2020, 10, 2)]
