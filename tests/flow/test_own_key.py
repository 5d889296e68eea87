"""A key of one's own: what a Light key includes and what it is refused, and the commands of a person who has one."""

import json
import re
import urllib.error
import urllib.request
from datetime import timedelta

import pytest

from assets.raw import BY_SESSION
from gogoku_pipeline.core.clocks import RealClock
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.registry import house as house_registry
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from tests.flow.command_line import gogoku
from tests.flow.small_house import GRAPH, RAW, TABLES, failed_checks, materialised, small_house

GROUPS = tuple(group.asset for group in BY_SESSION if len(group.sources) > 1)
CAUGHT_UP = ("investor_types", "earnings_dates", "statements", "statement_details", "margin_interest", "futures")
NOT_ASKED = {SOURCES["morning_bars"].path}
DAYS = 12
LIGHT_YEARS = 5


def status_of(base_url, path, key):
    request = urllib.request.Request(base_url + path, headers={"x-api-key": key})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())["message"]


@pytest.mark.parametrize(
    "is_plan_known", [pytest.param(True, marks=pytest.mark.slow), False], ids=["plan named", "plan detected"]
)
def test_the_road_of_a_light_key_asks_what_it_includes_and_each_other_source_once(tmp_path, is_plan_known):
    market = generate_market(MarketConfig(n_issues=24, n_sessions=30))
    with small_house(market, tmp_path, plan="light", is_plan_known=is_plan_known) as house:
        assert house.run(("raw_jquants__topix", "raw_jquants__calendar", "raw_jquants__investor_types")).success
        fetched = house.run((*RAW, *GROUPS), house.keys[0], house.keys[DAYS - 1])
        assert fetched.success and failed_checks(fetched) == {}
        typed = house.run(["core_jquants__calendar", *(TABLE_OF[source].name for source in CAUGHT_UP)])
        road = (*TABLES, *house.families, *GRAPH)
        result = house.run(road, house.keys[0], house.keys[DAYS - 1])
        assert failed_checks(result) == {}
        assert materialised(result) == {(name, key) for name in road for key in house.keys[:DAYS]}
        assert typed.success and failed_checks(typed) == {}
        assert {seen.plan for seen in house.server.requests_seen} == {"light"}
        lacking = {source.path for source in SOURCES.values() if source.lowest_plan in ("standard", "premium")}
        refused = [seen.path for seen in house.server.requests_seen if seen.status == 403]
        assert sorted(refused) == sorted(lacking - NOT_ASKED)
        others = [seen for seen in house.server.requests_seen if seen.status not in (200, 403)]
        assert all(seen.status == 400 and seen.params["date"] < "2015" for seen in others)
        assert bool(others) is not is_plan_known
        rows = {source: house.store.tables.scan(TABLE_OF[source]).collect().height for source in CAUGHT_UP}
        assert rows["statements"] > 0 and rows["earnings_dates"] > 0 and rows["investor_types"] > 0
        assert {source for source, n in rows.items() if n == 0} == {
            source for source in CAUGHT_UP if SOURCES[source].path in lacking
        }
        light = house_registry("Light")
        features = house.store.tables.scan(family_table("feat__prices", light)).collect()
        assert features["session"].n_unique() == DAYS and features["ret_1d"].count() > 0
        assert house.store.tables.scan(EDGES).collect().height > 0
        for path in ("/equities/bars/minute", "/td/list", "/"):
            status, words = status_of(house.server.base_url, path, "simulator-light-key")
            assert (status, "does not exist" in words) == (403, True), path


@pytest.fixture(scope="module")
def market():
    """A market across the day on which a Light key's history begins today."""
    return generate_market(MarketConfig(n_issues=24, n_sessions=30, start=light_begins() - timedelta(days=15)))


def light_begins():
    """The first day of a Light key's history, to within a day."""
    return RealClock().now().date() - timedelta(days=round(365.25 * LIGHT_YEARS))


@pytest.fixture(scope="module")
def service(market):
    """The service as it is today, at its real rate."""
    with run_simulator_thread(market, RealClock()) as server:
        yield server


@pytest.fixture
def person(service, market, tmp_path):
    """Runs commands with nothing but the environment of somebody's own deployment."""
    ours = {
        "GOGOKU_API_URL": service.base_url,
        "GOGOKU_DATA_URL": f"file://{tmp_path / 'data'}",
        "GOGOKU_START_DATE": market.sessions[0].isoformat(),
        "GOGOKU_PLAN": "",
        "JQUANTS_API_KEY": "simulator-premium-key",
    }
    return lambda *arguments, **names: gogoku(tmp_path, *arguments, **(ours | names))


def answers(said):
    return {answer["question"]: answer for answer in json.loads(said.out)}


