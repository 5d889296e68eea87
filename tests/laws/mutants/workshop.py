"""A copy of the house in which one mistake at a time is made and tested, in a process of its own.

The copy is whole (package, tests and settings), so nothing of the original is imported. Kept machine code knows only
the file it was compiled from, not the files it calls: after a mistake in a kernel, that of all files above is
forgotten.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.laws.mutants.mutant import PACKAGE, ROOT, Mutant

COPIED = (PACKAGE, "tests", "assets", "resources", "jobs", "gogoku", "pyproject.toml", ".env.example")
SUITE = ("tests/spec/features", "tests/spec/graph", "tests/unit/features", "tests/unit/graph", "tests/laws/graph")
SUITE_OF_EVALUATION = ("tests/spec/evaluation", "tests/unit/evaluation")
"""What a mutant that escapes the tests expected to notice it meets next."""

CACHE = ".pytest_cache"

LONGEST_S = 900
FAILED, BROKEN = 1, (2, 4)
"""Exit codes of pytest: a test failed; the tests could not be collected."""

KERNELS = (b"@compiled", b"njit(")
"""What a file with compiled code has in it."""

_FIRST = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


def suite_of(mutant: Mutant) -> Sequence[str]:
    """Tests of the room a mistake is made in."""
    return SUITE_OF_EVALUATION if mutant.file.startswith("evaluation/") else SUITE


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        killer: the first test that noticed it; empty for a survivor.
        expected: whether it was one of the tests named for it.
    """

    killer: str
    expected: bool

    @property
    def is_killed(self) -> bool:
        """Whether any test noticed."""
        return bool(self.killer)


class Workshop:
    """A copy of a checkout.

    Args:
        folder: where it lies; made by `make`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path, root: Path = ROOT) -> Workshop:
        """Copy a checkout; machine code kept beside the sources and the kept part of the small market come along."""
        for name in (*COPIED, f"{CACHE}/d/small_market"):
            if (root / name).is_dir():
                shutil.copytree(root / name, folder / name, dirs_exist_ok=True)
            elif (root / name).is_file():
                shutil.copy2(root / name, folder / name)
        return cls(folder)

    def judge(self, mutant: Mutant, suite: Sequence[str] | None = None) -> Verdict:
        """Make the mistake, run the tests named for it and then the suite until one fails, and take it back.

        Args:
            mutant: the mistake.
            suite: what it meets after the tests named for it; None for the tests of its room.
        """
        suite = suite_of(mutant) if suite is None else suite
        path = self.folder / PACKAGE / mutant.file
        kept, times = path.read_bytes(), path.stat()
        above = self.files_above(path) if any(mark in kept for mark in KERNELS) else []
        path.write_text(mutant.applied(kept.decode()), encoding="utf-8")
        try:
            _forget(above)
            if killer := self.first_failure(mutant.killers):
                return Verdict(killer, expected=True)
            return Verdict(self.first_failure(suite) if suite else "", expected=False)
        finally:
            path.write_bytes(kept)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            _forget(above)

    def files_above(self, path: Path) -> list[Path]:
        """Files of the package that import a file, or one that does."""
        texts = {one: one.read_text(encoding="utf-8") for one in (self.folder / PACKAGE).rglob("*.py")}
        found, open_ones = [path], [path]
        while open_ones:
            *parents, stem = open_ones.pop().relative_to(self.folder).with_suffix("").parts
            package = ".".join(parents)
            inside = rf"from {re.escape(package)} import [^)]*?\b{stem}\b"
            named = re.compile(rf"{re.escape(package)}\.{stem}\b|{inside}", re.DOTALL)
            new = [one for one, text in texts.items() if one not in found and named.search(text)]
            found += new
            open_ones += new
        return found

    def first_failure(self, tests: Sequence[str]) -> str:
        """The first of these tests that fails in the copy; empty when all pass.

        Args:
            tests: paths or node ids.

        Raises:
            RuntimeError: the tests could not be run at all, or nothing was run.
        """
        options = ["-x", "-q", "--no-header", "--tb=no", "-o", f"cache_dir={CACHE}", "-m", "not slow"]
        own = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "POLARS_MAX_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.folder,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        if done.returncode == 0:
            return ""
        named = _FIRST.search(done.stdout)
        if done.returncode == FAILED and named:
            return named.group(1)
        if done.returncode in BROKEN and named:
            return f"import of {named.group(1)}"
        raise RuntimeError(f"tests {list(tests)} did not run:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")

    def origin(self) -> Path:
        """Where the package is imported from inside the copy."""
        done = subprocess.run(
            [sys.executable, "-c", f"import {PACKAGE}; print({PACKAGE}.__path__[0])"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        return Path(done.stdout.strip())


def _forget(files: Sequence[Path]) -> None:
    """Throw away the machine code kept beside these files."""
    for path in files:
        for kept in (path.parent / "__pycache__").glob(f"{path.stem}.*.nb?"):
            kept.unlink(missing_ok=True)
