"""One plain parquet file of a feature set with masks and labels, and a manifest that says what it is.

Belongs here: reading pinned table versions, joining, writing in pieces of bounded memory. Does not belong here:
normalising (the file holds raw values), what a set is (`features.sets`), the command line.

The file appears complete or not at all; the manifest is written last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.export_columns import LABEL_FIELDS, columns_of, label_columns
from gogoku_pipeline.dataset.export_sources import Source, source_of
from gogoku_pipeline.dataset.labels import HORIZONS, LABELS
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE

TERMS = "J-Quants data is licensed for personal use: do not pass this file on, delete it when the subscription ends."
Tell = Callable[[int, int], None]
"""Called after each piece with sessions written and sessions in all."""


@dataclass(frozen=True)
class Wanted:
    """What is exported.

    Attributes:
        set_name: a set of `features.sets`, or `alpha158`; plan: nothing above it is chosen.
        first, last: the range, both included.
        graph: dials of the deployment's graph, part of the hash.
        with_labels: whether labels are joined.
    """

    set_name: str
    plan: str
    first: date
    last: date
    graph: GraphConfig = field(default_factory=GraphConfig)
    with_labels: bool = True


def export_dataset(store: Store, wanted: Wanted, out: Path, *, written_at: datetime, tell: Tell) -> dict[str, Any]:
    """Write the file and its manifest beside it (`<name>.manifest.json`); the manifest is returned.

    Args:
        store: where the tables lie; every table is read at the version it has now.
        wanted: the set and the range.
        out: the parquet file; its folder is made, an older file of the name is replaced.
        written_at: aware instant of writing.
        tell: progress.

    Raises:
        DataError: a range without sessions.
        FeatureError: an unknown set, or one above the plan.
        PartitionMissingError: a table lacks sessions of the range.
    """
    sessions = _sessions(wanted)
    source = source_of(wanted.set_name, wanted.plan, wanted.graph)
    tables = {table.name: table for table in (*source.tables, UNIVERSE, *((LABELS,) if wanted.with_labels else ()))}
    for table in tables.values():
        store.tables.require(table, sessions)
    versions = {name: store.tables.version(table) or 0 for name, table in tables.items()}
    growing = out.with_name(out.name + ".growing")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        rows, codes = _write(store, source, wanted, sessions, versions, growing, tell)
        growing.replace(out)
    finally:
        growing.unlink(missing_ok=True)
    manifest: dict[str, Any] = {
        "file": out.name,
        "sha256": _sha256(out),
        "bytes": out.stat().st_size,
        "rows": rows,
        "issues": codes,
        "set": wanted.set_name,
        "rule": source.rule,
        "hash": source.hash,
        "plan": wanted.plan,
        "sessions": {"first": str(sessions[0]), "last": str(sessions[-1]), "count": len(sessions)},
        "tables": versions,
        "graph": asdict(wanted.graph),
        "columns": columns_of(source.features, wanted.with_labels),
        "written_at": written_at.isoformat(),
        "terms": TERMS,
    }
    manifest_path(out).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    return manifest


def manifest_path(out: Path) -> Path:
    """Where the manifest of a file lies."""
    return out.with_name(out.stem + ".manifest.json")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sessions(wanted: Wanted) -> list[date]:
    found = tse_calendar().between(wanted.first, wanted.last) if wanted.first <= wanted.last else []
    if not found:
        raise DataError(
            f"export of {wanted.first} .. {wanted.last}",
            got="no session of the exchange",
            want="a range with at least one, first day first",
            remedy="Correct --from and --to.",
        )
    return list(found)


def _write(
    store: Store,
    source: Source,
    wanted: Wanted,
    sessions: Sequence[date],
    versions: Mapping[str, int],
    path: Path,
    tell: Tell,
) -> tuple[int, int]:
    """Rows and distinct issues written."""
    rows, codes, writer = 0, set[str](), None
    try:
        for start in range(0, len(sessions), source.sessions_per_piece):
            days = sessions[start : start + source.sessions_per_piece]
            frame = _piece(store, source, wanted, days, versions)
            piece = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(path, _stamped(piece.schema, source, wanted), compression="zstd")
            writer.write_table(piece.cast(writer.schema))
            rows, codes = rows + frame.height, codes | set(frame["code"].unique())
            tell(start + len(days), len(sessions))
    finally:
        if writer is not None:
            writer.close()
    return rows, len(codes)


def _stamped(schema: pa.Schema, source: Source, wanted: Wanted) -> pa.Schema:
    """The file itself names its set, so that it is not taken for another one without its manifest."""
    return schema.with_metadata({"gogoku.set": wanted.set_name, "gogoku.hash": source.hash, "gogoku.plan": wanted.plan})


def _piece(
    store: Store, source: Source, wanted: Wanted, days: Sequence[date], versions: Mapping[str, int]
) -> pl.DataFrame:
    """Rows of some sessions: key, who is compared and who can be bought, features, labels."""

    def rows(table: Table) -> pl.DataFrame:
        return store.tables.scan(table, start=days[0], end=days[-1], version=versions[table.name]).collect()

    key = ["session", "code"]
    frame = source.read(store, days, versions)
    members = rows(UNIVERSE).select(*key, "is_in_universe", "is_tradable")
    frame = frame.join(members, on=key, how="left").with_columns(
        pl.col("is_in_universe", "is_tradable").fill_null(False)
    )
    if wanted.with_labels:
        labels = rows(LABELS)
        for horizon in HORIZONS:
            named = label_columns(horizon)
            of_horizon = labels.filter(pl.col("horizon_d") == horizon).select(
                *key, *(pl.col(name).alias(named[name]) for name in LABEL_FIELDS)
            )
            frame = frame.join(of_horizon, on=key, how="left")
    order = [column["name"] for column in columns_of(source.features, wanted.with_labels)]
    return frame.select(order).sort(key)
