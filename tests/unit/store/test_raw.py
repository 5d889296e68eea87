"""The raw landing loses nothing: exact bytes, one object per content, and an index of what was known when."""

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.metadata import version

import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ObjectMissingError, StoreError
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.store import RAW_REQUESTS, CommitInfo, RawPage, open_store

EVENING = datetime(2024, 5, 8, 19, 0, tzinfo=JST)


def page(payload=b'{"data": [ ]}\n', **changes):
    values = {
        "source": "daily_bars",
        "params": {"date": "2024-05-08"},
        "event_date": date(2024, 5, 8),
        "payload": payload,
        "row_count": 0,
        "page_number": 1,
        "pagination_key_next": None,
        "url": "https://api.example/v2/equities/bars/daily?secret=canary",
        "status": 200,
        "fetched_at": EVENING,
        "field_names": ("Code", "Date"),
        "fetch_id": "001",
        "run_id": "run-1",
    }
    return RawPage(**(values | changes))


@pytest.mark.parametrize("payload", [b"", b"\x00\xff not json", '{"data":[{"x":"日本"}]}'.encode(), b"[1, 2" * 400_000])
def test_the_exact_bytes_come_back(store, payload):
    landed = store.raw.land(page(payload))
    assert landed.sha256 == sha256_bytes(payload)
    assert store.raw.payload("daily_bars", landed) == payload
    assert store.raw.payload("daily_bars", landed.sha256) == payload
    row = store.raw.requests("daily_bars").row(0, named=True)
    assert store.raw.payload("daily_bars", row) == payload


def test_the_index_says_which_run_and_which_code_wrote_it(local):
    local.raw.land(page())
    local.raw.flush()
    newest = local.tables.commits(RAW_REQUESTS)[0]
    assert newest["run_id"] == "run-1"
    assert newest["code_version"] == version("gogoku-pipeline")


def test_the_index_says_what_was_asked_and_keeps_no_query_of_the_address(local):
    local.raw.land(page())
    index = local.raw.requests("daily_bars")
    assert index.schema == RAW_REQUESTS.polars_schema
    row = index.row(0, named=True)
    assert row["request_key"] == "date=2024-05-08"
    assert row["fetched_at"] == EVENING
    assert row["object_key"].startswith("raw/daily_bars/2024/05/08/")
    assert "canary" not in str(index.rows())


def test_the_same_bytes_are_kept_once_and_noted_twice(local):
    for fetch in ("001", "002"):
        local.raw.land(page(fetch_id=fetch))
    assert local.raw.requests("daily_bars").height == 2
    assert len(local.objects.list("raw")) == 1


def test_requests_are_found_by_day(local):
    for offset in range(5):
        day = date(2024, 5, 6) + timedelta(days=offset)
        local.raw.land(page(event_date=day, params={"date": day.isoformat()}))
    local.raw.land(page(source="topix", event_date=None, params={"from": "2024-05-01", "to": "2024-05-08"}))
    found = local.raw.requests("daily_bars", date(2024, 5, 7), date(2024, 5, 8))
    assert found["event_date"].to_list() == [date(2024, 5, 7), date(2024, 5, 8)]
    assert local.raw.requests("topix")["request_key"].to_list() == ["from=2024-05-01&to=2024-05-08"]
    assert local.raw.requests("calendar").is_empty()


def test_only_complete_fetches_count_and_the_newest_wins(local):
    first = {"fetch_id": "001"}
    local.raw.land(page(b"1a", page_number=1, pagination_key_next="k.", **first))
    local.raw.land(page(b"1b", page_number=2, **first))
    local.raw.land(page(b"2a", page_number=1, pagination_key_next="k.", fetch_id="002"))
    assert [local.raw.payload("daily_bars", row) for row in local.raw.newest("daily_bars").iter_rows(named=True)] == [
        b"1a",
        b"1b",
    ]
    local.raw.land(page(b"3", fetch_id="003"))
    assert local.raw.newest("daily_bars")["fetch_id"].to_list() == ["003"]
    local.raw.land(page(b"4", page_number=2, fetch_id="004"))
    assert local.raw.newest("daily_bars")["fetch_id"].to_list() == ["003"]


def test_a_changed_byte_is_noticed(tmp_path):
    store = open_store(f"file://{tmp_path}/data")
    landed = store.raw.land(page(b"x" * 1_000))
    file = tmp_path / "data" / landed.object_key
    for damaged in (file.read_bytes()[:-1] + b"!", b"", b"no zstd"):
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match="no longer match"):
            store.raw.payload("daily_bars", landed)
    file.unlink()
    with pytest.raises(ObjectMissingError):
        store.raw.payload("daily_bars", landed)
    with pytest.raises(StoreError, match="no such hash"):
        store.raw.payload("daily_bars", "0" * 64)


def test_the_index_is_written_in_batches_and_another_reader_sees_it(tmp_path):
    store = open_store(f"file://{tmp_path}/data")
    other = open_store(f"file://{tmp_path}/data")
    for number in range(120):
        store.raw.land(page(b"%d" % number, fetch_id=f"{number:03d}"))
    assert other.raw.requests("daily_bars").height == 100
    assert store.raw.flush() == 20
    assert store.raw.flush() == 0
    assert other.raw.requests("daily_bars").height == 120


def test_threads_land_side_by_side(local):
    def land(part):
        for number in range(40):
            local.raw.land(page(b"%d-%d" % (part, number), fetch_id=f"{part}-{number:03d}"))

    threads = [threading.Thread(target=land, args=(part,)) for part in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index = local.raw.requests("daily_bars")
    assert index.height == 240
    assert index["sha256"].n_unique() == 240


def test_an_index_from_before_the_file_columns_still_opens_and_widens(store, tmp_path):
    young = ("media", "covers_from", "covers_to", "last_modified")
    kept = tuple(column for column in RAW_REQUESTS.columns if column.name not in young)
    former = replace(RAW_REQUESTS, columns=kept)
    new, old = open_store(f"file://{tmp_path}/new"), store
    new.raw.land(page())
    new.raw.flush()
    row = new.tables.scan(RAW_REQUESTS).collect().select(former.polars_schema.names())
    old.tables.append(former, row, commit=CommitInfo(run_id="old", code_version="old"))

    index = old.raw.requests("daily_bars")
    assert index.schema == RAW_REQUESTS.polars_schema
    assert index.select(young).rows() == [("json", None, None, None)]
    assert old.raw.requests("daily_bars", date(2024, 5, 8), date(2024, 5, 8)).height == 1
    old.raw.land(page(fetch_id="002"))
    assert old.raw.requests("daily_bars")["media"].to_list() == ["json", "json"]
    for number in range(2):
        old.raw.land(page(fetch_id=f"00{number + 3}"))
        old.raw.flush()
    assert old.tables.scan(RAW_REQUESTS).collect()["media"].to_list() == ["json"] * 4
    assert old.tables.version(RAW_REQUESTS) == 5  # created, appended, widened once, appended three times
