"""Pictures of backtests: money over time beside TOPIX, and return against money. PNG bytes, no global state."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from matplotlib.ticker import FuncFormatter, PercentFormatter

from gogoku_pipeline.evaluation.backtest.result import BacktestResult
from gogoku_pipeline.evaluation.canvas import FAINT, INK, canvas, colour, dates, finished, need, nothing


def equity_curves(results: Mapping[str, BacktestResult]) -> bytes:
    """What one yen became, net of everything, one line per model; TOPIX in grey where there is one.

    Args:
        results: by the name to show, at least one; TOPIX is taken from the longest.
    """
    if not results:
        raise nothing("equity curves")
    figure, axes = canvas("One yen, net of costs", "", height=3.2)
    for place, (name, result) in enumerate(results.items()):
        daily = result.daily
        axes.plot(daily["session"].to_numpy(), _grown(daily["ret"]), color=colour(place), lw=1.4, label=name)
    longest = max(results.values(), key=lambda result: result.daily.height).daily
    if longest["topix_ret"].is_not_null().any():
        axes.plot(longest["session"].to_numpy(), _grown(longest["topix_ret"]), color=FAINT, lw=1.8, label="TOPIX")
    axes.axhline(1, color=INK, lw=0.7)
    dates(axes)
    return finished(figure, axes)


def capacity_picture(curve: pl.DataFrame) -> bytes:
    """Net return a year against the money at the start.

    Args:
        curve: `tables.capacity_curve`.
    """
    need(curve, ("capital_jpy", "annual_return", "cost_share"), "capacity curve")
    figure, axes = canvas("Capacity", "million yen at the start")
    for place, (column, label) in enumerate((("annual_return", "net return a year"), ("cost_share", "costs a year"))):
        axes.plot(curve["capital_jpy"], curve[column], marker="o", ms=4, color=colour(place), lw=1.4, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.axhline(0, color=INK, lw=0.7)
    return finished(figure, axes)


def _grown(returns: pl.Series) -> pl.Series:
    """Compounded from 1; a missing return stands still."""
    return (returns.fill_null(0.0) + 1).cum_prod()
