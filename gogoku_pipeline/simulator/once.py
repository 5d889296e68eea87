"""Facts that are worked out once per market and kept as long as the market lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

T = TypeVar("T")


def once_per_market(make: Callable[[Market], T]) -> Callable[[Market], T]:
    """A function of a market that answers from memory after the first call; a market that is gone is forgotten."""
    kept: dict[int, T] = {}

    def get(market: Market) -> T:
        place = id(market)
        if place not in kept:
            kept[place] = make(market)
            weakref.finalize(market, kept.pop, place, None)
        return kept[place]

    get.__doc__, get.__name__ = make.__doc__, make.__name__
    return get
