"""A store written by a former declaration is read and written on where the new columns say what older rows hold."""

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.core.fingerprints import sha256_frame
from gogoku_pipeline.registry.champions import VerdictRecord, history, record_verdict
from gogoku_pipeline.registry.tables import CHAMPIONS, PREDICTIONS
from gogoku_pipeline.schema.columns import JST_INSTANT, Column, OlderRows
from gogoku_pipeline.schema.docs import render_table
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import CommitInfo
from tests.unit.store.price_rows import NOTES, PRICES, price_rows

DAY, NEXT, LAST = date(2024, 5, 8), date(2024, 5, 9), date(2024, 6, 3)
GAINED = (
    Column("note", pl.String, "Told later.", nullable=True, older=OlderRows()),
    Column("known_at", JST_INSTANT, "Told later.", nullable=True, older=OlderRows()),
    Column("place", pl.Int16, "Told later.", older=OlderRows(-1)),
    Column("names", pl.List(pl.String), "Told later.", nullable=True, older=OlderRows()),
    Column("weight", pl.Float32, "Told later.", older=OlderRows(0.5)),
    Column("is_kept", pl.Boolean, "Told later.", older=OlderRows(value=True)),
)
OLDER = {"note": None, "known_at": None, "place": -1, "names": None, "weight": 0.5, "is_kept": True}
GROWN = replace(PRICES, columns=(*PRICES.columns, *GAINED))


def grown(days):
    told = datetime(2024, 5, 8, 16, 30, tzinfo=JST)
    return price_rows(days).with_columns(
        note=pl.lit("seen"),
        known_at=pl.lit(told, dtype=JST_INSTANT),
        place=pl.lit(3, dtype=pl.Int16),
        names=pl.lit(["a", "b"], dtype=pl.List(pl.String)),
        weight=pl.lit(1.5, dtype=pl.Float32),
        is_kept=pl.lit(value=False),
    )


def without(table, *names):
    return replace(table, columns=tuple(column for column in table.columns if column.name not in names))


@pytest.fixture
def old(store, commit):
    """A store whose prices were written before the columns were declared."""
    store.tables.write_sessions(PRICES, price_rows([DAY, NEXT]), [DAY, NEXT], commit=commit)
    return store


def test_what_was_written_before_reads_as_the_column_says(old):
    read = old.tables.scan(GROWN).collect()
    assert read.schema == GROWN.polars_schema
    assert read.select(PRICES.polars_schema.names()).equals(price_rows([DAY, NEXT]).sort("session", "code"))
    assert read.select(*OLDER).unique().row(0, named=True) == OLDER
    assert old.tables.scan(GROWN, start=NEXT, end=NEXT).filter(pl.col("place") == -1).collect().height == 3
    assert old.tables.version(PRICES) == 1, "reading writes nothing"


def test_the_next_session_is_written_beside_the_old_ones(old, commit):
    hashes = old.tables.write_sessions(GROWN, grown([LAST]), [LAST], commit=commit).session_hashes
    read = old.tables.scan(GROWN).collect()
    assert read.filter(pl.col("session") == LAST).equals(grown([LAST]).sort("session", "code"))
    assert sha256_frame(read.filter(pl.col("session") == LAST)) == hashes[LAST]
    before = read.filter(pl.col("session") < LAST)
    assert before.height == 6
    assert before.select(*OLDER).unique().row(0, named=True) == OLDER
    assert old.tables.sessions(GROWN) == [DAY, NEXT, LAST]
    old.tables.write_sessions(GROWN, grown([DAY]), [DAY], commit=commit)
    assert set(old.tables.scan(GROWN, end=DAY).collect()["place"]) == {3}


def test_columns_are_gained_in_one_commit_that_rewrites_no_session(local, commit):
    local.tables.write_sessions(PRICES, price_rows([DAY, NEXT]), [DAY, NEXT], commit=commit)
    local.tables.write_sessions(GROWN, grown([LAST]), [LAST], commit=commit)
    assert local.tables.rewritten_since(GROWN, 1) == {LAST}
    local.tables.write_sessions(GROWN, grown([DAY]), [DAY], commit=commit)
    done = [entry["operation"] for entry in local.tables.commits(GROWN)]
    assert done == ["WRITE", "WRITE", "ADD COLUMN", "WRITE", "WRITE"]


def test_a_version_from_before_is_read_by_the_new_declaration(old, commit):
    old.tables.write_sessions(GROWN, grown([DAY]), [DAY], commit=commit)
    read = old.tables.scan(GROWN, version=1).collect()
    assert read.select(*OLDER).unique().row(0, named=True) == OLDER


def test_rows_are_appended_to_a_table_that_gains_columns(store, commit):
    wider = replace(NOTES, columns=(*NOTES.columns, Column("kind", pl.String, "Kind.", older=OlderRows("plain"))))
    store.tables.append(NOTES, pl.DataFrame({"name": ["a"], "value": [1]}), commit=commit)
    assert store.tables.scan(wider).collect().rows() == [("a", 1, "plain")]
    store.tables.append(wider, pl.DataFrame({"name": ["b"], "value": [2], "kind": ["rich"]}), commit=commit)
    assert store.tables.scan(wider).collect().rows() == [("a", 1, "plain"), ("b", 2, "rich")]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float64, pl.Date], ids=str)
