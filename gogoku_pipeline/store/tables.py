"""Writing tables: whole sessions in, one commit per write; a lazily scanned frame out (see table_reader)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from gogoku_pipeline.core.errors import StoreError
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import delta
from gogoku_pipeline.store.checks import check_sessions, checked_rows, session_hashes
from gogoku_pipeline.store.commits import CommitInfo, CommitResult, committed
from gogoku_pipeline.store.empty_sessions import EMPTY_SESSIONS, newly_empty
from gogoku_pipeline.store.locations import Location
from gogoku_pipeline.store.objects import first_line
from gogoku_pipeline.store.table_reader import TableReader

T = TypeVar("T")


class TableStore(TableReader):
    """Delta tables below one URL; every table has one writer at a time and any number of readers."""

    def __init__(self, location: Location, *, rng: np.random.Generator | None = None) -> None:
        super().__init__(location)
        self._rng = rng or np.random.default_rng()

    def write_sessions(
        self, table: Table, frame: pl.DataFrame, sessions: Iterable[date], *, commit: CommitInfo
    ) -> CommitResult:
        """Replace whole sessions in one commit; all others stay as they are.

        Args:
            table: declaration of the table.
            frame: rows of these sessions in any order; a session without rows becomes (and is remembered as) empty.
            sessions: what is replaced.
            commit: who writes.

        Raises:
            DataError: rows of other sessions.
            SchemaError: columns, types, nulls or keys that contradict the declaration or what is stored.
            CommitConflictError: another writer won again and again.
        """
        rows = checked_rows(table, frame)
        wanted = check_sessions(table, rows, sessions)
        self._ensure(table, commit)
        with_rows = set(rows["session"].unique())
        self._remember_empty(table, [day for day in wanted if day not in with_rows], commit)

        def write(stored: DeltaTable) -> None:
            delta.widen(stored, table, commit)
            delta.check_stored_columns(table, delta.stored_columns(stored))
            delta.replace_sessions(stored, table, rows, wanted, commit)

        version = self._commit(table, write)
        return CommitResult(version, rows.height, session_hashes(table, rows, wanted))

    def write_whole(self, table: Table, frame: pl.DataFrame, *, commit: CommitInfo) -> CommitResult:
        """Replace all rows (and columns, if the declaration changed); older versions stay readable."""
        rows = checked_rows(table, frame)
        self._ensure(table, commit)
        version = self._commit(table, lambda stored: delta.replace_all(stored, table, rows, commit))
        if not table.partitioned:
            return CommitResult(version, rows.height)
        return CommitResult(version, rows.height, session_hashes(table, rows, sorted(rows["session"].unique())))

    def append(self, table: Table, frame: pl.DataFrame, *, commit: CommitInfo) -> CommitResult:
        """Add rows; appenders never conflict. Keys are checked inside the frame only."""
        rows = checked_rows(table, frame)

        def action(stored: DeltaTable) -> int:
            delta.widen(stored, table, commit)
            delta.check_stored_columns(table, delta.stored_columns(stored))
            delta.append_rows(stored, table, rows, commit)
            return int(stored.version())

        version = committed(table.name, self._reopening(table, action, new=commit), self._rng)
        return CommitResult(version, rows.height)

    def restart(self, table: Table, *, commit: CommitInfo) -> CommitResult:
        """Begin a table anew after its declaration changed: no rows, no sessions; old versions stay readable."""
        if self.exists(EMPTY_SESSIONS):
            quoted = table.name.replace("'", "''")
            forget = self._reopening(EMPTY_SESSIONS, lambda found: found.delete(f"table_name = '{quoted}'"))
            committed(EMPTY_SESSIONS.name, forget, self._rng)
        return self.write_whole(table, table.empty(), commit=commit)

    def compact(self, table: Table) -> dict[str, int]:
        """Maintenance: merge small files and drop files no version of the last ten years needs."""

        def action(stored: DeltaTable) -> dict[str, int]:
            done = stored.optimize.compact(writer_properties=delta.writer_properties(table))
            dropped = stored.vacuum(retention_hours=delta.RETENTION_HOURS, dry_run=False)
            return {
                "files_merged": int(done["numFilesRemoved"]),
                "files_written": int(done["numFilesAdded"]),
                "files_dropped": len(dropped),
            }

        if not self.exists(table):
            return {"files_merged": 0, "files_written": 0, "files_dropped": 0}
        return committed(table.name, self._reopening(table, action), self._rng)

    def _ensure(self, table: Table, commit: CommitInfo) -> None:
        if not self.exists(table):
            self._create(table, commit)

    def _create(self, table: Table, commit: CommitInfo) -> None:
        try:
            delta.create_table(self.uri(table), table, self._options, commit)
        except (DeltaError, OSError) as problem:
            if not self.exists(table):
                raise StoreError(
                    f"table {table.name}",
                    got=first_line(problem),
                    want="a new table",
                    remedy="Check the data URL, the disk and the credentials.",
                ) from None

    def _commit(self, table: Table, write: Callable[[DeltaTable], None]) -> int:
        def action(stored: DeltaTable) -> int:
            write(stored)
            return int(stored.version())

        return committed(table.name, self._reopening(table, action), self._rng)

    def _reopening(
        self, table: Table, action: Callable[[DeltaTable], T], *, new: CommitInfo | None = None
    ) -> Callable[[], T]:
        """Each attempt starts from the newest version, otherwise a loser would lose again; `new` makes the table."""

        def attempt() -> T:
            stored = self._open(table)
            if stored is None and new is not None:
                self._create(table, new)
                stored = self._open(table)
            if stored is None:
                raise StoreError(
                    f"table {table.name}", got="nothing", want="a table", remedy="Write it first or check the data URL."
                )
            return action(stored)

        return attempt

    def _remember_empty(self, table: Table, sessions: list[date], commit: CommitInfo) -> None:
        if not sessions:
            return
        version = self.version(table)
        known = self.scan(EMPTY_SESSIONS, ordered=False)
        fresh = newly_empty(known, table, sessions, version or 0, commit.run_id)
        if fresh.height:
            self.append(EMPTY_SESSIONS, fresh, commit=commit)
