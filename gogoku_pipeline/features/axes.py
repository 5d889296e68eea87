"""The dense tables formulas run on: every stock's sessions in one piece, and the sessions themselves.

Belongs here: turning frames in any row order into arrays grouped by stock, places of sessions, membership cells.
Does not belong here: formulas.

Shapes: `rows` = all (code, session) rows, codes ascending, each code's sessions consecutive; `starts` [codes + 1];
`place` [rows] = number of the row's session; a (group, session) cell is group * sessions + place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.core.errors import DataError, FeatureError
from gogoku_pipeline.features.crowd import Crowd, SessionOrder, looked_up, rows_at
from gogoku_pipeline.features.expressions import Claims, Values, Whole
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.operators.ordering import Places
from gogoku_pipeline.features.price_arrays import PriceArrays
from gogoku_pipeline.features.staged import Releases, floats, read_releases, spread
from gogoku_pipeline.features.states.register import STATES
from gogoku_pipeline.features.states.state import State


@dataclass(frozen=True)
class StockAxis:
    """Stocks by sessions, as arrays.

    Attributes:
        codes: ascending; sessions: every session of prices and index, ascending (days since 1970).
        starts: [codes + 1] first row of each code; place: [rows] number of the session.
        inputs: the inputs; row_of_price: [price rows] where each row of `inputs.prices` went.
        groups: grouping to labels that have cells even where no row carries them.
        members_since: session before which nobody asks who was a member or in which group; None for never.
    """

    codes: pl.Series
    sessions: Whole
    starts: Whole
    place: Whole
    inputs: FeatureInputs
    row_of_price: Whole
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    members_since: date | None = None

    @property
    def rows(self) -> int:
        """Number of rows, gaps included."""
        return int(self.place.size)

    @cached_property
    def _prices(self) -> PriceArrays:
        return PriceArrays(self.inputs.prices, self.row_of_price)

    def price(self, name: str) -> Values:
        """A price input by its expression name, NaN for null."""
        return self._prices.of(name)

    def keep_only(self, prices: set[str], states: set[str]) -> None:
        """Let go of price inputs and states that are not named; asked for again, they are made again."""
        self._prices.keep_only(prices)
        for alias in set(self._staged) - states:
            del self._staged[alias]

    @cached_property
    def is_gap(self) -> Claims:
        """Rows that only hold a place: the issue has no bar between its first and last one."""
        return self._prices.claim("is_gap")

    @cached_property
    def code_id(self) -> Places:
        """[rows] number of the row's code."""
        return np.repeat(np.arange(len(self.codes), dtype=np.int32), np.diff(self.starts))

    def locate(self, frame: pl.DataFrame) -> Whole:
        """[frame rows] the row of this axis that each (session, code) means; -1 where there is none."""
        return self.row_at(_code_ids(frame["code"], self.codes), places(frame["session"], self.sessions))

    @cached_property
    def _universe(self) -> pl.DataFrame:
        since, rows = self.members_since, self.inputs.universe
        return rows if since is None else rows.filter(pl.col("session") >= since)

    @cached_property
    def _universe_rows(self) -> Places:
        return self.locate(self._universe).astype(np.int32)

    @cached_property
    def member(self) -> Claims:
        """[rows] whether the stock belongs to U on that session; a session without a universe row is outside."""
        out = np.zeros(self.rows, dtype=np.bool_)
        known = self._universe_rows >= 0
        claims = self._universe["is_in_universe"].fill_null(False).to_numpy()
        out[self._universe_rows[known]] = claims[known]
        return out

    @cached_property
    def by_session(self) -> SessionOrder:
        """The rows session after session."""
        return SessionOrder.of(self.place, int(self.sessions.size))

    @cached_property
    def _crowds(self) -> dict[str, Crowd]:
        return {}

    def crowd(self, by: str) -> Crowd:
        """Who is compared with whom: the members of each session (`by` = "session") or of each sector on it."""
        if by not in self._crowds:
            self._crowds[by] = Crowd.of(self.by_session, self.member, *self.cells(by))
        return self._crowds[by]

    @cached_property
    def _cells(self) -> dict[str, tuple[Whole, pl.Series]]:
        return {}

    def cells(self, by: str) -> tuple[Whole, int]:
        """[rows] cell of the session (`by` = "session") or of the sector on the session, -1 for none; and how many."""
        if by == "session":
            return self.place, self.sessions.size
        if by not in self._cells:
            labels = self._universe[f"{by}_code"]
            more = pl.Series(labels.name, self.groups.get(by, ()), dtype=labels.dtype)
            names = pl.concat([labels.drop_nulls().unique(), more]).unique().sort()
            ids = _code_ids(labels, names)
            out = np.full(self.rows, -1, dtype=np.int64)
            known = (self._universe_rows >= 0) & (ids >= 0)
            rows = self._universe_rows[known]
            out[rows] = ids[known] * self.sessions.size + self.place[rows]
            self._cells[by] = (out, names)
        cell, names = self._cells[by]
        return cell, len(names) * self.sessions.size

    def labels(self, by: str) -> pl.Series:
        """Labels of a grouping, in the order of its cells."""
        self.cells(by)
        return self._cells[by][1]

    @cached_property
    def _staged(self) -> dict[str, dict[str, Values] | Releases]:
        return {}

    def staged(self, alias: str) -> tuple[State, dict[str, Values] | Releases]:
        """A state's columns on its own table ([rows], [sessions] or [sector33 cells]), or its releases."""
        state = STATES[alias]
        if alias not in self._staged:
            frame = state.frame(self.inputs.known)
            self._staged[alias] = self._releases(state, frame) if state.axis == "release" else self._laid(state, frame)
        return state, self._staged[alias]

    def releases(self, alias: str) -> Releases:
        """A release state by its alias; raises FeatureError for a state of another axis."""
        state, found = self.staged(alias)
        if isinstance(found, Releases):
            return found
        raise FeatureError(
            f"state {alias}", got=f"axis {state.axis}", want="releases", remedy="Declare the feature on another axis."
        )

    def rows_of(self, axis: str, by: str) -> Whole | None:
        """[rows] which place of another table each row reads, -1 for none; None for a table of rows."""
        if axis == "market":
            return self.place
        if axis in ("group", "sector33"):
            return self.cells(by or "sector33")[0]
        if axis == "release":
            found = self.releases(by)
            return found.newest if STATES[by].unit else found.newest[self.place]
        return None

    def row_at(self, code: Whole, place: Whole) -> Whole:
        """The row of a code on a session, by their numbers; -1 where there is none."""
        return np.asarray(rows_at(code, place, self.starts, self.place[self.starts[:-1]]))

    def _laid(self, state: State, frame: pl.DataFrame) -> dict[str, Values]:
        if state.axis == "stock":
            where, size = self.locate(frame), self.rows
        elif state.axis == "market":
            where, size = places(frame["session"], self.sessions), int(self.sessions.size)
        else:
            where, size = self._cell_of(frame)
        return {name: spread(floats(frame, name), where, size) for name in state.columns}

    def _cell_of(self, frame: pl.DataFrame) -> tuple[Whole, int]:
        size = self.cells("sector33")[1]
        ids = _code_ids(frame["sector33_code"], self._cells["sector33"][1])
        place = places(frame["session"], self.sessions)
        return np.where((ids >= 0) & (place >= 0), ids * self.sessions.size + place, -1), size

    def _releases(self, state: State, frame: pl.DataFrame) -> Releases:
        def place_of(days: pl.Series) -> Whole:
            return places(days.fill_null(date(1970, 1, 1)), self.sessions)

        if not state.unit:
            bounds = np.array([0, self.sessions.size])
            return read_releases(
                state, frame, place_of, np.zeros(frame.height, np.int64), bounds, np.zeros(1, np.int64)
            )
        ids = _code_ids(frame[state.unit], self.codes)
        return read_releases(state, frame, place_of, ids, self.starts, self.place[self.starts[:-1]])

    def index(self, name: str) -> Values:
        """[sessions] TOPIX: `close` (null on a halt) or `carried` (over at most one halt session)."""
        topix = self.inputs.topix
        where = places(topix["session"], self.sessions)
        close = np.full(self.sessions.size, np.nan)
        halted = np.zeros(self.sessions.size, dtype=np.bool_)
        close[where] = topix["close_points"].cast(pl.Float64).to_numpy()
        halted[where] = topix["is_market_halt"].fill_null(False).to_numpy()
        close[halted] = np.nan
        if name == "close" or close.size == 0:
            return close
        before = np.concatenate(([np.nan], close[:-1]))
        return np.where(halted, before, close)


