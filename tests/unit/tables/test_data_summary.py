"""The data summary and the rebuilt master: cheap reads of what is stored."""

from __future__ import annotations

from datetime import date

import pytest

from gogoku_pipeline.schema.listed_issues import MASTER, SNAPSHOT
from gogoku_pipeline.store import CommitInfo, RawPage, open_store
from gogoku_pipeline.tables.ledger import retype
from gogoku_pipeline.tables.master import build_security_master, rebuilt_master
from gogoku_pipeline.tables.summary import SUMMARY, data_summary
from tests.unit.tables.raw_answers import FRIDAY, THURSDAY, TUESDAY, WEDNESDAY, at, land_answer, source_row

WHO = {"run_id": "run", "code_version": "0"}


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/store")


def refuse(store, source):
    body = b'{"message": "This API is not available on your subscription."}'
    store.raw.land(
        RawPage(source, {"date": "2024-05-08"}, WEDNESDAY, body, 0, 1, None, "", 403, at(WEDNESDAY, 19), (), "w", "r")
    )


def test_a_line_per_source_says_how_much_how_new_how_whole_and_why_nothing(store):
    for day in (TUESDAY, WEDNESDAY):
        listing = [source_row("listed_issues", day, n) for n in range(4)]
        land_answer(store, "listed_issues", day, listing, fetched_at=at(day, 9))
        bars = [source_row("daily_bars", day, n) for n in range(3)] + [source_row("daily_bars", day, 3, O="x")]
        land_answer(store, "daily_bars", day, bars, fetched_at=at(day, 19))
    land_answer(
        store, "daily_bars", TUESDAY, [source_row("daily_bars", TUESDAY, 0, C=1.0)], fetched_at=at(WEDNESDAY, 20)
    )
    land_answer(store, "short_positions", WEDNESDAY, [], fetched_at=at(WEDNESDAY, 19))
    land_answer(store, "indices", WEDNESDAY, [source_row("indices", WEDNESDAY)], fetched_at=at(WEDNESDAY, 19))
    refuse(store, "breakdown")
    for source in ("listed_issues", "daily_bars", "short_positions", "breakdown"):
        retype(store, source, **WHO)
    names = ["listed_issues", "daily_bars", "short_positions", "indices", "breakdown", "valuation"]
    found = data_summary(store, names, THURSDAY)
    assert found.schema == SUMMARY
    assert found.rows() == [
        ("listed_issues", 8, WEDNESDAY, 1, None, 0, 0, ""),
        ("daily_bars", 4, WEDNESDAY, 1, 0.75, 1, 3, ""),
        ("short_positions", 0, WEDNESDAY, 1, None, 0, 0, "nothing published"),
        ("indices", 0, None, None, None, 0, 0, "fetched, never typed"),
        ("breakdown", 0, None, None, None, 0, 0, "not in the plan, switched off"),
        ("valuation", 0, None, None, None, 0, 0, "never fetched"),
    ]
    assert data_summary(store, ["daily_bars"], TUESDAY).select("rows", "sessions_behind").row(0) == (1, 0)


def test_a_rebuilt_master_keeps_every_number_though_older_snapshots_came_in_between(store):
    for day, codes in ((WEDNESDAY, (5, 7)), (FRIDAY, (5, 9))):
        rows = [source_row("listed_issues", day, n, CoName="steady") for n in codes]
        land_answer(store, "listed_issues", day, rows, fetched_at=at(day, 9))
    retype(store, "listed_issues", **WHO)
    store.tables.write_whole(MASTER, rebuilt_master(store), commit=CommitInfo(**WHO))
    stored = dict(store.tables.scan(MASTER).collect().select("code", "stock_id").iter_rows())
    older = date(2023, 12, 29)
    land_answer(
        store, "listed_issues", older, [source_row("listed_issues", older, 1, CoName="steady")], fetched_at=at(older, 9)
    )
    retype(store, "listed_issues", **WHO)
    again = rebuilt_master(store)
    numbers = dict(again.select("code", "stock_id").iter_rows())
    assert {code: numbers[code] for code in stored} == stored
    assert numbers["10010"] == 3
    snapshots = store.tables.scan(SNAPSHOT).collect()
    kept = store.tables.scan(MASTER).collect()
    assert again.equals(build_security_master(snapshots, ids_from=kept))
