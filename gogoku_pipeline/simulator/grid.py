"""The price grid: ticks and daily limits, and a rounding that creates no predictability.

Prices are kept as integer tenths of a yen, the finest step of the exchange. Rounding is *fair*: between two grid
points the upper one is taken with the probability that keeps the expected log price, so a rounded price is a
martingale and no bid-ask bounce appears. The limit cuts what goes beyond it; the excess is lost, not carried over.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.price_rules import limit_jpy, tick_jpy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_HAIR = 1e-7


def floor_to_tick(price: Floats, is_fine: Flags) -> Floats:
    """The highest grid price not above `price`, at least one tick."""
    tick = tick_jpy(price, is_topix500=is_fine)
    return np.maximum(np.round(np.floor(price / tick + _HAIR) * tick, 1), tick)


def ceil_to_tick(price: Floats, is_fine: Flags) -> Floats:
    """The lowest grid price not below `price`, at least one tick."""
    tick = tick_jpy(price, is_topix500=is_fine)
    return np.maximum(np.round(np.ceil(price / tick - _HAIR) * tick, 1), tick)


def fair_round(price: Floats, is_fine: Flags, uniform: Floats) -> Floats:
    """A grid price next to `price` whose expected logarithm is that of `price`.

    Args:
        price: positive prices in yen, shape [n].
        is_fine: TOPIX 500 members (finer steps), shape [n].
        uniform: draws in [0, 1), shape [n].
    """
    tick = tick_jpy(price, is_topix500=is_fine)
    low = np.round(np.floor(price / tick + _HAIR) * tick, 1)
    low = np.maximum(low, tick)
    high = np.round(low + tick, 1)
    share = np.log(np.maximum(price, low) / low) / np.log(high / low)
    return np.where(uniform < share, high, low)


def bounds(base: Floats, is_fine: Flags) -> tuple[Floats, Floats]:
    """Lowest and highest grid price allowed in a session with this base price."""
    width = limit_jpy(base)
    lower = ceil_to_tick(np.maximum(base - width, 0.1), is_fine)
    upper = floor_to_tick(base + width, is_fine)
    return lower, upper


def to_tenths(price: Floats) -> npt.NDArray[np.int32]:
    """Yen to integer tenths."""
    return np.rint(price * 10.0).astype(np.int32)
