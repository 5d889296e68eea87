"""The as-of join, by example: what a decision at 19:00 may know."""

from __future__ import annotations

from datetime import date, datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table
from gogoku_pipeline.tables.asof import cutoff_at, join_as_of

FACTS = Table(
    "test__facts", "A fact.", (SESSION, CODE, Column("x", pl.Int64, "A number."), AVAILABLE_AT), ("session", "code")
)
DAYS = Table("test__days", "A day.", (SESSION, Column("y", pl.Int64, "A number."), AVAILABLE_AT), ("session",))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 5, day, hour, minute, tzinfo=JST)


def asking(*days: int, code: str = "10000") -> pl.DataFrame:
    frame = pl.DataFrame({"session": [date(2024, 5, day) for day in days], "code": [code] * len(days)})
    return frame.with_columns(cutoff_at(pl.col("session"), time(19, 0)))


def facts(*rows: tuple[int, str, int, datetime]) -> pl.DataFrame:
    return pl.DataFrame(
        [(date(2024, 5, day), code, x, known) for day, code, x, known in rows],
        schema=FACTS.polars_schema,
        orient="row",
    )


def known(left: pl.DataFrame, right: pl.DataFrame) -> list[int | None]:
    return join_as_of(left, right, right_table=FACTS, on_code=True)["x"].to_list()


def test_a_row_of_half_past_four_is_known_at_seven():
    assert known(asking(7, 8), facts((8, "10000", 1, at(8, 16, 30)))) == [None, 1]


def test_a_row_delivered_at_the_cutoff_is_too_late_by_that_instant():
    assert known(asking(8, 9), facts((8, "10000", 1, at(8, 19)))) == [None, 1]


def test_the_newest_event_answers_and_a_late_correction_of_an_old_one_does_not_hide_it():
    right = facts((7, "10000", 7, at(9, 9)), (8, "10000", 8, at(8, 16, 30)), (9, "10000", 9, at(9, 16, 30)))
    assert known(asking(7, 8, 9), right) == [None, 8, 9]
    assert known(asking(8), facts((7, "10000", 7, at(8, 17)), (8, "10000", 8, at(8, 17)))) == [8]


def test_only_the_same_issue_answers():
    assert known(asking(8), facts((8, "20000", 1, at(8, 16, 30)))) == [None]


def test_codes_as_categories_and_codes_nobody_told_of_change_no_answer():
    left = pl.concat([asking(9, code="30000"), asking(9), asking(8, code="20000")])
    right = facts((7, "20000", 2, at(8, 9)), (8, "10000", 1, at(8, 16, 30)), (9, "40000", 4, at(9, 9)))
    as_text = known(left, right)
    told = pl.Enum(["40000", "20000", "10000"])
    asked = pl.Enum(["10000", "20000", "30000"])
    assert as_text == [None, 1, 2]
    assert (
        known(left.with_columns(pl.col("code").cast(asked)), right.with_columns(pl.col("code").cast(told))) == as_text
    )


def test_a_market_row_answers_for_every_issue_and_rows_keep_their_order():
    left = pl.concat([asking(9), asking(8), asking(9, code="20000")])
    right = pl.DataFrame(
        [(date(2024, 5, day), day, at(day, 16, 30)) for day in (8, 9)], schema=DAYS.polars_schema, orient="row"
    )
    joined = join_as_of(left, right, right_table=DAYS, on_code=False)
    assert joined["y"].to_list() == [9, 8, 9]
    assert joined.select(left.columns).equals(left)
    assert joined.columns == [*left.columns, "session_known", "y", "available_at"]


def test_the_instant_is_compared_across_time_zones_of_writing():
    assert cutoff_at(pl.lit(date(2024, 5, 8)), time(19, 0)).meta.output_name() == "cutoff_at"
    assert asking(8).schema["cutoff_at"] == JST_INSTANT
    assert asking(8)["cutoff_at"].dt.convert_time_zone("UTC").dt.hour().to_list() == [10]


def test_an_empty_right_side_knows_nothing():
    assert known(asking(8), FACTS.empty()) == [None]


def test_a_table_without_availability_is_refused():
    right = facts((8, "10000", 1, at(8, 16)))
    with pytest.raises(SchemaError, match="no column `available_at`"):
        known(asking(8), right.drop("available_at"))
    with pytest.raises(SchemaError, match="available_at"):
        known(asking(8), right.with_columns(pl.col("available_at").dt.replace_time_zone(None)))
    with pytest.raises(DataError, match="1 rows without"):
        known(asking(8), right.with_columns(pl.lit(None, JST_INSTANT).alias("available_at")))


def test_a_repeated_right_key_is_refused():
    with pytest.raises(DataError, match="m:1"):
        known(asking(8), facts((8, "10000", 1, at(8, 16)), (8, "10000", 2, at(8, 17))))


def test_a_key_that_does_not_fit_the_join_is_refused():
    with pytest.raises(SchemaError, match="one date"):
        join_as_of(asking(8), facts(), right_table=FACTS, on_code=False)


def test_a_cutoff_that_is_no_instant_is_refused():
    with pytest.raises(SchemaError, match="cutoff"):
        join_as_of(asking(8), facts(), right_table=FACTS, on_code=True, cutoff="session")
