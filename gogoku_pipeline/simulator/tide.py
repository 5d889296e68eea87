"""The tide: the drift that all issues share, so that the index grows as an index does.

Without it the value-weighted index would run away: variance adds its half to simple returns, momentum carries on what
has become heavy, and a flow of foreigners lifts the largest. So every session

    tide[t] = GROWTH - (index-weighted planted move of t, flows at half + index-weighted variance / 2)

is added to the log moves of all ordinary shares alike: the index is expected to grow by `YEARLY_GROWTH`, whatever the
dials. Half of a flow stays in the index: foreigners' buying is half a rise of the large and half a fall of the small.
An issue that idles with chance p gets tide / (1 - p): all are to gain the same by it, so no relative return, no planted
effect and no oracle changes. Funds and preferred shares carry nothing planted; they grow like the index.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.factors import NIGHT_VARIANCE, expected_variance
from gogoku_pipeline.simulator.listings import Listings

Floats = npt.NDArray[np.float64]

HEAVIEST = 0.05
"""No issue weighs more in the index, which otherwise a small market's largest company would be."""
FLOW_SHARE = 0.5
"""Share of the flows' planted move that the tide takes out of the index."""
YEARLY_GROWTH = 0.07
"""Expected simple return of the index in a year without dividends."""


def index_weights(value: Floats) -> Floats:
    """Weights of the index, which sum to 1 (0 if nothing has a value): by market value, none above `HEAVIEST`.

    Args:
        value: market values, 0 for what is not in the index, shape [issues].
    """
    total = float(value.sum())
    weight = value / total if total > 0 else value
    for _ in range(60):
        over = weight > HEAVIEST
        left = weight[~over & (weight > 0)].sum()
        if not over.any() or left == 0:
            break
        weight = np.where(over, HEAVIEST, weight * (1.0 - HEAVIEST * over.sum()) / left)
    return weight


class Tide:
    """The common drift of session after session."""

    def __init__(self, listings: Listings, exposures: Exposures) -> None:
        self._listings = listings
        self._growth = float(np.log1p(YEARLY_GROWTH)) / SESSIONS_PER_YEAR
        self._half_variance = expected_variance(listings, exposures) / 2.0
        self._trades = 1.0 - exposures.idle

    def moves(self, session: int, value: Floats, planted: Floats) -> tuple[Floats, Floats]:
        """Log moves of the night before and of the day of a session, shape [issues].

        Args:
            session: its place.
            value: market values at the base prices, shape [issues].
            planted: planted log moves of the issues in this session, flows at `FLOW_SHARE`, shape [issues].
        """
        stock = self._listings.is_stock
        weight = index_weights(np.where(stock & self._listings.listed(session), value, 0.0))
        gained = float(weight @ (planted * self._trades + self._half_variance))
        drift = np.where(stock, (self._growth - gained) / self._trades, self._growth - self._half_variance)
        return NIGHT_VARIANCE * drift, (1.0 - NIGHT_VARIANCE) * drift
