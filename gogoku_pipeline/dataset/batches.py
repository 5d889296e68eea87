"""Day batches: the panel beside its labels, served as windows (for networks) or as a flat table (for trees).

A batch is whole days, never a mixture of stocks of different days: every loss and every metric is per day.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_json
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.dataset.panel_map import Panel, unpack

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
CrossSection = Literal["tradable", "in_universe"]

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class DayWindow:
    """One day's stocks with their look-back.

    Attributes:
        session: the decision.
        stocks: places on the panel's stock axis [n].
        values: float16 [n, L, F], 0 where missing.
        valid: bool [n, L, F].
    """

    session: date
    stocks: Ints
    values: npt.NDArray[np.float16]
    valid: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DayTable:
    """Several days as one flat table, day after day.

    Attributes:
        sessions: the days, ascending.
        day: index into `sessions` of each row [rows], ascending.
        stocks: place on the panel's stock axis of each row [rows].
        values: float32 [rows, F], NaN where missing.
    """

    sessions: tuple[date, ...]
    day: Ints
    stocks: Ints
    values: Floats


@dataclass(frozen=True)
class Targets:
    """Labels of one horizon on the panel's grid.

    Attributes:
        values: float32 [T, N], NaN where there is none.
        known_on: int32 [T, N], ordinal of the day from whose evening the label is known; huge while unknown.
    """

    values: Floats
    known_on: npt.NDArray[np.int32]


class TrainingData:
    """A panel, its labels, and the cross-section that is learnt and judged.

    Args:
        panel: features.
        labels: `data__labels` rows.
        universe: `core__universe` rows that say who belongs; None takes the panel's own masks.
        cross_section: `tradable` (evaluation protocol) or `in_universe`.
    """

    def __init__(
        self,
        panel: Panel,
        labels: pl.DataFrame,
        universe: pl.DataFrame | None = None,
        cross_section: CrossSection = "tradable",
    ) -> None:
        if labels.columns and "horizon_d" not in labels.columns:
            raise _bad("labels", f"columns {labels.columns}", "rows of data__labels", "Pass the label table.")
        self.panel = panel
        self.labels = labels
        self.cross_section: CrossSection = cross_section
        self._members = self._mask(universe)
        self._targets: dict[tuple[int, str], Targets] = {}

    def on(self, panel: Panel) -> TrainingData:
        """The same labels and cross-section beside other features of the same sessions and stocks.

        Raises:
            DatasetError: a panel of other sessions or places.
        """
        if (panel.sessions, panel.codes, panel.values.shape[:2]) != (
            self.panel.sessions,
            self.panel.codes,
            self.panel.values.shape[:2],
        ):
            raise _bad("training data", "a panel of other sessions or places", "the same ones", "Build the data anew.")
        other = copy(self)
        other.panel = panel
        return other

    def _mask(self, universe: pl.DataFrame | None) -> npt.NDArray[np.bool_]:
        if universe is None:
            return self.panel.is_tradable if self.cross_section == "tradable" else self.panel.in_universe
        claim = "is_tradable" if self.cross_section == "tradable" else "is_in_universe"
        row, column, _ = self._place(universe.filter(pl.col(claim)).select("session", "code"))
        mask = np.zeros(self.panel.in_universe.shape, dtype=np.bool_)
        mask[row, column] = True
        return mask

    def _place(self, frame: pl.DataFrame) -> tuple[Ints, Ints, pl.DataFrame]:
        """Rows of a (session, code) frame that lie on the panel, with their places."""
        days = pl.DataFrame({"session": self.panel.sessions}, schema={"session": pl.Date}).with_row_index("_row")
        codes = pl.DataFrame({"code": self.panel.codes}, schema={"code": pl.String}).with_row_index("_place")
        placed = frame.join(days, on="session").join(codes, on="code")
        return placed["_row"].to_numpy().astype(np.int64), placed["_place"].to_numpy().astype(np.int64), placed

    @property
    def names(self) -> tuple[str, ...]:
        """Features that windows and tables hold, in their order."""
        return self.panel.names

    @property
    def sessions(self) -> tuple[date, ...]:
        """Sessions of the panel."""
        return self.panel.sessions

    def members(self, session: date) -> Ints:
        """Places of the stocks in the day's cross-section, ascending [n]."""
        return np.flatnonzero(self._members[self.panel.index(session)])

    def targets(self, horizon_d: int, label: str = "gauss_open") -> Targets:
        """Labels of one horizon on the grid, by the label's exact column name.

        Raises:
            DatasetError: not a label column, or no label of that horizon.
        """
        if (horizon_d, label) not in self._targets:
            self._targets[horizon_d, label] = self._gather(horizon_d, label)
        return self._targets[horizon_d, label]

    def _gather(self, horizon_d: int, label: str) -> Targets:
        allowed = [column.name for column in LABELS.columns if column.name.endswith(("_open", "_close"))]
        if label not in allowed:
            raise _bad(f"label {label!r}", "an unknown name", f"one of {allowed}", "Use the label's exact name.")
        chosen = self.labels.filter((pl.col("horizon_d") == horizon_d) & pl.col(label).is_not_null())
        if chosen.is_empty():
            raise _bad(f"{label} over {horizon_d} sessions", "no label", "some", "Build labels for this horizon.")
        row, column, placed = self._place(chosen.select("session", "code", label, "available_at"))
        values = np.full(self._members.shape, np.nan, dtype=np.float32)
        known = np.full(self._members.shape, _NEVER, dtype=np.int32)
        values[row, column] = placed[label].to_numpy()
        days = placed["available_at"].dt.date().to_physical().fill_null(_NEVER).to_numpy()
        known[row, column] = np.where(days == _NEVER, _NEVER, days + date(1970, 1, 1).toordinal())
        return Targets(values, known)

    def fingerprint(self, horizon_d: int, label: str = "gauss_open") -> str:
        """Content hash of the targets and the cross-section, for cache keys."""
        targets = self.targets(horizon_d, label)
        parts = (targets.values, targets.known_on, np.ascontiguousarray(self._members))
        return sha256_json([sha256_bytes(part.tobytes()) for part in parts])

    def day_targets(
        self, sessions: Sequence[date], horizon_d: int, *, label: str = "gauss_open", before: date | None = None
    ) -> Floats:
        """Labels of some days [D, N]; NaN outside the cross-section, without a label, or known only from `before` on.

        Args:
            sessions: the decisions.
            horizon_d: label horizon.
            label: exact column name.
            before: the first decision that must not profit; labels known on or after it are withheld.
        """
        targets = self.targets(horizon_d, label)
        rows = np.array([self.panel.index(session) for session in sessions], dtype=np.int64)
        usable = self._members[rows].copy()
        if before is not None:
            usable &= targets.known_on[rows] < before.toordinal()
        return np.where(usable, targets.values[rows], np.float32(np.nan))

    def day(self, session: date, look_back: int) -> DayWindow:
        """One day's cross-section with its look-back (a copy of the members' rows of the panel's views)."""
        stocks = self.members(session)
        values = self.panel.window(session, look_back)[stocks]
        bits = self.panel.window_bits(session, look_back)[stocks]
        return DayWindow(session, stocks, values, unpack(bits, len(self.panel.names)))

    def table(self, sessions: Sequence[date]) -> DayTable:
        """Several days' cross-sections of the decision session alone, as one flat table."""
        width = len(self.panel.names)
        stocks = [self.members(session) for session in sessions]
        counts = np.array([len(found) for found in stocks], dtype=np.int64)
        values = np.empty((int(counts.sum()), width), dtype=np.float32)
        stops = np.cumsum(counts)
        for session, found, stop in zip(sessions, stocks, stops, strict=True):
            row = self.panel.index(session)
            known = unpack(self.panel.valid_bits[row][found], width)
            values[stop - len(found) : stop] = np.where(known, self.panel.values[row][found], np.float32(np.nan))
        return DayTable(
            tuple(sessions),
            np.repeat(np.arange(len(sessions), dtype=np.int64), counts),
            np.concatenate([*stocks, np.empty(0, dtype=np.int64)]).astype(np.int64),
            values,
        )

    def scores_frame(self, days: DayTable, horizon_d: int, score: npt.NDArray[np.floating]) -> pl.DataFrame:
        """Scores of a flat table as rows (session, code, horizon_d, score), sorted; NaN becomes null."""
        codes = pl.Series("code", self.panel.codes, dtype=pl.String)
        sessions = pl.Series("session", days.sessions, dtype=pl.Date)
        return pl.DataFrame(
            {
                "session": sessions.gather(days.day),
                "code": codes.gather(days.stocks),
                "horizon_d": pl.Series(np.full(len(days.day), horizon_d, dtype=np.int16)),
                "score": pl.Series(np.asarray(score, dtype=np.float64)).fill_nan(None),
            }
        ).sort("session", "code")


def _bad(thing: str, got: str, want: str, remedy: str) -> DatasetError:
    return DatasetError(thing, got=got, want=want, remedy=remedy)
