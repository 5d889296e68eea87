"""Closed months come by file: fewer calls, the same rows, nothing lost when a file is no good."""

import asyncio
import gzip
import io
from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest import fetch_sessions, recheck_history
from gogoku_pipeline.ingest.by_file import months_worth_a_file
from gogoku_pipeline.ingest.contents import Contents, read_contents
from gogoku_pipeline.ingest.landed import complete_days
from gogoku_pipeline.ingest.month_files import covered
from gogoku_pipeline.jquants import BulkFile, JQuantsClient
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.bulk_faults import DOWNLOAD, SIGNING, ClaimedSize, SignedElsewhere, WrongGzip
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Correction
from gogoku_pipeline.simulator.faults import When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from tests.unit.ingest.conftest import RATE_SCALE
from tests.unit.ingest.fetching import BARS, bars, landed_rows

LATER = timedelta(days=60)


def by_file(store, days, **options):
    return bars(store, days, bulk=True, **options)


def file_rows(store, source="daily_bars"):
    """(day, code) of every row of the landed files."""
    index = store.raw.newest(source).filter(pl.col("media") == "csv.gz")
    rows = []
    for request in index.iter_rows(named=True):
        text = gzip.decompress(store.raw.payload(source, request))
        rows += pl.read_csv(io.BytesIO(text), columns=["Date", "Code"], infer_schema=False).rows()
    return rows


def close_all_months(e):
    e.clock.advance_to(e.clock.now() + LATER)


def test_closed_months_cost_one_call_each_and_hold_what_the_days_hold(evening):
    with evening() as e:
        close_all_months(e)
        days = e.market.sessions
        months = len({(day.year, day.month) for day in days})
        report = e.run(by_file(e.store, days), plan="premium")
        assert (report.bulk_files, report.fetched_pages, len(e.calls())) == (months, 0, months + 1)
        index = e.store.raw.requests("daily_bars")
        assert index["media"].unique().to_list() == ["csv.gz"]
        assert index["last_modified"].null_count() == 0
        assert index["covers_from"].min() <= days[0]
        assert index["row_count"].sum() == report.bulk_rows == len(set(file_rows(e.store)))
        again = e.run(by_file(e.store, days), plan="premium")
        assert (again.skipped_complete, len(e.calls())) == (160, months + 1)
        from_files = sorted(file_rows(e.store))
        e.run(bars(e.store, days, refetch=True), plan="premium")
        by_day = e.store.raw.newest("daily_bars").filter(pl.col("media") == "json")
        assert by_day["row_count"].sum() == report.bulk_rows
        assert sorted(landed_rows(e.store)) == from_files


def test_an_open_month_and_a_lone_day_are_asked_by_date(evening):
    with evening() as e:
        days = e.market.sessions
        report = e.run(by_file(e.store, days), plan="premium")
        open_days = [day for day in days if (day.year, day.month) == (days[-1].year, days[-1].month)]
        assert report.fetched_pages == len(open_days)
        lone = e.run(by_file(e.store, days[:3], source="listed_issues"), plan="premium")
        assert (lone.bulk_files, lone.fetched_pages) == (0, 3)


def test_a_source_with_weekends_is_covered_from_the_first_to_the_last_of_the_month(evening):
    with evening() as e:
        close_all_months(e)
        july = [day for day in e.market.sessions if (day.year, day.month) == (2020, 7)]
        report = e.run(by_file(e.store, july, source="short_positions"), plan="premium")
        assert (report.bulk_files, report.fetched_pages) == (1, 0)
        index = e.store.raw.requests("short_positions")
        assert index.select("covers_from", "covers_to").rows() == [(date(2020, 7, 1), date(2020, 7, 31))]


@pytest.mark.parametrize(
    "fault",
    [
        WrongGzip(When(path=DOWNLOAD, times=4)),
        WrongGzip(When(path=DOWNLOAD, times=None), is_cut=True),
        SignedElsewhere(When(path=SIGNING, times=2)),
        ClaimedSize(When(path=DOWNLOAD, times=None)),
    ],
    ids=["no_gzip", "cut", "other_host", "absurd_size"],
)
def test_a_file_that_is_no_good_leaves_its_month_to_the_days_and_nothing_is_lost(evening, fault):
    with evening(fault) as e:
        close_all_months(e)
        days = [day for day in e.market.sessions if day.month in (7, 8)]
        report = e.run(by_file(e.store, days), plan="premium")
        assert report.warnings
        assert report.fetched_pages > 0
        assert len(set(file_rows(e.store)) | set(landed_rows(e.store))) == report.rows + report.bulk_rows
        again = e.run(by_file(e.store, days), plan="premium")
        assert (again.skipped_complete, again.fetched_pages, again.bulk_files) == (len(days), 0, 0)


