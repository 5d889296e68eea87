"""Files a user already has are recognised, landed once, and told by name what is wrong with them."""

import gzip
from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError, PayloadError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest import land_files
from gogoku_pipeline.ingest.contents import read_contents
from gogoku_pipeline.ingest.landed import complete_days
from gogoku_pipeline.ingest.recognise import source_by_header, source_by_name
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import open_store
from tests.unit.ingest.fetching import bars

NOW = VirtualClock(datetime(2025, 3, 3, 19, tzinfo=JST))
JANUARY = tse_calendar().between(date(2025, 1, 6), date(2025, 1, 31))
NAME = "equities_bars_daily_202501.csv.gz"


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/data")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def table(days=JANUARY, codes=("13010", "72030"), source="daily_bars"):
    """A frame with the publisher's column names; values are of no interest here."""
    fields = [field.name for field in SOURCES[source].fields_for(SOURCES[source].lowest_plan)]
    rows = [
        {name: "1" for name in fields} | {SOURCES[source].event: day.isoformat(), "Code": code}
        for day in days
        for code in codes
    ]
    return pl.DataFrame(rows).select(fields)


def text(frame):
    return frame.write_csv(line_terminator="\r\n").encode()


def land(store, folder, **options):
    return land_files(store, folder, run_id="files", clock=NOW, **options)


def test_a_month_of_the_publisher_is_landed_once_and_completes_its_days(store, folder):
    (folder / NAME).write_bytes(gzip.compress(text(table())))
    (landed,) = land(store, folder)
    assert (landed.source, landed.outcome, landed.rows) == ("daily_bars", "landed", 2 * len(JANUARY))
    assert (landed.first, landed.last) == (JANUARY[0], JANUARY[-1])
    assert complete_days(store.raw.requests("daily_bars"), "daily_bars", JANUARY) == set(JANUARY)
    index = store.raw.requests("daily_bars")
    assert index.select("request_key", "media", "event_date").rows() == [(f"file={NAME}", "csv.gz", None)]
    assert store.raw.payload("daily_bars", index.row(0, named=True)) == (folder / NAME).read_bytes()
    (again,) = land(store, folder)
    assert (again.outcome, store.raw.requests("daily_bars").height) == ("known", 1)
    (folder / NAME).rename(folder / "renamed_202501.csv.gz")
    assert [item.outcome for item in land(store, folder)] == ["known"]


def test_a_month_of_an_event_log_under_the_publishers_name_covers_its_silent_days(store, folder):
    log = table([date(2025, 1, 8), date(2025, 1, 20)], source="short_positions")
    (folder / "markets_short-sale-report_202501.csv.gz").write_bytes(gzip.compress(text(log)))
    (folder / "my_own_name.csv").write_bytes(text(log.head(3)))
    own, month = sorted(land(store, folder), key=lambda item: item.name, reverse=True)
    assert (month.first, month.last) == (date(2025, 1, 1), date(2025, 1, 31)), month.problem
    assert (own.source, own.first, own.last) == ("short_positions", date(2025, 1, 8), date(2025, 1, 20))


def test_nothing_more_is_asked_for_days_that_a_file_covers(evening, tmp_path):
    with evening() as e:
        days = e.market.sessions[:5]
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "prices.csv").write_bytes(text(table(days)))
        outcomes = land_files(e.store, tmp_path / "mine", run_id="f", clock=e.clock)
        assert [(item.source, item.outcome) for item in outcomes] == [("daily_bars", "landed")]
        assert e.run(bars(e.store, days), plan="premium").skipped_complete == 5


@pytest.mark.parametrize("form", ["plain.csv", "bom.csv", "bom.csv.gz", "unix.csv", "typed.parquet"])
def test_every_form_a_user_may_have_is_read(store, folder, form):
    body = text(table())
    if form == "typed.parquet":
        table().with_columns(pl.col("Date").str.to_date()).write_parquet(folder / form)
    elif form == "unix.csv":
        (folder / form).write_bytes(body.replace(b"\r\n", b"\n"))
    else:
        body = (b"\xef\xbb\xbf" if "bom" in form else b"") + body
        (folder / form).write_bytes(gzip.compress(body) if form.endswith(".gz") else body)
    (landed,) = land(store, folder)
    assert (landed.outcome, landed.source, landed.rows) == ("landed", "daily_bars", 2 * len(JANUARY)), landed.problem


