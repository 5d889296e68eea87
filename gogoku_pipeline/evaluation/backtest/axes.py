"""Rows of tables as arrays [sessions, issues]: where each row lies, and columns laid out."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]
Wholes = npt.NDArray[np.int64]


class Axes:
    """Sessions and codes of a market, and where a frame's rows lie on them."""

    def __init__(self, sessions: tuple[date, ...], codes: list[str]) -> None:
        self.sessions, self.codes = sessions, pl.Enum(codes)
        self.names = tuple(codes)
        self.days = day_numbers(sessions)
        self.shape = (len(sessions), len(codes))

    def placed(self, frame: pl.DataFrame, what: str) -> tuple[pl.DataFrame, Wholes]:
        """Rows that lie on the axes, and the flat place of each; raises DataError for two rows of one place."""
        day = frame["session"].to_physical().to_numpy()
        row = np.minimum(np.searchsorted(self.days, day), len(self.days) - 1)
        name = frame["code"].cast(self.codes, strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        inside = (self.days[row] == day) & (name >= 0)
        if not inside.all():
            frame, row, name = frame.filter(pl.Series(inside)), row[inside], name[inside]
        place = row.astype(np.int64) * self.shape[1] + name
        seen = np.zeros(self.shape[0] * self.shape[1], dtype=np.bool_)
        seen[place] = True
        if (twice := len(place) - int(seen.sum())) > 0:
            raise DataError(
                what, got=f"{twice} rows for a (session, code) that already has one", want="one row per session and "
                "code", remedy="Rebuild the table of these sessions."
            )  # fmt: skip
        return frame, place

    def numbers(self, values: pl.Series, place: Wholes) -> Floats:
        """A column laid out, NaN where there is no row or no value."""
        out = np.full(self.shape, np.nan)
        out.reshape(-1)[place] = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return out

    def claims(self, values: pl.Series, place: Wholes) -> Flags:
        """A column of claims laid out, False where there is no row or no value."""
        out = np.zeros(self.shape, dtype=np.bool_)
        out.reshape(-1)[place] = values.fill_null(value=False).to_numpy()
        return out

    def labels(self, values: pl.Series, place: Wholes) -> tuple[Labels, tuple[str, ...]]:
        """A column of words as places in a sorted list of them, carried on; -1 before the first."""
        words = tuple(values.drop_nulls().unique().sort().to_list())
        out = np.full(self.shape, -1, dtype=np.int8)
        out.reshape(-1)[place] = values.cast(pl.Enum(words)).to_physical().cast(pl.Int8).fill_null(-1).to_numpy()
        for session in range(1, self.shape[0]):
            out[session] = np.where(out[session] >= 0, out[session], out[session - 1])
        return out, words


def day_numbers(sessions: tuple[date, ...]) -> Wholes:
    """Dates as days since 1970."""
    return pl.Series(sessions, dtype=pl.Date).to_physical().to_numpy().astype(np.int64)