def test_after_some_useless_files_the_rest_is_asked_day_by_day(evening):
    with evening(WrongGzip(When(path=DOWNLOAD, times=None))) as e:
        close_all_months(e)
        report = e.run(by_file(e.store, e.market.sessions), plan="premium")
        assert (report.bulk_files, report.fetched_pages) == (0, 160)
        assert len(report.warnings) in (4, 5)


def test_a_fetch_that_broke_off_takes_only_the_files_that_are_left(evening):
    with evening() as e:
        close_all_months(e)

        class CutShort:
            def advance(self, n, text):
                raise asyncio.CancelledError

        async def cut(client):
            task = asyncio.create_task(
                fetch_sessions(client, e.store, "daily_bars", e.market.sessions, run_id="cut", progress=CutShort())
            )
            with pytest.raises(asyncio.CancelledError):
                await task

        e.run(cut, plan="premium")
        landed = e.store.raw.requests("daily_bars").height
        months = len({(day.year, day.month) for day in e.market.sessions})
        assert 0 < landed < months
        report = e.run(by_file(e.store, e.market.sessions), plan="premium")
        assert (report.bulk_files, report.fetched_pages) == (months - landed, 0)


def test_a_free_key_never_asks_for_files(evening):
    with evening() as e:
        close_all_months(e)
        days = e.market.sessions[:6]
        report = e.run(by_file(e.store, days), key="simulator-free-key", plan="free")
        assert (report.bulk_files, report.fetched_pages) == (0, 6)
        assert e.calls("/bulk") == []


def test_files_are_used_where_they_save_calls():
    may = [date(2024, 5, day) for day in range(1, 32) if date(2024, 5, day).weekday() < 5]
    sessions = [day for day in may if day not in (date(2024, 5, 3), date(2024, 5, 6))]
    old, today = date(2014, 1, 1), date(2024, 6, 10)
    assert months_worth_a_file("daily_bars", sessions[:7], old, today) == [(2024, 5)]
    assert months_worth_a_file("daily_bars", sessions[:6], old, today) == []
    assert months_worth_a_file("daily_bars", sessions, old, date(2024, 5, 31)) == []
    assert months_worth_a_file("daily_bars", sessions, date(2024, 6, 1), today) == []


MAY = BulkFile("k", datetime(2024, 6, 10, 6, tzinfo=JST), 1, date(2024, 5, 1), date(2024, 5, 31))
IN_JUNE = datetime(2024, 6, 20, 19, tzinfo=JST)


def contents(days):
    return Contents(("Date", "Code"), len(days), dict.fromkeys(days, 1), 2)


def may_sessions():
    return tse_calendar().between(date(2024, 5, 1), date(2024, 5, 31))


def test_a_file_covers_what_it_can_say_all_of():
    days, bars_ = may_sessions(), SOURCES["daily_bars"]
    whole = covered("f", bars_, MAY, contents(days), MAY.first_day, IN_JUNE)
    assert whole == (date(2024, 5, 1), date(2024, 5, 31))
    assert covered("f", bars_, MAY, contents(days[4:]), MAY.first_day, IN_JUNE)[0] == days[4]
    assert covered("f", bars_, MAY, contents(days[:-3]), MAY.first_day, IN_JUNE)[1] == days[-4]
    early = datetime(2024, 5, 31, 12, tzinfo=JST)
    assert covered("f", bars_, MAY, contents(days), MAY.first_day, early)[1] == date(2024, 5, 30)
    with pytest.raises(DataError, match="no rows of 2024-05-10"):
        covered("f", bars_, MAY, contents([d for d in days if d != date(2024, 5, 10)]), MAY.first_day, IN_JUNE)
    with pytest.raises(DataError, match="rows of 2024-06-03"):
        covered("f", bars_, MAY, contents([*days, date(2024, 6, 3)]), MAY.first_day, IN_JUNE)


