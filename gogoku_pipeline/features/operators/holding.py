"""What an event left behind: a value of the event's session, kept until the next event, and how it fades.

Kernels as in `windows`; `age` [rows] is how many sessions ago the event was, null without one.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole, larger, pointwise
from gogoku_pipeline.features.operators.windows import window


def at_event(x: Expr, age: Expr, n: int) -> Expr:
    """The value x had `age` sessions ago; null where age is null, negative (the event is still to come) or above n."""
    return window("at_event", _at_event_kernel, x, age, n=n, back=n)


def capped(x: Expr, most: float) -> Expr:
    """X, or `most` where x is larger."""
    return -larger(-x, -most)


def faded(x: Expr, age: Expr, half_life: int) -> Expr:
    """X halved every `half_life` sessions since the event."""
    return x * pointwise("power_of_two", np.exp2, age / -float(half_life))


@compiled
def _at_event_kernel(x: Values, age: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        for t in range(begin[u], starts[u + 1]):
            if age[t] >= 0 and age[t] <= n and t - age[t] >= starts[u]:
                out[t] = x[t - int(age[t])]
    return out
