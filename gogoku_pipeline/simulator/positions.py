"""Large short positions: which houses are short of which issues, and the reports they must file.

A position is a share of the company. It has a level of its own, grows in crowded issues and in those that lost against
the market over sixty sessions, and wanders. A house reports when its position enters another step of 0.1 % at or above
0.5 %, and a last time when it falls below 0.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

PAIRS_PER_ISSUE = 0.4
DUTY, STEP = 50, 10
QUARTER = 60
ON_CROWDING, ON_LOSS, MEMORY, WANDER = 0.0015, 0.004, 0.98, 0.00025


@dataclass(frozen=True)
class Holder:
    """Who is short: the names and addresses a report prints."""

    name: str
    address: str
    manager: str = ""
    manager_address: str = ""
    fund: str = ""


HOLDERS = (
    Holder("Simulated Capital Management LLP", "London, United Kingdom"),
    Holder("Modelled Markets International PLC", "London, United Kingdom"),
    Holder("Synthetic Securities Japan Co., Ltd.", "東京都千代田区"),
    Holder("Example Quant Advisors LP", "New York, U.S.A."),
    Holder("Northern Sample Fund Services", "Dublin, Ireland", "Northern Sample Advisors", "Dublin, Ireland", "Fund A"),
    Holder("Northern Sample Fund Services", "Dublin, Ireland", "Northern Sample Advisors", "Dublin, Ireland", "Fund B"),
    Holder("模擬アセットマネジメント株式会社", "東京都港区"),
    Holder("Invented Asia Partners Ltd", "Hong Kong", "Invented Asia Advisors", "Hong Kong"),
    Holder("個人", ""),
)
INDIVIDUAL = len(HOLDERS) - 1


@dataclass(frozen=True)
class Filings:
    """Every report in order of (session, issue, holder), arrays [reports].

    Attributes:
        session: place of the calculation date.
        issue: place of the issue.
        holder: place in HOLDERS.
        ratio: position in hundredths of a percent of the company (cut off).
        previous_session, previous_ratio: of the last report of the same holder on the issue; -1 and 0 for none.
        is_repeated: reports that appear twice.
    """

    session: Places
    issue: Places
    holder: Places
    ratio: Places
    previous_session: Places
    previous_ratio: Places
    is_repeated: npt.NDArray[np.bool_]

    def of(self, session: int) -> slice:
        """The reports calculated on a session."""
        return slice(int(np.searchsorted(self.session, session)), int(np.searchsorted(self.session, session + 1)))


@once_per_market
def filings(market: Market) -> Filings:
    """File every report of the market's life."""
    issue, holder = _pairs(market)
    ratio = _ratios(market, issue)
    outside = np.int16(DUTY // STEP - 1)
    step = np.where(ratio >= DUTY, ratio // STEP, outside)
    listed = np.stack([market.listings.listed(place)[issue] for place in range(len(ratio))])
    before = np.vstack([np.full((1, len(issue)), outside), step[:-1]])
    before[1:][~listed[:-1]] = outside
    session, pair = np.nonzero((step != before) & listed)
    order = np.lexsort((session, pair))
    same = np.zeros(len(order), dtype=bool)
    same[1:] = pair[order][1:] == pair[order][:-1]
    previous_session, previous_ratio = np.full(len(order), -1), np.zeros(len(order), dtype=np.int64)
    values = ratio[session, pair].astype(np.int64)
    previous_session[order[1:]] = np.where(same[1:], session[order][:-1], -1)
    previous_ratio[order[1:]] = np.where(same[1:], values[order][:-1], 0)
    repeated = stream(market.config.seed, "positions", "repeated").random(len(order)) < 0.005
    return Filings(session, issue[pair], holder[pair], values, previous_session, previous_ratio, repeated)


def _pairs(market: Market) -> tuple[Places, Places]:
    """Issue and holder of every possible position, distinct, in order."""
    rng = stream(market.config.seed, "positions", "pairs")
    n = len(market.codes)
    count = max(12, int(PAIRS_PER_ISSUE * n))
    flat = np.sort(rng.choice(n * len(HOLDERS), size=count, replace=False))
    issue, holder = flat // len(HOLDERS), flat % len(HOLDERS)
    lone = (holder == INDIVIDUAL) & (rng.random(count) < 0.6)
    holder = np.where(lone, rng.integers(0, INDIVIDUAL, count), holder)
    unique = np.unique(issue * len(HOLDERS) + holder)
    return (unique // len(HOLDERS)).astype(np.int64), (unique % len(HOLDERS)).astype(np.int64)


def _ratios(market: Market, issue: Places) -> npt.NDArray[np.int16]:
    """Every position after every session in hundredths of a percent, cut off, shape [sessions, pairs]."""
    rng = stream(market.config.seed, "positions", "paths")
    history, n_sessions = market.history, len(market.sessions)
    level = rng.uniform(0.002, 0.009, len(issue))
    wander = rng.normal(0.0, WANDER / np.sqrt(1.0 - MEMORY**2), len(issue))
    result = np.zeros((n_sessions, len(issue)), dtype=np.int16)
    for place in range(n_sessions):
        wander = MEMORY * wander + WANDER * rng.standard_normal(len(issue))
        quarter = history.relative[place, issue] - history.relative[max(place - QUARTER, 0), issue]
        pull = ON_CROWDING * np.clip(history.crowding[place, issue], -2.0, 2.0) - ON_LOSS * np.clip(quarter, -1.0, 1.0)
        result[place] = np.floor(np.clip(level + pull + wander, 0.0, 0.05) * 1e4 + 1e-9)
    return result
