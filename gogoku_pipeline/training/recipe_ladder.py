"""The naive ladder as recipes: each rung is fitted, walked forward and judged like any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.dataset.batches import DayTable, TrainingData
from gogoku_pipeline.models.naive import (
    LADDER,
    RULES,
    fit_ridge,
    random_scores,
    ridge_scores,
    rule_scores,
)
from gogoku_pipeline.training.config import Report
from gogoku_pipeline.training.flat import labelled
from gogoku_pipeline.training.recipes import Identity, config_hash, file_of

_RIDGE = "ridge.f64"
_PENALTY = 0.01


@dataclass(frozen=True)
class FittedRung:
    """A rung ready to score."""

    identity: Identity
    rung: str
    seed: int
    coefficients: npt.NDArray[np.float64]
    ledger: list[dict[str, float]]

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section; null where the rung's input is missing."""
        self.identity.check(data.panel)
        table = data.table(sessions)
        return data.scores_frame(table, self.identity.horizon_d, self._scores(data, table))

    def _scores(self, data: TrainingData, table: DayTable) -> npt.NDArray[np.float64]:
        if self.rung == "ridge":
            return ridge_scores(self.coefficients, table.values)
        if self.rung in RULES:
            return rule_scores(RULES[self.rung], table.values, data.names)
        counts = np.bincount(table.day, minlength=len(table.sessions))
        noise = [random_scores(self.seed, str(day), n) for day, n in zip(table.sessions, counts, strict=True)]
        return np.concatenate([*noise, np.empty(0)])

    def files(self) -> dict[str, bytes]:
        """Identity, and the coefficients of the ridge."""
        return {_RIDGE: self.coefficients.astype("<f8").tobytes(), **self.identity.file()}


@dataclass(frozen=True)
class LadderRecipe:
    """One rung of the ladder, by name (see models.naive.LADDER)."""

    name: str
    family: str = "naive"

    def __post_init__(self) -> None:
        """Refuse an unknown rung."""
        if self.name not in LADDER:
            raise ConfigError(
                f"rung {self.name!r}", got="an unknown name", want=f"one of {LADDER}", remedy="Correct it."
            )

    @property
    def is_seeded(self) -> bool:
        """Only noise depends on the seed."""
        return self.name == "random"

    @property
    def config_hash(self) -> str:
        """Hash of the rung."""
        return config_hash(self.family, self.name, {"penalty": _PENALTY} if self.name == "ridge" else {})

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> FittedRung:
        """Fit the ridge; the other rungs have nothing to fit. Raises ConfigError for a feature that is not there."""
        coefficients = np.empty(0)
        if self.name == "ridge":
            coefficients = fit_ridge(*labelled(data, train, horizon_d, validation[0]), _PENALTY)
        elif self.name in RULES:
            rule_scores(RULES[self.name], np.empty((0, len(data.names)), np.float32), data.names)
        settings = {"rung": self.name, "seed": seed}
        return FittedRung(Identity.of(data.panel, horizon_d, settings), self.name, seed, coefficients, [])


def ladder(names: Sequence[str]) -> list[LadderRecipe]:
    """Every rung whose feature is among `names`, from the lowest."""
    return [LadderRecipe(rung) for rung in LADDER if rung not in RULES or RULES[rung].feature in names]


def load_fitted_rung(files: Mapping[str, bytes]) -> FittedRung:
    """A rung from its files."""
    identity = Identity.load(files)
    coefficients = np.frombuffer(file_of(files, _RIDGE), dtype="<f8").astype(np.float64)
    return FittedRung(identity, str(identity.settings["rung"]), int(identity.settings["seed"]), coefficients, [])
