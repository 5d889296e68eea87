"""From a long table of returns to the dense window of one session: nodes, returns, session weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.exact import fit_residuals

Floats = npt.NDArray[np.float64]

COLUMNS = ("session", "code", "ret_1d", "xs_ret_1d", "is_in_universe")


@dataclass(frozen=True)
class ReturnMatrix:
    """Daily returns as a dense table: sessions down, codes across.

    Attributes:
        sessions: the session axis, ascending.
        codes: the code axis, ascending: ties are broken by place here, so never by row order.
        returns: [sessions, codes] Float64, NaN where there is none.
        market: [sessions] equal-weighted market return, NaN where there is none.
        is_listed: [sessions, codes] the code has a row on the session.
        is_in_universe: [sessions, codes] the row says so.
    """

    sessions: tuple[date, ...]
    codes: pl.Series
    returns: Floats
    market: Floats
    is_listed: npt.NDArray[np.bool_]
    is_in_universe: npt.NDArray[np.bool_]

    def place(self, session: date) -> int:
        """Row of a session; raises DataError when the returns have none for it."""
        if session not in self.sessions:
            raise DataError(
                f"graph of {session}",
                got="no row of returns on that session",
                want="returns of the session and of the sessions before it",
                remedy="Materialise feat__prices and feat__market for it first.",
            )
        return self.sessions.index(session)


@dataclass(frozen=True)
class DayWindow:
    """What the graph of one session stands on.

    Attributes:
        session: the session t.
        nodes: places on the code axis of the stocks in the graph, ascending; empty on a degenerate day.
        residuals: [nodes, window + 1] Float64, oldest session first (t - window .. t), NaN where there is no return.
        weights: [window] weight of each of the last `window` sessions; they sum to one.
    """

    session: date
    nodes: npt.NDArray[np.int64]
    residuals: Floats
    weights: Floats


def session_weights(config: GraphConfig) -> Floats:
    """Weight of each session of the window, oldest first: 0.5 ** (age / half_life), summing to one."""
    age = np.arange(config.window - 1, -1, -1, dtype=np.float64)
    raw = 0.5 ** (age / config.half_life)
    weights: Floats = raw / raw.sum()
    return weights


def return_matrix(returns: pl.DataFrame, calendar: SessionCalendar | None = None) -> ReturnMatrix:
    """Lay a long table of returns out by session and code.

    Args:
        returns: `session, code, ret_1d, xs_ret_1d, is_in_universe`, unique by (session, code), in any row order.
            Null, NaN and infinite returns are all "no return".
        calendar: the sessions that occupy a place in the windows; None takes the sessions found in `returns`.

    Raises:
        SchemaError: columns are missing or a (session, code) appears twice.
        DataError: two market returns on one session, or a session outside the calendar.
    """
    rows = _checked(returns)
    sessions = _session_axis(rows, calendar)
    codes = rows["code"].unique().sort()
    days = np.array(sessions, dtype="datetime64[D]")
    down = np.searchsorted(days, rows["session"].to_numpy().astype("datetime64[D]"))
    across = codes.search_sorted(rows["code"]).to_numpy()
    flat = down * len(codes) + across
    if np.unique(flat).size != flat.size:
        raise SchemaError(
            "returns for the graph",
            got=f"{flat.size - np.unique(flat).size} repeated (session, code) rows",
            want="one row per session and code",
            remedy="Join universe and features on (session, code) with validate='1:1'.",
        )
    shape = (len(sessions), len(codes))
    values = np.full(shape, np.nan)
    values.flat[flat] = _finite(rows["ret_1d"])
    listed, member = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    listed.flat[flat] = True
    member.flat[flat] = rows["is_in_universe"].fill_null(False).to_numpy()
    return ReturnMatrix(sessions, codes, values, _market(rows, down, len(sessions)), listed, member)


def day_window(matrix: ReturnMatrix, session: date, config: GraphConfig) -> DayWindow:
    """The residual returns on which the graph of one session stands; reads nothing after the session.

    A node is a stock that is in the universe on t with at least `min_sessions` returns in the window. Its residual is
    e = r - a - b * market, where a and b are its weighted least squares over the sessions in which both exist; the
    weights are those of the correlation, so that no part of the market is left in a weighted correlation. The session
    before the window (used by the lead-lag feature only) gets the residual of the same a and b.
    """
    place = matrix.place(session)
    width = config.window + 1
    rows = slice(max(0, place + 1 - width), place + 1)
    market = _pad_head(matrix.market[rows], width)
    returns = _pad_head(matrix.returns[rows], width)
    seen = np.isfinite(returns) & np.isfinite(market)[:, None]
    nodes = np.flatnonzero(matrix.is_in_universe[place] & (seen[1:].sum(axis=0) >= config.min_sessions))
    weights = session_weights(config)
    if nodes.size < config.min_nodes:
        return DayWindow(session, np.empty(0, dtype=np.int64), np.empty((0, width)), weights)
    residuals = fit_residuals(np.ascontiguousarray(returns[:, nodes].T), market, weights)
    return DayWindow(session, nodes, residuals, weights)


def _checked(returns: pl.DataFrame) -> pl.DataFrame:
    if missing := [name for name in COLUMNS if name not in returns.columns]:
        raise SchemaError(
            "returns for the graph",
            got=f"no columns {missing}",
            want=f"columns {list(COLUMNS)}",
            remedy="Select ret_1d, xs_ret_1d from the features and is_in_universe from core__universe.",
        )
    return returns.select(COLUMNS)


def _session_axis(rows: pl.DataFrame, calendar: SessionCalendar | None) -> tuple[date, ...]:
    found: list[date] = rows["session"].unique().sort().to_list()
    if calendar is None or not found:
        return tuple(found)
    axis = calendar.between(found[0], found[-1])
    if strangers := sorted(set(found) - set(axis)):
        raise DataError(
            "returns for the graph",
            got=f"rows on {strangers[:3]}",
            want="rows on sessions of the calendar",
            remedy="Pass the calendar the returns were built on.",
        )
    return tuple(axis)


def _market(rows: pl.DataFrame, down: npt.NDArray[np.int64], n_sessions: int) -> Floats:
    values = _finite(rows["xs_ret_1d"])
    known = np.isfinite(values)
    market = np.full(n_sessions, np.nan)
    market[down[known]] = values[known]
    if bool(np.any(market[down[known]] != values[known])):
        raise DataError(
            "returns for the graph",
            got="two different xs_ret_1d on one session",
            want="one market return per session",
            remedy="xs_ret_1d is a market feature: join it by session.",
        )
    return market


def _finite(values: pl.Series) -> Floats:
    numbers = values.cast(pl.Float64).to_numpy().astype(np.float64, copy=True)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _pad_head(values: Floats, length: int) -> Floats:
    if len(values) == length:
        return values
    head = np.full((length - len(values), *values.shape[1:]), np.nan)
    return np.concatenate([head, values])
