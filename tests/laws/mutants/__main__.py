"""`python -m tests.laws.mutants`: every planted mistake and the test that notices it; goes on where it stopped.

Answers are kept in .gogoku/mutants.json beside a fingerprint of package and tests; a changed tree begins anew. Words
after the command choose mutants whose title holds one of them: `python -m tests.laws.mutants backtest:`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

from tests.laws.mutants import in_accounts, in_company, in_graph, in_orders, in_prices, in_rules, in_sources
from tests.laws.mutants.mutant import PACKAGE, ROOT, Mutant
from tests.laws.mutants.workshop import Verdict, Workshop

ROOMS = (in_prices, in_sources, in_company, in_graph, in_rules, in_accounts, in_orders)
MUTANTS: tuple[Mutant, ...] = tuple(mutant for room in ROOMS for mutant in room.MUTANTS)
KEPT = ROOT / ".gogoku" / "mutants.json"
WORKSHOPS = 2


def fingerprint(root: Path = ROOT) -> str:
    """Content of every Python file of package and tests."""
    digest = hashlib.sha256()
    for path in sorted(path for name in (PACKAGE, "tests") for path in (root / name).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


class Answers:
    """Verdicts by title, kept on disk after each one."""

    def __init__(self, path: Path, tree: str) -> None:
        self.path, self.tree = path, tree
        held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self.found: dict[str, list[object]] = held.get("found", {}) if held.get("tree") == tree else {}

    def add(self, mutant: Mutant, verdict: Verdict) -> None:
        """Note one verdict."""
        self.found[mutant.title] = [verdict.killer, verdict.expected]
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps({"tree": self.tree, "found": self.found}, indent=1), encoding="utf-8")

    def of(self, mutant: Mutant) -> Verdict | None:
        """The verdict on a mutant, if there is one already."""
        if mutant.title not in self.found:
            return None
        killer, expected = self.found[mutant.title]
        return Verdict(str(killer), bool(expected))


def judged(mutants: tuple[Mutant, ...], answers: Answers) -> dict[str, Verdict]:
    """Verdict by title, printed as they come; as many at once as there are workshops."""
    open_ones = [mutant for mutant in mutants if answers.of(mutant) is None]
    print(f"{len(mutants) - len(open_ones)} answers kept, {len(open_ones)} to find", flush=True)
    with TemporaryDirectory() as folder, ThreadPoolExecutor(WORKSHOPS) as pool:
        free: Queue[Workshop] = Queue()
        for number in range(min(WORKSHOPS, len(open_ones))):
            free.put(Workshop.make(Path(folder) / str(number)))

        def one(mutant: Mutant) -> tuple[Mutant, Verdict, float]:
            workshop, began = free.get(), time.monotonic()
            try:
                return mutant, workshop.judge(mutant), time.monotonic() - began
            finally:
                free.put(workshop)

        done = as_completed([pool.submit(one, mutant) for mutant in open_ones])
        for number, (mutant, verdict, seconds) in enumerate((future.result() for future in done), 1):
            answers.add(mutant, verdict)
            print(f"{number:3d}/{len(open_ones)} {seconds:5.0f} s  {line(mutant, verdict)}", flush=True)
    return {mutant.title: verdict for mutant in mutants if (verdict := answers.of(mutant)) is not None}


def line(mutant: Mutant, verdict: Verdict) -> str:
    """One row of the table."""
    if not verdict.is_killed:
        return f"{mutant.title}  <-  SURVIVED"
    return f"{mutant.title}  <-  {verdict.killer}{'' if verdict.expected else '  (not one of those named for it)'}"


def main(words: list[str]) -> int:
    """Judge the chosen mutants; 1 when one survives."""
    chosen = tuple(one for one in MUTANTS if not words or any(word in one.title for word in words))
    found = judged(chosen, Answers(KEPT, fingerprint()))
    for mutant in chosen:
        print(line(mutant, found[mutant.title]))
    survivors = [title for title, verdict in found.items() if not verdict.is_killed]
    groups = len({one.group for one in chosen})
    print(f"{len(found)} mistakes in {groups} groups, {len(found) - len(survivors)} noticed, {len(survivors)} survived")
    for title in survivors:
        print(f"survived: {title}")
    return int(bool(survivors) or not found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
