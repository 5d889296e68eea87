"""What an audit answers: one finding per part, and whether all of them hold. A part that could not run has failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The answer of one part.

    Attributes:
        part: name of the law, e.g. `truncation_of_features`.
        passed: whether it held everywhere it looked.
        compared: how many values were compared; 0 means the part did not run, and then it has not passed.
        words: what was seen, for people; names the first offenders.
    """

    part: str
    passed: bool
    compared: int
    words: str


@dataclass(frozen=True)
class AuditReport:
    """All findings of one audit.

    Attributes:
        findings: one per part, in the order they ran.
    """

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Every part ran and held."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    @property
    def words(self) -> str:
        """The failed parts, or that everything held."""
        failed = [f"{finding.part}: {finding.words}" for finding in self.findings if not finding.passed]
        if failed:
            return "; ".join(failed)
        total = sum(finding.compared for finding in self.findings)
        return f"{len(self.findings)} parts held over {total:,} values"


def finding(part: str, offenders: list[str], compared: int, held: str) -> Finding:
    """A finding from the list of offenders; nothing compared is a failure, not a pass.

    Args:
        part: name of the law.
        offenders: what broke it, in words.
        compared: values looked at.
        held: what to say when it held.
    """
    if compared == 0:
        return Finding(part, False, 0, "did not run: there was nothing to compare")
    if offenders:
        more = f" and {len(offenders) - 3} more" if len(offenders) > 3 else ""
        return Finding(part, False, compared, ", ".join(offenders[:3]) + more)
    return Finding(part, True, compared, held)
