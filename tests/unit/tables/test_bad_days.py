"""A bad answer of the service: every row is accounted for, or nothing of the day becomes visible."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.ingest import fetch_sessions
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import (
    ChangedValue,
    DuplicateRows,
    ExtraColumn,
    FaultPlan,
    ForeignRows,
    MissingColumn,
    RenamedColumn,
    When,
)
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.typed import typed_sessions
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

BARS = "/equities/bars/daily"
WEDNESDAY = date(2024, 5, 8)
COMMIT = CommitInfo(run_id="test", code_version="0")


@pytest.fixture(scope="module")
def simulated():
    return generate_market(MarketConfig(n_issues=24, n_sessions=30))


@pytest.fixture
def fetched(simulated, tmp_path):
    """Two evenings of bars in a store, the second one damaged by a fault: (store, good day, bad day)."""
    good, bad = simulated.sessions[10:12]

    def fetch(fault=None, **settings):
        clock = VirtualClock(datetime.combine(simulated.sessions[-1], time(19), tzinfo=JST), rate_scale=5_000)
        store = open_store(f"file://{tmp_path}/data")
        faults = FaultPlan(fault(When(day=bad, path=BARS), **settings)) if fault else None

        async def go(url):
            async with JQuantsClient(url, "simulator-premium-key", plan="premium", clock=clock) as client:
                await fetch_sessions(client, store, "daily_bars", [good, bad], run_id="r")

        with run_simulator_thread(simulated, clock, faults=faults) as server:
            asyncio.run(go(server.base_url))
        return store, good, bad

    return fetch


def landed(store, day):
    """Rows of the newest landing of a day, as they were sent."""
    wanted = store.raw.newest("daily_bars").filter(pl.col("event_date") == day)
    return [
        row
        for request in wanted.iter_rows(named=True)
        for row in json.loads(store.raw.payload("daily_bars", request))["data"]
    ]


@pytest.mark.parametrize(
    ("fault", "settings", "rejected", "duplicates"),
    [
        (ChangedValue, {"column": "C", "value": "3500.0"}, 1, 0),
        (ChangedValue, {"column": "C", "value": None}, 0, 0),
        (ChangedValue, {"column": "Code", "value": "nobody"}, 1, 0),
        (DuplicateRows, {"n_rows": 3}, 0, 3),
        (ForeignRows, {"n_rows": 2}, 2, 0),
        (ExtraColumn, {}, 0, 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_rows_of_a_bad_day_are_typed_rejected_or_counted_and_never_lost(fetched, fault, settings, rejected, duplicates):
    store, _, bad = fetched(fault, **settings)
    sent = landed(store, bad)
    typed = typed_sessions(store, "daily_bars", [bad])
    (count,) = typed.counts
    assert count.raw_rows == len(sent)
    assert count.rejected == typed.rejects.height == rejected
    assert count.duplicates == duplicates
    assert typed.frame.height == len(sent) - count.rejected - duplicates
    kept = [json.loads(text) for text in typed.rejects["row_json"]]
    assert all(row in sent for row in kept)
    assert all(reason for reason in typed.rejects["reason"])
    assert bool(typed.warnings) == (fault is ExtraColumn)


@pytest.mark.parametrize(
    ("fault", "settings", "words"),
    [
        (MissingColumn, {"column": "AdjFactor"}, "without AdjFactor"),
        (RenamedColumn, {"column": "AdjFactor", "new_name": "AdjustmentFactor"}, "similar: AdjustmentFactor"),
        (
            ChangedValue,
            {"column": "Vo", "value": "many", "n_rows": None},
            "Vo in another form in every row: str 'many'",
        ),
    ],
    ids=["missing", "renamed", "retyped"],
)
def test_a_day_without_a_column_stops_by_name_and_its_neighbour_stays_visible(fetched, fault, settings, words):
    store, good, bad = fetched(fault, **settings)
    store.tables.write_sessions(
        daily_bars.TABLE, typed_sessions(store, "daily_bars", [good]).frame, [good], commit=COMMIT
    )
    version = store.tables.version(daily_bars.TABLE)
    with pytest.raises(SchemaError, match=words) as caught:
        typed_sessions(store, "daily_bars", [bad])
    assert caught.value.remedy
    kept = [row.get(settings["column"]) for row in landed(store, bad)]
    assert set(kept) == {settings.get("value")}, "the answer is kept as it was sent"
    assert store.tables.version(daily_bars.TABLE) == version
    assert store.tables.missing(daily_bars.TABLE, [good, bad]) == [bad]


def test_two_different_rows_for_one_issue_are_refused_and_nothing_is_written(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(), bar(C=1.0)])
    with pytest.raises(DataError, match="two different rows") as caught:
        typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert "gogoku fetch daily_bars DATE --refetch" in caught.value.remedy
    assert not store.tables.exists(daily_bars.TABLE)


@pytest.mark.parametrize("spoilt", [{"C": 1.0}, {"absent": "AdjFactor"}], ids=["contradiction", "missing column"])
def test_fetching_a_bad_day_again_heals_it_and_its_rows_are_known_from_then(store, land, bar, spoilt):
    first = [bar(), bar() | spoilt]
    if "absent" in spoilt:
        first = [{key: value for key, value in bar().items() if key != spoilt["absent"]}]
    again = datetime(2024, 5, 9, 8, tzinfo=JST)
    land("daily_bars", WEDNESDAY, first)
    land("daily_bars", WEDNESDAY, [bar(), bar(code="13010")], fetched_at=again)
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert typed.frame["code"].to_list() == ["13010", "72030"]
    assert typed.frame["available_at"].to_list() == [again + timedelta(seconds=1)] * 2
    (words,) = typed.warnings
    assert "is left out" in words
    land("daily_bars", WEDNESDAY, first, fetched_at=again + timedelta(hours=1))
    with pytest.raises((DataError, SchemaError)):
        typed_sessions(store, "daily_bars", [WEDNESDAY])


def test_a_bar_of_an_issue_nobody_lists_is_kept_and_never_compared(store, land, bar, listed):
    land("daily_bars", WEDNESDAY, [bar(code="72030"), bar(code="99990")])
    land("listed_issues", WEDNESDAY, [listed(code="72030")])
    bars = typed_sessions(store, "daily_bars", [WEDNESDAY]).frame
    listing = typed_sessions(store, "listed_issues", [WEDNESDAY]).frame
    assert bars["code"].to_list() == ["72030", "99990"]
    universe = build_universe(bars, listing, [WEDNESDAY], UniverseConfig(min_listed_sessions=1))
    assert universe.select("code", "is_in_universe").rows() == [("72030", True)]


def test_a_listing_that_is_missing_names_its_session(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar()])
    bars = typed_sessions(store, "daily_bars", [WEDNESDAY]).frame
    with pytest.raises(DataError, match="no listed issues on 1 sessions, first 2024-05-08"):
        build_universe(bars, bars.clear().with_columns(market_code=pl.lit("0111")), [WEDNESDAY])
