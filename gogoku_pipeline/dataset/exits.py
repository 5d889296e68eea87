"""Where a trade begins and ends: entry at the next open, exit h sessions later, and what happens when neither opens.

A decision of session t enters at the open of t+1 and leaves at the open of t+1+h. Everything here looks forward, so
nothing outside `dataset` may import it. Arrays are [sessions, stocks]; -1 means "no such session".
Source: evaluation.md 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

LATE_EXIT_SESSIONS = 5
"""How many sessions after the planned exit an open is still accepted."""

NO_ENTRY, LATE_EXIT, DELISTED, NOT_YET, NO_EXIT = "no_entry", "late_exit", "delisted", "not_yet", "no_exit"
REASONS = ("", NO_ENTRY, LATE_EXIT, DELISTED, NOT_YET, NO_EXIT)
"""Reason by code; place 0 is an ordinary trade and becomes null."""


@dataclass(frozen=True)
class PriceGrid:
    """Adjusted prices on a dense grid.

    Attributes:
        sessions: rows of the grid, every exchange session of the data.
        codes: columns of the grid, sorted.
        opening: open prices [T, N], NaN where nothing traded.
        closing: close prices [T, N], NaN where nothing traded.
        last_listed: row of each stock's last listed session [N].
    """

    sessions: tuple[date, ...]
    codes: tuple[str, ...]
    opening: Floats
    closing: Floats
    last_listed: Ints


@dataclass(frozen=True)
class Trades:
    """What each decision [T, N] would have earned over one horizon.

    Attributes:
        ret_open: open-to-open return, NaN where there is none.
        exit_row: row of the price the trade left at, -1 without one.
        known_row: row from whose evening the outcome is known, -1 while it is not.
        reason: place in REASONS.
    """

    ret_open: Floats
    exit_row: Ints
    known_row: Ints
    reason: npt.NDArray[np.int8]


def price_grid(prices: pl.DataFrame, sessions: Sequence[date]) -> PriceGrid:
    """Lay staged prices out on [sessions, stocks].

    Args:
        prices: stage_prices frame: session, code, open, close (adjusted), is_gap.
        sessions: every exchange session from the first to the last of `prices`.
    """
    listed = prices.filter(~pl.col("is_gap")) if "is_gap" in prices.columns else prices
    days = pl.DataFrame({"session": list(sessions)}, schema={"session": pl.Date}).with_row_index("row")
    codes = listed.select(pl.col("code").unique().sort()).with_row_index("column")
    places = listed.select("session", "code", "open", "close").join(days, on="session").join(codes, on="code")
    row, column = places["row"].to_numpy(), places["column"].to_numpy()
    shape = (days.height, codes.height)
    opening, closing = np.full(shape, np.nan), np.full(shape, np.nan)
    opening[row, column] = places["open"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    closing[row, column] = places["close"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    last = np.full(codes.height, -1, dtype=np.int32)
    np.maximum.at(last, column, row.astype(np.int32))
    return PriceGrid(tuple(sessions), tuple(codes["code"].to_list()), opening, closing, last)


def _shifted(values: npt.NDArray[np.float64], n: int) -> Floats:
    """Value of n sessions later, NaN beyond the data."""
    moved = np.full(values.shape, np.nan)
    if n < len(values):
        moved[: len(values) - n] = values[n:]
    return moved


def _last_traded(closing: Floats, last_listed: Ints) -> tuple[Floats, Ints]:
    """Last traded price of each stock [N] and its row, up to its last listed session."""
    rows = np.arange(len(closing), dtype=np.int32)[:, None]
    traded = np.where(np.isfinite(closing) & (rows <= last_listed[None, :]), rows, np.int32(-1))
    final = traded.max(axis=0).astype(np.int32)
    price = closing[np.maximum(final, 0), np.arange(closing.shape[1])]
    return np.where(final >= 0, price, np.nan), final


def open_to_open(grid: PriceGrid, horizon_d: int) -> Trades:
    """Outcome of every decision on the grid over one horizon.

    An exit without an open takes the next open within 5 sessions (`late_exit`); a stock that disappears by then
    leaves at its last traded price (`delisted`); one that stays listed without an open has no label (`no_exit`).
    An outcome that the data cannot decide yet is `not_yet`, and once decided it never changes.
    """
    count, last_row = len(grid.sessions), len(grid.sessions) - 1
    planned = np.arange(count, dtype=np.int32)[:, None] + np.int32(1 + horizon_d)
    entry = _shifted(grid.opening, 1)
    price = np.full(grid.opening.shape, np.nan)
    exit_row = np.full(grid.opening.shape, -1, dtype=np.int32)
    for late in range(LATE_EXIT_SESSIONS + 1):
        candidate = _shifted(grid.opening, 1 + horizon_d + late)
        take = np.isnan(price) & np.isfinite(candidate)
        price = np.where(take, candidate, price)
        exit_row = np.where(take, planned + np.int32(late), exit_row)
    known = exit_row.copy()
    reason = np.where(exit_row > planned, REASONS.index(LATE_EXIT), 0).astype(np.int8)

    open_end = np.isnan(price)
    final_price, final_row = _last_traded(grid.closing, grid.last_listed)
    limit = planned + np.int32(LATE_EXIT_SESSIONS)
    gone = (grid.last_listed < last_row)[None, :] & (grid.last_listed[None, :] < limit) & (planned <= last_row)
    delisted = open_end & gone
    price = np.where(delisted, final_price[None, :], price)
    exit_row = np.where(delisted, final_row[None, :], exit_row)
    known = np.where(delisted, np.maximum(planned, grid.last_listed[None, :] + 1), known)
    reason = np.where(delisted, REASONS.index(DELISTED), reason)
    undecided = open_end & ~gone & (limit > last_row)
    stuck = open_end & ~gone & ~undecided
    reason = np.where(undecided, REASONS.index(NOT_YET), np.where(stuck, REASONS.index(NO_EXIT), reason))
    known = np.where(stuck, limit, known)
    return _without_entry(Trades(price / entry - 1.0, exit_row, known, reason.astype(np.int8)), entry)


def _without_entry(trades: Trades, entry: Floats) -> Trades:
    """Mark the decisions whose entry never opened, and those whose entry lies beyond the data."""
    count = len(entry)
    missing = np.isnan(entry)
    beyond = np.zeros(entry.shape, dtype=bool)
    beyond[count - 1 :] = True
    rows = np.arange(count, dtype=np.int32)[:, None]
    reason = np.where(missing, REASONS.index(NO_ENTRY), trades.reason)
    reason = np.where(beyond, REASONS.index(NOT_YET), reason).astype(np.int8)
    known = np.where(missing, rows + np.int32(1), trades.known_row)
    return Trades(
        ret_open=np.where(missing, np.nan, trades.ret_open),
        exit_row=np.where(missing, np.int32(-1), trades.exit_row).astype(np.int32),
        known_row=np.where(beyond, np.int32(-1), known).astype(np.int32),
        reason=reason,
    )


def close_to_close(grid: PriceGrid, horizon_d: int) -> Floats:
    """Return from the close of t to the close of t+h [T, N]: for comparison with published tables only."""
    return np.asarray(_shifted(grid.closing, horizon_d) / grid.closing - 1.0)
