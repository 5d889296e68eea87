"""What is on trial: a market, a road over it, the sampled sessions, and what every check may share.

Belongs here: the case and the shape of a check. Does not belong here: any check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from gogoku_pipeline.audit.market import LOOK_BACK, AuditedMarket, Moment
from gogoku_pipeline.audit.road import Road, Walk
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import Fold
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import Violation

Answer = tuple[list[Violation], int]
"""Violations, and how many values were looked at; 0 means that the check did not run."""

LONGEST_TRAINING, LONGEST_TEST = 250, 80
"""Sessions a fit of the audit learns from and is judged on at most: enough to show a leak, cheap on a long history."""

LEAST_PARTS = 3
"""Parts of the later half of a history, whatever the sample."""


@dataclass(frozen=True)
class PlantedMarkets:
    """Two simulated markets that differ in one dial, and what is truly to be expected in the first.

    Attributes:
        loud: a market with a planted signal.
        silent: the same market without it.
        oracle: [session, code, score], the conditional expectation of the loud market.
        road: the road that is walked over both.
    """

    loud: AuditedMarket
    silent: AuditedMarket
    oracle: pl.DataFrame
    road: Road


@dataclass(frozen=True)
class Case:
    """Everything one audit looks at.

    Attributes:
        market: core rows and labels.
        road: how they become scores.
        folder: where panels are built; its owner throws it away.
        sample: sessions that are recomputed, spread over the later half; fewer than three lie near its end.
        seed: which sessions, stocks and permutations.
        stored: the panel models are trained on; None audits one made here by the same road.
        planted: makes the markets with known truth; None where there is no simulator.
        guards: every check by name, for the audit of the audit.
    """

    market: AuditedMarket
    road: Road
    folder: Path
    sample: int = 3
    seed: int = 0
    stored: TrainingData | None = None
    planted: Callable[[], PlantedMarkets] | None = None
    guards: Mapping[str, Look] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a market too short to be audited at all; an audit that cannot run is a failure."""
        found = len(self.market.sessions)
        if self.sample < 1 or found < 2 * self.sample + 1:
            raise LeakError(
                "leak audit",
                got=f"{found} sessions for a sample of {self.sample}",
                want=f"a sample of at least 1 and {2 * max(self.sample, 1) + 1} sessions or more",
                remedy="Audit a longer span.",
            )

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """The sampled sessions, ascending, each seen at its cutoff and today."""
        return tuple(self.market.moments(sampled(self.market.sessions, self.sample, self.seed)))

    @cached_property
    def pairs(self) -> tuple[tuple[Moment, Walk, Walk], ...]:
        """Each sampled session with the walk over what was known then, and over what is known now."""
        return tuple(
            (
                moment,
                self.walk(moment, "then", moment.then, self.market.labels_at(moment.session)),
                self.walk(moment, "now", moment.now, self.market.labels),
            )
            for moment in self.moments
        )

    def walk(self, moment: Moment, name: str, inputs: FeatureInputs, labels: pl.DataFrame) -> Walk:
        """A walk over other inputs of a sampled session; its panel has a folder of its own."""
        folder = self.folder / f"{moment.session}-{name}"
        return Walk(self.road, inputs, labels, moment.first, folder, self.seed)

    @cached_property
    def whole(self) -> Walk:
        """A walk over the newest sessions of the market, as long as training needs them."""
        days = self.market.sessions
        first = days[max(0, len(days) - LONGEST_TRAINING - LOOK_BACK)]
        return Walk(self.road, self.market.inputs(), self.market.labels, first, self.folder / "whole", self.seed)

    @cached_property
    def learning(self) -> TrainingData:
        """What models learn from: the stored panel, or one made by the road."""
        return self.stored or self.whole.data

    @property
    def learnt_sessions(self) -> tuple[date, ...]:
        """Sessions of what models learn from."""
        return self.stored.sessions if self.stored else self.whole.sessions

    @cached_property
    def every_fold(self) -> list[Fold]:
        """The walk that is judged."""
        return self.road.folds(self.learnt_sessions)

    @cached_property
    def fold(self) -> Fold:
        """The newest fold, cut to a length that can be fitted several times."""
        newest = self.every_fold[-1]
        return replace(newest, train=newest.train[-LONGEST_TRAINING:], counted=newest.counted[:LONGEST_TEST])


Look = Callable[[Case], Answer]


@dataclass(frozen=True)
class Check:
    """One question of the audit.

    Attributes:
        part: which of the eight parts it belongs to.
        name: its own name.
        words: what is asked, for people.
        look: answers it.
    """

    part: str
    name: str
    words: str
    look: Look


def sampled(sessions: Sequence[date], sample: int, seed: int) -> list[date]:
    """One session out of each of `sample` equal parts of the later half, so that they lie apart.

    The later half has LEAST_PARTS parts at least, of which the newest are taken: models are trained on what was known
    by the newest session of the sample, which must not be the middle of a short history.
    """
    later = np.arange(len(sessions) // 2, len(sessions) - 1)
    draw = stream(seed, "audit")
    parts = np.array_split(later, min(max(sample, LEAST_PARTS), len(later)))
    return [sessions[int(draw.choice(part))] for part in parts[-sample:]]
