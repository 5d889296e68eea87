"""The volatility surface of index options on arrays: at the money, at 25 delta, and at a tenor of so many days.

Belongs here: interpolation in strike, in delta and in total variance; the Black-76 delta. Does not belong here: which
rows count, and when they are known (`options`).

Volatilities are annual decimals, years are calendar days / 365, NaN is null. Source: features.md 3.12 and G11;
F. Black, The pricing of commodity contracts (1976).
"""

from __future__ import annotations

import math

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Claims, Values, Whole

DAYS_IN_YEAR = 365.0
QUARTER = 0.25


@compiled
def call_delta(forward: float, strike: float, years: float, vol: float, rate: float) -> float:
    """Gain of a call per unit of the forward price: exp(-r T) N(d1), d1 = ln(F/K) / (vol sqrt(T)) + vol sqrt(T) / 2."""
    spread = vol * math.sqrt(years)
    upper = math.log(forward / strike) / spread + 0.5 * spread
    return math.exp(-rate * years) * 0.5 * math.erfc(-upper / math.sqrt(2.0))


@compiled
def put_delta(forward: float, strike: float, years: float, vol: float, rate: float) -> float:
    """The same of a put: -exp(-r T) N(-d1); call delta - put delta = exp(-r T)."""
    spread = vol * math.sqrt(years)
    upper = math.log(forward / strike) / spread + 0.5 * spread
    return -math.exp(-rate * years) * 0.5 * math.erfc(upper / math.sqrt(2.0))


@compiled
def at_the_money(starts: Whole, strike: Values, is_call: Claims, vol: Values, forward: Values) -> Values:
    """Volatility at the money of each expiry: mean of call and put at the two strikes around F, linear in strike.

    A strike counts where call and put have a volatility. Null where F lies outside such strikes.

    Args:
        starts: [expiries + 1] first row of each; rows ascending by strike, the put of a strike before its call.
        strike: [rows].
        is_call: [rows].
        vol: [rows].
        forward: [rows] price of the underlying; an expiry's first row tells it.
    """
    out = np.full(starts.size - 1, np.nan)
    for u in range(starts.size - 1):
        below, above, low, high = np.nan, np.nan, np.nan, np.nan
        price = forward[starts[u]]
        for i in range(starts[u], starts[u + 1] - 1):
            if strike[i] != strike[i + 1] or is_call[i] or not is_call[i + 1]:
                continue
            both = 0.5 * (vol[i] + vol[i + 1])
            if strike[i] <= price:
                below, low = strike[i], both
            if strike[i] >= price:
                above, high = strike[i], both
                break
        if above == below:
            out[u] = low
        else:
            out[u] = low + (high - low) * (price - below) / (above - below)
    return out


@compiled
def at_quarter_delta(
    starts: Whole,
    strike: Values,
    is_call: Claims,
    vol: Values,
    forward: Values,
    years: Values,
    rate: Values,
    call: bool,
) -> Values:
    """Volatility of the put (call) whose |delta| is 0.25 in each expiry: linear in |delta| between two neighbours.

    Walks from options in the money outwards and takes the first two neighbours around 0.25; null where there are none.

    Args:
        starts: as for `at_the_money`.
        strike: the same.
        is_call: the same.
        vol: the same.
        forward: the same.
        years: [rows] to expiry.
        rate: [rows] interest, annual decimal.
        call: calls rather than puts.
    """
    out = np.full(starts.size - 1, np.nan)
    for u in range(starts.size - 1):
        inner, inner_vol = np.nan, np.nan
        for k in range(starts[u + 1] - starts[u]):
            i = starts[u] + k if call else starts[u + 1] - 1 - k
            if is_call[i] != call:
                continue
            if call:
                size = call_delta(forward[i], strike[i], years[i], vol[i], rate[i])
            else:
                size = -put_delta(forward[i], strike[i], years[i], vol[i], rate[i])
            if size == QUARTER:
                out[u] = vol[i]
                break
            if size < QUARTER:
                if inner > QUARTER:
                    out[u] = vol[i] + (inner_vol - vol[i]) * (QUARTER - size) / (inner - size)
                break
            if size == size:
                inner, inner_vol = size, vol[i]
    return out


@compiled
def at_tenor(starts: Whole, days: Values, vol: Values, target: float, shortest: float, hold: float) -> Values:
    """Volatility at `target` calendar days: total variance vol^2 T, linear in T between the neighbouring expiries.

    Where the nearest expiry lies beyond the target, though at most `hold` days away, its volatility holds down to the
    target: total variance proportional to T. Beyond the last expiry: null.

    Args:
        starts: [days of trade + 1] first expiry of each; expiries ascending.
        days: [expiries] calendar days to expiry.
        vol: [expiries] volatility, NaN to leave the expiry out.
        target: in calendar days.
        shortest: expiries with fewer days are left out.
        hold: most calendar days from which a volatility holds down to the target.
    """
    out = np.full(starts.size - 1, np.nan)
    for u in range(starts.size - 1):
        near, near_vol = np.nan, np.nan
        for i in range(starts[u], starts[u + 1]):
            if days[i] < shortest or vol[i] != vol[i]:
                continue
            if days[i] == target:
                out[u] = vol[i]
                break
            if days[i] > target:
                if near == near:
                    first, last = near_vol * near_vol * near, vol[i] * vol[i] * days[i]
                    here = first + (last - first) * (target - near) / (days[i] - near)
                    out[u] = math.sqrt(here / target)
                elif days[i] <= hold:
                    out[u] = vol[i]
                break
            near, near_vol = days[i], vol[i]
    return out
