"""What derives from declarations: the register, the pandera models, the page."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandera.errors
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.schema.docs import render_table
from gogoku_pipeline.schema.pandera_models import pandera_model
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.register import TABLES as TYPED_TABLES
from gogoku_pipeline.schema.tables import by_name
from gogoku_pipeline.schema.warnings import WARNINGS
from gogoku_pipeline.tables.register import TABLES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tables.md"


def bar(**changed) -> pl.DataFrame:
    row = {
        "session": date(2024, 5, 8),
        "code": "72030",
        **dict.fromkeys(("open_jpy", "high_jpy", "low_jpy", "close_jpy"), 3500.0),
        "is_limit_up": False,
        "is_limit_down": False,
        "volume_shares": 1.0,
        "turnover_jpy": 3500.0,
        "adjustment_factor": 1.0,
        "served_adjusted_close_jpy": None,
        "market_cap_mjpy": None,
        "ex_rights_type": None,
        "available_at": datetime(2024, 5, 8, 16, 30, tzinfo=JST),
    } | changed
    return pl.DataFrame([row], schema=daily_bars.TABLE.polars_schema)


def test_the_page_names_every_table_column_and_warning_of_it():
    page = PAGE.read_text()
    for table in TABLES.values():
        section = render_table(table)
        assert section in page
        assert all(f"| `{column.name}` |" in section for column in table.columns)
        assert all(WARNINGS[code] in section for code in table.warnings)


def test_every_description_reads_as_a_sentence():
    for table in TABLES.values():
        assert table.description.endswith(".")
        assert all(column.description.endswith(".") for column in table.columns)


def test_every_field_a_column_names_is_sent_by_a_source():
    sent = {field.name for source in SOURCES.values() for field in source.fields}
    for table in TYPED_TABLES.values():
        assert {column.source for column in table.columns if column.source} <= sent


def test_a_name_declared_twice_is_refused():
    with pytest.raises(SchemaError, match="two declarations"):
        by_name([daily_bars.TABLE, daily_bars.TABLE])


def test_every_table_has_a_model_that_accepts_its_empty_frame():
    for table in TABLES.values():
        assert pandera_model(table).validate(table.empty(), lazy=True).is_empty()


@pytest.mark.parametrize(
    ("frame", "check"),
    [
        (bar(close_jpy=float("nan")), "finite"),
        (bar(close_jpy=float("inf")), "finite"),
        (bar(low_jpy=-1.0), "greater_than_or_equal_to(0)"),
        (bar(ex_rights_type="4"), "isin(['1', '2', '3'])"),
        (bar(code="7203"), "str_matches"),
        (bar(adjustment_factor=None), "not_nullable"),
        (bar().with_columns(pl.col("close_jpy").cast(pl.Float32)), "dtype('Float64')"),
        (bar().with_columns(pl.col("available_at").dt.convert_time_zone("UTC")), "dtype"),
        (bar().drop("turnover_jpy"), "column_in_dataframe"),
        (bar().with_columns(pl.lit(1).alias("extra")), "column_in_schema"),
        (pl.concat([bar(), bar(close_jpy=1.0)]), "multiple_fields_uniqueness"),
        (bar().select(reversed(bar().columns)), "column_ordered"),
    ],
)
def test_a_frame_against_its_declaration_fails_by_name(frame, check):
    model = pandera_model(daily_bars.TABLE)
    model.validate(bar(), lazy=True)
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        model.validate(frame, lazy=True)
    assert any(case.startswith(check) for case in caught.value.failure_cases["check"].unique())