def build_axis(inputs: FeatureInputs) -> StockAxis:
    """Arrange the staged prices by stock; raises DataError where a stock's sessions are doubled or not consecutive."""
    prices = inputs.prices
    codes = prices["code"].unique().sort()
    days = pl.concat([prices["session"].unique(), inputs.topix["session"].unique()]).unique().sort()
    sessions = days.to_physical().to_numpy().astype(np.int64)
    ids = _code_ids(prices["code"], codes)
    place = places(prices["session"], sessions)
    first, last, held = spans(ids, place, len(codes))
    if (last - first + 1 != held).any():
        bad = int(np.flatnonzero(last - first + 1 != held)[0])
        raise DataError(
            f"staged prices of {codes[bad]}",
            got=f"{held[bad]} rows between its first and last session, which span {last[bad] - first[bad] + 1}",
            want="exactly one row per session (gaps as rows with is_gap)",
            remedy="Stage every session of the range with tables.stage_prices and fetch missing ones.",
        )
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(held)))
    rows = np.asarray(rows_at(ids, place, starts, first))
    placed = np.full(rows.size, -1, np.int64)
    placed[rows] = place
    if (placed < 0).any():
        raise DataError(
            "staged prices",
            got="a (session, code) twice",
            want="unique keys",
            remedy="Check the keys of core_jquants__daily_bars.",
        )
    return StockAxis(codes, sessions, starts, placed, inputs, rows)


def places(session: pl.Series, sessions: Whole) -> Whole:
    """Number of each session in the ascending list; -1 for one that is not in it."""
    days = session.to_physical().to_numpy().astype(np.int64)
    if sessions.size == 0:
        return np.full(days.size, -1, dtype=np.int64)
    table = np.full(int(sessions[-1] - sessions[0]) + 1, -1, dtype=np.int64)
    table[sessions - sessions[0]] = np.arange(sessions.size)
    return np.asarray(looked_up(days - sessions[0], table))


def _code_ids(labels: pl.Series, names: pl.Series) -> Whole:
    if len(names) == 0:
        return np.full(len(labels), -1, dtype=np.int64)
    ids = labels.cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int64).fill_null(-1)
    return np.asarray(ids.to_numpy(), dtype=np.int64)


@compiled
def spans(ids: Whole, place: Whole, codes: int) -> tuple[Whole, Whole, Whole]:
    """First place, last place and number of rows of each code."""
    first = np.full(codes, np.int64(2**62))
    last = np.full(codes, np.int64(-1))
    held = np.zeros(codes, np.int64)
    for i in range(ids.size):
        first[ids[i]] = min(first[ids[i]], place[i])
        last[ids[i]] = max(last[ids[i]], place[i])
        held[ids[i]] += 1
    return first, last, held
