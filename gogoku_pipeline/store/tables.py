"""Tables: whole sessions in, one commit per write; a lazily scanned frame out, also as it was at an older version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from gogoku_pipeline.core.errors import PartitionMissingError, StoreError
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import delta
from gogoku_pipeline.store.checks import check_sessions, checked_rows, session_hashes
from gogoku_pipeline.store.commits import CommitInfo, CommitResult, committed
from gogoku_pipeline.store.empty_sessions import EMPTY_SESSIONS, newly_empty, sessions_without_rows
from gogoku_pipeline.store.locations import Location, checked_name

T = TypeVar("T")


class TableStore:
    """Delta tables below one URL; every table has one writer at a time and any number of readers."""

    def __init__(self, location: Location, *, rng: np.random.Generator | None = None) -> None:
        self._location = location
        self._options = dict(location.options)
        self._rng = rng or np.random.default_rng()

    def __repr__(self) -> str:
        return f"TableStore({self._location.url})"

    def uri(self, table: Table) -> str:
        """Where a table lies; `pl.scan_delta(uri)` reads it without this library."""
        return self._location.table_uri(checked_name("table name", table.name))

    def exists(self, table: Table) -> bool:
        """Whether anything was ever written to the table."""
        return self._open(table) is not None

    def version(self, table: Table) -> int | None:
        """Newest version, None for a table that does not exist."""
        stored = self._open(table)
        return None if stored is None else stored.version()

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
        wanted = check_sessions(table, frame, sessions)
        rows = checked_rows(table, frame)
        self._ensure(table, commit)
        with_rows = set(rows["session"].unique())
        self._remember_empty(table, [day for day in wanted if day not in with_rows], commit)
        version = self._commit(table, lambda stored: delta.replace_sessions(stored, table, rows, wanted, commit))
        return CommitResult(version, rows.height, session_hashes(table, rows, wanted))

    def write_whole(self, table: Table, frame: pl.DataFrame, *, commit: CommitInfo) -> CommitResult:
        """Replace all rows (and columns, if the declaration changed); older versions stay readable."""
        rows = checked_rows(table, frame)
        self._ensure(table, commit)
        version = self._commit(table, lambda stored: delta.replace_all(stored, table, rows, commit), same_columns=False)
        if not table.partitioned:
            return CommitResult(version, rows.height)
        return CommitResult(version, rows.height, session_hashes(table, rows, sorted(rows["session"].unique())))

    def append(self, table: Table, frame: pl.DataFrame, *, commit: CommitInfo) -> CommitResult:
        """Add rows; appenders never conflict. Keys are checked inside the frame only."""
        rows = checked_rows(table, frame)
        self._ensure(table, commit)
        version = self._commit(table, lambda stored: delta.append_rows(stored, table, rows, commit))
        return CommitResult(version, rows.height)

    def restart(self, table: Table, *, commit: CommitInfo) -> CommitResult:
        """Begin a table anew after its declaration changed: no rows, no sessions; old versions stay readable."""
        if self.exists(EMPTY_SESSIONS):
            quoted = table.name.replace("'", "''")
            forget = self._reopening(EMPTY_SESSIONS, lambda found: found.delete(f"table_name = '{quoted}'"))
            committed(EMPTY_SESSIONS.name, forget, self._rng)
        return self.write_whole(table, table.empty(), commit=commit)

    def scan(
        self,
        table: Table,
        *,
        start: date | None = None,
        end: date | None = None,
        version: int | None = None,
        ordered: bool = True,
    ) -> pl.LazyFrame:
        """Rows of a table, lazily; filters on `session` skip files that cannot match.

        Args:
            table: declaration of the table.
            start: first session, None for the first there is.
            end: last session (included), None for the newest.
            version: as the table was at that version; None for now.
            ordered: sort by the key; False saves the sort where order does not matter.

        Returns:
            Declared columns in declared order and type, instants in Tokyo time; no rows where there is no table.

        Raises:
            SchemaError: what is stored contradicts the declaration.
            StoreError: no such version, or the store cannot be reached.
        """
        stored = self._open(table, version)
        if stored is None:
            return table.empty().lazy()
        lazy = delta.lazily(self.uri(table), table, stored, self._options)
        delta.check_stored_columns(table, lazy.collect_schema())
        if start is not None:
            lazy = lazy.filter(pl.col("session") >= start)
        if end is not None:
            lazy = lazy.filter(pl.col("session") <= end)
        view = delta.declared_view(table, lazy)
        return view.sort(table.key) if ordered else view

    def sessions(self, table: Table, version: int | None = None) -> list[date]:
        """Every session that was written, those without rows included, in order."""
        newest = self.version(table) if version is None else version
        if newest is None:
            return []
        rows = self.scan(table, version=version, ordered=False).select("session").unique().collect()
        empty = sessions_without_rows(self.scan(EMPTY_SESSIONS, ordered=False), table, newest)
        return sorted({*rows["session"], *empty})

    def missing(self, table: Table, wanted: Iterable[date], version: int | None = None) -> list[date]:
        """Those of the wanted sessions that were never written, in order."""
        return sorted(set(wanted) - set(self.sessions(table, version)))

    def require(self, table: Table, wanted: Iterable[date], version: int | None = None) -> None:
        """Name what is missing before anything is computed; raises PartitionMissingError."""
        if absent := self.missing(table, wanted, version):
            raise PartitionMissingError(
                f"table {table.name}",
                got=f"{len(absent)} sessions that were never written: {_named(absent)}",
                want="all sessions asked for",
                remedy="Backfill them first.",
            )

    def commits(self, table: Table, limit: int | None = None) -> list[dict[str, str | int]]:
        """Newest first: version, run_id, code_version and operation of each commit."""
        stored = self._open(table)
        kept = ("version", "timestamp", "operation", "run_id", "code_version")
        entries = stored.history(limit) if stored is not None else []
        return [{name: entry[name] for name in kept if name in entry} for entry in entries]

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

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        return delta.open_table(self.uri(table), self._options, version=version)

    def _ensure(self, table: Table, commit: CommitInfo) -> None:
        if self.exists(table):
            return
        try:
            delta.create_table(self.uri(table), table, self._options, commit)
        except (CommitFailedError, DeltaError):
            if not self.exists(table):
                raise

    def _commit(self, table: Table, write: Callable[[DeltaTable], None], *, same_columns: bool = True) -> int:
        def action(stored: DeltaTable) -> int:
            if same_columns:
                lazy = delta.lazily(self.uri(table), table, stored, self._options)
                delta.check_stored_columns(table, lazy.collect_schema())
            write(stored)
            return int(stored.version())

        return committed(table.name, self._reopening(table, action), self._rng)

    def _reopening(self, table: Table, action: Callable[[DeltaTable], T]) -> Callable[[], T]:
        """Each attempt starts from the newest version, otherwise a loser would lose again."""

        def attempt() -> T:
            stored = self._open(table)
            if stored is None:
                raise StoreError(
                    f"table {table.name}", got="nothing", want="a table", remedy="Write it first or check the data URL."
                )
            return action(stored)

        return attempt

    def _remember_empty(self, table: Table, sessions: list[date], commit: CommitInfo) -> None:
        version = self.version(table)
        known = self.scan(EMPTY_SESSIONS, ordered=False)
        fresh = newly_empty(known, table, sessions, version or 0, commit.run_id)
        if fresh.height:
            self.append(EMPTY_SESSIONS, fresh, commit=commit)


def _named(sessions: list[date], most: int = 5) -> str:
    shown = ", ".join(day.isoformat() for day in sessions[:most])
    return shown + (f" ... {sessions[-1].isoformat()}" if len(sessions) > most else "")
