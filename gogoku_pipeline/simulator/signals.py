"""The planted edge: which public facts at the close of t move prices from the next open on, and by how much.

All quantities are public by the evening of t. `Q` is an issue's log price (split-adjusted) minus the equal-weight
market's, so differences of Q are relative returns. A session's drift d(t) works on the intraday move of t+1 (60 %)
and on the night from t+1 to t+2 (40 %), that is on open(t+1) -> open(t+2). It never works on the night from t to t+1:
a decision at t can still earn all of it.

    d = -REVERSAL    * (Q[t] - Q[t-5])                                 short-term reversal
      + MOMENTUM     * (Q[t-20] - Q[t-100])                            slow momentum
      + INTERACTION  * (Q[t] - Q[t-20]) * tilt[t]                      trend in liquid, reversal in illiquid issues
      + GRAPH        * (Q[t] - Q[t-5]) * pull[t]                       relatives' volume decides about the own move
      + LEAD         * sign_i * sign_leader * (Q_leader[t] - Q_leader[t-1])       followers follow
      + EARNINGS     * news[t]                                         drift after results and forecast revisions
      - CROWDING     * crowding_known[t] / CROWD_SPREAD                margin longs hold an issue back
      + FLOW         * flow[t] * largeness                             foreigners buy large issues
      - SKEW         * (skew_known[t] - SKEW_MEAN) * (beta - 1)        fear holds back high beta

    tilt[t] = tanh((slow mean of log turnover - its median over the day) / 1.2)
    pull[t] = sign_i * sum_j sign_j * shock_j / sqrt(members - 1) over relatives j; shock = tanh(V / 0.35),
              V = fast minus slow mean of log volume (half-lives 4 and 40 sessions, traded sessions only)
    news[t] = surprises disclosed and known by the evening of t, fading by half in 20 sessions (reports.py)
    crowding_known[t] = log ratio of margin longs to normal in the newest published balances (crowding.py)
    flow[t] = foreigners' net buying of the newest published week, in standard deviations (flows.py)
    skew_known[t] = skew of the index options of t-1 (volatility.py); largeness = standardised log market value

At the disclosure itself the price jumps by JUMP * surprise, during the session or in the night that follows: before
it nobody can know it, after it nobody can earn it. With the four dials of the last lines at 0 nothing of them is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.config import Dials
from gogoku_pipeline.simulator.crowding import CROWD_SPREAD
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.volatility import SKEW_MEAN

Floats = npt.NDArray[np.floating]

REVERSAL = 0.028
MOMENTUM = 0.0026
INTERACTION = 0.013
GRAPH = 0.055
LEAD = 0.10
EARNINGS = 0.0010
CROWDING = 0.0005
FLOW = 0.0007
SKEW = 0.16
JUMP = 0.025

WEEK, MONTH = 5, 20
MOMENTUM_SKIP, MOMENTUM_LOOK = 20, 100
DAY_SHARE, NIGHT_SHARE = 0.6, 0.4
FAST_HALF_LIFE, SLOW_HALF_LIFE = 4.0, 40.0
SHOCK_SCALE, TILT_SCALE = 0.35, 1.2


@dataclass(frozen=True)
class Facts:
    """Public facts at a close; every array ends in the issue axis and they broadcast against each other.

    Attributes:
        week, month: relative log return of the last 5 and 20 sessions.
        momentum: relative log return from t-100 to t-20.
        day: relative log return of the session.
        tilt: liquidity tilt in (-1, 1).
        pull: signed volume shock of the relatives.
        news: fading sum of earnings surprises.
        crowding: log ratio of margin longs to normal, as published.
        flow: foreigners' net buying of the newest published week, one number for all issues.
        skew: skew of the index options as published, one number for all issues.
    """

    week: Floats
    month: Floats
    momentum: Floats
    day: Floats
    tilt: Floats
    pull: Floats
    news: Floats
    crowding: Floats
    flow: float
    skew: float


def drift(facts: Facts, dials: Dials, exposures: Exposures, is_stock: npt.NDArray[np.bool_]) -> Floats:
    """Expected relative log return from open(t+1) to open(t+2), same shape as the facts."""
    lead = exposures.sign * exposures.sign[exposures.leader] * facts.day[..., exposures.leader]
    follows = exposures.leader != np.arange(len(exposures.leader))
    total = (
        -dials.reversal * REVERSAL * facts.week
        + dials.momentum * MOMENTUM * facts.momentum
        + dials.interaction * INTERACTION * facts.month * facts.tilt
        + dials.graph * GRAPH * facts.week * facts.pull
        + dials.lead * LEAD * np.where(follows, lead, 0.0)
    )
    total = total + _known_beyond_prices(facts, dials, exposures)
    result: Floats = np.where(is_stock, dials.overall * total, 0.0)
    return result


def _known_beyond_prices(facts: Facts, dials: Dials, exposures: Exposures) -> Floats:
    """The part of the drift that no past price or volume shows."""
    part: Floats = (
        dials.earnings * EARNINGS * facts.news
        - dials.crowding * CROWDING / CROWD_SPREAD * facts.crowding
        - dials.flow * FLOW * facts.flow * exposures.size
        - dials.skew * SKEW * (facts.skew - SKEW_MEAN) * (exposures.beta - 1.0)
    )
    return part


def disclosure_jump(surprises: Floats, dials: Dials) -> Floats:
    """Log move by which prices take in surprises of this size."""
    return dials.overall * dials.earnings * JUMP * surprises


def relatives_pull(volume_gap: Floats, exposures: Exposures) -> Floats:
    """Signed volume shock of each issue's relatives, shape [issues]; 0 without relatives.

    Args:
        volume_gap: V of every issue, shape [issues]; 0 where unknown.
        exposures: groups and signs.
    """
    shock = exposures.sign * np.tanh(volume_gap / SHOCK_SCALE)
    grouped = exposures.group >= 0
    totals = np.bincount(exposures.group[grouped], weights=shock[grouped], minlength=len(exposures.members))
    place = np.maximum(exposures.group, 0)
    others = totals[place] - shock
    scale = np.sqrt(np.maximum(exposures.members[place] - 1.0, 1.0))
    return np.where(grouped, exposures.sign * others / scale, 0.0)


def liquidity_tilt(log_turnover: Floats, is_known: npt.NDArray[np.bool_]) -> Floats:
    """Liquidity tilt from the slow mean of log turnover, shape [issues]; 0 where unknown."""
    centre = np.median(log_turnover[is_known]) if is_known.any() else 0.0
    return np.where(is_known, np.tanh((log_turnover - centre) / TILT_SCALE), 0.0)
