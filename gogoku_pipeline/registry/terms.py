"""What is fixed before anybody looks at a score: the gate's terms and the shape of the walk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.dataset.holdout import Holdout
from gogoku_pipeline.dataset.splits import Fold, label_span, walk_forward
from gogoku_pipeline.evaluation.sequential import LiveTerms
from gogoku_pipeline.evaluation.verdict import GateConfig


@dataclass(frozen=True)
class RefreshTerms:
    """What fresh weights of a promoted recipe must hold before they replace yesterday's."""

    min_rank_correlation: float = 0.5
    """Least rank correlation with yesterday's weights over the stocks of the refresh's own session."""
    band: float = 3.0
    """Standard errors by which the validation RankIC may lie below or above what the gate saw."""

    def __post_init__(self) -> None:
        """Refuse terms that let everything pass, or nothing."""
        if not (-1 < self.min_rank_correlation < 1 and 0 < self.band < math.inf):
            raise ConfigError(
                "RefreshTerms",
                got=f"rank correlation above {self.min_rank_correlation}, band {self.band}",
                want="a correlation strictly between -1 and 1, a positive band",
                remedy="Correct the terms before the next refresh.",
            )


@dataclass(frozen=True)
class Terms:
    """The registered terms of training and judging.

    Attributes:
        gate: the registered terms; its horizon is the one that is fitted, its hold-out the one nobody looks into.
        seeds: fits per fold and per version.
        n_folds: test blocks of the walk.
        embargo: sessions between blocks beyond the purge.
        min_train: least training sessions of the first fold.
        validation: sessions that decide when to stop.
        live: when a promoted champion steps back, and when it returns.
        refresh: when fresh weights of the champion replace yesterday's.
    """

    gate: GateConfig = field(default_factory=GateConfig)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    n_folds: int = 5
    embargo: int = 20
    min_train: int = 250
    validation: int = 40
    live: LiveTerms = field(default_factory=LiveTerms)
    refresh: RefreshTerms = field(default_factory=RefreshTerms)

    @property
    def holdout(self) -> Holdout | None:
        """The sessions that are set aside; None where none are."""
        return None if self.gate.holdout_start is None else Holdout(self.gate.holdout_start)

    def last_known(self, cutoff: date) -> date:
        """Last day anything may be known of by a judgement at a cut-off: never a day of the hold-out."""
        return cutoff if self.holdout is None else min(cutoff, self.holdout.start - timedelta(days=1))

    def folds(self, sessions: Sequence[date], cutoff: date) -> list[Fold]:
        """The walk over the sessions up to a cut-off, the hold-out left out.

        Raises:
            DatasetError: too few sessions for the folds.
        """
        days = [session for session in sessions if session <= cutoff]
        return walk_forward(
            days if self.holdout is None else self.holdout.before(days, self.gate.horizon_d),
            self.n_folds,
            self.gate.horizon_d,
            embargo=self.embargo,
            min_train=self.min_train,
            validation=self.validation,
        )

    def holdout_folds(self, sessions: Sequence[date]) -> list[Fold]:
        """A walk through the hold-out itself: one fit per year of it, each on everything before.

        Args:
            sessions: ascending, to the last session that is looked at.

        Raises:
            DatasetError: no hold-out, too few sessions before it or inside it.
        """
        if self.holdout is None:
            raise DatasetError(
                "hold-out",
                got="no sessions that are set aside",
                want="a start in the configuration",
                remedy="Set GateConfig.holdout_start once and for all, before anything is judged.",
            )
        inside = self.holdout.after(sessions)
        gap = label_span(self.gate.horizon_d)
        return walk_forward(
            sessions,
            max(len(inside) // SESSIONS_PER_YEAR, 1),
            self.gate.horizon_d,
            embargo=self.embargo,
            min_train=len(sessions) - len(inside) - 2 * gap - self.embargo - self.validation,
            validation=self.validation,
        )
