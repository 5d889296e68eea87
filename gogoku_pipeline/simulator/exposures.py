"""What moves each issue: market, sector, size, value, its group of relatives, and itself.

Groups are six or so ordinary shares of different sectors that share one strong factor. A member loads on it with sign
+1 or -1, so two relatives move together or against each other: the sign of their edge is the product of their signs.
The most liquid member leads, the others follow (only as far as the graph dial says). About 70 % of stocks have a group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.listings import Listings

GROUP_SIZE = 6
GROUPED_SHARE = 0.7
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Exposures:
    """Fixed characteristics of the issues; arrays [issues] unless said.

    Attributes:
        beta, size, value: loadings on the market, size and value factors.
        sector_weight: loading on the own sector's factor (0 for funds).
        group: number of the issue's group, -1 for none.
        sign: +1 or -1 loading on the group factor, 0 without a group.
        leader: place of the group's leader, the issue itself if it leads or has no group.
        members: members of each group, shape [groups].
        own_vol: own daily volatility as a decimal, without common factors.
        group_vol: daily volatility through the group factor.
        log_turnover: typical log share turnover per session (share of the company traded).
        idle: chance that the issue does not trade on a session.
        start_price: price before the first session, yen.
    """

    beta: Floats
    size: Floats
    value: Floats
    sector_weight: Floats
    group: npt.NDArray[np.int32]
    sign: Floats
    leader: npt.NDArray[np.int32]
    members: Floats
    own_vol: Floats
    group_vol: Floats
    log_turnover: Floats
    idle: Floats
    start_price: Floats


def make_exposures(seed: int, listings: Listings) -> Exposures:
    """Draw the exposures of a market's issues."""
    rng = stream(seed, "exposures")
    n = len(listings.codes)
    stock = listings.is_stock
    price = np.clip(np.exp(rng.normal(np.log(1500.0), 0.9, n)), 80.0, 40000.0)
    price[~stock] = np.clip(price[~stock], 1000.0, 30000.0)
    log_value = np.log(listings.shares)
    size = np.where(stock, (log_value - log_value[stock].mean()) / log_value[stock].std(), 0.0)
    log_turnover = np.log(0.003) + rng.normal(0.0, 0.7, n) + 0.15 * size
    liquidity = np.argsort(np.argsort(log_turnover + size)) / (n - 1)
    idle = np.where(stock, np.clip(0.15 * (1.0 - liquidity) ** 6, 0.0, 0.15), 0.0)
    group, sign, leader, members = _groups(np.flatnonzero(stock), liquidity, n, rng)
    return Exposures(
        beta=np.where(stock, np.clip(rng.normal(1.0, 0.2, n), 0.4, 1.8), 1.0),
        size=-size,
        value=np.where(stock, rng.normal(0.0, 1.0, n), 0.0),
        sector_weight=stock.astype(np.float64),
        group=group,
        sign=sign,
        leader=leader,
        members=members,
        own_vol=np.where(stock, 0.0115 * np.exp(rng.normal(0.0, 0.25, n)), 0.0015),
        group_vol=0.017 * np.abs(sign),
        log_turnover=log_turnover,
        idle=idle,
        start_price=price,
    )


def _groups(
    stocks: npt.NDArray[np.intp], liquidity: Floats, n: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int32], Floats, npt.NDArray[np.int32], Floats]:
    """Group number, sign and leader per issue, and the size of each group."""
    group = np.full(n, -1, dtype=np.int32)
    sign = np.zeros(n)
    leader = np.arange(n, dtype=np.int32)
    chosen = rng.permutation(stocks)[: int(GROUPED_SHARE * len(stocks))]
    n_groups = max(1, len(chosen) // GROUP_SIZE)
    group[chosen] = np.arange(len(chosen)) % n_groups
    sign[chosen] = np.where(rng.random(len(chosen)) < 0.65, 1.0, -1.0)
    for number in range(n_groups):
        members = np.flatnonzero(group == number)
        leader[members] = members[np.argmax(liquidity[members])]
    counts = np.bincount(group[chosen], minlength=n_groups).astype(np.float64)
    return group, sign, leader, counts
