"""Files land exactly as received, are counted while they stream, and are refused before they can do harm."""

import csv
import gzip
import io
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import PayloadError
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_json
from gogoku_pipeline.store import RawPage, RawStore, open_store
from gogoku_pipeline.store.raw_files import FileCaps, measured

KEY = "equities/bars/daily/historical/2024/equities_bars_daily_202404.csv.gz"
TABLE = b"Date,Code,C\r\n2024-04-01,72030,3500.0\r\n2024-04-02,72030,\r\n"
CAPS = FileCaps(packed_bytes=1_000_000, bytes=2_000_000, rows=1_000)


def file_page(payload, **changes):
    values = {
        "source": "daily_bars",
        "params": {"bulk": KEY},
        "event_date": None,
        "payload": payload,
        "row_count": 0,
        "page_number": 1,
        "pagination_key_next": None,
        "url": "https://api.example/v2/bulk/get",
        "status": 200,
        "fetched_at": datetime(2024, 5, 8, 19, 0, tzinfo=JST),
        "field_names": (),
        "fetch_id": "001",
        "run_id": "run-1",
        "media": "csv.gz",
        "covers_from": date(2024, 4, 1),
        "covers_to": date(2024, 4, 30),
        "last_modified": datetime(2024, 5, 2, 3, 0, tzinfo=JST),
    }
    return RawPage(**(values | changes))


def parquet(rows=3):
    out = io.BytesIO()
    pl.DataFrame({"Date": ["2024-04-01"] * rows, "C": [1.0] * rows}).write_parquet(out)
    return out.getvalue()


def test_a_bulk_file_lands_as_received_and_is_counted(store):
    body = gzip.compress(TABLE, mtime=0)
    landed = store.raw.land(file_page(body))
    assert landed.object_key == f"raw/daily_bars/2024/04/01/{sha256_bytes(body)}.csv.gz"
    assert store.objects.get(landed.object_key) == body
    row = store.raw.requests("daily_bars").row(0, named=True)
    assert store.raw.payload("daily_bars", row) == store.raw.payload("daily_bars", row["sha256"]) == body
    assert row["request_key"] == f"bulk={KEY}"
    assert (row["row_count"], row["byte_count"], row["media"]) == (2, len(body), "csv.gz")
    assert (row["covers_from"], row["covers_to"]) == (date(2024, 4, 1), date(2024, 4, 30))
    assert row["last_modified"] == datetime(2024, 5, 2, 3, 0, tzinfo=JST)
    assert row["schema_fingerprint"] == sha256_json(["C", "Code", "Date"])


def test_a_users_parquet_file_lands_as_received(local):
    body = parquet()
    landed = local.raw.land(file_page(body, media="parquet", params={"file": "my bars.parquet"}, last_modified=None))
    assert landed.object_key.endswith(f"{sha256_bytes(body)}.parquet")
    assert (landed.row_count, landed.request_key) == (3, "file=my+bars.parquet")
    assert local.raw.payload("daily_bars", landed) == body


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (date(2024, 4, 30), None, True),
        (date(2024, 5, 1), None, False),
        (None, date(2024, 4, 1), True),
        (None, date(2024, 3, 31), False),
        (date(2024, 4, 10), date(2024, 4, 10), True),
    ],
)
def test_a_file_is_found_by_any_day_it_covers(local, start, end, found):
    local.raw.land(file_page(gzip.compress(TABLE)))
    assert local.raw.requests("daily_bars", start, end).height == int(found)


def test_a_file_landed_again_is_newest(local):
    local.raw.land(file_page(gzip.compress(TABLE)))
    later = file_page(gzip.compress(TABLE + b"2024-04-03,72030,1\r\n"), fetch_id="002")
    local.raw.land(later)
    assert local.raw.newest("daily_bars")["row_count"].to_list() == [3]
    assert local.raw.requests("daily_bars").height == 2


def _bomb():
    return gzip.compress(b"Date,C\n" + b"0" * 3_000_000)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (gzip.compress(TABLE)[:-5], "not whole gzip"),
        (gzip.compress(TABLE)[:-9] + b"\x00" * 9, "not whole gzip"),
        (gzip.compress(TABLE) + b"rest", "not whole gzip"),
        (TABLE, "not whole gzip"),
        (b"", "no header"),
        (gzip.compress(b""), "no header"),
        (gzip.compress(b"2024-04-01,72030,1\n2024-04-02,72030,1\n"), "no header"),
        (gzip.compress(b"Date,Date\n1,2\n"), "no header"),
        (gzip.compress(b"Date,,C\n1,2,3\n"), "no header"),
        (gzip.compress(b"Date\rC\r1\r"), "no header"),
        (gzip.compress(b"<html>" + b"x" * 200_000), "no header"),
        (gzip.compress(b'Date,C\n1,"two\n'), "never ends"),
        (gzip.compress(b"Date,C\n1,\xff\n"), "not UTF-8"),
        (gzip.compress(b"Date,C\n1,\xe3\x81"), "not UTF-8"),
        (gzip.compress(b"Date\n" + b"1\n" * 1_001), "more than 1000 rows"),
        (_bomb(), "unpacked"),
        (b"x" * 1_000_001, "1000001 bytes"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_csv_that_is_not_whole_or_too_large_is_refused_before_it_lands(tmp_path, body, words):
    store = open_store(f"file://{tmp_path}/data")
    raw = RawStore(store.objects, store.tables, caps=CAPS)
    with pytest.raises(PayloadError, match=words):
        raw.land(file_page(body))
    assert raw.flush() == 0
    assert store.objects.list("raw") == []


@pytest.mark.parametrize(
    ("body", "words"), [(b"PAR1", "not parquet"), (parquet()[:-3], "not parquet"), (parquet(1_001), "1001 rows")]
)
def test_a_parquet_that_is_not_whole_or_too_large_is_refused(body, words):
    with pytest.raises(PayloadError, match=words):
        measured("daily_bars", "parquet", body, CAPS)


def test_an_unknown_form_is_refused():
    with pytest.raises(PayloadError, match="csv.gz or parquet"):
        measured("daily_bars", "xlsx", b"PK", CAPS)


cells = st.text(st.sampled_from('ab ,"\n\r1日'), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(cells, cells), max_size=30), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_rows_are_counted_as_a_csv_reader_counts_them(rows, ending, is_ended):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([("Date", "C"), *rows])
    text = out.getvalue() if is_ended else out.getvalue().removesuffix(ending)
    expected = sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) - 1
    assert measured("x", "csv.gz", gzip.compress(text.encode()), FileCaps()) == (expected, ("Date", "C"))


def test_rows_are_counted_across_the_pieces_in_which_a_long_file_is_read():
    row = '"said ""yes\r\nand no""\n\n",' + "日" * 7 + "\r\n"
    text = "FS,Name\r\n" + row * 120_000
    assert len(text.encode()) > 3 << 20
    assert measured("x", "csv.gz", gzip.compress(text.encode(), 1), FileCaps()) == (120_000, ("FS", "Name"))
