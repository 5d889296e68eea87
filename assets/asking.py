"""Questions that many tables are asked, in the form a check step wants.

Belongs here: turning answers from below the wall into judgements, questions about schema, sessions and units.
Does not belong here: which table is asked what (`table_checks`, `source_checks`).
"""

from collections.abc import Callable

from assets.checks import ERROR, Judgement, Scope, TableCheck
from gogoku_pipeline.tables import quality
from gogoku_pipeline.tables.findings import CheckResult

Ask = Callable[[Scope], CheckResult]


def judged(answer: CheckResult, scope: Scope) -> Judgement:
    """An answer from below the wall; findings outside the run's sessions belong to other runs."""
    here = {*scope.sessions, None} if scope.sessions else set(answer.failures)
    return Judgement({day: said for day, said in answer.failures.items() if day in here}, dict(answer.counts))


def asked(name: str, words: str, ask: Ask, severity=ERROR) -> TableCheck:  # noqa: ANN001
    """A check whose answer comes from below the wall."""
    return TableCheck(name, words, lambda scope: judged(ask(scope), scope), severity)


SCHEMA = asked(
    "schema_and_keys",
    "Columns, types, bounds and unique keys are as declared.",
    lambda scope: quality.check_schema(scope.table, scope.frame),
)
COMPLETE = asked(
    "calendar_complete",
    "Every session has rows.",
    lambda scope: quality.check_sessions_complete(scope.table, scope.frame, scope.sessions),
)
UNITS = asked(
    "values_in_unit_range",
    "Every number lies where its unit allows.",
    lambda scope: quality.check_unit_ranges(scope.table, scope.frame),
)
