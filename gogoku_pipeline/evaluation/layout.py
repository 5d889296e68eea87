"""Frames laid out as arrays [sessions, names], and daily figures written back as frames.

The only place where the two forms meet: metrics know arrays, callers know frames.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.cross_sections import CrossSections, Floats, Mask, paired
from gogoku_pipeline.evaluation.frames import groups

BLOCK = 48
"""Days measured at once: small enough for the processor's cache."""

Cells = npt.NDArray[np.int64]
"""Places of rows in a flattened array, -1 off it."""

Figures = dict[str, npt.NDArray[Any]]
"""Figures by name, one number per day each [D]."""

Measure = Callable[[CrossSections], Figures]
"""Figures of a block of days."""


@dataclass(frozen=True)
class Axes:
    """Rows and columns of the arrays.

    Attributes:
        sessions: ascending, no session twice; Date.
        codes: ascending, no code twice; String.
    """

    sessions: pl.Series
    codes: pl.Series

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Axes:
        """The axes a frame [session, code, ...] spans."""
        codes = frame["code"].cast(pl.String).unique().sort()
        return cls(frame["session"].unique().sort(), codes)

    @property
    def shape(self) -> tuple[int, int]:
        """Sessions, names."""
        return len(self.sessions), len(self.codes)

    def cells(self, frame: pl.DataFrame) -> Cells:
        """Place of each row of a frame [session, code] in the flattened array, -1 off the axes."""
        if not all(self.shape):
            return np.full(frame.height, -1, dtype=np.int64)
        days = self.sessions.to_physical().to_numpy().astype(np.int64)
        table = np.full(int(days[-1] - days[0]) + 1, -1, dtype=np.int64)
        table[days - days[0]] = np.arange(len(days))
        asked = frame["session"].to_physical().to_numpy().astype(np.int64) - days[0]
        inside = (asked >= 0) & (asked < len(table))
        row = np.where(inside, table[np.where(inside, asked, 0)], -1)
        names = frame["code"].cast(pl.Enum(self.codes), strict=False).to_physical()
        column = names.cast(pl.Int64).fill_null(-1).to_numpy()
        return np.asarray(np.where((row >= 0) & (column >= 0), row * len(self.codes) + column, -1))

    def lay(self, frame: pl.DataFrame, column: str, what: str, cells: Cells | None = None) -> Floats:
        """One column as [T, N] float64; NaN where the frame has no row, a null or a NaN.

        Args:
            frame: [session, code, column].
            column: what to lay out.
            what: the word for the frame in an error.
            cells: places of its rows (`cells`), if they are known already.

        Raises:
            EvaluationError: two rows for one (session, code).
        """
        values = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        out = np.full(self.shape, np.nan)
        at = self.cells(frame) if cells is None else cells
        keep = at >= 0
        self._refuse_repeats(at[keep], what)
        out.ravel()[at[keep]] = values[keep]
        return out

    def lay_aligned(self, aligned: pl.DataFrame) -> tuple[Floats, Floats]:
        """Scores and labels of one model, seed and horizon of an aligned frame, each [T, N]."""
        cells = self.cells(aligned)
        return self.lay(aligned, "score", "scores", cells), self.lay(aligned, "label", "labels", cells)

    def has(self, cells: Cells) -> Mask:
        """Which (session, code) the rows at these cells name [T, N]."""
        out = np.zeros(self.shape, dtype=bool)
        out.ravel()[cells[cells >= 0]] = True
        return out

    def _refuse_repeats(self, cells: Cells, what: str) -> None:
        seen = np.zeros(self.shape[0] * self.shape[1], dtype=bool)
        seen[cells] = True
        if (twice := len(cells) - int(np.count_nonzero(seen))) > 0:
            raise EvaluationError(
                what,
                got=f"two rows for one (session, code), {twice} times",
                want="one row per key",
                remedy="Judge one fold per session and rebuild tables with repeated keys.",
            )


def by_day(aligned: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    """Figures of every day of an aligned frame, one model, seed and horizon after another.

    Args:
        aligned: `frames.align`: [model?, seed?, session, horizon_d, code, score, label].
        measure: what to compute from a block of days.

    Returns:
        [model?, seed?, session, horizon_d, figures ...], sorted by the day's key.
    """
    keys = groups(aligned)
    owners = [name for name in keys if name != "session"]
    parts = []
    for part in aligned.partition_by(owners, maintain_order=True) or [aligned]:
        axes = Axes.of(part)
        found = measured(*axes.lay_aligned(part), measure)
        owner = part.select(owners).head(1)
        days = pl.DataFrame({"session": axes.sessions}).join(owner, how="cross").select(keys)
        parts.append(days.with_columns(pl.Series(name, values) for name, values in found.items()))
    return pl.concat(parts).sort(keys)


def measured(score: Floats, label: Floats, measure: Measure) -> Figures:
    """Figures [T] by name of arrays [T, N], block by block."""
    return in_blocks(len(score), lambda days: measure(paired(score[days], label[days])))


def in_blocks(days: int, measure: Callable[[slice], Figures], *, threads: int = 1) -> Figures:
    """Figures of all days, measured block by block and put together in order.

    Args:
        days: how many there are.
        measure: figures of the days of one slice; must not depend on other days.
        threads: blocks measured at once; the result does not depend on it.
    """
    slices = [slice(start, start + BLOCK) for start in range(0, max(days, 1), BLOCK)]
    with ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(measure, slices)) if threads > 1 else [measure(one) for one in slices]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
