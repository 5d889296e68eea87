"""Laws of partitions and instants over several years, for every source: nothing falls between two partitions."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.availability import RULES, PublicationRule
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF

FIRST, LAST = date(2018, 12, 1), date(2027, 1, 31)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
SESSIONS = tse_calendar().between(FIRST, LAST)
PARTITIONED = sorted(name for name, rule in RULES.items() if rule.events != "none")


def has_events(rule: PublicationRule, day: date) -> bool:
    """Said again in other words than the code's: from the calendar alone."""
    is_session = day in tse_calendar()
    if rule.events == "sessions":
        return is_session
    if rule.events == "weekdays":
        return is_session or (day.weekday() < 5 and day.isoformat() >= "2022-09-23")
    if rule.events == "margin":
        if day.isoformat() >= "2026-09-25":
            return is_session
        same_week = [other for other in SESSIONS_BY_WEEK.get(day.isocalendar()[:2], ())]
        return len(same_week) > 2 and day == max(same_week) and day.isoformat() <= "2026-09-24"
    return True


SESSIONS_BY_WEEK: dict[tuple[int, int], list[date]] = {}
for _session in tse_calendar().between(FIRST - timedelta(days=7), LAST + timedelta(days=7)):
    SESSIONS_BY_WEEK.setdefault(_session.isocalendar()[:2], []).append(_session)


@pytest.mark.parametrize("source", PARTITIONED)
def test_every_event_day_lies_in_exactly_one_partition_and_is_asked_there(source):
    rule, calendar = RULES[source], tse_calendar()
    asked = Counter(
        day for session in calendar.between(FIRST, LAST + timedelta(days=20)) for day in rule.days_of(session)
    )
    for day in DAYS:
        session = rule.session_of(day)
        assert session in calendar
        assert asked[day] == (1 if has_events(rule, day) or day < FIRST else 0), day
        assert rule.has_events(day) == has_events(rule, day), day
        assert (day in rule.days_of(session)) == has_events(rule, day), day


@pytest.mark.parametrize("source", PARTITIONED)
def test_a_partition_never_lies_before_its_event(source):
    rule = RULES[source]
    sessions = [rule.session_of(day) for day in DAYS]
    assert all(session >= day for session, day in zip(sessions, DAYS, strict=True))
    if rule.events != "margin":
        assert sessions == sorted(sessions)
    events = [session for session, day in zip(sessions, DAYS, strict=True) if rule.has_events(day)]
    assert events == sorted(events)


@pytest.mark.parametrize("source", PARTITIONED)
def test_days_of_a_closed_day_are_refused(source):
    with pytest.raises(DataError, match="without trading"):
        RULES[source].days_of(date(2024, 5, 11))


def rows(source: str, days: list[date], clock: time | None = None) -> pl.DataFrame:
    table, needs = TABLE_OF[source], RULES[source].needs
    first, *others = needs
    values = {first: days} | {
        name: [clock.isoformat() if clock and name.endswith("_time") else None] * len(days) for name in others
    }
    return pl.DataFrame(values, schema={name: table.column(name).dtype for name in needs})


@pytest.mark.parametrize("source", PARTITIONED)
@pytest.mark.parametrize("clock", [None, time(9, 0), time(15, 0), time(17, 30), time(23, 59)])
def test_no_row_is_usable_before_the_first_answer_and_all_are_within_the_final_one_or_noon_of_the_next_session(
    source, clock
):
    rule = RULES[source]
    days = [day for day in DAYS if rule.has_events(day)]
    found = rule.available_at(rows(source, days, clock)).to_list()
    for day, instant in zip(days, found, strict=True):
        assert instant >= rule.first_at(day)
        late = rule.delivery == "notice" and (clock is None or clock.hour >= 18)
        noon = datetime.combine(tse_calendar().on_or_after(day + timedelta(days=1)), time(12), tzinfo=JST)
        assert instant == noon if late else instant <= rule.final_at(day)


@pytest.mark.parametrize("source", PARTITIONED)
def test_an_instant_depends_on_its_own_row_alone(source):
    rule = RULES[source]
    days = [day for day in DAYS if rule.has_events(day)][:400]
    together = rule.available_at(rows(source, days, time(15, 0)))
    backwards = rule.available_at(rows(source, days[::-1], time(15, 0)))
    assert together.to_list() == backwards.to_list()[::-1]
    assert together.to_list()[7] == rule.available_at(rows(source, days[7:8], time(15, 0))).item()


@pytest.mark.parametrize("source", PARTITIONED)
def test_a_row_without_an_event_date_has_no_instant(source):
    rule = RULES[source]
    needs = {name: TABLE_OF[source].column(name).dtype for name in rule.needs}
    blank = pl.DataFrame({name: [None] for name in needs}, schema=needs)
    assert rule.available_at(blank).to_list() == [None]
    assert rule.available_at(blank.clear()).to_list() == []


def test_the_expression_and_the_rows_say_the_same_where_a_date_is_all_it_takes():
    for name, rule in RULES.items():
        if rule.delivery not in ("at_hour", "year_before"):
            with pytest.raises(SchemaError, match="an event date alone"):
                rule.instant(pl.col("session"))
            continue
        frame = rows(name, DAYS)
        said = frame.select(rule.instant(pl.col(rule.needs[0]))).to_series()
        assert said.to_list() == rule.available_at(frame).to_list(), name


def test_a_time_of_day_may_come_as_the_text_tables_keep_or_as_a_time():
    for source in ("statements", "statement_details", "dividends"):
        kept = rows(source, DAYS, time(14, 20, 5))
        read = kept.with_columns(pl.col(RULES[source].needs[1]).str.to_time("%H:%M:%S"))
        assert RULES[source].available_at(read).equals(RULES[source].available_at(kept))
        blank = rows(source, DAYS, None)
        untyped = blank.with_columns(pl.lit(None).alias(RULES[source].needs[1]))
        assert RULES[source].available_at(untyped).equals(RULES[source].available_at(blank))


def test_no_table_holds_a_type_that_delta_lacks():
    for table in TABLE_OF.values():
        assert not [column.name for column in table.columns if column.dtype in (pl.Time, pl.Duration, pl.Null)]


def test_a_rule_names_the_column_it_misses():
    with pytest.raises(SchemaError, match="rows without disclosed_time"):
        RULES["statements"].available_at(pl.DataFrame({"disclosed_date": [date(2024, 5, 8)]}))


def test_days_beyond_the_calendar_are_refused_and_not_guessed():
    beyond = tse_calendar().last + timedelta(days=40)
    for source in ("statements", "earnings_dates", "margin_interest"):
        with pytest.raises(DataError, match="got"):
            RULES[source].session_of(beyond)
    with pytest.raises(DataError, match="got"):
        RULES["earnings_dates"].available_at(rows("earnings_dates", [beyond]))


def test_every_source_has_one_rule_and_every_table_carries_it():
    assert set(RULES) == set(SOURCES) == set(TABLE_OF)
    assert all(TABLE_OF[name].rule == rule for name, rule in RULES.items())
