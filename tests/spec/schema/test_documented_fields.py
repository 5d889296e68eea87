"""Every documented field is declared: compared with the column lists of the publisher's own client."""

from __future__ import annotations

import polars as pl
import pytest
from jquantsapi import constants

from gogoku_pipeline.schema.columns import PLANS
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.schema.statement_fields import DOCUMENT_TYPES
from gogoku_pipeline.schema.units import UNIT_RANGES

OFFICIAL = {
    "calendar": "MARKETS_TRADING_CALENDAR",
    "listed_issues": "EQ_MASTER",
    "morning_bars": "PRICES_PRICES_AM",
    "valuation": "EQ_VALUATION",
    "investor_types": "EQ_INVESTOR_TYPES",
    "earnings_calendar": "FINS_ANNOUNCEMENT",
    "earnings_dates": "FIN_EARNINGS_DATE",
    "statements": "FIN_SUMMARY",
    "statement_details": "FINS_FS_DETAILS",
    "dividends": "FINS_DIVIDEND",
    "indices": "INDICES",
    "topix": "INDICES_TOPIX",
    "short_ratio": "MKT_SHORT_RATIO",
    "short_positions": "SHORT_SELLING_POSITIONS",
    "margin_interest": "MKT_MARGIN_INTEREST",
    "margin_alerts": "DAILY_MARGIN_INTEREST",
    "breakdown": "MKT_BREAKDOWN",
    "futures": "DERIVATIVES_FUTURES",
    "options": "DERIVATIVES_OPTIONS",
}
"""Sources whose full field list the client names; its list of daily bars is older than two of their fields."""

LOWEST = {
    "free": "calendar listed_issues daily_bars valuation earnings_calendar earnings_dates statements",
    "light": "investor_types topix",
    "standard": "indices short_ratio short_positions margin_interest margin_alerts index_options",
    "premium": "morning_bars statement_details dividends breakdown futures options",
}

SUFFIX = {
    "JPY": "_jpy",
    "JPY, signed": "_jpy",
    "JPY per share": "_jpy",
    "thousand JPY": "_kjpy",
    "thousand JPY, signed": "_kjpy",
    "million JPY": "_mjpy",
    "shares": "_shares",
    "shares, signed": "_shares",
    "contracts": "_contracts",
    "percent": "_percent",
    "points": "_points",
    "quoted price": "_price",
    "trading units": "_units",
}


def sent(source: str) -> list[str]:
    return [field.name for field in SOURCES[source].fields]


@pytest.mark.parametrize(("source", "name"), sorted(OFFICIAL.items()))
def test_a_source_declares_the_documented_fields_in_the_documented_order(source, name):
    assert sent(source) == getattr(constants, f"{name}_COLUMNS_V2")


def test_daily_bars_declare_or_name_every_key_of_the_client_and_the_two_newer_ones():
    source = SOURCES["daily_bars"]
    known = set(sent("daily_bars")) | set(source.untyped)
    assert known == {*constants.EQ_BARS_DAILY_COLUMNS_V2, "MktCap", "ExRT"}
    assert set(source.untyped) == {f"{half}Adj{part}" for half in "MA" for part in ("O", "H", "L", "C", "Vo")}
    assert len(source.fields_for("standard")) == 18 and len(known) == 44


def test_index_options_are_the_options_without_what_only_other_options_have():
    only_others = {"ProdCat", "UndSSO", "MO", "MH", "ML", "MC", "CCMFlag"}
    assert set(sent("options")) - set(sent("index_options")) == only_others == set(SOURCES["index_options"].untyped)
    assert set(sent("index_options")) <= set(sent("options")) and len(sent("index_options")) == 30


def test_the_counts_of_the_specification():
    counts = {name: len(sent(name)) for name in SOURCES}
    assert (counts["statements"], counts["investor_types"], counts["listed_issues"]) == (111, 56, 14)
    assert (counts["margin_interest"], counts["breakdown"], counts["valuation"], counts["morning_bars"]) == (
        16,
        16,
        11,
        8,
    )
    assert len(DOCUMENT_TYPES) == len(set(DOCUMENT_TYPES)) == 45
    assert not [kind for kind in DOCUMENT_TYPES if kind.endswith(("NonConsolidated_US", "NonConsolidated_JMIS"))]


def test_every_source_names_its_lowest_plan():
    assert {name: source.lowest_plan for name, source in SOURCES.items()} == {
        name: plan for plan, names in LOWEST.items() for name in names.split()
    }


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_keys_and_event_are_fields_and_land_in_the_table(source):
    declared, table = SOURCES[source], TABLE_OF[source]
    assert table.name == f"core_jquants__{source}"
    assert {*declared.key} <= set(sent(source))
    assert declared.event in sent(source)
    columns = {column.source: column.name for column in table.columns if column.source}
    columns = {"Date": "session", "Code": "code"} | columns
    ours = {columns[name] for name in declared.key}
    if declared.axis == "now":
        assert table.key == ("session", "code")
    else:
        assert set(table.key) == ours


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_field_is_kept_but_for_adjusted_prices_and_names_of_codes(source):
    kept = {column.source for column in TABLE_OF[source].columns} | {"Date", "Code"}
    spare = {"AdjO", "AdjH", "AdjL", "AdjVo"} if source == "daily_bars" else set()
    spare |= {"S17Nm", "S33Nm", "MktNm", "MrgnNm"} if source == "listed_issues" else set()
    assert set(sent(source)) - kept == spare


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_a_column_may_be_null_where_its_field_may_be_empty(source):
    fields = {field.name: field for field in SOURCES[source].fields}
    for column in TABLE_OF[source].columns:
        if column.source and fields[column.source].may_be_empty:
            assert column.nullable, column.name
    assert not any(TABLE_OF[source].column(name).nullable for name in TABLE_OF[source].key)


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_numbers_have_a_known_unit_and_names_end_in_it(source):
    for column in TABLE_OF[source].columns:
        if column.dtype in (pl.Float64, pl.Float64()):
            assert column.unit in UNIT_RANGES, column.name
            if suffix := SUFFIX.get(column.unit):
                assert column.name.endswith(suffix), (column.name, column.unit)
        else:
            assert not column.unit, column.name
        if column.dtype in (pl.Date, pl.Date()):
            assert column.name.endswith("date") or column.name == "session", column.name
        if column.dtype in (pl.Boolean, pl.Boolean()):
            assert column.name.startswith(("is_", "morning_is_", "afternoon_is_")), column.name


def test_plans_grow():
    for source in SOURCES.values():
        counts = [len(source.fields_for(plan)) for plan in PLANS]
        assert counts == sorted(counts)


def test_a_description_is_said_in_a_sentence_that_begins_like_one():
    for table in TABLE_OF.values():
        for column in table.columns:
            assert column.description[0].isupper() or column.description[0].isdigit(), (table.name, column.name)
            assert column.description.endswith("."), (table.name, column.name)
