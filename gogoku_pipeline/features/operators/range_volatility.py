"""Variances per session seen through opens, highs, lows and closes. All are means over the last n sessions.

Formulas, per session: Parkinson (1980) ln(h/l)^2 / (4 ln 2); Garman-Klass (1980) 0.5 ln(h/l)^2 - (2 ln 2 - 1)
ln(c/o)^2; Rogers-Satchell (1991) ln(h/c) ln(h/o) + ln(l/c) ln(l/o); Yang-Zhang (2000) Vo + k Vc + (1 - k) Vrs with
sample variances of ln(o/c[t-1]) and ln(c/o), k = 0.34 / (1.34 + (j+1)/(j-1)), j valid sessions. Arguments: prices of
one basis. Sessions without a trade drop out; a single-price session is a real zero.
"""

from __future__ import annotations

import math

from gogoku_pipeline.features.expressions import Expr, larger, log, only_where_present
from gogoku_pipeline.features.operators.windows import count, lag, mean, variance


def parkinson(high: Expr, low: Expr, n: int) -> Expr:
    """Variance from the width of the session."""
    width = log(high / low)
    return mean(width * width, n) * (1.0 / (4.0 * math.log(2.0)))


def garman_klass(opening: Expr, high: Expr, low: Expr, close: Expr, n: int) -> Expr:
    """Variance from the width of the session and its move from open to close; never below 0."""
    width, move = log(high / low), log(close / opening)
    return larger(mean(0.5 * (width * width) - (2.0 * math.log(2.0) - 1.0) * (move * move), n), 0.0)


def rogers_satchell_term(opening: Expr, high: Expr, low: Expr, close: Expr) -> Expr:
    """One session's variance, free of its drift."""
    return log(high / close) * log(high / opening) + log(low / close) * log(low / opening)


def rogers_satchell(opening: Expr, high: Expr, low: Expr, close: Expr, n: int) -> Expr:
    """Variance inside the sessions, free of drift."""
    return mean(rogers_satchell_term(opening, high, low, close), n)


def yang_zhang_variance(opening: Expr, high: Expr, low: Expr, close: Expr, n: int) -> Expr:
    """Variance of gaps and sessions together, free of drift; sessions count where all five prices exist."""
    gap = only_where_present(log(opening / lag(close, 1)), high, low, close)
    day = only_where_present(log(close / opening), gap)
    inside = only_where_present(rogers_satchell_term(opening, high, low, close), gap)
    valid = count(gap, n)
    k = 0.34 / (1.34 + (valid + 1.0) / (valid - 1.0))
    return variance(gap, n) + k * variance(day, n) + (1.0 - k) * mean(inside, n)