def test_columns_of_every_kept_type_are_gained(local, commit, dtype):
    wider = replace(NOTES, columns=(*NOTES.columns, Column("more", dtype, "More.", nullable=True, older=OlderRows())))
    local.tables.append(NOTES, pl.DataFrame({"name": ["a"], "value": [1]}), commit=commit)
    row = pl.DataFrame({"name": ["b"], "value": [2], "more": [None]}, schema=wider.polars_schema)
    local.tables.append(wider, row, commit=commit)
    assert local.tables.scan(wider).collect_schema() == wider.polars_schema


@pytest.mark.parametrize("nullable", [False, True], ids=["a-value-is-needed", "null-was-not-declared-for-older-rows"])
def test_a_column_that_does_not_say_is_refused_by_name_and_nothing_is_written(old, commit, nullable):
    wider = replace(GROWN, columns=(*GROWN.columns, Column("rating", pl.Int32, "Of today.", nullable=nullable)))
    frame = grown([LAST]).with_columns(rating=pl.lit(1, dtype=pl.Int32))
    with pytest.raises(SchemaError, match="column rating of type None"):
        old.tables.scan(wider)
    with pytest.raises(SchemaError, match="column rating of type None"):
        old.tables.write_sessions(wider, frame, [LAST], commit=commit)
    assert old.tables.scan(PRICES).collect().equals(price_rows([DAY, NEXT]).sort("session", "code"))


def test_a_column_of_another_type_is_refused_whatever_it_says(old):
    retyped = tuple(
        Column("score", pl.String, "Any.", nullable=True, older=OlderRows()) if one.name == "score" else one
        for one in PRICES.columns
    )
    with pytest.raises(SchemaError, match="column score of type Float32"):
        old.tables.scan(replace(PRICES, columns=retyped))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("more", pl.String, "M.", older=OlderRows()), "a value, or a nullable column"),
        (Column("more", pl.String, "M.", nullable=True, older=OlderRows("a")), "null, or a column that is not"),
        (Column("more", pl.Int32, "M.", older=OlderRows("a")), "a value of type Int32"),
        (Column("name", pl.String, "M.", older=OlderRows("a")), "keys that every row has"),
    ],
    ids=["null-where-none-may-be", "cannot-be-told-from-null", "another-type", "a-key"],
)
def test_a_declaration_that_would_falsify_older_rows_is_refused(column, words):
    others = [Column(name, pl.String, "One.") for name in ("name", "more") if name != column.name]
    with pytest.raises(SchemaError, match=words):
        Table("test__older", "A table.", (column, *others), ("name",), partitioned=False)


def test_lists_from_before_intervals_are_read_and_the_next_one_is_added(local, commit):
    former = without(PREDICTIONS, "interval_low", "interval_high", "interval_reason")
    local.tables.write_sessions(former, ranked(former, DAY), [DAY], commit=commit)
    assert local.tables.scan(PREDICTIONS).collect()["interval_low"].to_list() == [None, None]
    today = ranked(PREDICTIONS, NEXT).with_columns(interval_low=pl.lit(-0.02), interval_high=pl.lit(0.03))
    local.tables.write_sessions(PREDICTIONS, today, [NEXT], commit=commit)
    assert local.tables.scan(PREDICTIONS).collect()["interval_low"].to_list() == [None, None, -0.02, -0.02]


def ranked(table, day):
    made = datetime(day.year, day.month, day.day, 19, 30, tzinfo=JST)
    row = {
        "session": day, "code": "", "rank": 0, "score": 0.1, "horizon_d": 5, "interval_low": None,
        "interval_high": None, "interval_reason": None, "model": "lightgbm", "model_version": "v1",
        "feature_hash": "f", "table_versions": "{}", "served_because": "baseline", "available_at": made,
    }  # fmt: skip
    rows = [{**row, "code": code, "rank": place} for place, code in enumerate(("72030", "67580"), 1)]
    names = table.polars_schema.names()
    return pl.DataFrame([{name: one[name] for name in names} for one in rows], schema=table.polars_schema)


def test_verdicts_from_before_recipe_hashes_stand_and_new_ones_join_them(local):
    former, commit = without(CHAMPIONS, "recipe_hash"), CommitInfo("r", "v")
    at = datetime(2024, 5, 9, 20, 0, tzinfo=JST)
    said = {
        "decided_for": DAY, "recorded_at": at, "model": "lightgbm", "version": "v1", "decision": "promote",
        "reasons": "[]", "cutoff": DAY, "config_hash": "c", "feature_hash": "f",
    }  # fmt: skip
    local.tables.append(former, pl.DataFrame([said], schema=former.polars_schema), commit=commit)
    assert history(local)["recipe_hash"].to_list() == [None]
    later = VerdictRecord(**{**said, "decided_for": NEXT, "version": "v2", "reasons": (), "recipe_hash": "h"})
    record_verdict(local, later, commit=commit)
    assert history(local)["recipe_hash"].to_list() == [None, "h"]


def test_the_page_of_a_table_says_what_older_rows_read_as():
    page = render_table(GROWN)
    assert "Rows from before the column was declared read null." in page
    assert "Rows from before the column was declared read `-1`." in page
