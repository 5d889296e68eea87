"""What one fill costs: commission by tier, half the spread, and the impact of its own size.

commission = rate of the tier the value falls in x value; spread = half_spread_ticks x tick x shares;
impact = Y x daily volatility x sqrt(shares / average daily shares) x value. All in yen, none changes the fill price.
Source: evaluation protocol, section 6; square-root impact after Grinold & Kahn (2000), Toth et al. (2011).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig

Floats = npt.NDArray[np.float64]


class Rules(NamedTuple):
    """What the compiled loop knows of a strategy."""

    lot_shares: int
    participation: float
    commission_bounds: Floats
    commission_rates: Floats
    half_spread_ticks: float
    impact: float
    unknown_volatility: float


def rules_of(config: BacktestConfig) -> Rules:
    """The part of a strategy that every fill asks for."""
    costs = config.costs
    return Rules(
        int(config.lot_shares),
        float(config.participation),
        np.array(costs.commission_bounds_jpy, dtype=np.float64),
        np.array(costs.commission_rates, dtype=np.float64),
        float(costs.half_spread_ticks),
        float(costs.impact),
        float(costs.unknown_volatility),
    )


@compiled
def commission_jpy(value: float, rules: Rules) -> float:
    """Commission of an order's value; a value on a bound belongs to the tier below."""
    tier = 0
    while tier < rules.commission_bounds.size and value > rules.commission_bounds[tier]:
        tier += 1
    return rules.commission_rates[tier] * value  # type: ignore[no-any-return]


@compiled
def spread_jpy(shares: int, tick: float, rules: Rules) -> float:
    """What crossing half the spread costs."""
    return rules.half_spread_ticks * tick * shares


@compiled
def impact_jpy(value: float, shares: int, volume: float, volatility: float, rules: Rules) -> float:
    """What the order's own size costs; an unknown volatility is `unknown_volatility`."""
    sigma = rules.unknown_volatility if np.isnan(volatility) else volatility
    return rules.impact * sigma * np.sqrt(shares / volume) * value  # type: ignore[no-any-return]
