"""Runs stages through Dagster in this process: only what is missing, in bounded ranges, into a real instance."""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from assets.partitions import PARTITIONS_PER_RUN
from gogoku.demo.stages import Stage
from resources.event_log import event_log_in

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Runner:
    """One set of definitions on one instance.

    Attributes:
        definitions: what can be run.
        instance: where runs, materialisations and checks are recorded.
        axis: every session, so that ranges know their neighbours.
    """

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    axis: Sequence[date]

    def missing(self, stage: Stage) -> tuple[list[dg.AssetKey], list[date]]:
        """Assets of the stage that are not complete, and the sessions any of them lacks."""
        graph = self.definitions.resolve_asset_graph()
        incomplete: list[dg.AssetKey] = []
        lacking: set[date] = set()
        for key in sorted(stage.selection.resolve(graph), key=lambda key: key.to_user_string()):
            if graph.get(key).is_partitioned:
                filled = self.instance.get_materialized_partitions(key)
                absent = {day for day in stage.sessions if day.isoformat() not in filled}
                lacking |= absent
                if absent:
                    incomplete.append(key)
            elif self.instance.get_latest_materialization_event(key) is None:
                incomplete.append(key)
        return incomplete, sorted(lacking)

    def run(self, stage: Stage, tell: Callable[[str], None]) -> list[dg.ExecuteInProcessResult]:
        """Fill what the stage lacks, ranges first; assets without partitions follow in a run of their own.

        (In a run over a range Dagster plans every asset and check once per partition, partitioned or not.)

        Args:
            stage: what to fill.
            tell: hears about every run.

        Returns:
            One result per run; a failed run is returned, not raised, and ends the stage.
        """
        graph = self.definitions.resolve_asset_graph()
        keys, lacking = self.missing(stage)
        partitioned = [key for key in keys if graph.get(key).is_partitioned]
        whole = [key for key in keys if not graph.get(key).is_partitioned]
        pieces = [(partitioned, days) for days in ranges(lacking, self.axis)] if partitioned else []
        results: list[dg.ExecuteInProcessResult] = []
        for chosen, days in [*pieces, *([(whole, [])] if whole else [])]:
            tell(f"{days[0]} .. {days[-1]}" if days else "")
            results.append(self._execute(chosen, days))
            if not results[-1].success:
                break
        return results

    def _execute(self, keys: list[dg.AssetKey], days: list[date]) -> dg.ExecuteInProcessResult:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        spans = {RANGE_START: days[0].isoformat(), RANGE_END: days[-1].isoformat()} if len(days) > 1 else {}
        return job.execute_in_process(
            run_config=_QUIET,
            instance=self.instance,
            asset_selection=keys,
            partition_key=days[0].isoformat() if len(days) == 1 else None,
            tags=spans,
            raise_on_error=False,
        )


def ranges(days: Sequence[date], axis: Sequence[date], most: int = PARTITIONS_PER_RUN) -> Iterator[list[date]]:
    """Runs of neighbouring sessions, at most `most` long."""
    place = {day: index for index, day in enumerate(axis)}
    breaks = [0, *(n for n, (a, b) in enumerate(pairwise(days), start=1) if place[b] != place[a] + 1), len(days)]
    for start, stop in pairwise(breaks):
        for low in range(start, stop, most):
            yield list(days[low : min(low + most, stop)])


@contextmanager
def dagster_instance(home: Path, database_url: str = "") -> Iterator[dg.DagsterInstance]:
    """The instance kept in a folder, with the house's `dagster.yaml`; the UI opened on the folder shows its runs.

    Args:
        home: Dagster's home.
        database_url: PostgreSQL that keeps runs and events instead of files in the folder. Only its name is written
            down: whoever opens the instance has GOGOKU_DAGSTER_DB_URL in the environment.
    """
    home.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[2]
    shutil.copyfile(root / ("deploy/dagster.yaml" if database_url else "dagster.yaml"), home / "dagster.yaml")
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    own = {} if database_url else event_log_in(home)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=own)) as instance:
        yield instance
