"""Reading tables: lazily, at any version, with the sessions that were written and those that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl
from deltalake import DeltaTable

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import delta
from gogoku_pipeline.store.commits import sessions_rewritten
from gogoku_pipeline.store.empty_sessions import EMPTY_SESSIONS, sessions_without_rows
from gogoku_pipeline.store.locations import Location, checked_name


class TableReader:
    """Delta tables below one URL, read only."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._options = dict(location.options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._location.url})"

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
            Declared columns in declared order and type, instants in Tokyo time; no rows where there is no table. Rows
            written before a column was declared read there as the column says (`Column.older`).

        Raises:
            SchemaError: what is stored contradicts the declaration.
            StoreError: no such version, or the store cannot be reached.
        """
        stored = self._open(table, version)
        if stored is None:
            return table.empty().lazy()
        lazy = delta.lazily(self.uri(table), table, stored)
        schema = delta.stored_columns(stored)
        delta.check_stored_columns(table, schema)
        if start is not None:
            lazy = lazy.filter(pl.col("session") >= start)
        if end is not None:
            lazy = lazy.filter(pl.col("session") <= end)
        view = delta.declared_view(table, lazy, schema)
        return view.sort(table.key) if ordered else view

    def sessions(
        self, table: Table, version: int | None = None, *, start: date | None = None, end: date | None = None
    ) -> list[date]:
        """Every session that was written, those without rows included, in order; of a span, where one is given."""
        newest = self.version(table) if version is None else version
        if newest is None:
            return []
        rows = self.scan(table, start=start, end=end, version=version, ordered=False).select("session").unique()
        empty = sessions_without_rows(self.scan(EMPTY_SESSIONS, ordered=False), table, newest)
        inside = {day for day in empty if (start is None or day >= start) and (end is None or day <= end)}
        return sorted({*rows.collect()["session"], *inside})

    def first_session(self, table: Table) -> date | None:
        """The first session that was written, told by the first month alone; None where none was."""
        stored = self._open(table)
        months = delta.months(stored) if stored is not None else []
        written = self.sessions(table, end=months[0][1] if months else None)
        return written[0] if written else None

    def missing(self, table: Table, wanted: Iterable[date], version: int | None = None) -> list[date]:
        """Those of the wanted sessions that were never written, in order."""
        asked = set(wanted)
        if not asked:
            return []
        return sorted(asked - set(self.sessions(table, version, start=min(asked), end=max(asked))))

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

    def rewritten_since(self, table: Table, version: int) -> set[date] | None:
        """Sessions whose rows were replaced after a version; None where that may be any, or nobody knows any more."""
        stored = self._open(table)
        if stored is None or stored.version() < version:
            return None
        newer = stored.version() - version
        entries = [entry for entry in stored.history(newer) if entry["version"] > version] if newer else []
        parts = [sessions_rewritten(entry) for entry in entries]
        known = [part for part in parts if part is not None]
        return set().union(*known) if len(known) == newer else None

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        return delta.open_table(self.uri(table), self._options, version=version)


def _named(sessions: list[date], most: int = 5) -> str:
    shown = ", ".join(day.isoformat() for day in sessions[:most])
    return shown + (f" ... {sessions[-1].isoformat()}" if len(sessions) > most else "")
