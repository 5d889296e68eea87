"""Bulk files say what the pages say, under names and instants that can be relied on; signed URLs serve once."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import date, datetime, time, timedelta
from time import process_time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from gogoku_pipeline.simulator import bulk_faults, faults
from gogoku_pipeline.simulator.bulk import Depot, File
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Correction, Corrections
from gogoku_pipeline.simulator.desk import ALL_BOOKS
from gogoku_pipeline.simulator.faults import FaultPlan, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.rules import LOWEST_PLAN
from gogoku_pipeline.simulator.server import ServerOptions
from gogoku_pipeline.simulator.shelf import Shelf

LIST, GET, BARS = "/bulk/list", "/bulk/get", "/equities/bars/daily"
ALWAYS = When(times=None)
UNLIMITED = ServerOptions(is_rate_limited=False)


def _url(ask, server, key, **changes):
    reply = ask(server, GET, key="simulator-premium-key", **{"key_": key, **changes})
    assert reply.status == 200, reply.body
    return reply.body["url"]


def _fetch(url, **headers):
    try:
        with urlopen(Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.read()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def _rows(body):
    return list(csv.DictReader(io.StringIO(gzip.decompress(body).decode(), newline="")))


def _as_csv(value):
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, dict) else str(value)


@pytest.fixture
def busy(serve, evening):
    """A server on the last evening of the market, without rates."""
    return serve(evening, options=UNLIMITED)


def test_a_month_is_one_file_from_the_tenth_of_the_next_on_and_days_before(market, serve, ask, clock_at):
    before, after = serve(clock_at(date(2020, 8, 10), 5)), serve(clock_at(date(2020, 8, 10), 6))
    keys = [[row["Key"] for row in ask(server, LIST, endpoint=BARS).rows] for server in (before, after)]
    month = "equities/bars/daily/premium/historical/2020/equities_bars_daily_202007.csv.gz"
    day = "equities/bars/daily/premium/live/equities_bars_daily_20200731.csv.gz"
    assert month not in keys[0] and day in keys[0]
    assert month in keys[1] and day not in keys[1]
    assert "equities/bars/daily/premium/live/equities_bars_daily_20200807.csv.gz" in keys[1]
    light = ask(after, LIST, key="simulator-light-key", endpoint=BARS).rows
    assert [row["Key"] for row in light] == [key.replace("premium/", "") for key in keys[1]]


def test_only_days_with_rows_that_are_out_have_a_file(market, serve, ask, clock_at):
    day = market.sessions[-1]
    for hour, expected in ((16, False), (17, True)):
        rows = ask(serve(clock_at(day, hour)), LIST, endpoint=BARS, from_=day.isoformat()).rows
        assert bool(rows) is expected, hour


@pytest.mark.parametrize("book", [book for book in ALL_BOOKS if book.has_bulk], ids=lambda book: book.path)
def test_a_file_has_the_rows_of_the_pages(market, ask, busy, book):
    month = "2020-06" if book.path.startswith("/derivatives") else "2020-12"
    listed = ask(busy, LIST, endpoint=book.path, from_=month, to=month).rows
    assert listed, "no file"
    assert [sorted(row) for row in listed] == [["Key", "LastModified", "Size"]] * len(listed)
    for row in listed:
        status, body = _fetch(_url(ask, busy, row["Key"]))
        assert (status, len(body)) == (200, row["Size"])
        text = gzip.decompress(body).decode()
        assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
        month = datetime.strptime(row["Key"][-13:-7], "%Y%m").date()  # noqa: DTZ007 - a month of a key has no zone
        days = [month + timedelta(days=n) for n in range(31) if (month + timedelta(days=n)).month == month.month]
        expected = []
        for day in days:
            expected += _page(ask, busy, book, day)
        keys = [key for key in book.keys or expected[0] if key in expected[0]]
        adjusted = {key for key in keys if "Adj" in key and key != "AdjFactor"}
        got = _rows(body)
        assert list(got[0]) == keys
        assert [[one[key] for key in keys if key not in adjusted] for one in got] == [
            [_as_csv(one.get(key)) for key in keys if key not in adjusted] for one in expected
        ]


def _page(ask, server, book, day):
    """Rows of one event day from the pages."""
    text = day.isoformat()
    if book.path == "/equities/master":
        rows = ask(server, book.path, date=text).rows
        return rows if rows[0]["Date"] == text else []
    if not book.day_parameter or book.path in ("/markets/calendar", "/equities/investor-types"):
        return ask(server, book.path, from_=text, to=text).rows
    return ask(server, book.path, **{book.day_parameter: text}).rows


def test_every_endpoint_with_files_is_known_and_no_other(ask, busy):
    without = {"/equities/bars/daily/am", "/equities/earnings-calendar", LIST, GET}
    assert {book.path for book in ALL_BOOKS if book.has_bulk} == set(LOWEST_PLAN) - without
    for path in without:
        reply = ask(busy, LIST, endpoint=path)
        assert reply.status == 400 and "'endpoint' must be one of" in reply.body["message"]


def test_free_has_the_calendar_and_nothing_else(serve, ask, clock_at):
    server = serve(clock_at(date(2021, 4, 30)), options=UNLIMITED)
    assert ask(server, LIST, key="simulator-free-key", endpoint="/markets/calendar").rows
    assert ask(server, LIST, key="simulator-free-key", endpoint=BARS).status == 403
    of_month = ask(server, LIST, key="simulator-free-key", date="2020-09").rows
    assert [row["Key"] for row in of_month] == ["markets/calendar/historical/2020/markets_calendar_202009.csv.gz"]
    assert ask(server, LIST, key="simulator-light-key", endpoint="/markets/breakdown").status == 403


def test_the_files_of_a_month_or_a_day_may_be_asked_for_all_endpoints(ask, busy):
    for text in ("2020-09", "202009"):
        keys = [row["Key"] for row in ask(busy, LIST, date=text).rows]
        assert len(keys) > 10 and all(key.endswith("_202009.csv.gz") for key in keys)
    live = [row["Key"] for row in ask(busy, LIST, date="2021-01-15").rows]
    assert "equities/master/live/equities_master_20210115.csv.gz" in live
    assert all(key.endswith("_20210115.csv.gz") for key in live)


@pytest.mark.parametrize(
    ("path", "params", "message"),
    [
        (LIST, {}, "at least 1 parameter as follows; endpoint, date"),
        (LIST, {"endpoint": BARS, "date": "2020-09"}, "cannot be used together"),
        (LIST, {"date": "2020-13"}, "'date' must be a valid date"),
        (LIST, {"endpoint": BARS, "from_": "2020-09", "to": "2020-08"}, "'from' must not be after 'to'."),
        (GET, {}, "at least 1 parameter as follows; key, endpoint and date"),
        (GET, {"endpoint": BARS}, "at least 1 parameter"),
        (GET, {"endpoint": BARS, "date": "2031-01"}, "does not exist"),
        (GET, {"key_": "equities/bars/daily/historical/2020/equities_bars_daily_202013.csv.gz"}, "must be a valid"),
        (GET, {"key_": "../../etc/passwd"}, "does not exist"),
        (GET, {"key_": BARS, "endpoint": BARS}, "cannot be used together"),
    ],
)
def test_wrong_parameters_are_refused(ask, busy, path, params, message):
    reply = ask(busy, path, **params)
    assert reply.status == 400 and message in reply.body["message"], reply.body


def test_a_file_is_found_by_endpoint_and_date_too(ask, busy):
    for text, part in (("2020-09", "historical/2020"), ("20210115", "live"), ("2021-01-15", "live")):
        reply = ask(busy, GET, endpoint="/equities/master", date=text)
        assert f"equities/master/{part}/equities_master_{text.replace('-', '')}.csv.gz" in reply.body["url"]


def test_a_signed_url_serves_once(ask, busy):
    key = ask(busy, LIST, endpoint="/markets/calendar").rows[0]["Key"]
    url = _url(ask, busy, key)
    assert "/v2/" not in url
    assert _fetch(url)[0] == 200
    status, body = _fetch(url)
    assert status == 403 and body.startswith(b"<?xml") and b"AccessDenied" in body
    assert [seen.status for seen in busy.downloads_seen] == [200, 403]
    assert _fetch(_url(ask, busy, key))[0] == 200
    assert _fetch(url.replace("Signature=", "Signature=0"))[0] == 403


def test_a_signed_url_lives_five_minutes(market, serve, ask, evening):
    server = serve(evening)
    key = ask(server, LIST, endpoint="/markets/calendar").rows[0]["Key"]
    young, old = _url(ask, server, key), _url(ask, server, key)
    evening.advance_to(evening.now() + timedelta(minutes=4, seconds=59))
    assert _fetch(young)[0] == 200
    evening.advance_to(evening.now() + timedelta(seconds=1))
    assert _fetch(old)[0] == 403


def test_a_key_shown_to_the_file_store_is_counted(ask, busy):
    key = ask(busy, LIST, endpoint="/markets/calendar").rows[0]["Key"]
    _fetch(_url(ask, busy, key))
    assert busy.keys_leaked == 0
    _fetch(_url(ask, busy, key), **{"x-api-key": "secret"})
    assert busy.keys_leaked == 1


def test_downloads_cost_no_request_of_the_rate(market, serve, ask, evening):
    server = serve(evening)
    url = _url(ask, server, ask(server, LIST, endpoint="/markets/calendar").rows[0]["Key"])
    n = len(server.requests_seen)
    _fetch(url)
    assert (len(server.requests_seen), len(server.downloads_seen)) == (n, 1)


def _modified(ask, server, part):
    return {row["Key"]: row["LastModified"] for row in ask(server, LIST, endpoint=BARS).rows if part in row["Key"]}


def test_last_modified_is_when_the_contents_were_written_and_moves_with_a_correction(market, serve, ask, evening):
    day = date(2020, 9, 9)
    server = serve(evening)
    before = _modified(ask, server, "historical")
    assert before["equities/bars/daily/premium/historical/2020/equities_bars_daily_202009.csv.gz"] == (
        "2020-10-09T21:00:00+00:00"
    )
    code = ask(server, BARS, date=day.isoformat()).rows[0]["Code"]
    due = evening.now() + timedelta(hours=1)
    server.correct(Correction(BARS, day, {"Code": code}, "Va", 1.0, due))
    assert _modified(ask, server, "historical") == before
    evening.advance_to(due)
    after = _modified(ask, server, "historical")
    changed = [key for key in before if after[key] != before[key]]
    assert changed == ["equities/bars/daily/premium/historical/2020/equities_bars_daily_202009.csv.gz"]
    assert datetime.fromisoformat(after[changed[0]]) == due
    _, body = _fetch(_url(ask, server, changed[0]))
    corrected = [row for row in _rows(body) if row["Va"] == "1.0"]
    assert [(row["Date"], row["Code"]) for row in corrected] == [(day.isoformat(), code)]
    assert ask(server, BARS, date=day.isoformat(), code=code).rows[0]["Va"] == 1.0
    assert ask(server, BARS, code=code, from_=day.isoformat(), to=day.isoformat()).rows[0]["Va"] == 1.0


def test_a_live_day_was_written_at_its_publication(market, serve, ask, clock_at):
    day = market.sessions[-1]
    server = serve(clock_at(day, 20))
    assert list(_modified(ask, server, f"live/equities_bars_daily_{day:%Y%m%d}").values()) == [
        datetime.combine(day, time(7, 30)).isoformat() + "+00:00"
    ]


def test_sizes_of_a_large_market_may_be_estimated(market, serve, ask, evening):
    exact, rough = (
        ask(serve(evening, options=ServerOptions(bulk_sizes=sizes)), LIST, endpoint=BARS).rows
        for sizes in ("exact", "estimated")
    )
    assert [row["Key"] for row in rough] == [row["Key"] for row in exact]
    for one, other in zip(exact, rough, strict=True):
        assert abs(one["Size"] - other["Size"]) < one["Size"] * 0.3


def _struck(serve, ask, evening, *ordered):
    server = serve(evening, faults=FaultPlan(*ordered), options=UNLIMITED)
    key = "equities/bars/daily/premium/historical/2020/equities_bars_daily_202009.csv.gz"
    return server, key


def test_a_column_may_be_missing_from_a_file(serve, ask, evening):
    missing = faults.MissingColumn(When(path=bulk_faults.DOWNLOAD, key="202009", times=None), "C")
    server, key = _struck(serve, ask, evening, missing)
    rows = _rows(_fetch(_url(ask, server, key))[1])
    assert "C" not in rows[0] and "O" in rows[0]
    other = _rows(_fetch(_url(ask, server, key.replace("202009", "202010")))[1])
    assert "C" in other[0]


def test_a_file_may_be_no_gzip_or_half_of_one(serve, ask, evening):
    server, key = _struck(serve, ask, evening, bulk_faults.WrongGzip(When(path=bulk_faults.DOWNLOAD)))
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(_fetch(_url(ask, server, key))[1])
    half = bulk_faults.WrongGzip(When(path=bulk_faults.DOWNLOAD), is_cut=True)
    server, key = _struck(serve, ask, evening, half)
    with pytest.raises(EOFError):
        gzip.decompress(_fetch(_url(ask, server, key))[1])


def test_a_size_may_be_claimed_in_the_listing_and_at_the_download(serve, ask, evening):
    server, key = _struck(serve, ask, evening, bulk_faults.ClaimedSize(ALWAYS))
    assert {row["Size"] for row in ask(server, LIST, endpoint=BARS).rows} == {50_000_000_000}
    with urlopen(_url(ask, server, key), timeout=20) as answer:
        assert answer.headers["Content-Length"] == "50000000000"
        assert len(answer.read1(100)) > 0


def test_a_signed_url_may_lead_to_another_host_be_too_old_or_redirect(serve, ask, evening):
    server, key = _struck(serve, ask, evening, bulk_faults.SignedElsewhere(host="http://10.0.0.1"))
    assert _url(ask, server, key).startswith("http://10.0.0.1/bulk-files/")
    assert _url(ask, server, key).startswith("http://127.0.0.1:")
    server, key = _struck(serve, ask, evening, bulk_faults.SignedUrl(url="file:///etc/passwd"))
    assert _url(ask, server, key) == "file:///etc/passwd"
    server, key = _struck(serve, ask, evening, bulk_faults.ExpiredUrl())
    assert [_fetch(_url(ask, server, key))[0] for _ in range(2)] == [403, 200]
    host = "http://192.168.0.1:8080"
    hosted = serve(evening, options=ServerOptions(bulk_host=host))
    assert _url(ask, hosted, key).startswith(host + "/bulk-files/")
    target = f"{server.base_url}/markets/calendar"
    server, key = _struck(serve, ask, evening, bulk_faults.Redirected(When(path=bulk_faults.DOWNLOAD), location=target))
    status, _ = _fetch(_url(ask, server, key))
    assert status == 403 and server.downloads_seen[0].status == 302


@pytest.mark.parametrize(
    ("fault", "status"), [(faults.ServerFailure, 500), (faults.GatewayPage, 502), (faults.TooManyRequests, 429)]
)
def test_wire_faults_strike_downloads_too(serve, ask, evening, fault, status):
    server, key = _struck(serve, ask, evening, fault(When(path=bulk_faults.DOWNLOAD)))
    url = _url(ask, server, key)
    assert [_fetch(url)[0], _fetch(url)[0]] == [status, 200]


def test_a_month_of_a_small_market_is_written_in_a_tenth_of_a_second(clock_at):
    market = generate_market(MarketConfig(250, 40, date(2020, 6, 1)))
    corrections = Corrections()
    depot = Depot(market, Shelf(market, corrections), corrections)
    now = clock_at(market.sessions[-1]).now()
    book = next(book for book in ALL_BOOKS if book.path == BARS)
    month = File(book, date(2020, 6, 1), date(2020, 6, 30), is_live=False, is_premium=True)
    before = process_time()
    body = depot.content(month, now)
    took = process_time() - before
    rows = _rows(body)
    assert len(rows) > 4_800 and len(rows[0]) == 44
    assert took < 0.2  # 0.04 s on an idle machine