BAD = {
    "no_gzip.csv.gz": (text(table()), "not whole gzip"),
    "cut.csv.gz": (gzip.compress(text(table()))[:-20], "ends early"),
    "empty.csv": (b"", "cannot be read"),
    "header_only.csv": (text(table()).split(b"\n")[0] + b"\n", "no rows"),
    "shift_jis.csv": ("Date,Code,銘柄名\n2025-01-06,13010,極洋\n".encode("cp932"), "cannot be read|no known source"),
    "unknown.csv": (b"when,what\n1,2\n", "columns when, what of no known source"),
    "equities_bars_daily_202502.csv": (text(table().drop("AdjFactor")), "no column AdjFactor"),
    "bad_date.csv": (text(table()).replace(b"2025-01-06", b"06/01/2025"), "whose Date is no date"),
    "hole.csv": (text(table([day for day in JANUARY if day.day != 15])), "no rows of 2025-01-15"),
    "one_issue.csv": (text(table(codes=("72030",))), "a single issue"),
    "future.csv": (text(table([date(2025, 6, 2)])), "not final yet"),
    "no.parquet": (b"PAR1 this is none", "cannot be read"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_file_is_named_with_its_fault_and_stops_no_other(store, folder, name):
    body, words = BAD[name]
    (folder / name).write_bytes(body)
    (folder / f"z_{NAME}").write_bytes(gzip.compress(text(table())))
    bad, good = sorted(land(store, folder), key=lambda item: item.name.startswith("z_"))
    assert (bad.outcome, good.outcome) == ("refused", "landed")
    assert f"file {name}" in bad.problem
    assert any(word in bad.problem for word in words.split("|")), bad.problem
    assert store.raw.requests("daily_bars").height == 1


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_while_it_streams():
    body = gzip.compress(b"Date,Code\n" + b"2025-01-06,13010\n" * 200_000)
    assert len(body) < 20_000
    with pytest.raises(PayloadError, match="more than 1000000 bytes unpacked"):
        read_contents("file bomb", SOURCES["daily_bars"], body, "csv.gz", most=1_000_000)


def test_the_source_may_be_given_and_must_fit(store, folder):
    (folder / "x.csv").write_bytes(text(table()))
    assert land(store, folder, source="daily_bars")[0].outcome == "landed"
    assert "no column LongSellVa" in land(store, folder, source="breakdown")[0].problem
    with pytest.raises(SchemaError, match="'prices'.*unknown name"):
        land(store, folder, source="prices")


def test_a_folder_without_files_or_none_at_all_is_an_error(store, folder):
    with pytest.raises(ConfigError, match="got none"):
        land(store, folder)
    with pytest.raises(ConfigError, match="no such folder"):
        land(store, folder / "elsewhere")


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("equities_bars_daily_202501.csv.gz", "daily_bars"),
        ("equities/bars/daily/premium/historical/2008/equities_bars_daily_200805.csv.gz", "daily_bars"),
        ("equities_bars_daily_20260914.csv.gz", "daily_bars"),
        ("markets_short-ratio_202501.csv.gz", "short_ratio"),
        ("indices_bars_daily_topix_202501.csv.gz", "topix"),
        ("indices_bars_daily_202501.csv.gz", "indices"),
        ("derivatives_bars_daily_options_225_202501.csv.gz", "index_options"),
        ("derivatives_bars_daily_options_202501 (1).csv.gz", "options"),
        ("prices_202501.csv.gz", None),
        ("whatever.csv", None),
    ],
)
def test_the_publishers_names_are_known(name, source):
    found = source_by_name(name)
    assert (found.name if found else None) == source


@pytest.mark.parametrize("name", [name for name in SOURCES if SOURCES[name].axis != "now"])
def test_every_source_is_known_by_its_own_columns(name):
    names = tuple(field.name for field in SOURCES[name].fields)
    assert source_by_header("file", names).name == name
