"""Which questions are asked of which table, and how bad a no is.

Belongs here: the list of checks, what each one is given.
Does not belong here: judging (below the wall), turning findings into evaluations (`checks`).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import dagster as dg
import polars as pl

from assets.checks import ERROR, WARN, Judgement, Scope, TableCheck, table_checks
from assets.reading import price_inputs, sessions_before
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.checks import check_labels
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.features.engine import warmup_sessions
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.registry import families, family_table
from gogoku_pipeline.graph.catalogue import family_table as graph_table
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.tables import quality
from gogoku_pipeline.tables.findings import CheckResult
from gogoku_pipeline.tables.landings import is_switched_off
from gogoku_pipeline.tables.price_quality import check_adjustment, check_jumps, check_prices_consistent
from gogoku_pipeline.tables.rejects import Typed
from gogoku_pipeline.tables.typed import SWITCHED_OFF, typed_daily_bars, typed_listed_issues
from gogoku_pipeline.tables.universe import UNIVERSE

PRICE_LOOKBACK = 5
MOST_REJECTED = 0.01

Ask = Callable[[Scope], CheckResult]


def asked(name: str, words: str, ask: Ask, severity: dg.AssetCheckSeverity = ERROR) -> TableCheck:
    """A check whose answer comes from below the wall; findings outside the run's sessions belong to other runs."""

    def judge(scope: Scope) -> Judgement:
        answer = ask(scope)
        here = {day for day in scope.sessions} | {None} if scope.sessions else set(answer.failures)
        return Judgement({day: said for day, said in answer.failures.items() if day in here}, dict(answer.counts))

    return TableCheck(name, words, judge, severity)


def schema(scope: Scope) -> CheckResult:
    """Columns, types, bounds and keys."""
    return quality.check_schema(scope.table, scope.frame)


def complete(scope: Scope) -> CheckResult:
    """Every session has rows."""
    return quality.check_sessions_complete(scope.table, scope.frame, scope.sessions)


def typed_again(scope: Scope, read: Callable[..., Typed]) -> Typed:
    """What typing the landings once more says; shared by the checks of a step."""
    if "typed" not in scope.memo:
        scope.memo["typed"] = read(scope.store, scope.sessions)
    found = scope.memo["typed"]
    assert isinstance(found, Typed)
    return found


def conserved(read: Callable[..., Typed], scope: Scope) -> CheckResult:
    """The table holds what typing its landings gives."""
    return quality.check_conservation(scope.table, scope.frame, typed_again(scope, read).counts)


def rejected(read: Callable[..., Typed], scope: Scope) -> CheckResult:
    """Few landed rows are refused."""
    return quality.check_rejects(typed_again(scope, read).counts, at_most=MOST_REJECTED)


def covered(of: Table, at_least: float, scope: Scope) -> CheckResult:
    """Rows for the issues another table names."""
    named = scope.store.tables.scan(of, start=scope.sessions[0], end=scope.sessions[-1])
    return quality.check_listing_covered(scope.frame, named.select("session", "code").collect(), at_least=at_least)


def from_day_to_day(check: Callable[[pl.DataFrame], CheckResult], scope: Scope) -> Judgement:
    """A check that compares with the sessions before; where history begins there is nothing to compare with."""
    start = sessions_before(scope.sessions[0], PRICE_LOOKBACK)
    bars = scope.store.tables.scan(scope.table, start=start, end=scope.sessions[-1]).collect()
    if bars["session"].n_unique() < 2:
        return Judgement({}, {"compared": 0})
    answer = check(bars)
    here: set[date | None] = {*scope.sessions, None}
    return Judgement({day: said for day, said in answer.failures.items() if day in here}, dict(answer.counts))


def unless_switched_off(source: str, check: TableCheck) -> TableCheck:
    """The check, with a mere warning while the table is empty because the plan lacks its source."""

    def judge(scope: Scope) -> Judgement:
        if scope.frame.is_empty() and is_switched_off(scope.store.raw.requests(source)):
            return Judgement({None: SWITCHED_OFF.format(source)}, {}, WARN)
        return check.judge(scope)

    return replace(check, judge=judge)


