"""Dagster's event log in files, written a batch at a time: the house's ranges are told in thousands of events.

Belongs here: how events reach the files. Does not belong here: how many there are, what stands in them (Dagster).

Dagster's own class opens both files of an event, commits and closes them for every single event, also for those handed
over as a batch (`DAGSTER_EVENT_BATCH_SIZE`); each commit waits for the disk; a planned check is written out anew for
every session of a range. Here the files stay open, a batch is one transaction, a plan is written out once, and a commit
is in the operating system's hands: a killed process loses nothing, a power cut may lose the last events (never the
files). Files and tables are Dagster's own, row by row: whoever opens the folder with its class reads them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as db
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, BATCH_WRITABLE_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from dagster_shared.serdes import serialize_value
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from dagster._core.storage.sqlite_storage import SqliteStorageConfig

MOST_OPEN = 8
"""Files of runs that stay open beside the index."""


class BatchedEventLog(SqliteEventLogStorage):
    """Dagster's event log in files; a batch of events is one transaction on files that stay open.

    Args:
        base_dir: folder of the files, one per run and an index.
        inst_data: how Dagster made it.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._turn = RLock()
        self._engines: dict[str, Engine] = {}
        self._begun: dict[str, Connection] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: "SqliteStorageConfig") -> Self:
        """The log that an instance's settings name."""
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """All of some events, or none of them: Dagster then tries one by one."""
        if any(event.dagster_event_type not in BATCH_WRITABLE_EVENTS for event in events):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self._turn, ExitStack() as batch:
            try:
                for shard in dict.fromkeys([INDEX_SHARD_NAME, *(event.run_id for event in events)]):
                    self._begun[shard] = batch.enter_context(self._connect(shard))
                for run_id, connection in self._begun.items():
                    if own := [row for row in rows if row["run_id"] == run_id]:
                        connection.execute(SqlEventLogStorageTable.insert(), own)
                self._mirror(self._begun[INDEX_SHARD_NAME], events, rows)
            finally:
                self._begun.clear()

    def _mirror(self, index: Connection, events: Sequence[EventLogEntry], rows: list[dict[str, Any]]) -> None:
        """The events in the index of all runs, and what follows from them: tags, an asset's newest, checks to come."""
        numbered = SqlEventLogStorageTable.insert().returning(
            SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
        )
        told = list(zip(events, index.execute(numbered, rows).scalars(), strict=True))
        of_assets = [(event, number) for event, number in told if event.dagster_event_type in ASSET_EVENTS]
        if of_assets:
            self._store_asset_event_tags(index, *(list(column) for column in zip(*of_assets, strict=True)))
        newest = {_subject(event): (event, number) for event, number in of_assets}  # each would replace those before it
        for event, number in newest.values():
            self._store_asset_event(index, event, number)
        for event, number in told:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, number)

    def wipe(self) -> None:
        """Forget everything; the files are closed first, since they are deleted."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close every file."""
        self._close()
        super().dispose()

    def _close(self) -> None:
        with self._turn:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """A row per session of a planned check."""
        planned = event.get_dagster_event().asset_check_planned_data
        row = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event),
            "evaluation_event_timestamp": self._event_insert_timestamp(event),
            "evaluation_event_storage_id": event_id,
        }
        subset = planned.partitions_subset
        keys = list(subset.get_partition_keys()) if subset else [None]
        with self.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.insert(), [{**row, "partition": key} for key in keys])

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction on one file: that of the batch this thread is writing, else one of its own."""
        with self._turn:
            if begun := self._begun.get(shard):
                yield begun
                return
            with self._engine(shard).connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        """The open file; of those nobody writes to, the one that was opened first makes room."""
        if shard not in self._engines:
            idle = [name for name in self._engines if name != INDEX_SHARD_NAME and name not in self._begun]
            if len(idle) >= MOST_OPEN:
                self._engines.pop(idle[0]).dispose()
            self._engines[shard] = self._opened(shard)
        return self._engines[shard]

    def _opened(self, shard: str) -> Engine:
        with super()._connect(shard):
            pass  # Dagster makes the file and its tables where there are none
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        db.event.listen(engine, "connect", _leave_waiting_to_the_system)
        return engine


def _subject(event: EventLogEntry) -> tuple[str, str]:
    """Asset and kind of an event."""
    told = event.get_dagster_event()
    return told.event_type_value, told.asset_key.to_string() if told.asset_key else ""


def event_log_in(home: Path) -> dict[str, object]:
    """Settings of an instance that keeps its events in the files of a folder, where Dagster would keep them."""
    place = str(home / "history" / "runs")
    return {
        "event_log_storage": {
            "module": BatchedEventLog.__module__,
            "class": BatchedEventLog.__name__,
            "config": {"base_dir": place},
        }
    }


def _leave_waiting_to_the_system(connection: Any, _: object) -> None:
    """A commit is written, not waited for: enough where the journal is a write-ahead log, https://sqlite.org/wal.html."""
    connection.execute("PRAGMA synchronous=NORMAL")
