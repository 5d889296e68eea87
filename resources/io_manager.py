"""Delta tables as Dagster inputs and outputs: a range of sessions in one commit in, a lazy frame out.

Belongs here: translating a run's partitions into sessions of the table store and back into metadata.
Does not belong here: how a table is written (`gogoku_pipeline.store`), what a table is (`gogoku_pipeline.schema`).
"""

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg
import polars as pl

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.fingerprints import sha256_frame, sha256_json
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import CommitInfo, Store
from gogoku_pipeline.tables.ledger import record
from gogoku_pipeline.tables.rejects import Typed
from resources.lazy import Lazy
from resources.metadata import column_schema

ALLOW_MISSING = "allow_missing_partitions"
DATA_VERSION = "gogoku/data_version"


class DeltaIOManager(dg.IOManager):
    """Writes what an asset returns into its table; reads a table for the asset downstream.

    The asset's key is the table's name. A partition's data version is the content hash of its rows. In a run over a
    range Dagster keeps one data version for all partitions of the run, so there it is the hash over the sessions'
    hashes, and each session's own hash stands in its metadata under `gogoku/data_version`.

    Args:
        store: the store, opened at first use.
        tables: every table by asset name.
    """

    def __init__(self, store: Lazy[Store], tables: Mapping[str, Table]) -> None:
        self._store = store
        self._tables = dict(tables)

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | pl.LazyFrame | Typed | None) -> None:
        """Write the frame of a run's sessions (or the whole table) in one commit and describe it.

        Of a typing the rows are written first, then what it found beside them (rejects, corrections, ledger).
        """
        if obj is None:
            return
        table = self._table(context.asset_key)
        rows = obj.frame if isinstance(obj, Typed) else obj
        frame = rows.collect() if isinstance(rows, pl.LazyFrame) else rows
        commit = CommitInfo(run_id=context.run_id, code_version=_code_version(context))
        tables = self._store.get().tables
        if context.has_asset_partitions:
            sessions = _sessions(context.asset_partition_keys)
            result = tables.write_sessions(table, frame, sessions, commit=commit)
            self._describe_sessions(context, frame, sessions, result.session_hashes)
        else:
            result = tables.write_whole(table, frame, commit=commit)
            _set_data_version(context, sha256_frame(frame.select(table.polars_schema.names()).sort(table.key)))
            context.add_output_metadata(
                {"dagster/row_count": result.row_count, "dagster/column_schema": column_schema(table)}
            )
        if isinstance(obj, Typed):
            record(self._store.get(), obj, run_id=commit.run_id, code_version=commit.code_version)
        context.add_output_metadata({"table_version": result.version, "rows_written": result.row_count})

    def _describe_sessions(
        self, context: dg.OutputContext, frame: pl.DataFrame, sessions: list[date], hashes: Mapping[date, str]
    ) -> None:
        counts = dict(frame.group_by("session").len().iter_rows())
        for session in sessions:
            context.step_context.add_asset_metadata(
                {"dagster/row_count": counts.get(session, 0), DATA_VERSION: hashes[session]},
                asset_key=context.asset_key,
                partition_key=session.isoformat(),
            )
        ordered = [hashes[session] for session in sessions]
        _set_data_version(context, ordered[0] if len(ordered) == 1 else sha256_json(ordered))

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame:
        """Scan the upstream table over the partitions this run maps to.

        Raises:
            PartitionMissingError: names the sessions that were never written, before anything is computed; not for
                an input with metadata `allow_missing_partitions`.
        """
        table = self._table(context.asset_key)
        tables = self._store.get().tables
        if not table.partitioned or not context.has_asset_partitions:
            return tables.scan(table)
        wanted = _sessions(context.asset_partition_keys)
        if not (context.definition_metadata or {}).get(ALLOW_MISSING):
            tables.require(table, wanted)
        if not wanted:
            return table.empty().lazy()
        return tables.scan(table, start=wanted[0], end=wanted[-1]).filter(pl.col("session").is_in(wanted))

    def _table(self, key: dg.AssetKey) -> Table:
        name = key.path[-1]
        if name not in self._tables:
            raise ConfigError(
                f"asset {name}",
                got="a frame but no table of that name",
                want=f"one of {sorted(self._tables)}",
                remedy="Declare the table in assets/tables.py, or return a MaterializeResult without value.",
            )
        return self._tables[name]


def _sessions(keys: Iterable[str]) -> list[date]:
    return sorted(date.fromisoformat(key) for key in keys)


def _code_version(context: dg.OutputContext) -> str:
    return context.asset_spec.code_version or "unversioned"


def _set_data_version(context: dg.OutputContext, content_hash: str) -> None:
    context.step_context.set_data_version(context.asset_key, dg.DataVersion(content_hash))
