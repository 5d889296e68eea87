"""Building the panel: chunk by chunk with bounded memory, complete or not there at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.normaliser import CatalogueLike, Normaliser
from gogoku_pipeline.dataset.panel_map import (
    IN_UNIVERSE,
    MANIFEST,
    TRADABLE,
    VALID,
    VALUES,
    Panel,
    open_panel,
    stock_ids,
)

__all__ = ["Panel", "build_panel", "open_panel", "panel_key"]

Frames = pl.LazyFrame | pl.DataFrame | Sequence[pl.LazyFrame | pl.DataFrame]

_ROWS_PER_CHUNK = 100_000
_SPARE_SHARE = 0.05
_UNIVERSE_COLUMNS = (
    "session",
    "code",
    "is_in_universe",
    "is_tradable",
    "sector33_code",
    "sector17_code",
    "market_code",
)
_log = logger("dataset")


@dataclass(frozen=True)
class _Plan:
    """What is built: sources, axes, and the folder it grows in."""

    sources: tuple[pl.LazyFrame, ...]
    universe: pl.LazyFrame
    normaliser: Normaliser
    sessions: tuple[date, ...]
    codes: tuple[str, ...]
    capacity: int


def panel_key(
    catalogue_hash: str,
    normaliser_key: str,
    table_versions: Mapping[str, int],
    sessions: Sequence[date],
    codes: Sequence[str],
) -> str:
    """Content key of a panel: features, normalisation, table versions, sessions and stock places."""
    return sha256_json(
        {
            "layout": 1,
            "catalogue": catalogue_hash,
            "normaliser": normaliser_key,
            "tables": dict(table_versions),
            "sessions": [day.isoformat() for day in sessions],
            "codes": list(codes),
        }
    )[:24]


def build_panel(
    features: Frames,
    universe: pl.LazyFrame | pl.DataFrame,
    catalogue: CatalogueLike,
    normaliser: Normaliser,
    cache_dir: Path,
    table_versions: Mapping[str, int],
    sessions: Sequence[date] | None = None,
    codes: Sequence[str] = (),
) -> Panel:
    """Build the panel, or open it when exactly this one exists already.

    Args:
        features: one frame of raw features or one per family: session, code and catalogue columns.
        universe: `core__universe` of the same sessions.
        catalogue: the features, in panel order.
        normaliser: made from the same catalogue.
        cache_dir: folder of all panels.
        table_versions: version of every table read; part of the key.
        sessions: the T axis (every exchange session of the range); None takes the sessions of `features`.
        codes: stocks whose places are already given (the previous panel's, or the security master's); new ones follow.

    Raises:
        DatasetError: no rows, no catalogue column, a normaliser of other features, values float16 cannot hold.
    """
    sources = tuple(
        frame.lazy() for frame in ([features] if isinstance(features, pl.LazyFrame | pl.DataFrame) else features)
    )
    if normaliser.names != tuple(catalogue.names):
        raise _bad("normaliser", "one of another catalogue", "one made from this catalogue", "Make it from it.")
    days, seen = _axes(sources, sessions)
    places = stock_ids(codes, seen)
    key = panel_key(catalogue.hash, normaliser.key, table_versions, days, places)
    if not (cache_dir / key / MANIFEST).is_file():
        capacity = -(-int(len(places) * (1 + _SPARE_SHARE) + 1) // 8) * 8
        plan = _Plan(sources, universe.lazy(), normaliser, days, places, capacity)
        manifest: dict[str, Any] = {
            "key": key,
            "catalogue_hash": catalogue.hash,
            "names": list(catalogue.names),
            "sessions": [day.isoformat() for day in days],
            "codes": list(places),
            "capacity": capacity,
            "table_versions": dict(table_versions),
            "normaliser_key": normaliser.key,
            "fitted_through": normaliser.fitted_through.isoformat() if normaliser.fitted_through else None,
        }
        _write(plan, manifest, cache_dir)
    return open_panel(cache_dir, key, catalogue_hash=catalogue.hash)


def _axes(sources: Sequence[pl.LazyFrame], sessions: Sequence[date] | None) -> tuple[tuple[date, ...], list[str]]:
    """Sessions and codes the panel spans."""
    found = [frame.select(pl.col("session").unique()).collect(engine="streaming")["session"] for frame in sources]
    days = sorted(set(sessions) if sessions is not None else set().union(*(series.to_list() for series in found)))
    if not days:
        raise _bad("panel", "no sessions", "at least one", "Materialise features first.")
    inside = pl.col("session").is_between(days[0], days[-1])
    codes: set[str] = set()
    for frame in sources:
        codes.update(frame.filter(inside).select(pl.col("code").unique()).collect(engine="streaming")["code"])
    if not codes:
        raise _bad("panel", f"no rows in {days[0]} .. {days[-1]}", "features of that range", "Materialise them first.")
    return tuple(days), sorted(codes)


def _write(plan: _Plan, manifest: dict[str, Any], cache_dir: Path) -> None:
    """Grow the panel in a temporary folder and move it into place; the manifest is written last."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    growing = Path(tempfile.mkdtemp(prefix=".panel-", dir=cache_dir))
    try:
        _fill(plan, growing)
        (growing / MANIFEST).write_text(json.dumps(manifest))
        target = cache_dir / str(manifest["key"])
        if target.exists() and not (target / MANIFEST).is_file():
            shutil.rmtree(target)
        if not target.exists():
            growing.chmod(0o755)
            growing.rename(target)
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    _log.info("panel %s: %d sessions x %d stocks", manifest["key"], len(plan.sessions), len(plan.codes))


