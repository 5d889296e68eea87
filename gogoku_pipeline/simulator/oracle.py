"""The oracle: what open(t+1) -> open(t+1+h) is truly expected to bring, given everything known at the close of t.

The expected path is rolled forward session by session with the planted law itself (signals.py): expected Q gives the
expected facts of t+1, these the expected drift of t+1, and so on. The part of a window that lies in the past is known
exactly; the night t -> t+1 is expected to bring what is left of d(t-1). The score is the sum of the h expected drifts.

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

from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.simulator.config import Dials
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.history import History
from gogoku_pipeline.simulator.listings import Listings
from gogoku_pipeline.simulator.signals import (
    DAY_SHARE,
    MOMENTUM_LOOK,
    MOMENTUM_SKIP,
    MONTH,
    NIGHT_SHARE,
    WEEK,
    Facts,
    drift,
)
from gogoku_pipeline.simulator.trading import FAST_STEP, SLOW_STEP, VOLUME_MEMORY, VOLUME_NOISE, VOLUME_SHOCK

LONGEST_HORIZON = MOMENTUM_SKIP
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
    session: int, horizon_d: int, history: History, exposures: Exposures, dials: Dials, listings: Listings
) -> Singles:
    """Expected relative log return from open(t+1) to open(t+1+h) for t = `session`, shape [issues]."""
    memory = pull_memories()
    trades = 1.0 - exposures.idle
    path: dict[int, npt.NDArray[np.float64]] = {0: history.relative[session].astype(np.float64)}

    def q(step: int) -> npt.NDArray[np.float64]:
        if step > 0:
            return path[step]
        return np.asarray(history.relative[max(session + step, 0)], dtype=np.float64)

    earlier = drift(history.facts(session - 1), dials, exposures, listings.is_stock) if session else np.zeros(1)
    total = np.zeros(len(trades))
    for ahead in range(horizon_d):
        facts = Facts(
            week=q(ahead) - q(ahead - WEEK),
            month=q(ahead) - q(ahead - MONTH),
            momentum=q(ahead - MOMENTUM_SKIP) - q(ahead - MOMENTUM_LOOK),
            day=q(ahead) - q(ahead - 1),
            tilt=history.tilt[session],
            pull=history.pull[session] * memory[ahead],
        )
        now = drift(facts, dials, exposures, listings.is_stock)
        total += now * trades
        path[ahead + 1] = path[ahead] + trades * (NIGHT_SHARE * earlier + DAY_SHARE * now)
        earlier = now
    return total.astype(np.float32)


def oracle_scores(
    sessions: list[date],
    listings: Listings,
    exposures: Exposures,
    history: History,
    dials: Dials,
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
