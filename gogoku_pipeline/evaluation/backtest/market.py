"""The market as arrays: what could be traded at each open, at which price, and what a share was worth at each close.

Arrays are [sessions, issues]; prices are raw, as traded; a value of a session stands on that session's share basis.
A session on which an issue did not trade keeps its last price, on the basis of the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.core.price_rules import tick_jpy
from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from gogoku_pipeline.evaluation.backtest.axes import Axes, day_numbers
from gogoku_pipeline.evaluation.backtest.corporate import (
    RIGHTS_ISSUE,
    Conversion,
    Payments,
    conversion,
    dividends_by_session,
)
from gogoku_pipeline.evaluation.backtest.limits import at_limit, fine_tick_scales, limit_prices
from gogoku_pipeline.evaluation.backtest.liquidity import daily_volatility, mean_volume
from gogoku_pipeline.evaluation.frames import require_columns

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]
Wholes = npt.NDArray[np.int64]

BORROWABLE = "2"
"""Margin class of loan-eligible issues."""

BARS = ("session", "code", "open_jpy", "high_jpy", "low_jpy", "close_jpy", "volume_shares", "adjustment_factor",
         "ex_rights_type", "is_limit_up", "is_limit_down")  # fmt: skip
MEMBERS = ("session", "code", "is_tradable")
LISTED = ("session", "code", "scale_category", "margin_class", "sector33_code")
NOTICES = ("code", "reference_number", "original_reference_number", "status", "published_date", "published_time",
            "ex_date", "dividend_jpy")  # fmt: skip


@dataclass(frozen=True)
class MarketFrames:
    """The point-in-time tables a backtest reads.

    Attributes:
        bars: `core_jquants__daily_bars`, from `volume_window` sessions before the first score on.
        listed: `core_jquants__listed_issues` of the same sessions.
        universe: `core__universe`: what may be bought; None for every issue with a bar.
        topix: `core_jquants__topix`; None for no benchmark.
        dividends: `core_jquants__dividends`; None where the plan has none (the accounts then lack them, and say so).
    """

    bars: pl.DataFrame
    listed: pl.DataFrame
    universe: pl.DataFrame | None = None
    topix: pl.DataFrame | None = None
    dividends: pl.DataFrame | None = None


@dataclass(frozen=True)
class MarketGrid:
    """Arrays [T, N] unless said.

    Attributes:
        sessions: T session dates.
        codes: N issue codes, sorted.
        opening: open prices, NaN where nothing could be traded (halt, no volume, not listed).
        base: base price of the session: the last price on the session's share basis; NaN before the first trade.
        mark: what a share is worth at the close.
        volume: average daily shares up to the session before, on the session's basis.
        volatility: standard deviation of daily log returns up to the session before; NaN if unknown.
        tick: price step at the open.
        at_lower, at_upper: the open is a limit price.
        has_row: the issue is listed (has a bar, traded or not).
        tradable: member of the tradable universe as decided after the session's close.
        borrowable: loan-eligible.
        sector, scale: places in `sectors` and `scales`, the last known ones after a delisting; -1 before.
        last_row: place of each issue's last session, shape [N].
        conversions: ex-dates by place of the session.
        payments: dividends by place of the session.
        topix: closes of the index, NaN where there is none, shape [T].
        volume_window: sessions behind `volume` and `volatility`.
        notes: counts a reader should know (limits on which table and flags disagree, undecided dividends ...).
    """

    sessions: tuple[date, ...]
    codes: tuple[str, ...]
    opening: Floats
    base: Floats
    mark: Floats
    volume: Floats
    volatility: Floats
    tick: Floats
    at_lower: Flags
    at_upper: Flags
    has_row: Flags
    tradable: Flags
    borrowable: Flags
    sector: Labels
    scale: Labels
    sectors: tuple[str, ...]
    scales: tuple[str, ...]
    last_row: Wholes
    conversions: dict[int, list[Conversion]]
    payments: dict[int, Payments]
    topix: Floats
    volume_window: int
    notes: dict[str, int]

    def days(self) -> Wholes:
        """Sessions as days since 1970, shape [T]."""
        return day_numbers(self.sessions)


def market_grid(
    frames: MarketFrames, *, volume_window: int = 20, calendar: SessionCalendar | None = None
) -> MarketGrid:
    """Lay the tables out.

    Args:
        frames: the tables.
        volume_window: sessions of the average volume and of the volatility.
        calendar: the sessions; None for the exchange's own.

    Raises:
        EvaluationError: columns missing. DataError: no bars, a session of the calendar without bars, bars on a day
            that is no session, or two rows for one session and code.
    """
    require_columns(frames.bars, BARS, "bars")
    require_columns(frames.listed, LISTED, "listed issues")
    axes = Axes(_sessions(frames.bars, calendar), frames.bars["code"].unique().sort().to_list())
    bars, place = axes.placed(frames.bars.select(BARS), "bars")
    listed, listed_place = axes.placed(frames.listed.select(LISTED), "listed issues")
    has_row = axes.claims(pl.repeat(True, bars.height, eager=True), place)
    last_row = axes.shape[0] - 1 - np.argmax(has_row[::-1], axis=0)
    conversions = _conversions(bars, place, axes.shape[1])
    prices = {name: axes.numbers(bars[f"{name}_jpy"], place) for name in ("open", "high", "low", "close")}
    shares = axes.numbers(bars["volume_shares"], place)
    trades = np.isfinite(prices["open"]) & (prices["open"] > 0) & (prices["close"] > 0) & (shares > 0)
    opening, closing = (np.where(trades, prices[name], np.nan) for name in ("open", "close"))
    base, mark = _marks(closing, conversions)
    tick, lower, upper, disagree = _limits(axes, bars, place, prices | {"open": opening}, base, (listed, listed_place))
    sector, sectors = axes.labels(listed["sector33_code"], listed_place)
    scale, scales = axes.labels(listed["scale_category"], listed_place)
    payments, undecided = _payments(frames.dividends, axes)
    return MarketGrid(
        sessions=axes.sessions,
        codes=axes.names,
        opening=opening,
        base=base,
        mark=mark,
        volume=mean_volume(shares, has_row, conversions, volume_window),
        volatility=daily_volatility(closing, base, volume_window),
        tick=tick,
        at_lower=lower,
        at_upper=upper,
        has_row=has_row,
        tradable=_tradable(frames.universe, axes, has_row),
        borrowable=axes.claims(listed["margin_class"] == BORROWABLE, listed_place),
        sector=sector,
        scale=scale,
        sectors=sectors,
        scales=scales,
        last_row=last_row,
        conversions=conversions,
        payments=payments,
        topix=_topix(frames.topix, axes),
        volume_window=volume_window,
        notes={
            "opens_on_which_limit_table_and_flags_disagree": disagree,
            "dividends_without_a_rate": undecided,
            "has_dividends": int(frames.dividends is not None),
        },
    )


def _sessions(bars: pl.DataFrame, calendar: SessionCalendar | None) -> tuple[date, ...]:
    found = bars["session"].unique().sort().to_list()
    if not found:
        raise DataError("bars", got="no rows", want="daily bars", remedy="Materialise core_jquants__daily_bars first.")
    sessions = (calendar or tse_calendar()).between(found[0], found[-1])
    if odd := sorted(set(found) ^ set(sessions)):
        has_bars = odd[0] in set(found)
        raise DataError(
            f"bars on {odd[0]}",
            got="a day that is no session" if has_bars else f"{len(odd)} sessions without any row",
            want="rows on every session of the calendar between the first and the last bar, and on no other day",
            remedy="Pass the calendar of these bars, or materialise the missing sessions.",
        )
    return tuple(sessions)


def _conversions(bars: pl.DataFrame, place: Wholes, width: int) -> dict[int, list[Conversion]]:
    """Ex-dates by place of the session."""
    rows = bars.select(
        pl.Series("place", place), factor=pl.col("adjustment_factor").fill_null(1.0), kind="ex_rights_type"
    ).filter(pl.col("factor") != 1.0)
    found: dict[int, list[Conversion]] = {}
    for flat, factor, kind in rows.sort("place").iter_rows():
        session, name = divmod(int(flat), width)
        found.setdefault(session, []).append(conversion(name, float(factor), kind == RIGHTS_ISSUE))
    return found


def _marks(closing: Floats, conversions: dict[int, list[Conversion]]) -> tuple[Floats, Floats]:
    """Base price of each session and worth at its close."""
    base, mark = np.full(closing.shape, np.nan), np.empty(closing.shape)
    mark[0] = closing[0]
    for session in range(1, len(closing)):
        base[session] = mark[session - 1]
        for event in conversions.get(session, ()):
            base[session, event.name] = mark[session - 1, event.name] * event.factor
        mark[session] = np.where(np.isfinite(closing[session]), closing[session], base[session])
    return base, mark


def _limits(
    axes: Axes,
    bars: pl.DataFrame,
    place: Wholes,
    prices: dict[str, Floats],
    base: Floats,
    listed: tuple[pl.DataFrame, Wholes],
) -> tuple[Floats, Flags, Flags, int]:
    """Tick at the open, opens at the lower and the upper limit, and on how many opens table and flags disagree."""
    touched = [axes.claims(bars[name], place) for name in ("is_limit_down", "is_limit_up")]
    tick = np.full(axes.shape, np.nan)
    lower, upper = np.zeros(axes.shape, dtype=np.bool_), np.zeros(axes.shape, dtype=np.bool_)
    scale, scales = axes.labels(listed[0]["scale_category"], listed[1])
    disagree = 0
    for row, session in enumerate(axes.sessions):
        fine_ones = [scales.index(name) for name in fine_tick_scales(session) if name in scales]
        is_fine = np.isin(scale[row], fine_ones)
        opening, high, low = (prices[name][row] for name in ("open", "high", "low"))
        tick[row] = tick_jpy(opening, is_topix500=is_fine)
        lower[row], upper[row], odd = at_limit(
            (opening, high, low), limit_prices(base[row], is_fine), (touched[0][row], touched[1][row])
        )
        disagree += int(odd.sum())
    return tick, lower, upper, disagree


def _tradable(universe: pl.DataFrame | None, axes: Axes, has_row: Flags) -> Flags:
    if universe is None:
        return has_row
    require_columns(universe, MEMBERS, "universe")
    rows, place = axes.placed(universe.select(MEMBERS), "universe")
    return axes.claims(rows["is_tradable"], place) & has_row


def _payments(notices: pl.DataFrame | None, axes: Axes) -> tuple[dict[int, Payments], int]:
    if notices is None:
        return {}, 0
    require_columns(notices, NOTICES, "dividends")
    return dividends_by_session(notices.select(NOTICES), axes.codes, axes.days)


def _topix(topix: pl.DataFrame | None, axes: Axes) -> Floats:
    if topix is None:
        return np.full(axes.shape[0], np.nan)
    require_columns(topix, ("session", "close_points"), "topix")
    days = pl.DataFrame({"session": axes.sessions}, schema={"session": pl.Date})
    placed = days.join(topix.select("session", "close_points"), on="session", how="left", maintain_order="left")
    return placed["close_points"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
