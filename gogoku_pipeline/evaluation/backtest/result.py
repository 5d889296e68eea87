"""What a backtest hands back: the accounts, every fill, what did not trade and why, and what made it.

`run_backtest` is a pure function of scores, tables and a configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import ConfigError, EvaluationError
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.evaluation.backtest.accounts import DAILY, HOLDINGS, TRADES, require_balanced
from gogoku_pipeline.evaluation.backtest.config import ENGINE_VERSION, BacktestConfig
from gogoku_pipeline.evaluation.backtest.engine import FLOWS, Engine, Journal
from gogoku_pipeline.evaluation.backtest.fills import REFUSALS
from gogoku_pipeline.evaluation.backtest.market import MarketFrames, MarketGrid, market_grid
from gogoku_pipeline.evaluation.backtest.schedule import plan_of

Wholes = npt.NDArray[np.int64]

UNKNOWN = "unknown"
"""Sector or size class of an issue whose listing says nothing."""


@dataclass(frozen=True)
class BacktestResult:
    """Accounts that add up.

    Attributes:
        config: the strategy.
        engine_version: of the rules that were applied.
        fingerprint: hash of both.
        daily: `accounts.DAILY`, with `ret` (net of everything), `gross_ret` (before commissions, spread, impact and
            borrowing fees) and `topix_ret` (close to close, null without an index) from the second row on.
        trades: `accounts.TRADES`.
        holdings: `accounts.HOLDINGS`.
        refused: [session, reason, orders, jpy]: orders, or parts of them, that did not trade on a session.
        exposure: [kind, name, long_share, short_share, pnl_jpy, contribution]: mean share of equity by sector and by
            size class; what the sector earned, in yen and as the sum of daily shares of equity (null for sizes).
        notes: counts a reader should know.
    """

    config: BacktestConfig
    engine_version: str
    fingerprint: str
    daily: pl.DataFrame
    trades: pl.DataFrame
    holdings: pl.DataFrame
    refused: pl.DataFrame
    exposure: pl.DataFrame
    notes: dict[str, int]


def run_backtest(
    scores: pl.DataFrame,
    market: MarketFrames | MarketGrid,
    config: BacktestConfig | None = None,
    *,
    calendar: SessionCalendar | None = None,
) -> BacktestResult:
    """What scores would have earned at the exchange, net of everything.

    Args:
        scores: [session, code, score], optionally horizon_d, model, seed, is_counted; see `schedule.plan_of`.
        market: the point-in-time tables, or a grid made of them with the same `volume_window`.
        config: the strategy; None for long-only, weekly, 35 names.
        calendar: the sessions; None for the exchange's own.

    Returns:
        The result; the first row of `daily` is the close of the first decision, with nothing but cash.

    Raises:
        EvaluationError: scores that cannot be traded, nothing traded at all, nothing left to trade with, or accounts
            that do not add up. DataError: tables that contradict the calendar or themselves. ConfigError: arrays of
            another `volume_window`.
    """
    rules = config or BacktestConfig()
    grid = grid_of(market, rules, calendar)
    plan = plan_of(scores, grid, rules)
    journal = Engine(grid, rules).run(plan)
    daily, trades, holdings = _daily(journal, grid), _trades(journal, grid), _holdings(journal, grid)
    require_balanced(daily, trades, holdings)
    refused = _refused(journal, grid)
    notes = plan.notes | {
        "decisions": len(plan.scores),
        "decisions_that_rank_nobody": journal.silent,
        "names_one_lot_too_dear": journal.unaffordable,
        **grid.notes,
    }
    if trades.is_empty():
        raise EvaluationError(
            "backtest",
            got=f"no trade in {daily.height} sessions; {_reasons(refused)}; {notes}",
            want="at least one fill",
            remedy="Check the universe, the capital against the lot size, `min_names`, and that bars begin "
            "`volume_window` sessions before the first score.",
        )
    return BacktestResult(
        config=rules,
        engine_version=ENGINE_VERSION,
        fingerprint=rules.fingerprint,
        daily=_with_returns(daily, grid),
        trades=trades,
        holdings=holdings,
        refused=refused,
        exposure=_exposure(journal, grid, daily),
        notes=notes,
    )


def grid_of(
    market: MarketFrames | MarketGrid, config: BacktestConfig, calendar: SessionCalendar | None = None
) -> MarketGrid:
    """The market as arrays, made now or before; raises ConfigError for arrays of another `volume_window`."""
    if isinstance(market, MarketFrames):
        return market_grid(market, volume_window=config.volume_window, calendar=calendar)
    if market.volume_window != config.volume_window:
        raise ConfigError(
            "market grid",
            got=f"average volumes over {market.volume_window} sessions",
            want=f"{config.volume_window}, as the strategy asks",
            remedy="Make the grid with `volume_window=config.volume_window`.",
        )
    return market


def _daily(journal: Journal, grid: MarketGrid) -> pl.DataFrame:
    rows, *worth = zip(*journal.worth, strict=True)
    names = ("equity_jpy", "cash_jpy", "long_jpy", "short_jpy", "n_long", "n_short", "is_decision")
    flows = np.array(journal.flows)
    columns = {
        "session": [grid.sessions[row] for row in rows],
        **dict(zip(names, worth, strict=True)),
        **{name: flows[:, place] for place, name in enumerate(FLOWS)},
    }
    return pl.DataFrame({name: columns[name] for name in DAILY}, schema=DAILY)


def _trades(journal: Journal, grid: MarketGrid) -> pl.DataFrame:
    fills = [entry for entry in journal.fills if len(entry[1])]
    row = _joined([np.full(len(entry[1]), entry[0], np.int64) for entry in fills])
    names, shares = _joined([entry[1] for entry in fills]), _joined([entry[2] for entry in fills])
    price = np.concatenate([entry[3] for entry in fills] or [np.zeros(0)])
    costs = np.concatenate([entry[4] for entry in fills] or [np.zeros((0, 3))])
    traded = pl.DataFrame(
        {
            "session": _dates(grid, row),
            "code": _codes(grid, names),
            "kind": pl.repeat("fill", len(row), eager=True, dtype=pl.String),
            "shares": shares,
            "price_jpy": price,
            "commission_jpy": costs[:, 0],
            "spread_jpy": costs[:, 1],
            "impact_jpy": costs[:, 2],
        },
        schema=TRADES,
    )
    ended = [(grid.sessions[row], grid.codes[name], "delisted", shares, price, 0.0, 0.0, 0.0)
             for row, name, shares, price in journal.delisted]  # fmt: skip
    return pl.concat([traded, pl.DataFrame(ended, schema=TRADES, orient="row")]).sort("session", "code", "shares")


def _holdings(journal: Journal, grid: MarketGrid) -> pl.DataFrame:
    row, names, shares = _positions(journal)
    return pl.DataFrame(
        {
            "session": _dates(grid, row),
            "code": _codes(grid, names),
            "shares": shares,
            "mark_jpy": grid.mark[row, names],
        },
        schema=HOLDINGS,
    )


def _refused(journal: Journal, grid: MarketGrid) -> pl.DataFrame:
    schema = {"session": pl.Date, "reason": pl.String, "orders": pl.Int32, "jpy": pl.Float64}
    rows = [
        (grid.sessions[row], reason, int(counts[place, 0]), float(counts[place, 1]))
        for row, counts in journal.refused
        for place, reason in enumerate(REFUSALS)
        if counts[place, 0]
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _exposure(journal: Journal, grid: MarketGrid, daily: pl.DataFrame) -> pl.DataFrame:
    """Where the money was, and where it was earned."""
    row, names, shares = _positions(journal)
    equity = daily["equity_jpy"].to_numpy()
    first = journal.worth[0][0]
    share = shares * grid.mark[row, names] / equity[row - first] / daily.height
    earned = np.array(journal.by_sector)
    before = np.concatenate([equity[:1], equity[:-1]])
    frames = []
    for kind, label, words in (("sector", grid.sector, grid.sectors), ("size", grid.scale, grid.scales)):
        place = np.where(label[row, names] >= 0, label[row, names], len(words))
        columns = {
            "kind": [kind] * (len(words) + 1),
            "name": [*words, UNKNOWN],
            "long_share": np.bincount(place, np.maximum(share, 0.0), len(words) + 1),
            "short_share": np.bincount(place, np.minimum(share, 0.0), len(words) + 1),
            "pnl_jpy": earned.sum(axis=0) if kind == "sector" else [None] * (len(words) + 1),
            "contribution": (earned / before[:, None]).sum(axis=0) if kind == "sector" else [None] * (len(words) + 1),
        }
        frames.append(pl.DataFrame(columns, schema_overrides={"pnl_jpy": pl.Float64, "contribution": pl.Float64}))
    table = pl.concat(frames)
    is_there = (pl.col("long_share") != 0) | (pl.col("short_share") != 0) | (pl.col("pnl_jpy").fill_null(0.0) != 0)
    return table.filter(is_there)


def _with_returns(daily: pl.DataFrame, grid: MarketGrid) -> pl.DataFrame:
    points = dict(zip(grid.sessions, grid.topix.tolist(), strict=True))
    before = pl.col("equity_jpy").shift(1)
    spent = pl.sum_horizontal("commission_jpy", "spread_jpy", "impact_jpy", "borrow_jpy")
    index = pl.Series("topix", [points[session] for session in daily["session"]], dtype=pl.Float64)
    return (
        daily.with_columns(index.fill_nan(None).fill_null(strategy="forward"))
        .with_columns(
            (pl.col("equity_jpy") / before - 1).alias("ret"),
            ((pl.col("equity_jpy") + spent) / before - 1).alias("gross_ret"),
            (pl.col("topix") / pl.col("topix").shift(1) - 1).alias("topix_ret"),
        )
        .drop("topix")
    )


def _positions(journal: Journal) -> tuple[Wholes, Wholes, Wholes]:
    """(row, name, shares) of every position at every close."""
    row = _joined([np.full(len(names), row, np.int64) for row, names, _ in journal.held])
    return row, _joined([names for _, names, _ in journal.held]), _joined([shares for _, _, shares in journal.held])


def _joined(parts: Sequence[Wholes]) -> Wholes:
    return np.concatenate(parts or [np.zeros(0, np.int64)])


def _dates(grid: MarketGrid, row: npt.NDArray[np.int64]) -> pl.Series:
    return pl.Series(grid.sessions, dtype=pl.Date).gather(row.astype(np.uint32))


def _codes(grid: MarketGrid, names: npt.NDArray[np.int64]) -> pl.Series:
    return pl.Series(grid.codes, dtype=pl.String).gather(names.astype(np.uint32))


def _reasons(refused: pl.DataFrame) -> str:
    counts = refused.group_by("reason").agg(pl.col("orders").sum()).sort("reason")
    return ", ".join(f"{orders} orders refused for {reason}" for reason, orders in counts.iter_rows()) or "no order"
