"""What an audit answers: one finding per check, a verdict per part. What could not run has failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gogoku_pipeline.features.laws import Violation

_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    Attributes:
        part: which of the eight parts it belongs to.
        check: its name, e.g. `truncation_of_features`.
        question: what was asked, for people.
        violations: what broke it.
        compared: how many values were looked at; 0 means that the check did not run, and then it has not passed.
        seconds: what it took; shared work counts with the check that came first.
    """

    part: str
    check: str
    question: str
    violations: tuple[Violation, ...]
    compared: int
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """It ran, and held everywhere it looked."""
        return self.compared > 0 and not self.violations

    @property
    def guilty(self) -> tuple[str, ...]:
        """Columns, sources, folds or models that are named, each once."""
        return tuple(dict.fromkeys(violation.feature for violation in self.violations))

    @property
    def words(self) -> str:
        """What was seen, for people; names the first offenders."""
        if self.violations:
            more = f" and {len(self.violations) - _SHOWN} more" if len(self.violations) > _SHOWN else ""
            return ", ".join(_words(violation) for violation in self.violations[:_SHOWN]) + more
        return f"held over {self.compared:,} values" if self.compared else "did not run: there was nothing to compare"


@dataclass(frozen=True)
class AuditReport:
    """All findings of one audit.

    Attributes:
        findings: one per check, in the order they ran.
        switched_off: sources that the plan lacks; the audit went without them.
    """

    findings: tuple[Finding, ...]
    switched_off: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Every check ran and held."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that were asked, in order."""
        return tuple(dict.fromkeys(finding.part for finding in self.findings))

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that did not hold or did not run."""
        return tuple(finding.check for finding in self.findings if not finding.passed)

    @property
    def failed_parts(self) -> tuple[str, ...]:
        """Parts with a check that did not hold or did not run."""
        return tuple(dict.fromkeys(finding.part for finding in self.findings if not finding.passed))

    @property
    def compared(self) -> dict[str, int]:
        """Values looked at per part."""
        return {part: sum(one.compared for one in self._of(part)) for part in self.parts}

    @property
    def words(self) -> str:
        """The failed checks, or that everything held."""
        if self.failed:
            return "; ".join(f"{one.check}: {one.words}" for one in self.findings if not one.passed)
        total = sum(finding.compared for finding in self.findings)
        absent = "".join(f"; {source}: not in the plan, switched off" for source in self.switched_off)
        return f"{len(self.findings)} checks in {len(self.parts)} parts held over {total:,} values{absent}"

    def finding(self, check: str) -> Finding:
        """The answer of one check by its exact name; raises KeyError for one that was not asked."""
        return {one.check: one for one in self.findings}[check]

    def _of(self, part: str) -> Sequence[Finding]:
        return [one for one in self.findings if one.part == part]

    def rows(self) -> Iterator[tuple[str, str, int, bool, float, str]]:
        """(part, question, sample, passed, seconds, words) of every check, for a table."""
        for one in self.findings:
            yield one.part, one.question, one.compared, one.passed, one.seconds, one.words


def _words(violation: Violation) -> str:
    place = " ".join(str(word) for word in (violation.feature, violation.session, violation.code) if word)
    return f"{place}: {violation.words}"
