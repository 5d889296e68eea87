"""States on the arrays of an axis: where each staged value goes, and which release each row reads.

Belongs here: joining staged frames to stocks, sessions and sector cells; the order and validity of releases.
Does not belong here: what a state means (`states/`), formulas.

A release that became known later than a newer one of the same unit is dropped: a late correction of an old week is no
observation of the weeks after it, so windows count the same releases whatever was published since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.states.state import State


@dataclass(frozen=True)
class Releases:
    """A release state as arrays, units in one piece each, releases ascending.

    Attributes:
        starts: [units + 1]; place: [releases] number of the session from which each is known.
        columns: leaf to values [releases]; newest: which release each row (unit `code`) or session (unit "") reads,
            -1 for none.
        unit_ids: [units] number of the code on the axis; one 0 for a market-wide state.
    """

    starts: Whole
    place: Whole
    columns: dict[str, Values]
    newest: Whole
    unit_ids: Whole


def floats(frame: pl.DataFrame, name: str) -> Values:
    """A column as float64, null as NaN."""
    return np.asarray(frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def spread(values: Values, where: Whole, size: int) -> Values:
    """Values laid out over `size` places; -1 goes nowhere, places without a value are NaN."""
    out = np.full(size, np.nan)
    out[where[where >= 0]] = values[where >= 0]
    return out


def read_releases(
    state: State, frame: pl.DataFrame, place_of: Callable[[pl.Series], Whole], ids: Whole, bounds: Whole, first: Whole
) -> Releases:
    """Arrange a staged release frame.

    Args:
        state: its declaration.
        frame: (unit, release, known_session, columns).
        place_of: session to its number, -1 for a day outside the axis.
        ids: [frame rows] number of the row's code on the axis, -1 for none; zeros for a market-wide state.
        bounds: [units of the axis + 1] first row of each code, or [0, sessions] for a market-wide state.
        first: [units of the axis] number of the session of each unit's first row.
    """
    known = np.where(frame["known_session"].is_null().to_numpy(), -1, place_of(frame["known_session"]))
    good = np.flatnonzero((known >= 0) & (ids >= 0))
    release = frame["release"].to_physical().cast(pl.Int64).to_numpy()
    order = good[np.lexsort((release[good], ids[good]))]
    order = order[_in_time(ids[order], known[order])]
    units, counts = np.unique(ids[order], return_counts=True)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    place = known[order].astype(np.int64)
    expiry = np.int64(2**40) if state.expires_sessions is None else np.int64(state.expires_sessions)
    newest = _newest(starts, place, units.astype(np.int64), bounds, first, expiry)
    columns = {name: floats(frame, name)[order] for name in state.columns}
    return Releases(starts, place, columns, newest, units.astype(np.int64))


@compiled
def _in_time(ids: Whole, known: Whole) -> Whole:
    """Releases before which no newer one of the unit was known."""
    keep = np.empty(ids.size, np.bool_)
    earliest = np.int64(2**62)
    for i in range(ids.size - 1, -1, -1):
        if i == ids.size - 1 or ids[i] != ids[i + 1]:
            earliest = np.int64(2**62)
        keep[i] = known[i] <= earliest
        earliest = min(earliest, known[i])
    return np.flatnonzero(keep)


@compiled
def _newest(starts: Whole, place: Whole, units: Whole, bounds: Whole, first: Whole, expiry: int) -> Whole:
    """The newest release known at each row of the axis, -1 where there is none or it has expired."""
    out = np.full(bounds[-1], np.int64(-1))
    for k in range(units.size):
        u = units[k]
        release = starts[k] - 1
        for row in range(bounds[u], bounds[u + 1]):
            now = first[u] + row - bounds[u]
            while release + 1 < starts[k + 1] and place[release + 1] <= now:
                release += 1
            if release >= starts[k] and now - place[release] <= expiry:
                out[row] = release
    return out
