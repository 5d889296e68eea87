"""Tables of a backtest for people: by month, and how much money the strategy carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.evaluation.backtest.accounts import COSTS
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.market import MarketFrames, MarketGrid
from gogoku_pipeline.evaluation.backtest.performance import performance
from gogoku_pipeline.evaluation.backtest.result import BacktestResult, grid_of, run_backtest

CAPITALS = (1e7, 1e8, 1e9, 1e10, 1e11)
"""Yen at the start, from a household to an institution."""


def by_month(result: BacktestResult) -> pl.DataFrame:
    """Month by month, beside TOPIX; see `by_month_of`."""
    return by_month_of(result.daily)


def by_month_of(daily: pl.DataFrame) -> pl.DataFrame:
    """Month by month, beside TOPIX.

    Args:
        daily: `BacktestResult.daily`, as made or as kept.

    Returns:
        [month, sessions, ret, topix_ret, excess, cost_share, turnover, mean_invested], month as its first day; returns
        compounded over the sessions of the month, `topix_ret` null without an index, costs and half the yen traded per
        yen of equity.
    """
    before = pl.col("equity_jpy").shift(1)
    traded = (pl.col("bought_jpy") + pl.col("sold_jpy")) / 2
    days = daily.with_columns(
        pl.col("session").dt.truncate("1mo").alias("month"),
        (sum(pl.col(name) for name in COSTS) / before).alias("cost_share"),
        (traded / before).alias("turnover"),
        ((pl.col("long_jpy") - pl.col("short_jpy")) / pl.col("equity_jpy")).alias("mean_invested"),
    ).slice(1)
    index = pl.when(pl.col("topix_ret").is_not_null().any()).then((pl.col("topix_ret") + 1).product() - 1)
    return (
        days.group_by("month")
        .agg(
            pl.len().alias("sessions"),
            ((pl.col("ret") + 1).product() - 1).alias("ret"),
            index.alias("topix_ret"),
            pl.col("cost_share", "turnover").sum(),
            pl.col("mean_invested").mean(),
        )
        .with_columns((pl.col("ret") - pl.col("topix_ret")).alias("excess"))
        .select("month", "sessions", "ret", "topix_ret", "excess", "cost_share", "turnover", "mean_invested")
        .sort("month")
    )


def capacity_curve(
    scores: pl.DataFrame,
    market: MarketFrames | MarketGrid,
    config: BacktestConfig | None = None,
    *,
    capitals: Sequence[float] = CAPITALS,
    calendar: SessionCalendar | None = None,
) -> pl.DataFrame:
    """The same strategy with more and more money: where impact and the participation cap eat the edge.

    Args:
        scores: as `run_backtest` takes them.
        market: the tables, or a grid.
        config: the strategy; its capital is replaced.
        capitals: yen at the start.
        calendar: the sessions; None for the exchange's own.

    Returns:
        [capital_jpy, annual_return, excess_annual_return, sharpe, cost_share, turnover, invested], one row a capital.
    """
    rules = config or BacktestConfig()
    grid = grid_of(market, rules, calendar)
    rows = []
    for capital in sorted(capitals):
        figures = performance(run_backtest(scores, grid, replace(rules, capital_jpy=capital))).to_frame()
        rows.append(figures.with_columns(pl.lit(float(capital)).alias("capital_jpy")))
    names = ("capital_jpy", "annual_return", "excess_annual_return", "sharpe", "cost_share", "turnover", "invested")
    return pl.concat(rows).select(names)
