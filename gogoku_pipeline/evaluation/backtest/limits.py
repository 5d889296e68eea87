"""Price limits and ticks by date: at which prices nothing can be bought, at which nothing can be sold.

A session's limits come from the exchange's table by base price (the last price before the session, on the session's
share basis). The publisher's flags are the cross-check: a flag with the open at the day's high (low) says that the
open was the limit, also on days whose base or limit was another than the table's (after sessions without a trade the
base is the last special quote; after two locked sessions the limit is widened). Either is enough to forbid the trade.
Source: JPX rules "Daily price limits" and "Tick size"; finer ticks since 2014-01-14 (TOPIX 100) and 2023-06-05 (TOPIX
500). Before 2015-09-24 the finer steps themselves were slightly other ones; the table of today stands in for them.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.price_rules import limit_jpy, tick_jpy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TOPIX_100 = ("TOPIX Core30", "TOPIX Large70")
TOPIX_500 = (*TOPIX_100, "TOPIX Mid400")
FINE_TICKS: tuple[tuple[date, tuple[str, ...]], ...] = ((date(2014, 1, 14), TOPIX_100), (date(2023, 6, 5), TOPIX_500))
"""Since when which TOPIX size classes have the finer tick."""

_HAIR = 1e-7


def fine_tick_scales(session: date) -> tuple[str, ...]:
    """TOPIX size classes that have the finer tick on a session; empty before 2014-01-14."""
    known = [scales for since, scales in FINE_TICKS if since <= session]
    return known[-1] if known else ()


def limit_prices(base: Floats, is_fine: Flags) -> tuple[Floats, Floats]:
    """Lowest and highest price of a session.

    Args:
        base: base prices in yen, shape [names]; NaN for none.
        is_fine: names with the finer tick, shape [names].

    Returns:
        (lower, upper), each on the tick grid inside base +- limit and at least one tick; NaN where the base is.
    """
    width = limit_jpy(base)
    high, low = base + width, np.maximum(base - width, _HAIR)
    up, down = tick_jpy(high, is_topix500=is_fine), tick_jpy(low, is_topix500=is_fine)
    upper = np.floor(high / up + _HAIR) * up
    lower = np.maximum(np.ceil(low / down - _HAIR) * down, down)
    return lower, upper


def at_limit(
    prices: tuple[Floats, Floats, Floats], limits: tuple[Floats, Floats], touched: tuple[Flags, Flags]
) -> tuple[Flags, Flags, Flags]:
    """Whose open is a limit price.

    Args:
        prices: open, high and low, each [names], NaN without a trade.
        limits: of `limit_prices`.
        touched: the publisher's flags for the lower and the upper limit, each [names].

    Returns:
        (at the lower limit, at the upper limit, table and flags disagree), each [names].
    """
    opening, high, low = prices
    by_table = (opening <= limits[0] + _HAIR, opening >= limits[1] - _HAIR)
    by_flag = (touched[0] & (opening == low), touched[1] & (opening == high))
    disagree = (by_table[0] != by_flag[0]) | (by_table[1] != by_flag[1])
    return by_table[0] | by_flag[0], by_table[1] | by_flag[1], disagree & np.isfinite(opening)
