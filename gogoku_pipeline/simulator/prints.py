"""Raw prints of chosen issue-sessions: the whole day, and on Premium its morning and afternoon.

The halves join up with the day: the morning opens at the day's open, the afternoon closes at its close, the day's high
and low fall into one of them, volumes and turnovers add up. Over lunch the price moves by about 0.3 %, inside the day's
range, and the morning's share of trading differs from issue to issue and day to day; neither has to do with the future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.grid import fair_round, floor_to_tick
from gogoku_pipeline.simulator.truth import LATER_CLOSE_FROM

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

PRICES = {"O": "open", "H": "high", "L": "low", "C": "close"}
MORNING_SHARE, MORNING_SHARE_OF_LONGER_DAY = 0.47, 0.42
LUNCH_VOL, HALF_DRAWS = 0.003, 8
SHARE_SPREAD = 0.45
"""Standard deviation of the log odds of the morning's share: two mornings in three take 36 to 58 % of the lots."""


@dataclass(frozen=True)
class Cells:
    """The issue-sessions an answer is about: all listed issues of one session, or all sessions of one issue.

    Attributes:
        sessions, issues: places, both shape [cells].
        cumulative: adjustment factor of each cell as of the serving day.
        today: factor of the cell's own session.
        basis: product of all factors up to the cell's session.
    """

    sessions: Places
    issues: Places
    cumulative: Floats
    today: Floats
    basis: Floats


@dataclass(frozen=True)
class Prints:
    """Raw values of cells, all shape [cells]; `traded` says where they mean anything."""

    prices: dict[str, Floats]
    volume: Floats
    turnover: Floats
    upper: Flags
    lower: Flags
    traded: Flags


def cells_of_day(market: Market, session: int, as_of: int) -> Cells:
    """Every issue listed on a session, in code order."""
    issues = np.flatnonzero(market.listings.listed(session)).astype(np.int64)
    table = market.split_table
    return Cells(
        np.full(len(issues), session, dtype=np.int64),
        issues,
        table.on_day(session, as_of)[issues],
        table.on_day(session - 1, session)[issues],
        table.on_day(-1, session)[issues],
    )


def cells_of_issue(market: Market, issue: int, first: int, stop: int, as_of: int) -> Cells:
    """One issue on the sessions of [first, stop) on which it is listed."""
    begin = max(first, int(market.listings.first[issue]))
    sessions = np.arange(begin, min(stop, int(market.listings.last[issue]) + 1), dtype=np.int64)
    table = market.split_table
    return Cells(
        sessions,
        np.full(len(sessions), issue, dtype=np.int64),
        table.of_issue(issue, sessions, np.full_like(sessions, as_of)),
        table.of_issue(issue, sessions - 1, sessions),
        table.of_issue(issue, np.full_like(sessions, -1), sessions),
    )


def day_prints(market: Market, cells: Cells) -> Prints:
    """What the tape of the whole session says."""
    history, at = market.history, (cells.sessions, cells.issues)
    prices = {key: getattr(history, name)[at] / 10.0 for key, name in PRICES.items()}
    volume: Floats = history.lots[at].astype(np.float64) * 100.0
    middle = (prices["O"] + prices["H"] + prices["L"] + prices["C"]) / 4.0
    limits = history.limits[at]
    return Prints(prices, volume, np.rint(volume * middle), (limits & 1) > 0, (limits & 2) > 0, history.close[at] > 0)


def half_prints(market: Market, cells: Cells, day: Prints) -> tuple[Prints, Prints]:
    """The morning and the afternoon of each cell."""
    draws = _half_draws(market, cells)
    halves: list[Prints] = []
    prices = {key: np.where(day.traded, value, 1.0) for key, value in day.prices.items()}
    fine = market.listings.is_fine[cells.issues]
    noon = floor_to_tick(prices["L"] + (prices["H"] - prices["L"]) * draws[0], fine)
    noon = np.clip(noon, prices["L"], prices["H"])
    again = fair_round(noon * np.exp(LUNCH_VOL * _spread(draws[3:5])), fine, draws[5])
    again = np.clip(again, prices["L"], prices["H"])
    later = np.array([market.sessions[place] >= LATER_CLOSE_FROM for place in cells.sessions], dtype=bool)
    share = np.where(later, MORNING_SHARE_OF_LONGER_DAY, MORNING_SHARE)
    share = 1.0 / (1.0 + (1.0 / share - 1.0) * np.exp(-SHARE_SPREAD * _spread(draws[6:8])))
    morning = np.minimum(np.rint(day.volume / 100.0 * share) * 100.0, day.volume)
    for is_morning, opening, closing in ((True, prices["O"], noon), (False, again, prices["C"])):
        high = np.where((draws[1] < 0.5) == is_morning, prices["H"], np.maximum(opening, closing))
        low = np.where((draws[2] < 0.5) == is_morning, prices["L"], np.minimum(opening, closing))
        volume = morning if is_morning else day.volume - morning
        money: Floats = np.rint(day.turnover * morning / np.maximum(day.volume, 1.0))
        halves.append(
            Prints(
                {"O": opening, "H": high, "L": low, "C": closing},
                np.asarray(volume, dtype=np.float64),
                money if is_morning else day.turnover - money,
                day.upper & (high >= prices["H"]),
                day.lower & (low <= prices["L"]),
                day.traded & (volume > 0),
            )
        )
    return halves[0], halves[1]


def _spread(pair: Floats) -> Floats:
    """Draws of mean 0 and variance 1 between -2.45 and 2.45, from two uniform ones; [2, cells] to [cells]."""
    spread: Floats = (pair[0] + pair[1] - 1.0) * np.sqrt(6.0)
    return spread


def _half_draws(market: Market, cells: Cells) -> Floats:
    """Uniform draws per cell, the same whichever query asks for it; shape [HALF_DRAWS, cells]."""
    seed, n = market.config.seed, len(market.codes)
    if len(cells.sessions) == 0:
        return np.zeros((HALF_DRAWS, 0))
    if (cells.sessions == cells.sessions[0]).all():
        return stream(seed, "halves", int(cells.sessions[0])).random((HALF_DRAWS, n))[:, cells.issues]
    columns = [
        stream(seed, "halves", int(session)).random((HALF_DRAWS, n))[:, issue]
        for session, issue in zip(cells.sessions, cells.issues, strict=True)
    ]
    return np.stack(columns, axis=1)
