"""The accounts of every session, and the proof that they add up.

Three identities hold on every session, or nothing is returned: cash and positions are the equity; the equity moved by
what prices, dividends, costs and borrowing explain; the cash moved by what fills, dividends, costs, borrowing and
conversions explain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError

Floats = npt.NDArray[np.float64]

COSTS = ("commission_jpy", "spread_jpy", "impact_jpy")
DAILY = pl.Schema(
    {
        "session": pl.Date,
        "equity_jpy": pl.Float64,
        "cash_jpy": pl.Float64,
        "long_jpy": pl.Float64,
        "short_jpy": pl.Float64,
        "n_long": pl.Int32,
        "n_short": pl.Int32,
        "price_pnl_jpy": pl.Float64,
        "dividends_jpy": pl.Float64,
        "commission_jpy": pl.Float64,
        "spread_jpy": pl.Float64,
        "impact_jpy": pl.Float64,
        "borrow_jpy": pl.Float64,
        "converted_jpy": pl.Float64,
        "bought_jpy": pl.Float64,
        "sold_jpy": pl.Float64,
        "is_decision": pl.Boolean,
    }
)
"""One row per session: worth at the close; then what happened since the close before. `short_jpy` is 0 or less;
`converted_jpy` is cash for fractions of shares, rights and delisted shares, whose worth it replaces."""

TRADES = pl.Schema(
    {
        "session": pl.Date,
        "code": pl.String,
        "kind": pl.String,
        "shares": pl.Int64,
        "price_jpy": pl.Float64,
        "commission_jpy": pl.Float64,
        "spread_jpy": pl.Float64,
        "impact_jpy": pl.Float64,
    }
)
"""One row per fill at an open (`kind` fill, sold below 0 shares) or per position that ended with its listing
(`delisted`, at the last print, without cost)."""

HOLDINGS = pl.Schema({"session": pl.Date, "code": pl.String, "shares": pl.Int64, "mark_jpy": pl.Float64})
"""One row per position at a close."""


def require_balanced(daily: pl.DataFrame, trades: pl.DataFrame, holdings: pl.DataFrame) -> None:
    """Prove the accounts session by session.

    Args:
        daily: DAILY rows, ascending.
        trades: TRADES rows.
        holdings: HOLDINGS rows.

    Raises:
        EvaluationError: a session on which an identity is broken by more than a hundredth of a yen (or 1e-12 of what
            moved, where that is more).
    """
    size = (daily["long_jpy"] - daily["short_jpy"] + daily["cash_jpy"].abs()).to_numpy()
    allowed = np.maximum(0.01, 1e-12 * np.maximum(size, np.roll(size, 1)))
    value = _per_session(daily, holdings, pl.col("shares") * pl.col("mark_jpy"))
    equity, cash = daily["equity_jpy"].to_numpy(), daily["cash_jpy"].to_numpy()
    _require_equal(daily, equity, cash + value, allowed, "cash and positions", "the equity")
    spent = sum((daily[name].to_numpy() for name in COSTS), np.zeros(daily.height)) + daily["borrow_jpy"].to_numpy()
    earned = daily["price_pnl_jpy"].to_numpy() + daily["dividends_jpy"].to_numpy() - spent
    moved = np.diff(equity, prepend=equity[:1])
    _require_equal(daily, moved, earned, allowed, "price moves, dividends, costs and borrowing", "the equity's move")
    fills = trades.filter(pl.col("kind") == "fill")
    paid = _per_session(daily, fills, pl.col("shares") * pl.col("price_jpy") + sum(pl.col(name) for name in COSTS))
    flows = daily["dividends_jpy"].to_numpy() - daily["borrow_jpy"].to_numpy() + daily["converted_jpy"].to_numpy()
    moved = np.diff(cash, prepend=cash[:1])
    _require_equal(daily, moved, flows - paid, allowed, "fills, dividends, fees and conversions", "the cash's move")


def _per_session(daily: pl.DataFrame, rows: pl.DataFrame, value: pl.Expr) -> Floats:
    """Sum over the rows of each session."""
    sums = rows.group_by("session").agg(value.sum().alias("value"))
    placed = daily.select("session").join(sums, on="session", how="left", maintain_order="left")
    return placed["value"].cast(pl.Float64).fill_null(0.0).to_numpy()


def _require_equal(daily: pl.DataFrame, have: Floats, explained: Floats, allowed: Floats, what: str, name: str) -> None:
    gap = np.abs(have - explained)
    bad = ~(gap <= allowed)
    if not bad.any():
        return
    place = int(np.argmax(bad))
    raise EvaluationError(
        f"accounts of {daily['session'][place]}",
        got=f"{what} of {explained[place]:,.2f} yen ({int(bad.sum())} sessions are off)",
        want=f"{name} of {have[place]:,.2f} yen",
        remedy="This is a fault of the engine: keep the inputs and report it; no figure of this run can be trusted.",
    )
