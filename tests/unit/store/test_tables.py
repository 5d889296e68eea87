"""Tables keep whole sessions, refuse what is not theirs, and remember what was computed and came out empty."""

from datetime import date, datetime, timedelta
from urllib.parse import quote

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import (
    DataError,
    PartitionMissingError,
    SchemaError,
    StoreError,
)
from gogoku_pipeline.core.fingerprints import sha256_frame
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import CommitInfo, open_store
from tests.unit.store.price_rows import PRICES, price_rows


def test_a_table_nobody_wrote_is_empty_and_has_no_version(local, prices):
    assert local.tables.scan(prices).collect().equals(prices.empty())
    assert local.tables.version(prices) is None
    assert not local.tables.exists(prices)
    assert local.tables.sessions(prices) == []
    assert local.tables.compact(prices)["files_merged"] == 0


def test_a_range_is_one_commit_over_months(local, prices, rows, days, commit):
    window = days(40)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    before = local.tables.version(prices)
    local.tables.write_sessions(prices, rows(window, factor=2.0), window, commit=commit)
    assert local.tables.version(prices) == before + 1


def test_sparse_sessions_leave_those_between_alone(local, prices, rows, days, commit):
    window = days(12)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    chosen = [window[1], window[5], window[11]]
    local.tables.write_sessions(prices, rows(chosen, factor=5.0), chosen, commit=commit)
    expected = pl.concat([rows([day for day in window if day not in chosen]), rows(chosen, factor=5.0)])
    assert local.tables.scan(prices).collect().equals(expected.sort("session", "code"))


def test_months_are_folders_and_no_column_of_ours(local, prices, rows, days, commit):
    window = days(12)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    assert DeltaTable(local.tables.uri(prices)).metadata().partition_columns == ["month"]
    assert local.tables.scan(prices).collect_schema() == prices.polars_schema


def test_history_is_kept_for_ten_years_and_commits_say_who_wrote(local, prices, notes, rows, days, commit):
    window = days(2)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    local.tables.write_whole(notes, pl.DataFrame({"name": ["a"], "value": [1]}), commit=commit)
    for table in (prices, notes):
        kept = DeltaTable(local.tables.uri(table)).metadata().configuration
        assert kept["delta.logRetentionDuration"] == "interval 3650 days"
        assert kept["delta.deletedFileRetentionDuration"] == "interval 3650 days"
        newest = local.tables.commits(table)[0]
        assert (newest["run_id"], newest["code_version"]) == ("run-1", "abc1234")


def test_instants_come_back_in_tokyo_time(local, prices, rows, commit):
    day = date(2024, 5, 8)
    local.tables.write_sessions(prices, rows([day]), [day], commit=commit)
    assert local.tables.scan(prices).collect()["available_at"][0] == datetime(2024, 5, 8, 16, 30, tzinfo=JST)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda frame: frame.drop("score"), "no column"),
        (lambda frame: frame.drop("session"), "no column"),
        (lambda frame: frame.with_columns(pl.col("session").cast(pl.String)), "types"),
        (lambda frame: frame.with_columns(extra=1), "undeclared"),
        (lambda frame: frame.with_columns(pl.col("score").cast(pl.Float64)), "types"),
        (lambda frame: frame.with_columns(pl.col("available_at").dt.convert_time_zone("UTC")), "types"),
        (lambda frame: pl.concat([frame, frame.head(1)]), "repeated keys"),
        (lambda frame: frame.with_columns(code=pl.lit(None, pl.String)), "nulls"),
        (lambda frame: frame.with_columns(is_limit_up=pl.lit(None, pl.Boolean)), "nulls"),
    ],
)
def test_a_frame_that_contradicts_the_declaration_writes_nothing(local, prices, rows, commit, damage, words):
    day = date(2024, 5, 8)
    with pytest.raises(SchemaError, match=words):
        local.tables.write_sessions(prices, damage(rows([day])), [day], commit=commit)
    assert not local.tables.exists(prices)


