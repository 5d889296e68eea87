"""Labels: what happened after each decision. The only room in which time is shifted forward.

Primary is the open-to-open return; derived labels are differences and ranks of it inside one session; the
close-to-close return exists for comparison alone. Source: evaluation.md 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.special import ndtri

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.dataset.exits import (
    DELISTED,
    REASONS,
    PriceGrid,
    Trades,
    close_to_close,
    open_to_open,
    price_grid,
)
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import CODE, SESSION, Table

HORIZONS = (1, 5, 10, 20)

LABELS = Table(
    name="data__labels",
    description=(
        "What one listed issue of the universe did after the decision of one session, over one horizon: bought at the "
        "open of the next session, sold at the open h sessions later. A null return says why in `reason`. "
        "`available_at` is the evening from which the outcome is known; null while it is not."
    ),
    columns=(
        SESSION,
        CODE,
        Column("horizon_d", pl.Int16, "Sessions between entry and planned exit.", "sessions", at_least=1),
        Column("entry_session", pl.Date, "Session whose open is the entry; null beyond the calendar.", nullable=True),
        Column("exit_session", pl.Date, "Session of the exit price; planned exit while unknown.", nullable=True),
        Column("ret_open", pl.Float64, "Open-to-open return, split-adjusted.", "ratio", nullable=True),
        Column("excess_open", pl.Float64, "ret_open minus the tradable universe's mean.", "ratio", nullable=True),
        Column(
            "residual_open",
            pl.Float64,
            "ret_open minus the mean of the other stocks of its sector, then minus beta_60d times TOPIX.",
            "ratio",
            nullable=True,
        ),
        Column("gauss_open", pl.Float64, "Normal score of the rank of ret_open in the day.", "sd", nullable=True),
        Column("ret_close", pl.Float64, "Close-to-close return, for comparison only.", "ratio", nullable=True),
        Column(
            "reason",
            pl.String,
            "Null for an ordinary trade, else why it is not one.",
            nullable=True,
            allowed=REASONS[1:],
        ),
        Column("available_at", JST_INSTANT, "Evening from which the label is known.", nullable=True),
    ),
    key=("session", "code", "horizon_d"),
    warnings=("adjusted_values_rewritten", "market_halt"),
)


@dataclass(frozen=True)
class _Market:
    """TOPIX on the grid's sessions: open and close [T], NaN where the exchange did not trade."""

    opening: np.ndarray
    closing: np.ndarray


def build_labels(
    prices: pl.DataFrame,
    universe: pl.DataFrame,
    topix: pl.DataFrame,
    betas: pl.DataFrame,
    calendar: SessionCalendar,
    horizons: Sequence[int] = HORIZONS,
) -> pl.DataFrame:
    """What every stock of the universe did after every session.

    Args:
        prices: stage_prices frame (adjusted open and close, is_gap).
        universe: `core__universe`; rows with `is_in_universe` get a label row, the means and ranks of a day are taken
            over those that are also `is_tradable` (both known before the decision).
        topix: `core_jquants__topix`.
        betas: (session, code, beta_60d) as of the decision.
        calendar: must cover the prices; entry and exit dates beyond its end stay null.
        horizons: in exchange sessions.

    Returns:
        LABELS rows sorted by session, code, horizon_d.

    Raises:
        DatasetError: no prices, a horizon below one session, or prices on a day the calendar does not know.
    """
    if not horizons or min(horizons) < 1 or prices.is_empty():
        raise DatasetError(
            "labels",
            got=f"horizons {list(horizons)} and {prices.height} price rows",
            want="horizons of at least one session and some prices",
            remedy="Stage prices first and pass horizons such as (1, 5, 10, 20).",
        )
    days = prices["session"].unique().sort().to_list()
    sessions = calendar.between(days[0], days[-1])
    if stray := [day for day in days if day not in calendar]:
        raise DatasetError(
            f"labels on {stray[0]}",
            got=f"{len(stray)} price days that are no session",
            want="prices on sessions of the calendar",
            remedy="Load a calendar that covers the prices.",
        )
    grid = price_grid(prices, sessions)
    rows = _label_rows(universe, grid, betas)
    market = _topix_on(topix, sessions)
    frames = [_one_horizon(rows, grid, market, calendar, horizon) for horizon in horizons]
    return pl.concat(frames).sort("session", "code", "horizon_d")


def _label_rows(universe: pl.DataFrame, grid: PriceGrid, betas: pl.DataFrame) -> pl.DataFrame:
    """Universe rows that lie on the grid, with their place in it and their beta."""
    days = pl.DataFrame({"session": grid.sessions}, schema={"session": pl.Date}).with_row_index("_row")
    codes = pl.DataFrame({"code": grid.codes}, schema={"code": pl.String}).with_row_index("_column")
    rows = universe.filter(pl.col("is_in_universe")).select("session", "code", "sector33_code", "is_tradable")
    beta = betas.select("session", "code", pl.col("beta_60d").cast(pl.Float64))
    return (
        rows.join(days, on="session")
        .join(codes, on="code")
        .join(beta, on=["session", "code"], how="left")
        .sort("session", "code")
    )


