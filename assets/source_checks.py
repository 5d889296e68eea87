"""What every table typed from a source is asked, and what only some are.

Belongs here: the questions about typed tables, from landing to units.
Does not belong here: judging (below the wall), tables computed from others (`table_checks`).

A source that the plan lacks leaves its table empty; its checks say so and pass, since there is nothing to judge.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import dagster as dg
import polars as pl

from assets.asking import COMPLETE, SCHEMA, UNITS, asked, judged
from assets.checks import ERROR, WARN, Judgement, Scope, TableCheck, table_checks
from assets.reading import sessions_before
from assets.tables import BY_SESSION, WHOLE
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.schema.tables import Source
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables import quality
from gogoku_pipeline.tables.findings import CheckResult
from gogoku_pipeline.tables.landings import is_switched_off
from gogoku_pipeline.tables.ledger import counts_of, newest_entries
from gogoku_pipeline.tables.price_quality import (
    check_adjustment,
    check_contradictions_few,
    check_jumps,
    check_prices_consistent,
)
from gogoku_pipeline.tables.rejects import Conservation
from gogoku_pipeline.tables.source_quality import (
    check_breakdown,
    check_corrections,
    check_field_sets,
    check_investor_types,
    check_numbers_unique,
    expected_codes,
)
from gogoku_pipeline.tables.typed import SWITCHED_OFF, editions, source_and_table

PRICE_LOOKBACK = 5
MOST_REJECTED = 0.01
COVERED = 0.98


def declared(source: str) -> Source:
    """The declaration of a source, the house's or an outside one."""
    return source_and_table(source)[0]


def counted(scope: Scope, source: str) -> tuple[Conservation, ...]:
    """Where the raw rows of the run's sessions went, as the typing counted."""
    return counts_of(scope.store, source, scope.sessions)


def conserved(source: str, scope: Scope) -> CheckResult:
    """The table holds what typing its landings gave."""
    return quality.check_conservation(scope.table, scope.frame, counted(scope, source))


def rejected(source: str, scope: Scope) -> CheckResult:
    """Few landed rows are refused."""
    return quality.check_rejects(counted(scope, source), at_most=MOST_REJECTED)


def unchanged(source: str, scope: Scope) -> CheckResult:
    """The newest typing found nothing that the publisher changed in place."""
    return check_corrections(counted(scope, source))


def same_fields(source: str, scope: Scope) -> Judgement:
    """The newest page, and the newest file, have the fields that all others had."""
    requests = scope.store.raw.requests(source).filter((pl.col("status") == 200) & (pl.col("row_count") > 0))
    forms = (pl.col("media").fill_null("json") == "json").alias("page")
    answers = [
        judged(check_field_sets(requests, files=not page), scope) for page in requests.select(forms)["page"].unique()
    ]
    found = {day: words for answer in answers for day, words in answer.failures.items()}
    return Judgement(found, {"field_sets": sum(answer.counts.get("field_sets", 0) for answer in answers)})


def unique_numbers(source: str, scope: Scope) -> CheckResult:
    """A document number stands for one document in the whole table."""
    key = [name for name in scope.table.key if name != "session"]
    elsewhere = scope.store.tables.scan(scope.table, ordered=False).select("session", *key).collect()
    return check_numbers_unique(declared(source), scope.table, scope.frame, elsewhere)


def covered(source: str, scope: Scope) -> Judgement:
    """Rows for nearly every code the source speaks of; a session on which nothing traded expects none."""
    tables, first, last = scope.store.tables, scope.sessions[0], scope.sessions[-1]
    listed = tables.scan(listed_issues.SNAPSHOT, start=first, end=last).collect()
    bars = None
    if source == "breakdown":
        tables.require(daily_bars.TABLE, scope.sessions)
        bars = tables.scan(daily_bars.TABLE, start=first, end=last).collect()
    expected = expected_codes(source, listed, bars)
    if expected.is_empty() and listed.height:
        return Judgement({}, {"expected": 0}, "no code is expected on these sessions")
    return judged(quality.check_listing_covered(scope.frame, expected, at_least=COVERED), scope)


def from_day_to_day(check: Callable[[pl.DataFrame], CheckResult], scope: Scope) -> Judgement:
    """A check that compares with the sessions before; where history begins there is nothing to compare with."""
    start = sessions_before(scope.sessions[0], PRICE_LOOKBACK)
    bars = scope.store.tables.scan(scope.table, start=start, end=scope.sessions[-1]).collect()
    if bars["session"].n_unique() < 2:
        return Judgement({}, {"compared": 0})
    return judged(check(bars), scope)