def test_a_silent_week_of_an_event_log_is_no_hole():
    log = SOURCES["short_positions"]
    span = covered("f", log, MAY, contents([date(2024, 5, 20)]), MAY.first_day, IN_JUNE)
    assert span == (date(2024, 5, 1), date(2024, 5, 31))


def test_a_corrected_month_is_landed_again_and_only_that_one(evening):
    with evening() as e:
        close_all_months(e)
        e.run(by_file(e.store, e.market.sessions), plan="premium")
        assert e.run(recheck(e.store, ["daily_bars", "morning_bars"]), plan="premium") == []
        day = date(2020, 8, 12)
        at = e.clock.now() + timedelta(hours=1)
        e.server.correct(Correction(BARS, day, {}, "Vo", 123.0, at))
        e.clock.advance_to(at + timedelta(days=1))
        (changed,) = e.run(recheck(e.store, ["daily_bars"]), plan="premium")
        assert (changed.source, changed.first_day, changed.last_day) == (
            "daily_bars",
            date(2020, 8, 1),
            date(2020, 8, 31),
        )
        assert changed.last_modified == at
        assert e.run(recheck(e.store, ["daily_bars"]), plan="premium") == []


def test_a_broken_file_stops_no_other_of_the_recheck_and_is_named(evening):
    with evening(WrongGzip(When(path=DOWNLOAD, times=1))) as e:
        days = [day for day in e.market.sessions if day.month in (7, 8, 9)]
        e.run(bars(e.store, days), plan="premium")
        close_all_months(e)
        at = e.clock.now() + timedelta(hours=1)
        for day in (date(2020, 7, 15), date(2020, 8, 12), date(2020, 9, 9)):
            e.server.correct(Correction(BARS, day, {}, "Vo", 123.0, at))
        e.clock.advance_to(at + timedelta(days=1))
        with pytest.raises(DataError, match=r"1 lists or files.*equities_bars_daily_202007"):
            e.run(recheck(e.store, ["daily_bars"]), plan="premium")
        landed = e.store.raw.requests("daily_bars").filter(pl.col("media") == "csv.gz")
        assert landed["covers_from"].to_list() == [date(2020, 8, 1), date(2020, 9, 1)]
        (july,) = e.run(recheck(e.store, ["daily_bars"]), plan="premium")
        assert july.first_day == date(2020, 7, 1)


def test_a_month_landed_day_by_day_is_compared_with_the_day_fetched_first(evening):
    with evening(session=date(2020, 8, 31)) as e:
        august = [day for day in e.market.sessions if (day.year, day.month) == (2020, 8)]
        e.run(bars(e.store, august), plan="premium")
        e.clock.advance_to(datetime.combine(date(2020, 9, 20), time(19), tzinfo=JST))
        (proof,) = e.run(recheck(e.store, ["daily_bars"]), plan="premium")
        assert (proof.first_day, proof.last_day) == (date(2020, 8, 1), date(2020, 8, 31))
        assert e.run(recheck(e.store, ["daily_bars"]), plan="premium") == []


def recheck(store, sources):
    return lambda client: recheck_history(client, store, sources, run_id="again")


def test_a_file_without_a_declared_column_is_refused_by_name():
    body = gzip.compress(b"Date,O,H,L\r\n2024-05-08,1,1,1\r\n")
    with pytest.raises(SchemaError, match="no column C"):
        read_contents("file x", SOURCES["topix"], body, "csv.gz")


@pytest.mark.slow
def test_ten_years_of_bars_cost_at_most_130_calls(tmp_path):
    market = generate_market(MarketConfig(24, 2_450, date(2014, 1, 6)))
    clock = VirtualClock(datetime.combine(market.sessions[-1] + LATER, time(19), tzinfo=JST), rate_scale=RATE_SCALE)
    store = open_store(f"file://{tmp_path}/data")
    with run_simulator_thread(market, clock) as server:

        async def go():
            async with JQuantsClient(server.base_url, "simulator-premium-key", plan="premium", clock=clock) as client:
                return await fetch_sessions(client, store, "daily_bars", market.sessions, run_id="ten years")

        report = asyncio.run(asyncio.wait_for(go(), 120))
        assert len(server.requests_seen) <= 130
        assert report.bulk_files == 120
        assert complete_days(store.raw.requests("daily_bars"), "daily_bars", market.sessions) == set(market.sessions)
