"""One planted mistake: a small change of real code that a test must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = "gogoku_pipeline"


@dataclass(frozen=True)
class Mutant:
    """A change of one place in one file.

    Attributes:
        group: group of features.csv whose values it falsifies, or `graph`, or `backtest`.
        name: what the author of the mistake believed, in words.
        file: path below the package.
        old: text that occurs exactly once in the file.
        new: text put in its place.
        killers: test files, or single tests, of which at least one must fail.
    """

    group: str
    name: str
    file: str
    old: str
    new: str
    killers: tuple[str, ...]

    @property
    def title(self) -> str:
        """Group and name."""
        return f"{self.group}: {self.name}"

    def applied(self, text: str) -> str:
        """The file's text with the mistake; raises ValueError unless the old text occurs exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.title}: {self.file} has the old text {text.count(self.old)} times; want once")
        return text.replace(self.old, self.new)

    def applies(self, root: Path = ROOT) -> bool:
        """Whether the old text occurs exactly once in a checkout."""
        return (root / PACKAGE / self.file).read_text(encoding="utf-8").count(self.old) == 1
