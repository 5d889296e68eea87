"""Recipes whose fits say what they cost: processor time and parameters, kept with the learning curve."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.training.config import Place, Report
from gogoku_pipeline.training.recipe_network import FittedNetwork
from gogoku_pipeline.training.recipes import Fitted, Identity, KeepsRuns, Recipe, over_windows

COST_EPOCH = 0
"""Epoch of a learning curve that tells the cost of the whole fit: `cpu_seconds`, `parameters` (0 but for networks)."""


@dataclass(frozen=True)
class _Costed:
    """A fit that says what it cost, as figures of an epoch 0 of its learning curve."""

    fitted: Fitted
    cost: dict[str, float]

    @property
    def ledger(self) -> list[dict[str, float]]:
        return [*self.fitted.ledger, {"epoch": float(COST_EPOCH), **self.cost}]

    @property
    def identity(self) -> Identity:
        return self.fitted.identity

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        return self.fitted.score(data, sessions)

    def files(self) -> dict[str, bytes]:
        return self.fitted.files()


@dataclass(frozen=True)
class Measured:
    """A recipe whose fits say what they cost; the same to whoever keeps or resumes them."""

    recipe: Recipe

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.name

    @property
    def family(self) -> str:
        """Family of the recipe."""
        return self.recipe.family

    @property
    def config_hash(self) -> str:
        """Hash of the recipe: measuring changes no fit."""
        return self.recipe.config_hash

    @property
    def is_seeded(self) -> bool:
        """Whether another seed gives another fit."""
        return self.recipe.is_seeded

    @property
    def place(self) -> Place:
        """Where the recipe keeps its runs."""
        return self.recipe.place if isinstance(self.recipe, KeepsRuns) else Place()

    def kept_in(self, place: Place) -> Measured:
        """The same with another place."""
        return replace(self, recipe=self.recipe.kept_in(place)) if isinstance(self.recipe, KeepsRuns) else self

    def over(self, data: TrainingData, windows: Sequence[tuple[date, ...]]) -> Measured:
        """The same, with the work that fits share done once."""
        return replace(self, recipe=over_windows(self.recipe, data, windows))

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> Fitted:
        """Fit, and say what it cost."""
        started = time.process_time()
        fitted = self.recipe.fit(data, train, validation, seed, horizon_d, report)
        learnt = sum(weight.numel() for weight in fitted.weights.values()) if isinstance(fitted, FittedNetwork) else 0
        return _Costed(fitted, {"cpu_seconds": time.process_time() - started, "parameters": float(learnt)})