def _fill(plan: _Plan, folder: Path) -> None:
    shape = (len(plan.sessions), plan.capacity)
    width = len(plan.normaliser.names)
    values = np.memmap(folder / VALUES, dtype=np.float16, mode="w+", shape=(*shape, width))
    bits = np.memmap(folder / VALID, dtype=np.uint8, mode="w+", shape=(*shape, (width + 7) // 8))
    inside = np.memmap(folder / IN_UNIVERSE, dtype=np.bool_, mode="w+", shape=shape)
    tradable = np.memmap(folder / TRADABLE, dtype=np.bool_, mode="w+", shape=shape)
    places = pl.DataFrame({"code": plan.codes}, schema={"code": pl.String}).with_row_index("_place")
    market = plan.normaliser.market_table(_market_history(plan))
    step = max(1, _ROWS_PER_CHUNK // max(1, len(plan.codes)))
    for start in range(0, len(plan.sessions), step):
        days = plan.sessions[start : start + step]
        order = pl.DataFrame({"session": days}, schema={"session": pl.Date}).with_row_index("_row", offset=start)
        members = _chunk_universe(plan, days)
        raw = _chunk_features(plan, days)
        frame = plan.normaliser.transform(raw, members, market).frame
        placed = frame.join(order, on="session").join(places, on="code")
        row, column = placed["_row"].to_numpy(), placed["_place"].to_numpy()
        cells = placed.select(pl.col(plan.normaliser.names).fill_null(float("nan"))).to_numpy(order="c")
        known = np.isfinite(cells)
        values[row, column] = _as_float16(np.where(known, cells, 0.0), plan.normaliser.names)
        bits[row, column] = np.packbits(known, axis=-1)
        marked = members.join(order, on="session").join(places, on="code")
        row, column = marked["_row"].to_numpy(), marked["_place"].to_numpy()
        inside[row, column] = marked["is_in_universe"].fill_null(False).to_numpy()
        tradable[row, column] = marked["is_tradable"].fill_null(False).to_numpy()
    for mapped in (values, bits, inside, tradable):
        mapped.flush()


def _market_history(plan: _Plan) -> pl.DataFrame:
    """Market-wide features of every stored session up to the panel's end (earlier ones warm the trailing window up)."""
    names = plan.normaliser.market_names
    table = pl.DataFrame({"session": []}, schema={"session": pl.Date})
    for frame in plan.sources:
        have = [name for name in names if name in frame.collect_schema().names()]
        if not have:
            continue
        early = frame.filter(pl.col("session") <= plan.sessions[-1]).select("session", *have)
        daily = early.group_by("session").agg(pl.col(have).fill_nan(None).max()).collect(engine="streaming")
        table = daily if table.is_empty() else table.join(daily, on="session", how="full", coalesce=True)
    missing = [pl.lit(None, dtype=pl.Float32).alias(name) for name in names if name not in table.columns]
    return table.with_columns(missing).select("session", *names).sort("session")


def _chunk_features(plan: _Plan, days: Sequence[date]) -> pl.DataFrame:
    """Raw features of some sessions, families side by side."""
    joined: pl.DataFrame | None = None
    for frame in plan.sources:
        have = [name for name in plan.normaliser.names if name in frame.collect_schema().names()]
        part = frame.filter(pl.col("session").is_between(days[0], days[-1])).select("session", "code", *have).collect()
        keys = ["session", "code"]
        joined = part if joined is None else joined.join(part, on=keys, how="full", coalesce=True, validate="1:1")
    if joined is None:
        raise _bad("panel", "no feature frame", "at least one", "Pass the families' tables.")
    return joined


def _chunk_universe(plan: _Plan, days: Sequence[date]) -> pl.DataFrame:
    chosen = plan.universe.filter(pl.col("session").is_between(days[0], days[-1])).select(_UNIVERSE_COLUMNS)
    return chosen.collect()


def _as_float16(cells: np.ndarray, names: Sequence[str]) -> np.ndarray:
    limit = float(np.finfo(np.float16).max)
    if (worst := np.abs(cells).max(axis=0, initial=0.0)).max(initial=0.0) > limit:
        wide = [name for name, value in zip(names, worst, strict=True) if value > limit]
        raise _bad("panel", f"values beyond {limit:g} in {wide[:5]}", "normalised values", "Normalise these features.")
    return cells.astype(np.float16)


def _bad(thing: str, got: str, want: str, remedy: str) -> DatasetError:
    return DatasetError(thing, got=got, want=want, remedy=remedy)