def adjusted_alike(scope: Scope) -> Judgement:
    """Served adjusted closes against our own factors, within each edition they were served in."""
    start = sessions_before(scope.sessions[0], PRICE_LOOKBACK)
    bars = scope.store.tables.scan(scope.table, start=start, end=scope.sessions[-1]).collect()
    sessions = bars["session"].unique().sort().to_list()
    if len(sessions) < 2:
        return Judgement({}, {"compared": 0})
    served = editions(scope.store, "daily_bars", sessions)
    if len(set(served.values())) == len(sessions):
        return Judgement({}, {"compared": 0})
    return judged(check_adjustment(bars, editions=served), scope)


def unless_empty(source: str, check: TableCheck) -> TableCheck:
    """The check, which passes with a note where there is honestly nothing to judge.

    That is while the plan lacks the source, and for a source whose days may be without rows: then the ledger must say
    that none were landed.
    """

    def judge(scope: Scope) -> Judgement:
        if scope.frame.height:
            return check.judge(scope)
        if is_switched_off(scope.store.raw.requests(source)):
            return Judgement({}, {"switched_off": 1}, SWITCHED_OFF.format(source))
        if declared(source).empty != "never" and not any(count.raw_rows for count in counted(scope, source)):
            return Judgement({}, {"rows": 0}, "no rows in these sessions, and none were landed")
        return check.judge(scope)

    return replace(check, judge=judge)


def of_every(source: str) -> list[TableCheck]:
    """What every table typed from a source is asked."""
    checks = [
        SCHEMA,
        *([UNITS] if any(column.unit for column in source_and_table(source)[1].columns) else []),
        asked("rows_conserved", "The rows landed are the rows typed.", partial(conserved, source)),
        asked("rejects_few", "At most 1 % of the rows were refused.", partial(rejected, source)),
    ]
    words = "The publisher's rows have the fields they always had."
    checks.append(TableCheck("fields_unchanged", words, partial(same_fields, source), WARN))
    if declared(source).versions == "overwritten":
        checks.append(asked("corrections", "Nothing was corrected in place.", partial(unchanged, source), WARN))
    return checks


BARS = (
    asked("prices_consistent", "No bar contradicts itself.", lambda s: check_prices_consistent(s.frame), WARN),
    asked("contradictions_few", "At most 1 % of a session's bars do.", lambda s: check_contradictions_few(s.frame)),
    TableCheck("jumps_within_limits", "No jump beyond the limits.", partial(from_day_to_day, check_jumps), WARN),
    TableCheck("adjustment_agrees", "Our factors explain theirs.", adjusted_alike, WARN),
)


def covers(source: str) -> TableCheck:
    """Nearly every code the source speaks of has a row; where that needs the bars too, a hole alerts only."""
    is_of_orders = source == "breakdown"
    return TableCheck(
        "coverage",
        "Nearly every expected issue has a row.",
        partial(covered, source),
        WARN if is_of_orders else ERROR,
        reads=(listed_issues.SNAPSHOT.name, *((daily_bars.TABLE.name,) if is_of_orders else ())),
    )


CALENDARS = asked(
    "calendar_agrees", "The publisher trades on the house's sessions.", lambda s: quality.check_calendar(s.frame)
)
NUMBERED = ("statements", "statement_details", "dividends")
ALSO: dict[str, tuple[TableCheck, ...]] = {
    "daily_bars": (covers("daily_bars"), *BARS),
    "valuation": (covers("valuation"),),
    "breakdown": (
        covers("breakdown"),
        asked("breakdown_adds_up", "Sells equal buys.", lambda s: check_breakdown(s.frame), WARN),
    ),
    "investor_types": (
        asked("flows_add_up", "Totals are the sums of their parts.", lambda s: check_investor_types(s.frame), WARN),
    ),
    **{
        source: (asked("numbers_unique", "A number stands for one document.", partial(unique_numbers, source)),)
        for source in NUMBERED
    },
}
"""What single tables are asked beside."""


def touched(source: str, store: Store, run_id: str) -> list[date]:
    """The sessions of a table that a run typed; the newest one where it typed none."""
    entries = newest_entries(store, source)
    mine = entries.filter(pl.col("run_id") == run_id)["session"].to_list()
    return sorted(mine) or entries["session"].sort().to_list()[-1:]


def source_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """One check step per typed table.

    Args:
        partitions: the axis of sessions.
    """
    steps = []
    for source in BY_SESSION:
        empty = () if declared(source).empty != "never" else (COMPLETE,)
        checks = [unless_empty(source, check) for check in (*of_every(source), *empty, *ALSO.get(source, ()))]
        steps.append(table_checks(source_and_table(source)[1], checks, partitions))
    for source in WHOLE:
        table = source_and_table(source)[1]
        if not table.partitioned:
            also = (CALENDARS,) if source == "calendar" else ()
            steps.append(table_checks(table, (unless_empty(source, SCHEMA), *also), None))
            continue
        checks = [unless_empty(source, check) for check in (*of_every(source), *ALSO.get(source, ()))]
        steps.append(table_checks(table, checks, None, partial(touched, source)))
    return steps
