"""One open of the exchange: which part of the waiting orders trades, at what cost, and why the rest does not.

Orders are differences between target and holding. First everything that makes a position smaller trades, then new
short sales, then purchases, best rank first, as far as free cash goes. Nothing is bought at the upper limit, nothing is
sold (short or not) at the lower one, nothing trades without an open. Openings are whole lots; a position that is closed
goes with its odd lot. What does not trade stays an order until the next decision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.evaluation.backtest.costs import Rules, commission_jpy, impact_jpy, spread_jpy
from gogoku_pipeline.evaluation.backtest.market import MarketGrid

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

REFUSALS = ("no_trade", "limit_up", "limit_down", "participation", "cash", "lot")
"""Why an order, or a part of it, did not trade."""
NO_TRADE, LIMIT_UP, LIMIT_DOWN, PARTICIPATION, CASH, LOT = range(len(REFUSALS))
COMMISSION, SPREAD, IMPACT = range(3)


class Open(NamedTuple):
    """One session's open, arrays [N]; see MarketGrid."""

    price: Floats
    base: Floats
    volume: Floats
    volatility: Floats
    tick: Floats
    at_lower: Flags
    at_upper: Flags


class Book(NamedTuple):
    """What is owned and wanted: shares [N] (short below 0), target [N], cash [1], traded today [N]."""

    shares: Wholes
    target: Wholes
    cash: Floats
    used: Floats


class Fills(NamedTuple):
    """What one open traded, first `rows[0]` rows: names [F], shares [F] (sold below 0), costs [F, 3].

    `refused` [reasons, 2]: orders and yen at base price that did not trade.
    """

    names: Wholes
    shares: Wholes
    costs: Floats
    rows: Wholes
    refused: Floats


def new_book(names: int, cash: float) -> Book:
    """Nothing owned but cash."""
    return Book(np.zeros(names, np.int64), np.zeros(names, np.int64), np.array([cash]), np.zeros(names))


def new_fills(names: int) -> Fills:
    """Room for one open."""
    rows = 3 * names
    return Fills(
        np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros((rows, 3)), np.zeros(1, np.int64),
        np.zeros((len(REFUSALS), 2)),
    )  # fmt: skip


def open_of(grid: MarketGrid, row: int) -> Open:
    """The open of one session."""
    return Open(
        grid.opening[row], grid.base[row], grid.volume[row], grid.volatility[row], grid.tick[row],
        grid.at_lower[row], grid.at_upper[row],
    )  # fmt: skip


@compiled
def fill_open(day: Open, book: Book, queue: Wholes, rules: Rules, out: Fills) -> None:
    """Trade one open; `queue` holds the wanted long positions, best rank first."""
    out.rows[0] = 0
    out.refused[:] = 0.0
    book.used[:] = 0.0
    for name in range(book.shares.size):
        held, wanted = book.shares[name], book.target[name]
        if held > 0 and wanted < held:
            _trade(day, book, rules, out, name, -_smaller(held, max(wanted, 0), rules.lot_shares), -np.inf)
        elif held < 0 and wanted > held:
            _trade(day, book, rules, out, name, _smaller(-held, max(-wanted, 0), rules.lot_shares), -np.inf)
    for name in range(book.shares.size):
        if book.target[name] < 0 and book.target[name] < book.shares[name] <= 0:
            lots = (book.shares[name] - book.target[name]) // rules.lot_shares
            _trade(day, book, rules, out, name, -lots * rules.lot_shares, -np.inf)
    reserved = _short_value(day, book)
    for name in queue:
        if book.target[name] > book.shares[name] >= 0:
            lots = (book.target[name] - book.shares[name]) // rules.lot_shares
            _trade(day, book, rules, out, name, lots * rules.lot_shares, reserved)


@compiled
def _smaller(held: int, wanted: int, lot: int) -> int:
    """Shares to give up: all with the odd lot, or whole lots."""
    return held if wanted == 0 else (held - wanted) // lot * lot


@compiled
def _trade(day: Open, book: Book, rules: Rules, out: Fills, name: int, shares: int, reserved: float) -> None:
    """Trade up to `shares` of one name (sold below 0) without touching `reserved` cash; write down what did not."""
    if shares == 0:
        return
    size, is_buy = abs(shares), shares > 0
    if np.isnan(day.price[name]):
        _refuse(day, out, NO_TRADE, name, size)
    elif is_buy and day.at_upper[name]:
        _refuse(day, out, LIMIT_UP, name, size)
    elif not is_buy and day.at_lower[name]:
        _refuse(day, out, LIMIT_DOWN, name, size)
    else:
        allowed = _whole(_capacity(day, book, rules, name), size, rules.lot_shares)
        if allowed < size:
            _refuse(day, out, PARTICIPATION, name, size - allowed)
        if is_buy and allowed > 0 and reserved > -np.inf:
            payable = _payable(day, book.cash[0] - reserved, rules, name, allowed)
            if payable < allowed:
                _refuse(day, out, CASH, name, allowed - payable)
            allowed = payable
        if allowed > 0:
            _settle(day, book, rules, out, name, allowed if is_buy else -allowed)


@compiled
def _capacity(day: Open, book: Book, rules: Rules, name: int) -> float:
    """Shares of a name that may still trade today."""
    if np.isnan(day.volume[name]):
        return 0.0
    return rules.participation * day.volume[name] - book.used[name] + 1e-9  # type: ignore[no-any-return]


@compiled
def _whole(limit: float, size: int, lot: int) -> int:
    """The order, or the whole lots of it that fit."""
    return size if size <= limit else int(max(limit, 0.0) // lot) * lot


@compiled
def _short_value(day: Open, book: Book) -> float:
    """Yen that closing every short position would take: the proceeds of short sales buy nothing."""
    value = 0.0
    for name in range(book.shares.size):
        if book.shares[name] < 0:
            value -= book.shares[name] * (day.base[name] if np.isnan(day.price[name]) else day.price[name])
    return value


@compiled
def _payable(day: Open, free: float, rules: Rules, name: int, size: int) -> int:
    """Whole lots that free cash pays together with their costs."""
    lot, price = rules.lot_shares, day.price[name]
    lots = min(size // lot, int(max(free, 0.0) // (price * lot)))
    while lots > 0:
        bought = lots * lot
        value = bought * price
        cost = (
            commission_jpy(value, rules)
            + spread_jpy(bought, day.tick[name], rules)
            + impact_jpy(value, bought, day.volume[name], day.volatility[name], rules)
        )
        if value + cost <= free:
            break
        lots -= 1
    return lots * lot


@compiled
def _settle(day: Open, book: Book, rules: Rules, out: Fills, name: int, shares: int) -> None:
    """Book one fill."""
    size, value = abs(shares), abs(shares) * day.price[name]
    row = out.rows[0]
    out.names[row], out.shares[row] = name, shares
    out.costs[row, COMMISSION] = commission_jpy(value, rules)
    out.costs[row, SPREAD] = spread_jpy(size, day.tick[name], rules)
    out.costs[row, IMPACT] = impact_jpy(value, size, day.volume[name], day.volatility[name], rules)
    out.rows[0] = row + 1
    book.shares[name] += shares
    book.used[name] += size
    book.cash[0] -= shares * day.price[name] + out.costs[row, :].sum()


@compiled
def _refuse(day: Open, out: Fills, reason: int, name: int, shares: int) -> None:
    """Count what did not trade."""
    out.refused[reason, 0] += 1
    if not np.isnan(day.base[name]):
        out.refused[reason, 1] += shares * day.base[name]
