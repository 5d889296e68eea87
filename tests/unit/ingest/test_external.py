"""A series from outside lands like any answer, with a rule that says when it may be used."""

import asyncio
from datetime import date, datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError, PayloadError, SchemaError
from gogoku_pipeline.ingest import land_external, series_named
from gogoku_pipeline.jquants import Downloader
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.external import EXTERNAL, NEXT_MORNING, USDJPY, ExternalSeries
from gogoku_pipeline.store import open_store

NOW = VirtualClock(datetime(2024, 5, 31, 19, tzinfo=JST))
RATES = b"date,rate_jpy_per_usd\n2024-05-03,153.1\n2024-05-06,153.9\n2024-05-07,154.6\n"


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/data")


def land(store, where, **options):
    return land_external(store, USDJPY, where, clock=NOW, run_id="fx", **options)


def test_a_file_of_rates_lands_with_the_days_it_covers(store, tmp_path):
    (tmp_path / "rates.csv").write_bytes(RATES)
    landed = land(store, tmp_path / "rates.csv")
    assert (landed.source, landed.outcome, landed.rows) == ("ext_usdjpy", "landed", 3)
    assert (landed.first, landed.last) == (date(2024, 5, 3), date(2024, 5, 7))
    assert land(store, str(tmp_path / "rates.csv")).outcome == "known"
    (tmp_path / "rates.csv").write_bytes(RATES.replace(b"154.6", b"154.7"))
    assert land(store, tmp_path / "rates.csv").outcome == "landed"
    assert store.raw.requests("ext_usdjpy").height == 2


def test_a_fixing_is_known_the_next_morning_also_over_a_weekend():
    rows = pl.DataFrame({"rate_date": [date(2024, 5, 3), date(2024, 5, 7)]})
    known = NEXT_MORNING.available_at(rows).to_list()
    assert known == [datetime.combine(day, time(7), tzinfo=JST) for day in (date(2024, 5, 4), date(2024, 5, 8))]
    assert NEXT_MORNING.session_of(date(2024, 5, 3)) == date(2024, 5, 7)


def test_a_declaration_says_what_its_table_holds():
    assert USDJPY.table.name == "ext__usdjpy"
    names = [column.name for column in USDJPY.table.columns]
    assert names == ["session", "rate_date", "rate_jpy_per_usd", "available_at"]
    assert [(field.name, field.kind) for field in USDJPY.source.fields] == [
        ("date", "date"),
        ("rate_jpy_per_usd", "number"),
    ]
    assert set(EXTERNAL) == {"usdjpy"}


def test_a_declaration_without_a_rule_of_its_own_is_refused():
    dated = Column("rate_date", pl.Date, "Day.", "", "date")
    with pytest.raises(SchemaError, match="a rule that is counted from it"):
        ExternalSeries("gold", (dated,), "rate_date", AFTER_CLOSE, "Gold.")
    whole = Column("lots", pl.Int64, "Lots.", "", "lots")
    with pytest.raises(SchemaError, match="columns lots"):
        ExternalSeries("gold", (dated, whole), "rate_date", NEXT_MORNING, "Gold.")


def test_a_file_of_something_else_is_refused_by_name(store, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"day,rate\n2024-05-03,1\n")
    with pytest.raises(SchemaError, match="file x.csv: got no column date, rate_jpy_per_usd"):
        land(store, tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="no file"):
        land(store, tmp_path / "nowhere.csv")
    with pytest.raises(ConfigError, match="'gold'.*want one of usdjpy"):
        series_named("gold")


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("http://example.com/rates.csv", ConfigError),
        ("ftp://example.com/rates.csv", ConfigError),
        ("https://127.0.0.1/rates.csv", PayloadError),
        ("https://169.254.169.254/latest/meta-data", PayloadError),
        ("https://10.0.0.5/rates.csv", PayloadError),
        ("https://user:word@example.com/rates.csv", PayloadError),
        ("https://[::1]/rates.csv", PayloadError),
    ],
)
def test_addresses_that_must_not_be_followed_are_refused_without_a_word_of_their_query(store, address, error):
    with pytest.raises(error) as caught:
        land(store, f"{address}?token=canary-91")
    assert "canary-91" not in str(caught.value)


def test_a_name_that_leads_into_the_own_network_is_refused(store):
    async def inward(host, port):
        return ["10.1.2.3"]

    with pytest.raises(PayloadError, match="private address"):
        land(store, "https://rates.example.com/usdjpy.csv", downloader=Downloader(resolve=inward))
    assert asyncio.run(inward("", 0)) == ["10.1.2.3"]
