"""The oracle: what open(t+1) -> open(t+1+h) is truly expected to bring, given everything known at the close of t.

The expected path is rolled forward session by session with the planted law itself (signals.py): expected Q gives the
expected facts of t+1, these the expected drift of t+1, and so on. The part of a window that lies in the past is known
exactly; the night t -> t+1 is expected to bring what is left of d(t-1). The score is the sum of the h expected drifts.

What lies beyond prices fades as its own law says: surprises by half in 20 sessions, flows by 0.8 a published week, the
skew by 0.97 a session; published crowding follows the expected path. A disclosure that is known this evening but not
priced yet moves the expected path by its jump (not the score: the jump ends before open(t+1)).

Ticks, limits and halts:
- Rounding to ticks keeps the expected log price (grid.fair_round), so it leaves the expectation as it is.
- An issue that does not trade on a session loses that session's drift: every session's drift counts with the issue's
  chance to trade. Issues locked at a limit trade on from the limit price, without memory of the excess.
- What the limit cuts off a drift is neglected: jumps beyond a limit happen in about 0.1 % of issue-sessions and are
  symmetric.
Two more approximations: expectations of products (move x tilt, move x pull) are products of expectations, and the pull
of relatives fades by the linear memory of V (`pull_memory`), the tilt stays. A test regresses realised returns on the
score: the slope must be 1 within its error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.simulator.config import Dials
from gogoku_pipeline.simulator.crowding import CROWD_MEMORY, CROWD_ON_MOVE
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.history import History
from gogoku_pipeline.simulator.listings import Listings
from gogoku_pipeline.simulator.reports import DRIFT_DECAY
from gogoku_pipeline.simulator.signals import (
    DAY_SHARE,
    MOMENTUM_LOOK,
    MOMENTUM_SKIP,
    MONTH,
    NIGHT_SHARE,
    WEEK,
    Facts,
    disclosure_jump,
    drift,
)
from gogoku_pipeline.simulator.trading import FAST_STEP, SLOW_STEP, VOLUME_MEMORY, VOLUME_NOISE, VOLUME_SHOCK
from gogoku_pipeline.simulator.volatility import expected_skew

LONGEST_HORIZON = MOMENTUM_SKIP
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


def pull_memory(ahead: int, *, length: int = 600) -> float:
    """Correlation of V now with V `ahead` sessions later, from the law of volume (AR(1) interest plus noise)."""
    lag = np.arange(length)
    weights = FAST_STEP * (1.0 - FAST_STEP) ** lag - SLOW_STEP * (1.0 - SLOW_STEP) ** lag
    spread = VOLUME_SHOCK**2 / (1.0 - VOLUME_MEMORY**2)

    def covariance(shift: int) -> float:
        distance = np.abs(lag[:, None] - lag[None, :] + shift)
        table = spread * VOLUME_MEMORY**distance + VOLUME_NOISE**2 * (distance == 0)
        return float(weights @ table @ weights)

    return covariance(ahead) / covariance(0)


@lru_cache(maxsize=1)
def pull_memories() -> tuple[float, ...]:
    """`pull_memory` for 0..19 sessions ahead."""
    return tuple(pull_memory(ahead) for ahead in range(LONGEST_HORIZON))


def expected_return(
    session: int, horizon_d: int, history: History, exposures: Exposures, dials: Sequence[Dials], listings: Listings
) -> Singles:
    """Expected relative log return from open(t+1) to open(t+1+h) for t = `session`, shape [issues].

    `dials` are those in force on each session: a drift obeys the law of the session at whose close it is decided, a
    jump that of the session that prices it. The oracle knows of turns beforehand: they are part of the law.
    """
    memory, public = pull_memories(), history.background
    trades = 1.0 - exposures.idle
    crowd = _ExpectedCrowd(session, history, np.array(listings.margin) != "3")
    path: dict[int, Floats] = {0: history.relative[session].astype(np.float64)}

    def q(step: int) -> Floats:
        if step > 0:
            return path[step]
        return np.asarray(history.relative[max(session + step, 0)], dtype=np.float64)

    def law(place: int) -> Dials:
        return dials[min(place, len(dials) - 1)]

    awaited = disclosure_jump(public.reports.pending(session), law(session + 1))
    before = max(session - 1, 0)
    earlier = drift(history.facts(before), law(before), exposures, listings.is_stock) if session else np.zeros(1)
    total = np.zeros(len(trades))
    for ahead in range(horizon_d):
        facts = Facts(
            week=q(ahead) - q(ahead - WEEK),
            month=q(ahead) - q(ahead - MONTH),
            momentum=q(ahead - MOMENTUM_SKIP) - q(ahead - MOMENTUM_LOOK),
            day=q(ahead) - q(ahead - 1),
            tilt=history.tilt[session],
            pull=history.pull[session] * memory[ahead],
            news=public.reports.drifting[session] * DRIFT_DECAY**ahead,
            crowding=crowd.known(ahead, q),
            flow=public.flows.expected(session, ahead),
            skew=expected_skew(float(public.skew_known[session]), ahead),
        )
        now = drift(facts, law(session + ahead), exposures, listings.is_stock)
        total += now * trades
        path[ahead + 1] = path[ahead] + trades * (NIGHT_SHARE * earlier + awaited + DAY_SHARE * now)
        earlier, awaited = now, np.zeros(1)
    return total.astype(np.float32)


class _ExpectedCrowd:
    """What the published margin balances are expected to say on later evenings, carried along an expected path."""

    def __init__(self, session: int, history: History, has_margin: npt.NDArray[np.bool_]) -> None:
        self._session, self._balances = session, history.background.balances
        self._place = int(self._balances[session])
        self._has_margin = has_margin
        self._state: Floats = history.published_crowding(session).astype(np.float64)

    def known(self, ahead: int, q: Callable[[int], Floats]) -> Floats:
        """Balances newest at the evening `ahead` sessions on; `q` gives Q on that axis. Call with growing `ahead`."""
        target = int(self._balances[min(self._session + ahead, len(self._balances) - 1)])
        for place in range(self._place + 1, target + 1):
            before = q(place - 1 - self._session) if place > 0 else 0.0
            moved = CROWD_MEMORY * self._state + CROWD_ON_MOVE * (q(place - self._session) - before)
            self._state = np.where(self._has_margin, moved, 0.0)
        self._place = max(self._place, target)
        return self._state


def oracle_scores(
    sessions: list[date],
    listings: Listings,
    exposures: Exposures,
    history: History,
    dials: Sequence[Dials],
    horizon_d: int,
) -> pl.DataFrame:
    """The oracle's scores for every listed issue; see `market.Market.oracle_scores`."""
    if not 1 <= horizon_d <= LONGEST_HORIZON:
        raise ConfigError(
            "oracle horizon",
            got=f"{horizon_d} sessions",
            want=f"1 to {LONGEST_HORIZON}",
            remedy="Longer horizons would need the momentum of days that have not happened.",
        )
    codes = np.array(listings.codes)
    rows: list[pl.DataFrame] = []
    for place, session in enumerate(sessions):
        listed = listings.listed(place)
        score = expected_return(place, horizon_d, history, exposures, dials, listings)[listed]
        rows.append(pl.DataFrame({"code": codes[listed], "score": score}).with_columns(session=pl.lit(session)))
    frame = pl.concat(rows).with_columns(horizon_d=pl.lit(horizon_d, pl.Int16), score=pl.col("score").cast(pl.Float64))
    return frame.select("session", "code", "horizon_d", "score").sort("session", "code")
