"""How tables are judged in Dagster: one step per table, one verdict per check, one line per failed session.

Belongs here: turning findings about sessions into evaluations.
Does not belong here: what is judged (`table_checks`), how (below the wall).

In a run over a range a check logs one evaluation per *failed* session and one summary with counts (an evaluation
costs about 9 ms, and a range has hundreds of sessions). ERROR checks block what is downstream in the same run; WARN
checks alert. A check that cannot run fails: an error of the house becomes a failed verdict that names it, any other
error fails the step, which blocks as well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg
import polars as pl

from assets.partitions import sessions_of
from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture
from resources.previews import accepted_previews

ERROR = dg.AssetCheckSeverity.ERROR
WARN = dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Scope:
    """What a check may look at.

    Attributes:
        table: the table judged.
        frame: its rows of the run's sessions, collected (pandera skips data checks on lazy frames).
        sessions: the run's sessions; empty for a table without sessions.
        store: for checks that compare with other tables.
        compute: sizes and dials of the deployment.
        is_range: the run names its sessions as a range (a backfill does so for one session too); Dagster then
            knows no session for the verdict, so failed sessions get a line each.
        memo: what several checks of one step share.
    """

    table: Table
    frame: pl.DataFrame
    sessions: list[date]
    store: Store
    compute: Compute
    is_range: bool = False
    memo: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What a check says.

    Attributes:
        failures: failed session (None: the table as a whole) to what was found; empty when all is well.
        counts: numbers for people.
        note: what a person should know although all is well.
        pictures: caption to PNG, shown with the verdict.
    """

    failures: Mapping[date | None, str]
    counts: Mapping[str, float] = field(default_factory=dict)
    note: str = "nothing found"
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class TableCheck:
    """One question about a table.

    Attributes:
        name: short name, stable: history and alerts hang on it.
        words: what is asked, for people.
        judge: looks and says.
        severity: ERROR blocks, WARN alerts.
        reads: other tables it compares with; in one run it waits for them.
    """

    name: str
    words: str
    judge: Callable[[Scope], Judgement]
    severity: dg.AssetCheckSeverity = ERROR
    reads: tuple[str, ...] = ()

    def spec(self, asset: str, partitions: dg.PartitionsDefinition | None) -> dg.AssetCheckSpec:
        """What Dagster is told about it."""
        with accepted_previews():
            return dg.AssetCheckSpec(
                self.name,
                asset=asset,
                description=self.words,
                blocking=self.severity is ERROR,
                partitions_def=partitions,
                additional_deps=list(self.reads),
            )

    def answer(self, scope: Scope) -> Judgement:
        """The judgement; an error of the house is a failure that names it."""
        try:
            return self.judge(scope)
        except GogokuError as problem:
            return Judgement({None: f"could not run: {problem}"})


def table_checks(
    table: Table,
    checks: Sequence[TableCheck],
    partitions: dg.PartitionsDefinition | None,
    touched: Callable[[Store, str], list[date]] | None = None,
) -> dg.AssetChecksDefinition:
    """One check step for a table.

    Args:
        table: the table, named as its asset.
        checks: what is asked.
        partitions: the axis of sessions, None for an asset without partitions.
        touched: for a table with sessions whose asset has no partitions: the sessions a run wrote, by its id; None
            judges the whole table.
    """

    @dg.multi_asset_check(
        name=f"{table.name}_checks",
        specs=[check.spec(table.name, partitions) for check in checks],
        can_subset=True,
    )
    def judged(  # noqa: ANN202
        context: dg.AssetCheckExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]
    ):
        if partitions is not None:
            sessions = sessions_of(context)
        else:
            sessions = touched(store.get(), context.run.run_id) if touched else []
        is_range = partitions is not None and "dagster/partition" not in context.run.tags
        scope = Scope(table, rows_of(table, sessions, store.get()), sessions, store.get(), compute, is_range)
        wanted = {key.name for key in context.selected_asset_check_keys}
        for check in checks:
            if check.name in wanted:
                yield from evaluations(check, scope)

    return judged


def rows_of(table: Table, sessions: list[date], store: Store) -> pl.DataFrame:
    """The rows a run wrote, read back; raises PartitionMissingError for a session that was never written."""
    if not sessions:
        return store.tables.scan(table).collect()
    store.tables.require(table, sessions)
    return store.tables.scan(table, start=sessions[0], end=sessions[-1]).collect()


def evaluations(check: TableCheck, scope: Scope) -> Iterator[dg.AssetCheckEvaluation | dg.AssetCheckResult]:
    """What a check says about a run: a line per failed session of a range, then the verdict.

    Args:
        check: the question.
        scope: what it looked at.
    """
    found, severity = check.answer(scope), check.severity
    named = sorted((session, words) for session, words in found.failures.items() if session is not None)
    if scope.is_range:
        for session, words in named:
            yield dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(scope.table.name),
                check_name=check.name,
                passed=False,
                severity=severity,
                description=words,
                partition=session.isoformat(),
            )
    yield dg.AssetCheckResult(
        asset_key=scope.table.name,
        check_name=check.name,
        passed=not found.failures,
        severity=severity,
        description=_summary(found.failures) if found.failures else found.note,
        metadata={
            "sessions": len(scope.sessions),
            "failed_sessions": len(named),
            **found.counts,
            **{caption: picture(png, caption) for caption, png in found.pictures.items()},
        },
    )


def _summary(failures: Mapping[date | None, str]) -> str:
    session, words = min(failures.items(), key=lambda item: item[0] or date.min)
    where = "" if session is None else f"{session}: "
    more = f" (and {len(failures) - 1} more sessions)" if len(failures) > 1 else ""
    return f"{where}{words}{more}"
