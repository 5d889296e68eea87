"""Work done ahead, in a process of its own, on the core that the walk leaves free: kernels compiled, walks fitted.

Belongs here: what is done ahead of which stage, starting such a process, saying what became of it.
Does not belong here: the work (`kernels`, `fits`).

No stage depends on it. What is done ahead lies on disk, where the stage itself would have put it and looks first; where
the process failed, the stage does the work, and meets whatever was wrong. A stage waits for its process, so that no two
do the same work.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape

from gogoku_pipeline.core.settings import environment_with


@dataclass(frozen=True)
class Task:
    """Work that another process does ahead of a stage.

    Attributes:
        words: what it does, for people.
        module: what the process runs, in the folder of the demo.
        since: title of the stage with which it begins.
        until: title of the stage that makes use of it and waits for it.
    """

    words: str
    module: str
    since: str
    until: str


FITTED = "walk forward and judge"
TASKS = (
    Task("compile kernels", "gogoku.demo.kernels", "fetch over HTTP", "features"),
    Task("fit the walks", "gogoku.demo.fits", "train LightGBM", FITTED),
)
"""Kernels while others wait for the network; walks while versions are trained and the gate's inputs are audited."""


class Helpers:
    """The processes that work ahead of a walk; they end with the `with` block at the latest.

    Args:
        console: where a failure is told.
        is_wanted: whether the stage of a title has anything left to do.
        meanwhile: what this process does before it waits, by title of the stage that would wait.
        tasks: what is done ahead.
    """

    def __init__(
        self,
        console: Console,
        is_wanted: Callable[[str], bool],
        meanwhile: Mapping[str, Callable[[], object]],
        tasks: tuple[Task, ...] = TASKS,
    ) -> None:
        self._console = console
        self._is_wanted = is_wanted
        self._meanwhile = meanwhile
        self._tasks = tasks
        self._at_work: dict[Task, tuple[subprocess.Popen[bytes], Path]] = {}
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        """Ready; nothing is started yet."""
        self._folder = Path(self._ends.enter_context(TemporaryDirectory()))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End whatever is still at work."""
        self._ends.close()

    def before(self, title: str) -> None:
        """Start what begins with a stage; wait for what it makes use of, and say so where that failed."""
        for task in self._tasks:
            if task.since == title and self._is_wanted(task.until):
                self._start(task)
            if task.until == title and task in self._at_work:
                if title in self._meanwhile:
                    self._meanwhile[title]()
                self._await(task)

    def _start(self, task: Task) -> None:
        said, command = self._folder / task.module, [sys.executable, "-m", task.module]
        one_core = environment_with(POLARS_MAX_THREADS="1")
        with said.open("wb") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=one_core
            )
        self._ends.callback(_end, process)
        self._at_work[task] = process, said

    def _await(self, task: Task) -> None:
        process, errors = self._at_work.pop(task)
        if process.wait():
            said = errors.read_text(errors="replace").strip().splitlines()
            cause = escape(said[-1] if said else f"exit code {process.returncode}")
            words = f"  [yellow]could not {task.words} ahead[/], the stage does it by itself: {cause}"
            self._console.print(words, highlight=False, soft_wrap=True)


def end_with_parent() -> None:
    """Let this process, started by `Helpers`, end when the one that started it has ended, however that came about."""

    def watch() -> None:
        os.read(sys.stdin.fileno(), 1)  # nothing is ever written there: it returns when the other end is gone
        os._exit(1)

    Thread(target=watch, name="end with parent", daemon=True).start()


def _end(process: "subprocess.Popen[bytes]") -> None:
    with process:  # closes its pipe and waits
        process.kill()
