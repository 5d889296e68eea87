"""A market as it stood each evening, and chains of appended sessions compared with the rebuild."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features import what_if
from gogoku_pipeline.features.append import append, append_sessions
from gogoku_pipeline.features.carried import Carried
from gogoku_pipeline.features.carrying import compute_carrying
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import Violation, compare
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.tail_rows import from_session
from tests.laws.features.small_market import SESSIONS

SHORT, LONG, RETURNED = "10110", "10120", "10140"
ABSENT = {SHORT: (222, 223), LONG: (150, 190), RETURNED: (60, 250)}
"""Codes without bars from one session on, back on another: a day, two months, a listing of another time."""


def with_absences(bars: pl.DataFrame) -> pl.DataFrame:
    """The market's bars without those of planted absences."""
    for code, (gone, back) in ABSENT.items():
        away = pl.col("session").is_in(list(SESSIONS[gone:back]))
        bars = bars.filter((pl.col("code") != code) | ~away)
    return bars


def evening(inputs: FeatureInputs, day: date) -> FeatureInputs:
    """What was known that evening: no row after an issue's newest bar."""
    known = what_if.known_at(inputs, day)
    newest = known.prices.filter(~pl.col("is_gap")).group_by("code").agg(pl.col("session").max().alias("newest"))
    prices = known.prices.join(newest, on="code", maintain_order="left").filter(pl.col("session") <= pl.col("newest"))
    return replace(known, prices=prices.drop("newest"))


@dataclass
class Chain:
    """Sessions appended one after the other to one carried state.

    Attributes:
        names, inputs, registry: what is computed, of what; first: number of the session computed from the history.
        refused: first sessions of appends that were refused and computed from the history instead.
    """

    names: Sequence[str]
    inputs: FeatureInputs
    first: int
    registry: Registry = field(default_factory=house)
    refused: list[date] = field(default_factory=list)
    carried: Carried = field(init=False)

    def __post_init__(self) -> None:
        span = {"start": SESSIONS[0], "end": SESSIONS[self.first]}
        known = evening(self.inputs, span["end"])
        self.frame, self.carried = compute_carrying(self.names, known, **span, registry=self.registry)
        self.tail = append_sessions(self.names, self.registry)

    def frames(self, strides: Iterable[int]) -> Iterator[pl.DataFrame]:
        """The first frame, then those of appended sessions, as many at once as `strides` says."""
        yield self.frame
        place = self.first + 1
        for stride in strides:
            if place >= len(SESSIONS):
                return
            span = {"start": SESSIONS[place], "end": SESSIONS[min(place + stride, len(SESSIONS)) - 1]}
            known = evening(self.inputs, span["end"])
            recent = from_session(known, SESSIONS[max(place - self.tail, 0)])
            try:
                frame, self.carried = append(self.names, recent, self.carried, **span, registry=self.registry)
            except FeatureError as problem:
                assert "Rebuild" in str(problem)
                self.refused.append(span["start"])
                frame, self.carried = compute_carrying(self.names, known, **span, registry=self.registry)
            yield frame
            place += stride

    def violations(self, strides: Iterable[int]) -> list[Violation]:
        """Cells in which appending differs from the rebuild of the whole."""
        frame = pl.concat(self.frames(strides))
        ends = {"start": SESSIONS[0], "end": max(frame["session"])}
        rebuilt = compute(self.names, self.inputs, **ends, registry=self.registry)
        return compare("appending", self.names, rebuilt, frame)
