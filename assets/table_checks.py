"""Which questions are asked of which table, and how bad a no is.

Belongs here: the list of checks, what each one is given.
Does not belong here: judging (below the wall), turning findings into evaluations (`checks`).
"""

from functools import partial

import dagster as dg

from assets.asking import COMPLETE, SCHEMA, asked
from assets.checks import ERROR, WARN, Judgement, Scope, TableCheck, table_checks
from assets.feature_checks import HEALTH
from assets.inputs import inputs_after
from assets.source_checks import source_checks
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.checks import check_labels
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.null_claims import budget_sessions
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import family_table as graph_table
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.tables import quality
from gogoku_pipeline.tables.findings import CheckResult
from gogoku_pipeline.tables.universe import UNIVERSE


def covered(of: Table, at_least: float, scope: Scope) -> CheckResult:
    """Rows for the issues another table names."""
    named = scope.store.tables.scan(of, start=scope.sessions[0], end=scope.sessions[-1])
    return quality.check_listing_covered(scope.frame, named.select("session", "code").collect(), at_least=at_least)


def nulls_in_budget(scope: Scope) -> Judgement:
    """Each feature has the nulls its inputs explain."""
    names = [name for name in scope.table.polars_schema.names() if name in house()]
    inputs = inputs_after(budget_sessions(names), scope.store, scope.sessions, names, scope.compute.cutoff)
    budget = null_budget(scope.frame.drop("available_at"), inputs)
    bad = [count for count in budget if not count.is_within]
    words = ", ".join(f"{c.feature}: {c.observed} nulls, {c.expected}..{c.allowed} explained" for c in bad[:5])
    return Judgement({None: words} if bad else {}, {"features": len(budget), "outside": len(bad)})


def labels_hold(name: str, scope: Scope) -> Judgement:
    """One of the label table's own checks."""
    (found,) = (item for item in check_labels(scope.frame, tse_calendar()) if item.name == name)
    return Judgement({} if found.passed else {None: found.words}, {"value": found.value})


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


def house_checks(partitions: dg.PartitionsDefinition, plan: str) -> list[dg.AssetChecksDefinition]:
    """Every check step of the house.

    Args:
        partitions: the axis of sessions.
        plan: decides which feature families there are.
    """
    registry = house(plan)
    on_sessions: list[tuple[Table, tuple[TableCheck, ...]]] = [
        (UNIVERSE, (SCHEMA, COMPLETE)),
        *((family_table(family, registry), (SCHEMA, COVERED, NULLS, *HEALTH)) for family in families(registry)),
        (EDGES, (DRAWN,)),
        (graph_table(plan=plan), (SCHEMA, COVERED, *HEALTH)),
    ]
    whole: list[tuple[Table, tuple[TableCheck, ...]]] = [
        (listed_issues.MASTER, (SCHEMA,)),
        (LABELS, (SCHEMA, *(label_check(name) for name in LABEL_CHECKS))),
    ]
    return [
        *source_checks(partitions),
        *(table_checks(table, checks, partitions) for table, checks in on_sessions),
        *(table_checks(table, checks, None) for table, checks in whole),
    ]