def nulls_in_budget(scope: Scope) -> Judgement:
    """Each feature has the nulls its inputs explain."""
    names = [feature.name for feature in families()[scope.table.name]]
    inputs = price_inputs(scope.store, scope.sessions, warmup_sessions(names))
    budget = null_budget(scope.frame.drop("available_at"), inputs)
    bad = [count for count in budget if not count.is_within]
    words = ", ".join(f"{c.feature}: {c.observed} nulls, {c.expected}..{c.allowed} explained" for c in bad[:5])
    return Judgement({None: words} if bad else {}, {"features": len(budget), "outside": len(bad)})


def labels_hold(name: str, scope: Scope) -> Judgement:
    """One of the label table's own checks."""
    (found,) = (item for item in check_labels(scope.frame, tse_calendar()) if item.name == name)
    return Judgement({} if found.passed else {None: found.words}, {"value": found.value})


SCHEMA = asked("schema_and_keys", "Columns, types, bounds and unique keys are as declared.", schema)
COMPLETE = asked("calendar_complete", "Every session has rows.", complete)
UNITS = asked(
    "values_in_unit_range",
    "Every number lies where its unit allows.",
    lambda scope: quality.check_unit_ranges(scope.table, scope.frame),
)
BARS = (
    SCHEMA,
    COMPLETE,
    UNITS,
    asked("rows_conserved", "The rows landed are the rows typed.", partial(conserved, typed_daily_bars)),
    asked("rejects_few", "At most 1 % of the rows were refused.", partial(rejected, typed_daily_bars)),
    asked("coverage", "Nearly every listed issue has a bar.", partial(covered, listed_issues.SNAPSHOT, 0.98)),
    asked("prices_consistent", "Prices do not contradict each other.", lambda s: check_prices_consistent(s.frame)),
    TableCheck("jumps_within_limits", "No jump beyond the limits.", partial(from_day_to_day, check_jumps), WARN),
    TableCheck("adjustment_agrees", "Our factors explain theirs.", partial(from_day_to_day, check_adjustment), WARN),
)
LISTINGS = (
    SCHEMA,
    COMPLETE,
    asked("rows_conserved", "The rows landed are the rows typed.", partial(conserved, typed_listed_issues)),
    asked("rejects_few", "At most 1 % of the rows were refused.", partial(rejected, typed_listed_issues)),
)
CALENDARS = asked(
    "calendar_agrees", "The publisher trades on the house's sessions.", lambda s: quality.check_calendar(s.frame)
)
COVERED = asked("coverage", "Every bar has its features.", partial(covered, daily_bars.TABLE, 1.0))
NULLS = TableCheck("null_budget", "Each feature has the nulls its inputs explain.", nulls_in_budget)
DRAWN = TableCheck(
    "schema_and_keys",
    "Edges are as declared; a session with too few stocks has none.",
    lambda s: SCHEMA.judge(s) if s.frame.height else Judgement({}, {"edges": 0}),
)
LABEL_CHECKS = (
    "values_are_returns",
    "ranks_are_standard",
    "sessions_follow_the_calendar",
    "null_exactly_with_reason",
    "reasons_are_rare",
    "known_after_exit",
)


def label_check(name: str) -> TableCheck:
    """A check of the label table; all but the share of exceptions block."""
    words = name.replace("_", " ").capitalize() + "."
    return TableCheck(name, words, partial(labels_hold, name), WARN if name == "reasons_are_rare" else ERROR)


def house_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """Every check step of the house.

    Args:
        partitions: the axis of sessions.
    """
    on_sessions: list[tuple[Table, tuple[TableCheck, ...]]] = [
        (daily_bars.TABLE, BARS),
        (listed_issues.SNAPSHOT, LISTINGS),
        (topix.TABLE, tuple(unless_switched_off("topix", check) for check in (SCHEMA, COMPLETE, UNITS))),
        (UNIVERSE, (SCHEMA, COMPLETE)),
        *((family_table(family), (SCHEMA, COVERED, NULLS)) for family in families()),
        (EDGES, (DRAWN,)),
        (graph_table(), (SCHEMA, COVERED)),
    ]
    whole: list[tuple[Table, tuple[TableCheck, ...]]] = [
        (calendar.TABLE, (SCHEMA, CALENDARS)),
        (listed_issues.MASTER, (SCHEMA,)),
        (LABELS, (SCHEMA, *(label_check(name) for name in LABEL_CHECKS))),
    ]
    return [
        *(table_checks(table, checks, partitions) for table, checks in on_sessions),
        *(table_checks(table, checks, None) for table, checks in whole),
    ]
