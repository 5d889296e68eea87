"""Commits: who wrote, what came of it, and what happens when two writers meet."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import numpy as np
from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError, DeltaError

from gogoku_pipeline.core.errors import CommitConflictError, StoreError
from gogoku_pipeline.store.objects import first_line

MAX_RETRIES = 5
_CHANGES_NO_ROW = ("OPTIMIZE", "VACUUM START", "VACUUM END", "ADD COLUMN")
_LONGEST_FIRST_WAIT_SECONDS = 0.2

T = TypeVar("T")


@dataclass(frozen=True)
class CommitInfo:
    """Who writes: kept in the commit's own metadata.

    Attributes:
        run_id: the run that produced the rows.
        code_version: the version of the code that computed them.
    """

    run_id: str
    code_version: str

    def properties(self) -> CommitProperties:
        """The form Delta Lake takes."""
        return CommitProperties(custom_metadata={"run_id": self.run_id, "code_version": self.code_version})


@dataclass(frozen=True)
class CommitResult:
    """What a commit left behind.

    Attributes:
        version: version of the table that holds it.
        row_count: rows written.
        session_hashes: content hash of each written session, empty ones included; nothing for unpartitioned tables.
    """

    version: int
    row_count: int
    session_hashes: dict[date, str] = field(default_factory=dict)


def sessions_rewritten(entry: Mapping[str, Any]) -> set[date] | None:
    """Sessions whose rows a commit of the log replaced; None where that may be any."""
    if entry.get("operation") in _CHANGES_NO_ROW:
        return set()
    predicate = (entry.get("operationParameters") or {}).get("predicate")
    days = re.findall(r"'(\d{4}-\d{2}-\d{2})'", predicate or "")
    return {date.fromisoformat(day) for day in days} or None


def committed(name: str, action: Callable[[], T], rng: np.random.Generator) -> T:
    """Run a commit; when another writer won, wait a little and run it again, at most five times.

    Args:
        name: table, for messages.
        action: opens the table afresh and commits.
        rng: source of the jitter.

    Raises:
        CommitConflictError: another writer won six times in a row.
        StoreError: the storage failed.
    """
    for attempt in range(MAX_RETRIES + 1):
        try:
            return action()
        except CommitFailedError:
            if attempt < MAX_RETRIES:
                time.sleep(float(rng.uniform(0.1, 1.0)) * _LONGEST_FIRST_WAIT_SECONDS * 2**attempt)
        except (DeltaError, OSError) as problem:
            raise StoreError(
                f"table {name}",
                got=first_line(problem),
                want="a commit",
                remedy="Check the data URL, the disk and the credentials.",
            ) from None
    raise CommitConflictError(
        f"table {name}",
        got=f"another writer's commit {MAX_RETRIES + 1} times in a row",
        want="one writer per table",
        remedy="Limit the table's pool to one run and try again; nothing was changed.",
    )
