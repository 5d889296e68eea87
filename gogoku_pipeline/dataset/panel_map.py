"""The panel: every normalised feature of every stock on every session, memory-mapped, so that a window is a view.

Values are float16 [session, stock, feature] with the feature axis last: a day's cross-section over L sessions is one
contiguous slice. Missing values are 0 with their validity bit off, and models receive the bit. The panel is a cache:
its key is the content of everything it was made from, and it is rebuilt, never edited.
Source: performance.md 5; models.md 5.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import DatasetError, LeakError
from gogoku_pipeline.dataset.edge_map import EdgeMap
from gogoku_pipeline.dataset.raw_map import RawMap

VALUES, VALID, IN_UNIVERSE, TRADABLE, MANIFEST = (
    "values.f16",
    "valid.u1",
    "in_universe.u1",
    "tradable.u1",
    "manifest.json",
)


@dataclass(frozen=True)
class Panel:
    """An open panel.

    Attributes:
        path: its folder.
        values: float16 [T, N, F], 0 where missing; N includes spare places without a stock.
        valid_bits: uint8 [T, N, ceil(F/8)], bit f of a row says whether feature f is known (numpy.packbits order).
        in_universe: bool [T, N], the cross-section statistics are taken over.
        is_tradable: bool [T, N], the cross-section that is learnt and judged.
        sessions: T dates, ascending.
        codes: the stock of each place; at most N of them, append-only.
        names: F feature names.
        catalogue_hash: content hash of the feature catalogue.
        key: content hash of everything the panel was made from.
        table_versions: version of each table it was read from.
        normaliser_key: which normalisation it holds.
        fitted_through: last session anything was fitted on; None when nothing is.
        edges: the graphs of its sessions; None unless somebody asked for them (`companions`).
        raw: channels that were never normalised; None likewise.
    """

    path: Path
    values: npt.NDArray[np.float16]
    valid_bits: npt.NDArray[np.uint8]
    in_universe: npt.NDArray[np.bool_]
    is_tradable: npt.NDArray[np.bool_]
    sessions: tuple[date, ...]
    codes: tuple[str, ...]
    names: tuple[str, ...]
    catalogue_hash: str
    key: str
    table_versions: Mapping[str, int]
    normaliser_key: str
    fitted_through: date | None
    edges: EdgeMap | None = None
    raw: RawMap | None = None

    @property
    def companions(self) -> tuple[str, ...]:
        """Names of what lies beside the panel, for `companions.open_companions`."""
        beside = (("edges", self.edges), ("raw", self.raw))
        return tuple(f"{kind}-{part.key}" for kind, part in beside if part is not None)

    @property
    def content_key(self) -> str:
        """Key of everything a fit can read: the panel and what lies beside it."""
        return "-".join([self.key, *self.companions])

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each stock on the N axis."""
        return {code: place for place, code in enumerate(self.codes)}

    def index(self, session: date) -> int:
        """Place of a session on the T axis; raises DatasetError for one the panel does not hold."""
        place = bisect_left(self.sessions, session)
        if place == len(self.sessions) or self.sessions[place] != session:
            raise DatasetError(
                f"panel on {session}",
                got="a session it does not hold",
                want=f"one of its {len(self.sessions)} sessions {self.sessions[0]} .. {self.sessions[-1]}",
                remedy="Rebuild the panel over a range that includes the session.",
            )
        return place

    def require_fitted_before(self, first: date) -> None:
        """Refuse values whose scaler saw the first judged session or a later one.

        Args:
            first: first session of the test, or the first one a version serves that it did not know.

        Raises:
            LeakError: the normalisation was fitted through `first` or beyond.
        """
        if self.fitted_through is not None and self.fitted_through >= first:
            raise LeakError(
                f"panel {self.key}",
                got=f"a scaler fitted through {self.fitted_through}",
                want=f"fitted_through before {first}, the first session that is judged",
                remedy="Fit the normaliser on training sessions only, or use the one that fits nothing.",
            )

    def window(self, session: date, look_back: int) -> npt.NDArray[np.float16]:
        """The last `look_back` sessions up to and including `session`: a view [N, L, F] of the map, no copy."""
        start, stop = self._span(session, look_back)
        return self.values[start:stop].transpose(1, 0, 2)

    def window_bits(self, session: date, look_back: int) -> npt.NDArray[np.uint8]:
        """Validity bits of `window`: a view [N, L, ceil(F/8)] of the map, no copy."""
        start, stop = self._span(session, look_back)
        return self.valid_bits[start:stop].transpose(1, 0, 2)

    def _span(self, session: date, look_back: int) -> tuple[int, int]:
        stop = self.index(session) + 1
        if look_back < 1 or stop < look_back:
            raise DatasetError(
                f"window of {look_back} sessions up to {session}",
                got=f"{stop} sessions in the panel by then",
                want="at least as many as the look-back",
                remedy="Start later, look back less, or build the panel from an earlier session.",
            )
        return stop - look_back, stop


