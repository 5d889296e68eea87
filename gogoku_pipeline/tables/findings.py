"""What a quality check says, and the rule that a check that cannot run has failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Literal, ParamSpec

import polars as pl

from gogoku_pipeline.core.errors import GogokuError

Severity = Literal["error", "warn"]
Arguments = ParamSpec("Arguments")

_SAMPLE_ROWS = 10


@dataclass(frozen=True)
class Finding:
    """What a check looked at and what it did not like.

    Attributes:
        judged: how many rows (or sessions) were looked at; nothing to look at is a failure.
        bad: the ones that failed, with `session` where there is one.
        words: what a failing row did, e.g. "high below low".
        counts: further numbers for people.
        tolerated: how many failing rows are still no failure.
    """

    judged: int
    bad: pl.DataFrame
    words: str
    counts: Mapping[str, float] = field(default_factory=dict)
    tolerated: int = 0


@dataclass(frozen=True)
class CheckResult:
    """The verdict of one check.

    Attributes:
        name: stable short name.
        passed: whether all is well.
        severity: `error` blocks what is downstream, `warn` alerts.
        counts: `judged`, `failed` and whatever else the check counted.
        sample: at most ten failing rows.
        words: one sentence for people.
        failures: what was found per failed session; the key None stands for the whole table.
    """

    name: str
    passed: bool
    severity: Severity
    counts: Mapping[str, float]
    sample: pl.DataFrame
    words: str
    failures: Mapping[date | None, str]


def check(name: str, severity: Severity) -> Callable[[Callable[Arguments, Finding]], Callable[Arguments, CheckResult]]:
    """Turn a function that finds into a check that judges.

    A check that meets an error of the house or of Polars (a column that is not there), or that has nothing to look
    at, fails and says so: silence is never consent.
    """

    def decorate(find: Callable[Arguments, Finding]) -> Callable[Arguments, CheckResult]:
        @wraps(find)
        def judge(*args: Arguments.args, **kwargs: Arguments.kwargs) -> CheckResult:
            try:
                finding = find(*args, **kwargs)
            except (GogokuError, pl.exceptions.PolarsError) as problem:
                return _unable(name, severity, f"could not run: {str(problem).splitlines()[0]}")
            if finding.judged == 0:
                return _unable(name, severity, "could not run: nothing to look at")
            return _verdict(name, severity, finding)

        return judge

    return decorate


def _unable(name: str, severity: Severity, words: str) -> CheckResult:
    return CheckResult(name, False, severity, {"judged": 0, "failed": 0}, pl.DataFrame(), words, {None: words})


def _verdict(name: str, severity: Severity, finding: Finding) -> CheckResult:
    failed = finding.bad.height
    counts = {"judged": finding.judged, "failed": failed, **finding.counts}
    passed = failed <= finding.tolerated
    said = f"{failed} of {finding.judged}: {finding.words}" if failed else f"{finding.judged} looked at, all well"
    failures = {} if passed else _by_session(finding)
    return CheckResult(name, passed, severity, counts, finding.bad.head(_SAMPLE_ROWS), said, failures)


def _by_session(finding: Finding) -> Mapping[date | None, str]:
    if "session" not in finding.bad.columns:
        return {None: f"{finding.bad.height} times: {finding.words}"}
    groups = finding.bad.group_by("session").agg(pl.len().alias("n"), *_first_code(finding.bad)).sort("session")
    return {
        row["session"]: f"{row['n']} times: {finding.words}" + (f", first {row['code']}" if "code" in row else "")
        for row in groups.iter_rows(named=True)
    }


def _first_code(bad: pl.DataFrame) -> list[pl.Expr]:
    return [pl.col("code").first()] if "code" in bad.columns else []