def test_the_doctor_names_plan_calls_and_minutes(person):
    said = person("doctor", "--json", JQUANTS_API_KEY="simulator-light-key")
    found = answers(said)
    start, off = found.pop("start"), found.pop("switched off")
    assert said.code == 0 and {answer["state"] for answer in found.values()} == {"ok"}
    assert off["state"] == "note" and "indices" in off["words"] and "topix" not in off["words"]
    assert start["state"] == "note"
    assert re.search(r"GOGOKU_START_DATE=\d{4}-\d\d-\d\d and GOGOKU_PLAN=light", start["words"])
    assert found["place"]["words"] == "your own data"
    assert found["plan"]["words"].startswith("light at http://127.0.0.1:")
    assert "60 requests a minute" in found["plan"]["words"]
    calls, minutes = re.fullmatch(
        r"about ([\d,]+) calls, (\d+) minutes at the plan's rate", found["backfill"]["words"]
    ).groups()
    calls = int(calls.replace(",", ""))
    by_file, by_day = 12 * LIGHT_YEARS, 245 * LIGHT_YEARS
    assert 5 * by_file < calls < 2 * by_day  # five data sets by monthly files, the newest days by date
    assert abs(int(minutes) - calls / 60) <= 1


def test_the_doctor_says_what_a_free_key_lacks(person):
    found = answers(person("doctor", "--json", JQUANTS_API_KEY="simulator-free-key"))
    assert found["plan"]["words"].startswith("free at")
    names, _, plan = found["switched off"]["words"].partition(": ")
    assert plan == "not in the free plan"
    assert set(names.split(", ")) == {name for name, source in SOURCES.items() if source.lowest_plan != "free"}


@pytest.mark.parametrize(
    ("key", "thing", "got"),
    [
        ("no-such-key", "CredentialsError daily_bars", "invalid or expired"),
        ("", "CredentialsError JQUANTS_API_KEY", "nothing"),
    ],
    ids=["wrong key", "no key"],
)
def test_a_key_that_opens_nothing_is_an_error_that_names_the_variable_and_not_the_key(person, key, thing, got):
    said = person("fetch", "daily_bars", "2021-12-06", JQUANTS_API_KEY=key)
    assert said.code == 1
    assert thing in said.complaint[0] and got in said.complaint[1]
    assert "JQUANTS_API_KEY" in said.complaint[3]
    doctor = person("doctor", "--json", JQUANTS_API_KEY=key)
    assert doctor.code == 1
    assert "broken" in {answer["state"] for answer in answers(doctor).values()}
    assert "no-such-key" not in said.err + said.out + doctor.out + doctor.err


def test_fetching_a_range_twice_asks_once(person, service, market, tmp_path):
    first, last = (market.sessions[place].isoformat() for place in (2, 7))
    report = person("fetch", "daily_bars", first, last, "--json").json
    assert (report["requested"], report["fetched_pages"], report["skipped_complete"]) == (6, 6, 0)
    asked = len(service.requests_seen)
    index = open_store(f"file://{tmp_path / 'data'}").raw.requests("daily_bars")
    assert index.height == 6 and index["row_count"].sum() == report["rows"] > 0
    again = person("fetch", "daily_bars", first, last, "--json").json
    assert (again["requested"], again["fetched_pages"], again["skipped_complete"]) == (6, 0, 6)
    assert [seen.status for seen in service.requests_seen[asked:] if seen.params["date"] >= first] == []
    people = person("fetch", "daily_bars", first, last)
    assert "complete" in people.err and re.search(r"daily_bars.*\b6\b", people.err)


def test_sessions_outside_the_plan_are_skipped_with_a_notice(person, market):
    edge = sum(session < light_begins() for session in market.sessions)
    first, last = market.sessions[edge - 3], market.sessions[edge + 3]
    said = person(
        "fetch", "daily_bars", first.isoformat(), last.isoformat(), "--json", JQUANTS_API_KEY="simulator-light-key"
    )
    report = said.json
    outside = report["skipped_uncovered"]
    assert 0 < len(outside) < report["requested"] == 7
    assert outside == [day.isoformat() for day in market.sessions[edge - 3 :][: len(outside)]]
    assert report["fetched_pages"] == report["requested"] - len(outside)
    assert f"daily_bars: {len(outside)} sessions skipped, the plan covers" in said.err


def test_an_endpoint_outside_the_plan_is_switched_off_with_a_notice(person, market):
    day = market.sessions[20].isoformat()
    said = person("fetch", "topix", day, JQUANTS_API_KEY="simulator-free-key", GOGOKU_PLAN="free")
    assert said.code == 0
    assert "topix: not in the plan, switched off" in said.err


def test_a_day_that_is_not_over_is_an_error_that_names_the_hour(person):
    tomorrow = RealClock().now().date() + timedelta(days=1)
    said = person("fetch", "daily_bars", tomorrow.isoformat(), (tomorrow + timedelta(days=9)).isoformat())
    assert said.code == 1
    assert "not yet published" in said.complaint[1]
    hour = daily_bars.TABLE.rule.at
    assert f"{hour:%H:%M} JST on" in said.complaint[2]


@pytest.mark.parametrize(
    ("names", "thing"),
    [
        ({"GOGOKU_PLAN": "gold"}, "GOGOKU_PLAN"),
        ({"GOGOKU_DATA_URL": "ftp://somewhere"}, "GOGOKU_DATA_URL"),
        ({"GOGOKU_API_URL": "http://api.example.com/v2"}, "GOGOKU_API_URL"),
        ({"GOGOKU_START_DATE": "yesterday"}, "GOGOKU_START_DATE"),
    ],
    ids=["plan", "data", "service", "start"],
)
def test_a_setting_that_cannot_work_is_named(person, names, thing):
    said = person("fetch", "daily_bars", "2021-12-06", **names)
    assert said.code == 1
    assert said.complaint[0] == f"ConfigError {thing}"
