"""Two backfills over the same range at the same time, with two keys: everything lands, tables are those of one."""

import asyncio
from datetime import timedelta

from gogoku_pipeline.core.fingerprints import sha256_frame
from gogoku_pipeline.ingest import fetch_group
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.ledger import retype

SOURCES = ["daily_bars", "listed_issues", "margin_alerts", "topix"]
KEYS = ("simulator-premium-key", "simulator-key")


def backfill(e, store, keys, days, bulk):
    """As many backfills at once as keys, each with its own client, its own store object and its own lock."""

    async def one(key):
        async with JQuantsClient(e.server.base_url, key, plan="premium", clock=e.clock) as client:
            own = open_store(store.url)
            return await fetch_group(client, own, SOURCES, days, run_id=key, bulk=bulk)

    async def all_at_once():
        return await asyncio.wait_for(asyncio.gather(*(one(key) for key in keys)), 60)

    return asyncio.run(all_at_once())


def tables(store):
    for name in SOURCES:
        retype(store, name, run_id="typing", code_version="0")
    held = {name: store.tables.scan(TABLE_OF[name]).sort(TABLE_OF[name].key).collect() for name in SOURCES}
    for name, frame in held.items():
        assert frame.height > 0
        assert not frame.select(TABLE_OF[name].key).is_duplicated().any(), name
    return {name: sha256_frame(frame) for name, frame in held.items()}


def test_two_backfills_of_one_range_land_twice_and_type_as_one(evening, tmp_path):
    with evening() as e:
        e.clock.advance_to(e.clock.now() + timedelta(days=45))
        days = [day for day in e.market.sessions if (day.year, day.month) in ((2020, 9), (2020, 10))]
        alone = open_store(f"file://{tmp_path}/alone")
        for bulk, part in ((True, days[:20]), (False, days[20:26])):
            both = backfill(e, e.store, KEYS, part, bulk)
            assert all(report.rows + report.bulk_rows > 0 for reports in both for report in reports)
            backfill(e, alone, KEYS[:1], part, bulk)
        for name in SOURCES:
            index = e.store.raw.requests(name)
            assert set(index["run_id"]) == set(KEYS)
            assert not index.select("request_key", "fetch_id", "page_number").is_duplicated().any()
            for request in index.iter_rows(named=True):
                assert e.store.raw.payload(name, request)
        assert tables(e.store) == tables(alone)
        assert e.store.tables.scan(CORRECTIONS).collect().is_empty()
        calls = len(e.calls())
        again = e.run(lambda client: fetch_group(client, e.store, SOURCES[:3], days[:26], run_id="again", bulk=False))
        assert [report.fetched_pages for report in again] == [0, 0, 0]
        assert len(e.calls()) == calls
