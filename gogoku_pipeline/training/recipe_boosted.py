"""The LightGBM recipes: the baseline that serves whenever nothing better is proven, in both of its objectives.

The gate walks every objective and the stronger one is the bar (`registry.judging`). What serves is chosen without
looking at what the gate looks at: `BetterBoosted` fits each objective and keeps the one that ranks the validation days
better, seed by seed, and its files say which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day
from gogoku_pipeline.models.boosted import OBJECTIVES, Boosted, BoostedConfig, fit_boosted, load_boosted
from gogoku_pipeline.training.config import Report
from gogoku_pipeline.training.flat import daily_metric, settled_by, targets_of, telling
from gogoku_pipeline.training.recipes import Identity, config_hash, file_of
from gogoku_pipeline.training.selection import chosen_data, require_unseen, served_data
from gogoku_pipeline.training.shared_bins import SharedBins

FAMILY = "lightgbm"
_MODEL = "model.txt"


@dataclass(frozen=True)
class FittedBoosted:
    """A fitted booster with the features it was fitted on."""

    identity: Identity
    boosted: Boosted
    ledger: list[dict[str, float]]
    threads: int = 1

    @property
    def objective(self) -> str:
        """What its trees were fitted to."""
        return str(self.identity.settings["objective"])

    @property
    def validation_rank_ic(self) -> float:
        """Mean daily RankIC of the validation days at the kept round; -inf where none could be measured."""
        kept = self.boosted.booster.num_trees() - 1
        value = self.boosted.curve[kept] if kept < len(self.boosted.curve) else float("nan")
        return value if np.isfinite(value) else float("-inf")

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section."""
        self.identity.check(data.panel)
        require_unseen(self.identity.settings, sessions)
        table = served_data(data, self.identity.settings).table(sessions)
        return data.scores_frame(table, self.identity.horizon_d, self.boosted.score(table.values, threads=self.threads))

    def files(self) -> dict[str, bytes]:
        """LightGBM's text and the identity."""
        return {_MODEL: self.boosted.to_text().encode(), **self.identity.file()}


@dataclass(frozen=True)
class BoostedRecipe:
    """LightGBM with one objective.

    Attributes:
        config: how trees are grown, and the objective.
        name: in tables and reports.
        bins: the walk's binned table; None bins what is fitted by itself.
    """

    config: BoostedConfig = field(default_factory=BoostedConfig)
    name: str = FAMILY
    family: str = FAMILY
    is_seeded: bool = True
    bins: SharedBins | None = field(default=None, compare=False, repr=False)

    @property
    def config_hash(self) -> str:
        """Hash of everything but the thread count."""
        settings = {key: value for key, value in self.config.as_dict().items() if key != "threads"}
        return config_hash(self.family, self.name, settings)

    def over(self, data: TrainingData, windows: Sequence[tuple[date, ...]]) -> BoostedRecipe:
        """The same recipe with one binned table for these training windows."""
        return replace(self, bins=SharedBins(data, windows, self.config))

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> FittedBoosted:
        """Fit; early stopping reads the mean daily RankIC of `validation`."""
        choice = self.config.selection
        data, told = chosen_data(data, (train, validation), horizon_d, choice, threads=self.config.threads)
        shared = self.bins
        if shared is None or not shared.covers(data, train):
            shared = SharedBins(data, [tuple(train)], self.config)
        rows = shared.training(train, horizon_d, validation[0], self.config)
        table = data.table(validation)
        wanted = targets_of(data, table, horizon_d, settled_by(data, validation, horizon_d))
        keep = np.isfinite(wanted)
        if not keep.any():
            raise TrainingError(
                "LightGBM", got="no labelled validation row", want="some", remedy="Check labels and folds."
            )
        days = table.day[keep]
        metric, tells = daily_metric(days, wanted[keep]), telling(days)
        boosted = fit_boosted(rows, table.values[keep], metric, self.config, seed=seed, tells=tells)
        ledger = [{"epoch": float(place + 1), "validation_rank_ic": ic} for place, ic in enumerate(boosted.curve)]
        if report is not None:
            for row in ledger:
                report(row)
        identity = Identity.of(data.panel, horizon_d, self.config.as_dict() | told)
        return FittedBoosted(identity, boosted, ledger, self.config.threads)


@dataclass(frozen=True)
class BetterBoosted:
    """LightGBM as it serves: every objective fitted, the one that ranks the validation days better kept.

    Validation days end before the cut-off, so a version of the past chooses as it would have chosen then.

    Attributes:
        candidates: one recipe per objective, same features, bins and budget.
    """

    candidates: tuple[BoostedRecipe, ...]
    name: str = FAMILY
    family: str = FAMILY
    is_seeded: bool = True

    @property
    def config_hash(self) -> str:
        """Hash of the candidates."""
        return config_hash(self.family, self.name, {"candidates": [one.config_hash for one in self.candidates]})

    def over(self, data: TrainingData, windows: Sequence[tuple[date, ...]]) -> BetterBoosted:
        """The same recipe with one binned table, shared by all candidates."""
        shared = SharedBins(data, windows, self.candidates[0].config)
        return replace(self, candidates=tuple(replace(one, bins=shared) for one in self.candidates))

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> FittedBoosted:
        """Fit every candidate; the first of equals wins. The ledger is the winner's.

        A candidate that leaves a validation day without a ranking (too few different scores, a fit stopped after its
        first trees) wins only where all do: its lists would be refused.
        """
        fits = [one.fit(data, train, validation, seed, horizon_d) for one in self.candidates]
        best = max(fits, key=lambda fitted: (_tells(fitted, data, validation), fitted.validation_rank_ic))
        if report is not None:
            for row in best.ledger:
                report(row)
        return best


def _tells(fitted: FittedBoosted, data: TrainingData, validation: Sequence[date]) -> bool:
    """Whether a fit tells stocks apart on every validation day."""
    return not dispersion_by_day(fitted.score(data, validation))["is_degenerate"].any()


def objectives(config: BoostedConfig) -> tuple[BoostedRecipe, ...]:
    """One recipe per objective with everything else equal: what the gate walks. The first bears the family's name."""
    names = {one: FAMILY if one == OBJECTIVES[0] else f"{FAMILY}_{one}" for one in OBJECTIVES}
    return tuple(BoostedRecipe(replace(config, objective=one), name) for one, name in names.items())


def load_fitted_boosted(files: Mapping[str, bytes]) -> FittedBoosted:
    """A fit from its files."""
    identity = Identity.load(files)
    boosted = load_boosted(file_of(files, _MODEL).decode())
    return FittedBoosted(identity, boosted, [], int(identity.settings["threads"]))
