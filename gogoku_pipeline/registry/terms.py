"""What is fixed before anybody looks at a score: the gate's terms and the shape of the walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from gogoku_pipeline.dataset.splits import Fold, walk_forward
from gogoku_pipeline.evaluation.sequential import LiveTerms
from gogoku_pipeline.evaluation.verdict import GateConfig


@dataclass(frozen=True)
class Terms:
    """The registered terms of training and judging.

    Attributes:
        gate: the registered terms; its horizon is the one that is fitted.
        seeds: fits per fold and per version.
        n_folds: test blocks of the walk.
        embargo: sessions between blocks beyond the purge.
        min_train: least training sessions of the first fold.
        validation: sessions that decide when to stop.
        live: when a promoted champion steps back, and when it returns.
    """

    gate: GateConfig = field(default_factory=GateConfig)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    n_folds: int = 5
    embargo: int = 20
    min_train: int = 250
    validation: int = 40
    live: LiveTerms = field(default_factory=LiveTerms)

    def folds(self, sessions: Sequence[date], cutoff: date) -> list[Fold]:
        """The walk over the sessions up to a cut-off."""
        return walk_forward(
            [session for session in sessions if session <= cutoff],
            self.n_folds,
            self.gate.horizon_d,
            embargo=self.embargo,
            min_train=self.min_train,
            validation=self.validation,
        )
