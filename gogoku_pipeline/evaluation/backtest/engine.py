"""The backtest: session after session from scores to accounts. Orders from scores of t fill at the open of t+1.

A session runs: dividends and borrowing fees on what was held overnight; splits, rights and delistings; the open; the
close, at which everything is valued; the decision, if this session makes one. Cash earns nothing, gains are not taxed.
Source: evaluation protocol, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.costs import rules_of
from gogoku_pipeline.evaluation.backtest.fills import Book, fill_open, new_book, new_fills, open_of
from gogoku_pipeline.evaluation.backtest.market import MarketGrid
from gogoku_pipeline.evaluation.backtest.orders import decide, says_something
from gogoku_pipeline.evaluation.backtest.schedule import Plan

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

YEAR_DAYS = 365.0
FLOWS = ("price_pnl_jpy", "dividends_jpy", "commission_jpy", "spread_jpy", "impact_jpy", "borrow_jpy",
         "converted_jpy", "bought_jpy", "sold_jpy")  # fmt: skip


@dataclass
class Journal:
    """What the loop writes down, one entry per session or event; see accounts.py and result.py.

    Attributes:
        worth: (row, equity, cash, long, short, n_long, n_short, is_decision).
        flows: yen by FLOWS since the close before, per session.
        fills: (row, names, shares, prices, costs) per session.
        delisted: (row, name, shares, price) per event.
        held: (row, names, shares) per session.
        refused: (row, reasons x [orders, yen]) per session.
        by_sector: yen earned net of all costs per sector (last place: unknown), per session.
        unaffordable: names that were one lot too dear, over all decisions.
        silent: decisions whose scores ranked too few names, or all equally.
    """

    worth: list[tuple[int, float, float, float, float, int, int, bool]] = field(default_factory=list)
    flows: list[Floats] = field(default_factory=list)
    fills: list[tuple[int, Wholes, Wholes, Floats, Floats]] = field(default_factory=list)
    delisted: list[tuple[int, int, int, float]] = field(default_factory=list)
    held: list[tuple[int, Wholes, Wholes]] = field(default_factory=list)
    refused: list[tuple[int, Floats]] = field(default_factory=list)
    by_sector: list[Floats] = field(default_factory=list)
    unaffordable: int = 0
    silent: int = 0


class Engine:
    """State carried from one session to the next."""

    def __init__(self, grid: MarketGrid, config: BacktestConfig) -> None:
        self.grid, self.config, self.rules = grid, config, rules_of(config)
        names = len(grid.codes)
        self.book: Book = new_book(names, config.capital_jpy)
        self.room = new_fills(names)
        self.queue = np.zeros(0, dtype=np.int64)
        self.days = grid.days()
        self.journal = Journal()

    def run(self, plan: Plan) -> Journal:
        """Walk from the first decision to the last session of a plan."""
        flows, earned = np.zeros(len(FLOWS)), np.zeros(len(self.grid.codes))
        for row in range(plan.first, plan.last + 1):
            if row > plan.first:
                flows[:], earned[:] = 0.0, 0.0
                self._overnight(row, flows, earned)
                self._convert(row, flows)
                self._trade(row, flows, earned)
            is_decision = row in plan.scores
            equity = self._value(row, is_decision)
            self.journal.flows.append(flows.copy())
            self._by_sector(row, earned)
            if is_decision:
                self._decide(row, plan.scores[row], equity)
        return self.journal

    def _overnight(self, row: int, flows: Floats, earned: Floats) -> None:
        """Dividends go ex, and what is sold short is paid for by the calendar day."""
        shares, costs = self.book.shares, self.config.costs
        if (paid := self.grid.payments.get(row)) is not None:
            held = shares[paid.names]
            part = np.where(held > 0, 1.0 - costs.dividend_tax, costs.short_dividend_share)
            money = held * paid.rates * part
            earned[paid.names] += money
            flows[1] += money.sum()
        short = np.flatnonzero(shares < 0)
        if len(short):
            share = costs.borrow_fee * float(self.days[row] - self.days[row - 1]) / YEAR_DAYS
            fees = -shares[short] * self.grid.mark[row - 1, short] * share
            earned[short] -= fees
            flows[5] += fees.sum()
        self.book.cash[0] += flows[1] - flows[5]

    def _convert(self, row: int, flows: Floats) -> None:
        """Splits, rights and delistings: shares become other shares or cash of the same worth."""
        shares, target, grid = self.book.shares, self.book.target, self.grid
        cash = 0.0
        for event in grid.conversions.get(row, ()):
            held, wanted, base = int(shares[event.name]), int(target[event.name]), float(grid.base[row, event.name])
            if event.is_rights:
                cash += held * (float(grid.mark[row - 1, event.name]) - base) if held else 0.0
                continue
            after = _whole(held * event.new, event.old)
            cash += (held * event.new - after * event.old) / event.old * base if held else 0.0
            shares[event.name], target[event.name] = after, _whole(wanted * event.new, event.old)
        gone = np.flatnonzero((grid.last_row < row) & ((shares != 0) | (target != 0)))
        for name in gone.tolist():
            if held := int(shares[name]):
                cash += held * float(grid.base[row, name])
                self.journal.delisted.append((row, name, -held, float(grid.base[row, name])))
            shares[name] = target[name] = 0
        flows[6] = cash
        self.book.cash[0] += cash

    def _trade(self, row: int, flows: Floats, earned: Floats) -> None:
        """The open, and what prices did to what was held before and after it."""
        grid, out = self.grid, self.room
        own = np.flatnonzero(self.book.shares)
        moved = self.book.shares[own] * (grid.mark[row, own] - grid.base[row, own])
        earned[own] += moved
        fill_open(open_of(grid, row), self.book, self.queue, self.rules, out)
        rows = int(out.rows[0])
        names, shares, costs = out.names[:rows].copy(), out.shares[:rows].copy(), out.costs[:rows].copy()
        price = grid.opening[row, names]
        gained = shares * (grid.mark[row, names] - price)
        np.add.at(earned, names, gained - costs.sum(axis=1))
        flows[0] = moved.sum() + gained.sum()
        flows[2:5] = costs.sum(axis=0)
        value = shares * price
        flows[7], flows[8] = value[value > 0].sum(), -value[value < 0].sum()
        self.journal.fills.append((row, names, shares, price, costs))
        self.journal.refused.append((row, out.refused.copy()))

    def _value(self, row: int, is_decision: bool) -> float:
        """Everything at the close; raises EvaluationError when nothing is left."""
        own = np.flatnonzero(self.book.shares)
        shares = self.book.shares[own]
        worth = shares * self.grid.mark[row, own]
        cash, long, short = float(self.book.cash[0]), float(worth[shares > 0].sum()), float(worth[shares < 0].sum())
        equity = cash + long + short
        if not equity > 0:
            raise EvaluationError(
                f"equity of the backtest on {self.grid.sessions[row]}",
                got=f"{equity:,.0f} yen",
                want="something left to trade with",
                remedy="Lower gross_long and gross_short: more was lost than there was.",
            )
        counts = int((shares > 0).sum()), int((shares < 0).sum())
        self.journal.worth.append((row, equity, cash, long, short, *counts, is_decision))
        self.journal.held.append((row, own, shares))
        return equity

    def _by_sector(self, row: int, earned: Floats) -> None:
        """What each sector earned."""
        places = len(self.grid.sectors)
        sector = np.where(self.grid.sector[row] >= 0, self.grid.sector[row], places)
        self.journal.by_sector.append(np.bincount(sector, earned, places + 1).astype(np.float64))

    def _decide(self, row: int, scores: Floats, equity: float) -> None:
        """New targets, if the scores say something."""
        if not says_something(scores, self.config):
            self.journal.silent += 1
            return
        wanted = decide(scores, self.grid.borrowable[row], self.book.shares, self.grid.mark[row], equity, self.config)
        self.book.target[:] = wanted.target
        self.queue = wanted.queue
        self.journal.unaffordable += wanted.unaffordable


def _whole(numerator: int, denominator: int) -> int:
    """Quotient without its fraction, towards zero."""
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
