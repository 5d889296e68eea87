"""One planted leak: how a sound case is spoilt, which check must name it, and whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gogoku_pipeline.audit.case import Case

Spoil = Callable[[Case], Case]


@dataclass(frozen=True)
class Planted:
    """A leak.

    Attributes:
        name: what its author did, in words.
        part: the part of the audit that must turn red.
        check: the check of that part which must name it.
        guilty: column, source, fold or model that must be named; part of the name is enough.
        spoil: makes the spoilt case.
        is_alone: no other part sees it: without this part the leak would pass.
        sample: sessions that are recomputed; more than the newest where the leak needs history after it.
    """

    name: str
    part: str
    check: str
    guilty: str
    spoil: Spoil
    is_alone: bool = False
    sample: int = 1


def on_road(**functions: Any) -> Spoil:
    """Other functions on the road."""
    return lambda case: replace(case, road=replace(case.road, **functions))


def on_market(**makers: Callable[[Any], Any]) -> Spoil:
    """Frames or functions of the market, each made of the sound market."""

    def spoil(case: Case) -> Case:
        changed = {name: make(case.market) for name, make in makers.items()}
        return replace(case, market=replace(case.market, **changed))

    return spoil
