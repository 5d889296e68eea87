"""What an audit answers: one finding per part, and whether all of them hold. A part that could not run has failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gogoku_pipeline.features.laws import Violation

_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """The answer of one part.

    Attributes:
        part: name of the law, e.g. `truncation_of_features`.
        violations: what broke it.
        compared: how many values were looked at; 0 means that the part did not run, and then it has not passed.
    """

    part: str
    violations: tuple[Violation, ...]
    compared: int

    @property
    def passed(self) -> bool:
        """It ran, and held everywhere it looked."""
        return self.compared > 0 and not self.violations

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
        findings: one per part, in the order they ran.
        switched_off: sources that the plan lacks; the audit went without them.
    """

    findings: tuple[Finding, ...]
    switched_off: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Every part ran and held."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the parts that did not hold or did not run."""
        return tuple(finding.part for finding in self.findings if not finding.passed)

    @property
    def words(self) -> str:
        """The failed parts, or that everything held."""
        if self.failed:
            return "; ".join(f"{one.part}: {one.words}" for one in self.findings if not one.passed)
        total = sum(finding.compared for finding in self.findings)
        absent = "".join(f"; {source}: not in the plan, switched off" for source in self.switched_off)
        return f"{len(self.findings)} parts held over {total:,} values{absent}"


@dataclass
class Ledger:
    """Answers of the parts while an audit runs; a part that never answers is still in the report, as failed.

    Attributes:
        parts: every part that must run.
    """

    parts: Sequence[str]
    _violations: dict[str, list[Violation]] = field(default_factory=dict)
    _compared: dict[str, int] = field(default_factory=dict)

    def add(self, part: str, violations: Sequence[Violation], compared: int) -> None:
        """Note one answer of a part."""
        self._violations.setdefault(part, []).extend(violations)
        self._compared[part] = self._compared.get(part, 0) + compared

    def report(self) -> AuditReport:
        """One finding per part."""
        return AuditReport(
            tuple(
                Finding(part, tuple(self._violations.get(part, ())), self._compared.get(part, 0)) for part in self.parts
            )
        )


def _words(violation: Violation) -> str:
    place = " ".join(str(word) for word in (violation.feature, violation.session, violation.code) if word)
    return f"{place}: {violation.words}"
