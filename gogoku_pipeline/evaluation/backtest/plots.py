"""Pictures of backtests: money over time beside TOPIX with its drawdown, return against money. PNG bytes, no state."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from gogoku_pipeline.evaluation.canvas import FAINT, INK, by, canvas, colour, dates, finished, need, split_canvas

GREY = "#a0aec0"


def equity_and_drawdown(accounts: pl.DataFrame) -> bytes:
    """What one yen became, net of everything, one line per backtest, and below how far each was under its peak.

    Args:
        accounts: [scores, side?, session, ret, topix_ret], e.g. `BacktestResult.daily` with the name in `scores`;
            TOPIX is drawn in grey over the longest of them, where there is one.
    """
    need(accounts, ("scores", "session", "ret", "topix_ret"), "equity curves")
    figure, (upper, lower) = split_canvas("One yen, net of all costs", height=4.2, ratio=2.4)
    parts = _named(accounts)
    longest = max((rows for _, rows in parts), key=lambda rows: rows.height)
    if longest["topix_ret"].is_not_null().any():
        _draw(upper, lower, longest, "topix_ret", GREY, "TOPIX")
    owners = list(accounts["scores"].unique(maintain_order=True))
    for name, rows in parts:
        is_short = "side" in rows.columns and rows["side"][0] == "long_short"
        _draw(upper, lower, rows, "ret", colour(owners.index(rows["scores"][0])), name, "--" if is_short else "-")
    upper.axhline(1, color=INK, lw=0.7)
    lower.axhline(0, color=INK, lw=0.7)
    lower.set_ylabel("below peak", fontsize=8)
    lower.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    dates(lower)
    return finished(figure, upper)


def capacity_picture(curve: pl.DataFrame) -> bytes:
    """Net return a year against the money at the start, one line per backtest; costs dotted.

    Args:
        curve: [scores?, capital_jpy, annual_return, cost_share, invested, ...] as `tables.capacity_curve` gives it;
            a hollow mark is money of which less than half found shares to buy.
    """
    need(curve, ("capital_jpy", "annual_return", "cost_share", "invested"), "capacity curve")
    figure, axes = canvas(
        "How much money it carries: net return a year",
        "million yen at the start (dotted: costs; hollow: under half invested)",
    )
    named = curve if "scores" in curve.columns else curve.with_columns(pl.lit("net return a year").alias("scores"))
    for place, (name, rows) in enumerate(by(named, "scores")):
        ordered = rows.sort("capital_jpy")
        money, tint = ordered["capital_jpy"].to_numpy(), colour(place)
        gain, idle = ordered["annual_return"].to_numpy(), (ordered["invested"] < 0.5).to_numpy()
        axes.plot(money, gain, marker="o", ms=4, color=tint, lw=1.4, label=name)
        axes.plot(money[idle], gain[idle], marker="o", ms=4, ls="", markeredgecolor=tint, markerfacecolor="white")
        axes.plot(money, ordered["cost_share"].to_numpy(), color=tint, lw=1.0, ls=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:,.0f}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.axhline(0, color=INK, lw=0.7)
    return finished(figure, axes)


def _named(accounts: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The backtests of a frame by what is written beside their line."""
    if "side" not in accounts.columns:
        return by(accounts, "scores")
    words = pl.format(
        "{}, {}", "scores", pl.col("side").replace({"long_only": "long only", "long_short": "long-short"})
    )
    return by(accounts.with_columns(words.alias("whose")), "whose")


def _draw(upper: Axes, lower: Axes, rows: pl.DataFrame, column: str, tint: str, label: str, style: str = "-") -> None:
    """One line of money and its drawdown; a missing return stands still."""
    ordered = rows.sort("session")
    worth = (ordered[column].fill_null(0.0) + 1).cum_prod()
    days = ordered["session"].to_numpy()
    upper.plot(days, worth.to_numpy(), color=tint, lw=1.4, ls=style, label=label)
    below = (worth / worth.cum_max() - 1).to_numpy()
    lower.plot(days, below, color=tint, lw=1.0, ls=style)
    if column == "ret" and style == "-":
        lower.fill_between(days, below, 0.0, color=tint, alpha=0.08, lw=0)
    upper.tick_params(color=FAINT)