def test_rows_of_other_sessions_are_refused(local, prices, rows, days, commit):
    window = days(3)
    with pytest.raises(DataError, match="3 rows of other sessions, first 2024-04-26"):
        local.tables.write_sessions(prices, rows(window), window[:2], commit=commit)
    with pytest.raises(DataError, match="no session"):
        local.tables.write_sessions(prices, prices.empty(), [], commit=commit)


def test_a_store_that_cannot_be_written_says_so(tmp_path, prices, rows, commit):
    store, day = open_store(f"file://{tmp_path}/data"), date(2024, 5, 8)
    (tmp_path / "data/tables").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="Check the data URL"):
        store.tables.write_sessions(prices, rows([day]), [day], commit=commit)


def test_a_table_without_sessions_is_not_written_by_session(local, notes, commit):
    with pytest.raises(SchemaError, match="by session"):
        local.tables.write_sessions(notes, notes.empty(), [date(2024, 5, 8)], commit=commit)


def test_an_empty_session_is_written_and_only_unwritten_ones_are_missing(local, prices, rows, days, commit):
    window = days(5)
    filled, empty, never = window[:2], window[2:4], window[4]
    done = local.tables.write_sessions(prices, rows(filled), [*filled, *empty], commit=commit)
    assert local.tables.sessions(prices) == [*filled, *empty]
    assert local.tables.missing(prices, window) == [never]
    assert set(done.session_hashes) == {*filled, *empty}
    local.tables.require(prices, filled + empty)
    with pytest.raises(PartitionMissingError, match="2024-04-28"):
        local.tables.require(prices, window)


def test_a_session_that_becomes_empty_loses_its_rows_and_stays_written(local, prices, rows, days, commit):
    window = days(3)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    local.tables.write_sessions(prices, prices.empty(), [window[1]], commit=commit)
    assert sorted(local.tables.scan(prices).collect()["session"].unique()) == [window[0], window[2]]
    assert local.tables.sessions(prices) == window


def test_an_old_version_is_read_as_it_was(local, prices, rows, days, commit):
    window = days(3)
    first = local.tables.write_sessions(prices, rows(window), window, commit=commit).version
    later = days(5)
    local.tables.write_sessions(prices, rows(later, factor=9.0), later, commit=commit)
    local.tables.write_sessions(prices, prices.empty(), [date(2024, 6, 3)], commit=commit)
    assert local.tables.scan(prices, version=first).collect().equals(rows(window).sort("session", "code"))
    assert local.tables.sessions(prices, version=first) == window
    assert local.tables.missing(prices, later, version=first) == later[3:]
    with pytest.raises(StoreError, match="Check the data URL and the version"):
        local.tables.scan(prices, version=99)


def test_bounds_are_inclusive_and_skip_other_months(local, prices, rows, days, commit):
    window = days(70)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    start, end = window[10], window[20]
    part = local.tables.scan(prices, start=start, end=end)
    assert sorted(part.collect()["session"].unique()) == window[10:21]
    plan = local.tables.scan(prices, ordered=False).filter(pl.col("session") == window[69]).explain()
    assert "month=2024-07" in plan
    assert "month=2024-04" not in plan


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_a_session_hashes_the_same_whatever_it_is_written_with(tmp_path_factory, offsets, order):
    prices, rows = PRICES, price_rows
    window = [date(2024, 1, 4) + timedelta(days=offset) for offset in offsets]
    store = open_store(f"file://{tmp_path_factory.mktemp('hash')}")
    commit = CommitInfo("r", "v")
    together = store.tables.write_sessions(prices, rows(window), window, commit=commit).session_hashes
    day = order.choice(window)
    alone = store.tables.write_sessions(prices, rows([day]), [day], commit=commit).session_hashes
    assert alone[day] == together[day]
    stored = store.tables.scan(prices, start=day, end=day).collect()
    assert sha256_frame(stored) == together[day]