def unpack(bits: npt.NDArray[np.uint8], n_features: int) -> npt.NDArray[np.bool_]:
    """Validity bits [..., ceil(F/8)] as booleans [..., F]."""
    return np.unpackbits(bits, axis=-1, count=n_features).view(np.bool_)


def stock_ids(previous: Sequence[str], seen: Sequence[str]) -> tuple[str, ...]:
    """Append-only places: everything of `previous` keeps its place, new codes follow in order.

    Raises:
        DatasetError: a code twice in `previous`.
    """
    if len(set(previous)) != len(previous):
        raise DatasetError(
            "stock ids", got="a code twice", want="each code once", remedy="Pass the security master's codes."
        )
    known = set(previous)
    return (*previous, *sorted(set(seen) - known))


def open_panel(cache_dir: Path, key: str, *, catalogue_hash: str | None = None) -> Panel:
    """Open a panel that was built before.

    Args:
        cache_dir: folder of all panels.
        key: which one.
        catalogue_hash: the features the caller means; None to accept any.

    Raises:
        DatasetError: no such panel, an incomplete one, or one of another feature catalogue.
    """
    path = cache_dir / key
    if not (path / MANIFEST).is_file():
        raise DatasetError(
            f"panel {key}",
            got="no manifest",
            want=f"a complete panel under {cache_dir}",
            remedy="Build it with build_panel.",
        )
    manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text())
    if manifest["key"] != key or (catalogue_hash is not None and manifest["catalogue_hash"] != catalogue_hash):
        raise DatasetError(
            f"panel {key}",
            got=f"key {manifest['key']} of feature catalogue {manifest['catalogue_hash'][:12]}",
            want=f"key {key} of feature catalogue {(catalogue_hash or 'any')[:12]}",
            remedy="Rebuild the panel; a panel of other features is never reused.",
        )
    return _mapped(path, manifest)


def _mapped(path: Path, manifest: dict[str, Any]) -> Panel:
    days, places, width = len(manifest["sessions"]), manifest["capacity"], len(manifest["names"])
    shapes: dict[str, tuple[int, ...]] = {
        VALUES: (days, places, width),
        VALID: (days, places, (width + 7) // 8),
        IN_UNIVERSE: (days, places),
        TRADABLE: (days, places),
    }
    kinds = {VALUES: np.float16, VALID: np.uint8, IN_UNIVERSE: np.bool_, TRADABLE: np.bool_}
    maps: dict[str, Any] = {}
    for name, shape in shapes.items():
        wanted = int(np.prod(shape)) * np.dtype(kinds[name]).itemsize
        size = (path / name).stat().st_size if (path / name).is_file() else -1
        if size != wanted:
            raise DatasetError(
                f"panel {manifest['key']}",
                got=f"{name} of {size} bytes",
                want=f"{wanted} bytes",
                remedy="Delete the panel's folder and build it again.",
            )
        maps[name] = np.memmap(path / name, dtype=kinds[name], mode="r", shape=shape)
    return Panel(
        path=path,
        values=maps[VALUES],
        valid_bits=maps[VALID],
        in_universe=maps[IN_UNIVERSE],
        is_tradable=maps[TRADABLE],
        sessions=tuple(date.fromisoformat(day) for day in manifest["sessions"]),
        codes=tuple(manifest["codes"]),
        names=tuple(manifest["names"]),
        catalogue_hash=manifest["catalogue_hash"],
        key=manifest["key"],
        table_versions=manifest["table_versions"],
        normaliser_key=manifest["normaliser_key"],
        fitted_through=date.fromisoformat(manifest["fitted_through"]) if manifest["fitted_through"] else None,
    )
