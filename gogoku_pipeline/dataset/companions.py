"""What lies beside a panel: graphs and raw channels, built once into the cache, chunk by chunk, complete or not at all.

A panel with companions is the same panel: same folder, same key; they lie beside its folder. Its `content_key` tells
them apart, and the versions of the tables they were read from join its own, so that whatever records a panel records
its companions.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.dataset.edge_map import ATTRIBUTES, EdgeMap
from gogoku_pipeline.dataset.normaliser import MARKER
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.dataset.raw_map import RawMap
from gogoku_pipeline.graph.correlation import EDGES

_PAIRS, _ATTRIBUTES, _BOUNDS, _RAW, _DONE = "pairs.u16", "attributes.f16", "bounds.i64", "raw.f32", "manifest.json"
_EDGES, _RAWS = "edges", "raw"
_SESSIONS_PER_CHUNK = 50
_MOST_PLACES = 65_535


def with_edges(panel: Panel, edges: pl.LazyFrame, drawn: Sequence[date], version: int) -> Panel:
    """The panel with the graphs of its sessions.

    Args:
        panel: whose sessions and places.
        edges: `graph__correlation` rows; pairs with a stock the panel does not hold are left out.
        drawn: sessions whose graph exists, be it without an edge.
        version: version of the table the rows come from.

    Raises:
        DatasetError: a pair twice or of one stock with itself; more places than two bytes count.
    """
    if panel.values.shape[1] > _MOST_PLACES:
        raise _bad("graphs", f"{panel.values.shape[1]} places", f"at most {_MOST_PLACES}", "Split the universe.")
    inside = sorted(set(drawn) & set(panel.sessions))
    told = {"panel": panel.key, "edges": version, "drawn": [day.isoformat() for day in inside]}
    key = sha256_json({"layout": 1, **told})[:24]
    versions = {EDGES.name: version}
    name = f"{_EDGES}-{key}"
    _built(panel.path.parent, name, versions, lambda place: _write_edges(place, panel, edges, inside))
    return open_companions(panel, [name])


def with_raw(
    panel: Panel,
    frames: Sequence[pl.LazyFrame],
    names: tuple[str, ...],
    versions: Mapping[str, int],
) -> Panel:
    """The panel with raw channels.

    Args:
        panel: whose sessions and places.
        frames: raw features, `session, code` and some of the channels each.
        names: channels; together the frames hold each once. None of them leaves the panel as it is.
        versions: versions of the tables the frames come from.

    Raises:
        DatasetError: a channel in no frame or in two; a frame that was normalised already.
    """
    if not names:
        return panel
    columns = [frame.collect_schema().names() for frame in frames]
    if any(MARKER in found for found in columns):
        raise _bad("raw channels", "a normalised frame", "features as they are", "Hand in the features' own tables.")
    for name in names:
        if (holders := sum(name in found for found in columns)) != 1:
            raise _bad(f"raw channel {name}", f"{holders} frames with it", "one", "Name a stored feature, each once.")
    key = sha256_json({"layout": 1, "panel": panel.key, "names": list(names), "tables": dict(versions)})[:24]
    read = [(frame, [name for name in names if name in found]) for frame, found in zip(frames, columns, strict=True)]
    name = f"{_RAWS}-{key}"
    _built(panel.path.parent, name, dict(versions), lambda place: _write_raw(place, panel, read, names))
    return open_companions(panel, [name])


def open_companions(panel: Panel, names: Sequence[str]) -> Panel:
    """The panel with companions that were built before, by the names `Panel.companions` told.

    Raises:
        DatasetError: one that is not in the cache.
    """
    for name in names:
        folder = panel.path.parent / name
        if not (folder / _DONE).is_file():
            raise _bad(f"companion {name}", "no manifest", f"one under {folder.parent}", "Build the panel again here.")
        told = json.loads((folder / _DONE).read_text())
        read = {**panel.table_versions, **told["table_versions"]}
        kind, key = name.split("-")
        if kind == _EDGES:
            panel = replace(panel, table_versions=read, edges=_edge_map(panel, folder, key, told["pairs"]))
        else:
            shape = (*panel.values.shape[:2], len(told["names"]))
            values = _mapped(folder / _RAW, np.dtype(np.float32), shape)
            panel = replace(panel, table_versions=read, raw=RawMap(key, tuple(told["names"]), values))
    return panel


def _edge_map(panel: Panel, folder: Path, key: str, pairs: int) -> EdgeMap:
    return EdgeMap(
        key=key,
        pairs=_mapped(folder / _PAIRS, np.dtype(np.uint16), (pairs, 2)),
        attributes=_mapped(folder / _ATTRIBUTES, np.dtype(np.float16), (pairs, len(ATTRIBUTES))),
        bounds=np.fromfile(folder / _BOUNDS, dtype=np.int64).reshape(-1, 2),
        sessions=panel.sessions,
        capacity=panel.values.shape[1],
    )


def _built(cache_dir: Path, name: str, versions: Mapping[str, int], write: Callable[[Path], dict[str, Any]]) -> None:
    """Write a folder once; its manifest comes last, so a crash leaves nothing that looks complete."""
    target = cache_dir / name
    if (target / _DONE).is_file():
        return
    growing = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache_dir))
    try:
        told = {**write(growing), "table_versions": dict(versions)}
        (growing / _DONE).write_text(json.dumps(told))
        if not target.exists():
            growing.rename(target)
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _write_edges(folder: Path, panel: Panel, edges: pl.LazyFrame, drawn: Sequence[date]) -> dict[str, Any]:
    """Append the pairs of each session; returns how many there are."""
    places = pl.DataFrame({"code": panel.codes}, schema={"code": pl.String}).with_row_index("place")
    bounds = np.full((len(panel.sessions), 2), -1, dtype=np.int64)
    total = 0
    with (folder / _PAIRS).open("wb") as pairs, (folder / _ATTRIBUTES).open("wb") as attributes:
        for start in range(0, len(drawn), _SESSIONS_PER_CHUNK):
            days = drawn[start : start + _SESSIONS_PER_CHUNK]
            rows = _chunk_edges(edges, days, places)
            pairs.write(rows.select("place", "place_right").to_numpy().astype(np.uint16).tobytes())
            attributes.write(rows.select(ATTRIBUTES).to_numpy().astype(np.float16).tobytes())
            counts = dict(rows.group_by("session").len().iter_rows())
            for day in days:
                bounds[panel.index(day)] = total, total + counts.get(day, 0)
                total += counts.get(day, 0)
    bounds.tofile(folder / _BOUNDS)
    return {"pairs": total}


def _chunk_edges(edges: pl.LazyFrame, days: Sequence[date], places: pl.DataFrame) -> pl.DataFrame:
    """Pairs of some sessions by place, sorted by session, unknown attributes as 0."""
    rows = edges.filter(pl.col("session").is_in(list(days))).collect()
    if rows.select(pl.struct("session", "code_i", "code_j").is_duplicated().any()).item() or (
        rows.select((pl.col("code_i") >= pl.col("code_j")).any()).item()
    ):
        raise _bad("graph", "a pair twice, or a stock tied to itself", "code_i < code_j, once", "Draw the graph again.")
    placed = rows.join(places, left_on="code_i", right_on="code").join(places, left_on="code_j", right_on="code")
    told = [pl.col(name).cast(pl.Float32).fill_null(0.0).fill_nan(0.0) for name in ATTRIBUTES]
    return placed.with_columns(told).sort("session", "place", "place_right")


def _write_raw(
    folder: Path, panel: Panel, read: Sequence[tuple[pl.LazyFrame, list[str]]], names: tuple[str, ...]
) -> dict[str, Any]:
    """Fill the channels, some sessions at a time."""
    shape = (*panel.values.shape[:2], len(names))
    values = np.memmap(folder / _RAW, dtype=np.float32, mode="w+", shape=shape)
    codes = pl.DataFrame({"code": panel.codes}, schema={"code": pl.String}).with_row_index("_place")
    for start in range(0, shape[0], _SESSIONS_PER_CHUNK):
        days = panel.sessions[start : start + _SESSIONS_PER_CHUNK]
        order = pl.DataFrame({"session": days}, schema={"session": pl.Date}).with_row_index("_row", offset=start)
        for frame, mine in read:
            chosen = frame.filter(pl.col("session").is_in(list(days))).select("session", "code", *mine).collect()
            placed = chosen.join(order, on="session").join(codes, on="code")
            row, place = placed["_row"].to_numpy(), placed["_place"].to_numpy()
            for name in mine:
                cells = placed[name].cast(pl.Float32).to_numpy()
                values[row, place, names.index(name)] = np.where(np.isfinite(cells), cells, np.float32(0))
    values.flush()
    return {"names": list(names)}


def _mapped(path: Path, kind: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """A file as an array; an empty one where there is nothing to map."""
    return np.memmap(path, dtype=kind, mode="r", shape=shape) if np.prod(shape) else np.zeros(shape, dtype=kind)


def _bad(thing: str, got: str, want: str, remedy: str) -> DatasetError:
    return DatasetError(thing, got=got, want=want, remedy=remedy)