def test_a_changed_value_changes_the_hash_of_its_session_only(local, prices, rows, days, commit):
    window = days(4)
    before = local.tables.write_sessions(prices, rows(window), window, commit=commit).session_hashes
    frame = rows(window).with_columns(
        pl.when((pl.col("session") == window[2]) & (pl.col("code") == "72030"))
        .then(pl.col("close_jpy") + 0.1)
        .otherwise(pl.col("close_jpy"))
        .alias("close_jpy")
    )
    after = local.tables.write_sessions(prices, frame, window, commit=commit).session_hashes
    assert [day for day in window if before[day] != after[day]] == [window[2]]


def test_a_changed_declaration_is_refused_until_the_table_is_restarted(local, prices, rows, days, commit):
    window = days(3)
    old = local.tables.write_sessions(prices, rows(window), [*window, date(2024, 6, 3)], commit=commit).version
    wider = Table(
        prices.name,
        prices.description,
        (*prices.columns, Column("rank", pl.Int16, "Place.", nullable=True)),
        prices.key,
    )
    frame = rows(window).with_columns(rank=pl.lit(1, pl.Int16))
    for attempt in (
        lambda: local.tables.scan(wider),
        lambda: local.tables.write_sessions(wider, frame, window, commit=commit),
    ):
        with pytest.raises(SchemaError, match="restart"):
            attempt()
    local.tables.restart(wider, commit=commit)
    assert local.tables.sessions(wider) == []
    local.tables.write_sessions(wider, frame, window, commit=commit)
    assert local.tables.scan(wider).collect().equals(frame.sort("session", "code"))
    assert local.tables.scan(prices, version=old).collect().equals(rows(window).sort("session", "code"))


def test_whole_tables_are_replaced_and_appends_add(local, notes, commit):
    local.tables.write_whole(notes, pl.DataFrame({"name": ["b", "a"], "value": [2, 1]}), commit=commit)
    local.tables.write_whole(
        notes, pl.DataFrame({"name": ["c"], "value": [None]}).cast({"value": pl.Int64}), commit=commit
    )
    local.tables.append(notes, pl.DataFrame({"name": ["d"], "value": [4]}), commit=commit)
    assert local.tables.scan(notes).collect().rows() == [("c", None), ("d", 4)]


def test_compaction_changes_files_and_no_row(local, prices, rows, days, commit):
    window = days(10)
    for day in window:
        local.tables.write_sessions(prices, rows([day]), [day], commit=commit)
    before = local.tables.version(prices)
    assert local.tables.compact(prices)["files_merged"] >= 10
    assert local.tables.scan(prices).collect().equals(rows(window).sort("session", "code"))
    assert local.tables.scan(prices, version=before).collect().height == 30


@pytest.mark.parametrize("folder", ["with space", "日本", "plus+and=&"])
def test_a_folder_may_have_any_name(tmp_path, prices, rows, days, commit, folder):

    store = open_store(f"file://{quote(str(tmp_path / folder))}")
    window = days(12)
    assert store.tables.scan(prices).collect().height == 0
    store.tables.write_sessions(prices, prices.empty(), window[:1], commit=commit)
    assert store.tables.scan(prices).collect().height == 0
    store.tables.write_sessions(prices, rows(window), window, commit=commit)
    assert store.tables.scan(prices).collect().equals(rows(window).sort("session", "code"))


def test_a_span_knows_its_own_sessions_and_the_first_of_all_is_found(local, prices, rows, days, commit):
    window = days(20)
    assert local.tables.first_session(prices) is None
    local.tables.write_sessions(prices, rows(window[1:]), window, commit=commit)
    assert local.tables.first_session(prices) == window[0]
    assert local.tables.sessions(prices, start=window[2], end=window[9]) == window[2:10]
    assert local.tables.sessions(prices, end=window[0]) == window[:1]
    assert local.tables.missing(prices, []) == []
