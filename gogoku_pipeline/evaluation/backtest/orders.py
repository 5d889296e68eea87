"""From scores to wanted positions: who is held, with hysteresis, and how many lots of it.

A side has K places. On a decision a held name keeps its place while its rank is inside the band; the places left go to
the best names not held, which are then always among the first K. Every place is worth gross x equity / K, whether or
not all are taken, so a thin day leaves cash. Equal scores are ordered by code. Source: evaluation protocol, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.evaluation.backtest.config import BacktestConfig

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Wanted:
    """A decision.

    Attributes:
        target: shares wanted, short below 0, shape [N].
        queue: names wanted long, best rank first.
        unaffordable: names given up because one lot is dearer than a place.
    """

    target: Wholes
    queue: Wholes
    unaffordable: int


def ranking(scores: Floats) -> Wholes:
    """Places of the scored names, best first, equal scores in order of code; NaN is no score."""
    ordered = np.argsort(-scores, kind="stable")
    return np.asarray(ordered[: int(np.isfinite(scores).sum())], dtype=np.int64)


def says_something(scores: Floats, config: BacktestConfig) -> bool:
    """Whether a session ranks enough names, and not all equally."""
    known = scores[np.isfinite(scores)]
    return len(known) >= config.min_names and bool(known.min() < known.max())


def decide(
    scores: Floats, borrowable: Flags, shares: Wholes, mark: Floats, equity: float, config: BacktestConfig
) -> Wanted:
    """Positions wanted after one session.

    Args:
        scores: of the names that may be held, NaN for the others, shape [N].
        borrowable: names that may be sold short, shape [N].
        shares: held now, shape [N].
        mark: closing prices, shape [N].
        equity: worth of everything at the close, above 0.
        config: the strategy.
    """
    ranked = ranking(scores)
    target = np.zeros(len(shares), dtype=np.int64)
    slots = config.slots(len(ranked))
    chosen = _side(ranked, shares > 0, slots, config.band(len(ranked)))
    missed = _size(target, chosen, shares, mark, config.gross_long * equity / slots, config)
    if config.side == "long_short":
        worst = ranking(np.where(borrowable, -scores, np.nan))
        worst = worst[~np.isin(worst, chosen)]
        if len(worst):
            slots = config.slots(len(worst))
            sold = _side(worst, shares < 0, slots, config.band(len(worst)))
            short = np.zeros_like(target)
            missed += _size(short, sold, -shares, mark, config.gross_short * equity / slots, config)
            target -= short
    return Wanted(target, chosen[target[chosen] > 0], missed)


def _side(ranked: Wholes, held: Flags, slots: int, band: int) -> Wholes:
    """Names of one side in order of rank."""
    inside = ranked[:band]
    kept = inside[held[inside]][:slots]
    first = ranked[:slots]
    fresh = first[~held[first]][: slots - len(kept)]
    chosen = np.concatenate([kept, fresh])
    return ranked[:band][np.isin(ranked[:band], chosen)]


def _size(target: Wholes, chosen: Wholes, held: Wholes, mark: Floats, place_jpy: float, config: BacktestConfig) -> int:
    """Write the shares wanted of each chosen name; returns how many cannot be had because a lot is too dear."""
    lots = np.floor(place_jpy / (mark[chosen] * config.lot_shares) + 1e-9).astype(np.int64) * config.lot_shares
    own = np.maximum(held[chosen], 0)
    is_near = (own > 0) & (np.abs(own * mark[chosen] - place_jpy) <= config.drift_band * place_jpy)
    target[chosen] = np.where(is_near, own, lots)
    return int((target[chosen] == 0).sum())
