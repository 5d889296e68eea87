"""From a long table of returns to a dense one: sessions down, codes across."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.sessions import SessionCalendar

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Given = TypeVar("Given")

COLUMNS = ("session", "code", "ret_1d", "xs_ret_1d", "is_in_universe")
"""What every graph reads."""

OPTIONAL = ("ret_5d", "mkt_ret_1d", "sector33_code", "market_code")
"""What some of its features, attributes and options read besides."""


@dataclass(frozen=True)
class Labels:
    """A text per session and code, as numbers.

    Attributes:
        names: the distinct texts, ascending.
        places: [sessions, codes] place in `names`; -1 where there is none.
    """

    names: pl.Series
    places: npt.NDArray[np.int32]


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
        returns_5d: [sessions, codes] return of five sessions; None when the table has no such column.
        topix: [sessions] return of TOPIX; likewise.
        sector: TSE 33 sector; likewise. No ordinary share is in 9999 (others).
        section: market section; likewise.
    """

    sessions: tuple[date, ...]
    codes: pl.Series
    returns: Floats
    market: Floats
    is_listed: npt.NDArray[np.bool_]
    is_in_universe: npt.NDArray[np.bool_]
    returns_5d: Floats | None = None
    topix: Floats | None = None
    sector: Labels | None = None
    section: Labels | None = None

    def place(self, session: date) -> int:
        """Row of a session; raises DataError when the returns have none for it."""
        at = int(np.searchsorted(np.array(self.sessions, dtype="datetime64[D]"), np.datetime64(session)))
        if at == len(self.sessions) or self.sessions[at] != session:
            raise DataError(
                f"graph of {session}",
                got="no row of returns on that session",
                want="returns of the session and of the sessions before it",
                remedy="Materialise feat__prices and feat__market for it first.",
            )
        return at

    def before(self, session: date, lag: int) -> date | None:
        """The session `lag` places earlier; None when the table does not reach that far."""
        at = self.place(session) - lag
        return self.sessions[at] if at >= 0 else None


def needed(values: Given | None, column: str, by: str) -> Given:
    """What an optional column holds; a table of returns without it is refused by the name of what reads it."""
    if values is None:
        raise SchemaError(
            "returns for the graph",
            got=f"no column {column!r}",
            want=f"{column}, which {by} reads",
            remedy="Take the returns from graph_returns, or change the graph's settings.",
        )
    return values


def return_matrix(returns: pl.DataFrame, calendar: SessionCalendar | None = None) -> ReturnMatrix:
    """Lay a long table of returns out by session and code.

    Args:
        returns: `session, code, ret_1d, xs_ret_1d, is_in_universe`, unique by (session, code), in any row order, and
            any of OPTIONAL. Null, NaN and infinite returns are all "no return".
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
    flat = down * len(codes) + codes.search_sorted(rows["code"]).to_numpy()
    if np.unique(flat).size != flat.size:
        raise SchemaError(
            "returns for the graph",
            got=f"{flat.size - np.unique(flat).size} repeated (session, code) rows",
            want="one row per session and code",
            remedy="Join universe and features on (session, code) with validate='1:1'.",
        )
    shape = (len(sessions), len(codes))
    listed, member = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    listed.flat[flat] = True
    member.flat[flat] = rows["is_in_universe"].fill_null(False).to_numpy()
    has = set(rows.columns)
    return ReturnMatrix(
        sessions,
        codes,
        _laid_out(rows["ret_1d"], flat, shape),
        _per_session(rows["xs_ret_1d"], down, shape[0]),
        listed,
        member,
        returns_5d=_laid_out(rows["ret_5d"], flat, shape) if "ret_5d" in has else None,
        topix=_per_session(rows["mkt_ret_1d"], down, shape[0]) if "mkt_ret_1d" in has else None,
        sector=_labels(rows["sector33_code"], flat, shape) if "sector33_code" in has else None,
        section=_labels(rows["market_code"], flat, shape) if "market_code" in has else None,
    )


def _checked(returns: pl.DataFrame) -> pl.DataFrame:
    if missing := [name for name in COLUMNS if name not in returns.columns]:
        raise SchemaError(
            "returns for the graph",
            got=f"no columns {missing}",
            want=f"columns {list(COLUMNS)}",
            remedy="Select ret_1d, xs_ret_1d from the features and is_in_universe from core__universe.",
        )
    return returns.select(*COLUMNS, *(name for name in OPTIONAL if name in returns.columns))


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


def _per_session(column: pl.Series, down: Places, n_sessions: int) -> Floats:
    values = _finite(column)
    known = np.isfinite(values)
    market = np.full(n_sessions, np.nan)
    market[down[known]] = values[known]
    if bool(np.any(market[down[known]] != values[known])):
        raise DataError(
            "returns for the graph",
            got=f"two different {column.name} on one session",
            want="one market return per session",
            remedy=f"{column.name} is a market feature: join it by session.",
        )
    return market


def _laid_out(column: pl.Series, flat: Places, shape: tuple[int, int]) -> Floats:
    values = np.full(shape, np.nan)
    values.flat[flat] = _finite(column)
    return values


def _labels(column: pl.Series, flat: Places, shape: tuple[int, int]) -> Labels:
    known = column.cast(pl.String)
    names = known.drop_nulls().unique().sort()
    numbers = names.search_sorted(known.fill_null("")).cast(pl.Int32).to_numpy()
    places = np.full(shape, -1, dtype=np.int32)
    places.flat[flat] = np.where(known.is_null().to_numpy(), -1, numbers)
    return Labels(names, places)


def _finite(values: pl.Series) -> Floats:
    numbers = values.cast(pl.Float64).to_numpy().astype(np.float64, copy=True)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
