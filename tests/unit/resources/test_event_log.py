"""Events written a batch at a time are the events Dagster's own log would hold, readable by its own class."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from sqlalchemy.exc import IntegrityError

from gogoku_pipeline.core.settings import batch_dagster_events
from resources.event_log import MOST_OPEN, BatchedEventLog, event_log_in

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-31")
FIRST, LAST = DAYS.get_first_partition_key(), DAYS.get_last_partition_key()
TOLD = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(partitions_def=DAYS, code_version="1")
def days(context: dg.AssetExecutionContext) -> None:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": int(key[-2:])}, partition_key=key)


@dg.asset_check(asset=days)
def holds() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, metadata={"seen": 7})


def opened(folder, *, is_batched):
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    own = event_log_in(folder) if is_batched else {}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=own))


def run(instance, first=FIRST, last=LAST):
    """A run over a range, told in batches."""
    batch_dagster_events()
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    job = dg.Definitions([days], asset_checks=[holds]).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(run_config=QUIET, instance=instance, tags=tags).run_id


def story(instance, run_id):
    """What an instance remembers of a run, without instants and ids."""
    key = days.key
    wanted = dg.AssetRecordsFilter(asset_key=key)
    rows = instance.fetch_materializations(wanted, limit=1000, ascending=True).records
    checks = instance.event_log_storage.get_asset_check_execution_history(holds.check_key, limit=1000)
    (evaluation,) = [
        one.dagster_event.event_specific_data
        for one in entries(instance, run_id)
        if one.dagster_event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    return {
        "rows": [(row.partition_key, row.asset_materialization.metadata["rows"].value) for row in rows],
        "filled": sorted(instance.get_materialized_partitions(key)),
        "checks": sorted((one.status.value, one.partition or "") for one in checks),
        "evaluation": (evaluation.passed, evaluation.metadata["seen"].value),
        "said": [
            (entry.dagster_event.event_type, entry.dagster_event.partition) for entry in instance.all_logs(run_id)
        ],
        "last": instance.get_latest_materialization_event(key).dagster_event.partition,
        "tags": sorted({(row.partition_key, *tags) for row in rows for tags in row.asset_materialization.tags.items()}),
        "indexed": sorted(len(tags) for tags in instance.get_event_tags_for_asset(key)),
        "numbers": [row.storage_id for row in rows] == sorted(row.storage_id for row in rows),
        "run": instance.get_run_by_id(run_id).status,
    }


def entries(instance, run_id):
    return instance.event_log_storage.get_logs_for_run(run_id)


def test_dagsters_own_log_would_hold_the_same_and_reads_the_same_files(tmp_path):
    own, batched = tmp_path / "own", tmp_path / "batched"
    own.mkdir()
    batched.mkdir()
    with opened(own, is_batched=False) as instance:
        wanted = story(instance, run(instance))
    with opened(batched, is_batched=True) as instance:
        assert isinstance(instance.event_log_storage, BatchedEventLog)
        run_id = run(instance)
        assert story(instance, run_id) == wanted
    with opened(batched, is_batched=False) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        assert story(instance, run_id) == wanted
    planned = [day for kind, day in wanted["said"] if kind is dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED]
    assert sorted(planned) == [day for day, _ in wanted["rows"]] == DAYS.get_partition_keys()


def test_a_batch_that_cannot_be_kept_whole_leaves_nothing_behind(tmp_path):
    with opened(tmp_path, is_batched=True) as instance:
        run_id = run(instance)
        log, before = instance.event_log_storage, entries(instance, run_id)
        rows = len(instance.fetch_materializations(days.key, limit=1000).records)
        of_kind = {kind: [one for one in before if one.dagster_event.event_type is kind] for kind in TOLD}
        told, (planned,) = of_kind.values()
        with pytest.raises(IntegrityError):  # a check is planned once per run
            log.store_event_batch([*told, planned])
        assert len(entries(instance, run_id)) == len(before)
        assert len(instance.fetch_materializations(days.key, limit=1000).records) == rows
        log.store_event_batch(told)
        assert len(entries(instance, run_id)) == len(before) + len(told)
        assert len(instance.fetch_materializations(days.key, limit=1000).records) == 2 * rows


def test_batches_of_many_threads_and_of_more_runs_than_files_stay_open_are_all_kept(tmp_path):
    with opened(tmp_path, is_batched=True) as instance:
        log = instance.event_log_storage
        told = [
            one._replace(run_id=f"run-{number % (2 * MOST_OPEN)}")
            for number, one in enumerate(entries(instance, run(instance)) * 4)
            if one.dagster_event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
        ]
        pieces = [told[start::6] for start in range(6)]
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(log.store_event_batch, pieces))
        found = {run_id: len(log.get_logs_for_run(run_id)) for run_id in {one.run_id for one in told}}
        assert sum(found.values()) == len(told)
        assert len(found) == 2 * MOST_OPEN
        kinds = {entry.dagster_event.event_type for run_id in found for entry in log.get_logs_for_run(run_id)}
        assert kinds == {dg.DagsterEventType.ASSET_MATERIALIZATION}


def test_a_wiped_log_begins_anew(tmp_path):
    with opened(tmp_path, is_batched=True) as instance:
        run(instance)
        instance.event_log_storage.wipe()
        assert not instance.get_materialized_partitions(days.key)
        run(instance, last="2024-01-02")
        assert sorted(instance.get_materialized_partitions(days.key)) == ["2024-01-01", "2024-01-02"]
