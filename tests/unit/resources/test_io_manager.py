"""The IO manager: ranges in one commit, missing sessions by name, data versions from content."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from assets.partitions import backfill_policy, session_partitions
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import CODE, SESSION, Table
from gogoku_pipeline.store.opening import open_store
from resources.io_manager import DATA_VERSION, DeltaIOManager
from resources.lazy import Lazy
from resources.previews import accepted_previews

BARS = Table("bars", "One bar.", (SESSION, CODE, Column("close_jpy", pl.Float64, "Close.", "JPY")), ("session", "code"))
MEANS = Table("means", "A mean.", (SESSION, Column("mean_jpy", pl.Float64, "Mean.", "JPY")), ("session",))
CODES = Table("codes", "A code.", (CODE,), ("code",), partitioned=False)
AXIS = session_partitions(date(2024, 5, 1), date(2024, 5, 31))
with accepted_previews():
    WINDOW = dg.TimeWindowPartitionMapping(start_offset=-2, allow_nonexistent_upstream_partitions=True)


def bars_of(keys, close=100.0, codes=("13010", "72030")):
    rows = [(date.fromisoformat(key), code, close) for key in keys for code in codes]
    return pl.DataFrame(rows, schema=BARS.polars_schema, orient="row")


def bars_asset(make):
    def bars(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return make(context.partition_keys)

    with accepted_previews():
        return dg.asset(partitions_def=AXIS, backfill_policy=backfill_policy())(bars)


def means_asset(metadata=None):
    @dg.asset(partitions_def=AXIS, ins={"bars": dg.AssetIn(partition_mapping=WINDOW, metadata=metadata)})
    def means(context: dg.AssetExecutionContext, bars: pl.LazyFrame) -> pl.LazyFrame:
        context.add_output_metadata({"seen": sorted(str(day) for day in bars.collect()["session"].unique())})
        rows = [(date.fromisoformat(key), bars.collect()["close_jpy"].mean() or 0.0) for key in context.partition_keys]
        return pl.LazyFrame(rows, schema=MEANS.polars_schema, orient="row")

    return means


class Bench:
    """A store, an instance and the IO manager between them."""

    def __init__(self, folder):
        self.store = open_store(f"file://{folder}/data")
        self.io = DeltaIOManager(Lazy.of(self.store), {table.name: table for table in (BARS, MEANS, CODES)})

    def run(self, asset, keys=None, *, instance, raising=True):
        tags = (
            {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
            if (keys and len(keys) > 1)
            else {}
        )
        key = keys[0] if keys and len(keys) == 1 else None
        assets = asset if isinstance(asset, list) else [asset]
        return dg.materialize(
            assets,
            selection=[assets[-1]],
            instance=instance,
            partition_key=key,
            tags=tags,
            resources={"io_manager": self.io},
            raise_on_error=raising,
        )


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.ephemeral(str(tmp_path)) as made:
        yield made


def events(result):
    made = (event.step_materialization_data.materialization for event in result.get_asset_materialization_events())
    return {one.partition: one for one in made}


def test_one_session_is_written_and_its_content_hash_is_its_data_version(bench, instance):
    result = bench.run(bars_asset(bars_of), ["2024-05-08"], instance=instance)
    event = events(result)["2024-05-08"]
    assert event.metadata["dagster/row_count"].value == 2
    assert event.tags["dagster/data_version"] == event.metadata[DATA_VERSION].value
    assert bench.store.tables.sessions(BARS) == [date(2024, 5, 8)]


def test_writing_the_same_rows_again_keeps_the_data_version_though_the_table_version_moves(bench, instance):
    first = events(bench.run(bars_asset(bars_of), ["2024-05-08"], instance=instance))["2024-05-08"]
    again = events(bench.run(bars_asset(bars_of), ["2024-05-08"], instance=instance))["2024-05-08"]
    other = events(bench.run(bars_asset(lambda k: bars_of(k, 101.0)), ["2024-05-08"], instance=instance))["2024-05-08"]
    version = "dagster/data_version"
    assert first.tags[version] == again.tags[version] != other.tags[version]
    assert again.metadata["table_version"].value > first.metadata["table_version"].value


def test_a_range_is_one_commit_and_every_session_has_its_own_count_and_hash(bench, instance):
    keys = ["2024-05-07", "2024-05-08", "2024-05-09", "2024-05-10"]
    made = events(bench.run(bars_asset(lambda k: bars_of(k[:3])), keys, instance=instance))
    creation, *writes = reversed(bench.store.tables.commits(BARS))
    assert creation["version"] == 0
    assert len(writes) == 1
    assert [made[key].metadata["dagster/row_count"].value for key in keys] == [2, 2, 2, 0]
    assert len({made[key].metadata[DATA_VERSION].value for key in keys}) == 4
    assert bench.store.tables.sessions(BARS) == [date.fromisoformat(key) for key in keys]


def test_a_session_hash_is_the_same_from_a_range_and_from_a_single_run(bench, instance):
    keys = ["2024-05-07", "2024-05-08"]
    ranged = events(bench.run(bars_asset(bars_of), keys, instance=instance))["2024-05-08"]
    single = events(bench.run(bars_asset(bars_of), ["2024-05-08"], instance=instance))["2024-05-08"]
    assert ranged.metadata[DATA_VERSION].value == single.metadata[DATA_VERSION].value


def test_rows_of_another_session_cannot_land(bench, instance):
    asset = bars_asset(lambda k: bars_of(["2024-05-09"]))
    result = bench.run(asset, ["2024-05-08"], instance=instance, raising=False)
    assert not result.success
    assert "rows of other sessions" in str(result.all_events)
    assert not bench.store.tables.exists(BARS) or bench.store.tables.sessions(BARS) == []


def test_a_window_of_sessions_comes_in_lazily(bench, instance):
    bars = bars_asset(bars_of)
    bench.run(bars, ["2024-05-01", "2024-05-02", "2024-05-07", "2024-05-08"], instance=instance)
    result = bench.run([bars, means_asset()], ["2024-05-08"], instance=instance)
    seen = events(result)["2024-05-08"].metadata["seen"].value
    assert seen == ["2024-05-02", "2024-05-07", "2024-05-08"]


def test_missing_sessions_are_named_before_anything_is_computed(bench, instance):
    bars = bars_asset(bars_of)
    bench.run(bars, ["2024-05-08"], instance=instance)
    result = bench.run([bars, means_asset()], ["2024-05-08"], instance=instance, raising=False)
    text = str(result.all_events)
    assert not result.success
    assert "2024-05-02, 2024-05-07" in text
    assert "PartitionMissingError" in text


def test_an_input_may_allow_missing_sessions(bench, instance):
    bars = bars_asset(bars_of)
    bench.run(bars, ["2024-05-08"], instance=instance)
    result = bench.run([bars, means_asset({"allow_missing_partitions": True})], ["2024-05-08"], instance=instance)
    assert events(result)["2024-05-08"].metadata["seen"].value == ["2024-05-08"]


def test_a_table_without_sessions_is_written_whole(bench, instance):
    @dg.asset
    def codes() -> pl.LazyFrame:
        return pl.LazyFrame({"code": ["72030", "13010"]})

    event = events(bench.run(codes, instance=instance))[None]
    assert event.metadata["dagster/row_count"].value == 2
    assert [column.name for column in event.metadata["dagster/column_schema"].value.columns] == ["code"]
    assert bench.store.tables.scan(CODES).collect()["code"].to_list() == ["13010", "72030"]


def test_a_frame_without_a_table_is_refused_by_name(bench, instance):
    @dg.asset
    def stray() -> pl.DataFrame:
        return pl.DataFrame({"code": ["72030"]})

    with pytest.raises(ConfigError, match="asset stray"):
        bench.run(stray, instance=instance)