def _topix_on(topix: pl.DataFrame, sessions: Sequence[date]) -> _Market:
    traded = topix.filter(~pl.col("is_market_halt")) if "is_market_halt" in topix.columns else topix
    days = pl.DataFrame({"session": list(sessions)}, schema={"session": pl.Date})
    placed = days.join(traded.select("session", "open_points", "close_points"), on="session", how="left").sort(
        "session"
    )
    nan = float("nan")
    return _Market(
        placed["open_points"].cast(pl.Float64).fill_null(nan).to_numpy(),
        placed["close_points"].cast(pl.Float64).fill_null(nan).to_numpy(),
    )


def _topix_return(
    market: _Market, row: np.ndarray, trades: Trades, places: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """TOPIX from the open of the entry to the price's moment of the exit (the close for a delisted stock)."""
    exit_row = trades.exit_row[places]
    is_delisted = trades.reason[places] == REASONS.index(DELISTED)
    leave = np.where(is_delisted, market.closing[exit_row], market.opening[exit_row])
    enter = market.opening[np.minimum(row + 1, len(market.opening) - 1)]
    return np.where(exit_row >= 0, leave / enter - 1.0, np.nan)


def _one_horizon(
    rows: pl.DataFrame, grid: PriceGrid, market: _Market, calendar: SessionCalendar, horizon_d: int
) -> pl.DataFrame:
    """LABELS rows of one horizon."""
    trades = open_to_open(grid, horizon_d)
    row, column = rows["_row"].to_numpy().astype(np.int64), rows["_column"].to_numpy().astype(np.int64)
    places = (row, column)
    first = calendar.index(grid.sessions[0])
    exit_row, planned = trades.exit_row[places], row + 1 + horizon_d
    reasons = pl.Series(REASONS, dtype=pl.String)
    measured = rows.with_columns(
        pl.lit(horizon_d, dtype=pl.Int16).alias("horizon_d"),
        _dates("entry_session", first + row + 1, calendar),
        _dates("exit_session", first + np.where(exit_row >= 0, exit_row, planned), calendar),
        pl.Series("ret_open", trades.ret_open[places]).fill_nan(None),
        pl.Series("ret_close", close_to_close(grid, horizon_d)[places]).fill_nan(None),
        pl.Series("_topix", _topix_return(market, row, trades, places)).fill_nan(None),
        reasons.gather(trades.reason[places].astype(np.uint32)).replace({"": None}).alias("reason"),
        _dates("_known", np.where(trades.known_row[places] >= 0, first + trades.known_row[places], -1), calendar),
    )
    return _cross_section(measured).select(
        *(column.name for column in LABELS.columns if column.name != "available_at"),
        AFTER_CLOSE.instant(pl.col("_known")),
    )


def _dates(name: str, places: np.ndarray, calendar: SessionCalendar) -> pl.Series:
    """Dates of calendar places; null outside the calendar."""
    inside = (places >= 0) & (places < len(calendar.sessions))
    known = pl.Series(calendar.sessions, dtype=pl.Date)
    dates = known.gather(np.where(inside, places, 0).astype(np.uint32))
    return pl.select(pl.when(pl.Series(inside)).then(dates).otherwise(None).alias(name)).to_series()


def _cross_section(rows: pl.DataFrame) -> pl.DataFrame:
    """Labels that compare a stock with its day: excess, residual and normal score. One horizon at a time."""
    counted = pl.when(pl.col("is_tradable")).then(pl.col("ret_open"))
    sector = ["session", "sector33_code"]
    own = pl.col("_counted").fill_null(0.0)
    others = pl.col("_counted").count().over(sector) - pl.col("_counted").is_not_null().cast(pl.Int32)
    peers = pl.when(others > 0).then((pl.col("_counted").sum().over(sector) - own) / others)
    rank = pl.col("_counted").rank("average").over("session")
    share = (rank - 0.5) / pl.col("_counted").count().over("session")
    out = rows.with_columns(counted.alias("_counted")).with_columns(
        (pl.col("ret_open") - pl.col("_counted").mean().over("session")).alias("excess_open"),
        (pl.col("ret_open") - peers - pl.col("beta_60d") * pl.col("_topix")).alias("residual_open"),
        share.alias("_share"),
    )
    return out.with_columns(
        pl.Series("gauss_open", ndtri(out["_share"].fill_null(float("nan")).to_numpy())).fill_nan(None)
    )
