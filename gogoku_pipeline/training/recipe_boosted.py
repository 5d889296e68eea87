"""The LightGBM recipe: the baseline that serves whenever nothing better is proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.models.boosted import Boosted, BoostedConfig, fit_boosted, load_boosted
from gogoku_pipeline.training.config import Report
from gogoku_pipeline.training.flat import daily_metric, labelled, targets_of
from gogoku_pipeline.training.recipes import Identity, config_hash, file_of

_MODEL = "model.txt"


@dataclass(frozen=True)
class FittedBoosted:
    """A fitted booster with the features it was fitted on."""

    identity: Identity
    boosted: Boosted
    ledger: list[dict[str, float]]
    threads: int = 1

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section."""
        self.identity.check(data.panel)
        table = data.table(sessions)
        return data.scores_frame(table, self.identity.horizon_d, self.boosted.score(table.values, threads=self.threads))

    def files(self) -> dict[str, bytes]:
        """LightGBM's text and the identity."""
        return {_MODEL: self.boosted.to_text().encode(), **self.identity.file()}


@dataclass(frozen=True)
class BoostedRecipe:
    """LightGBM regression on normal scores."""

    config: BoostedConfig = field(default_factory=BoostedConfig)
    name: str = "lightgbm"
    family: str = "lightgbm"
    is_seeded: bool = True

    @property
    def config_hash(self) -> str:
        """Hash of everything but the thread count."""
        settings = {key: value for key, value in self.config.as_dict().items() if key != "threads"}
        return config_hash(self.family, self.name, settings)

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
        values, targets = labelled(data, train, horizon_d, validation[0])
        table = data.table(validation)
        wanted = targets_of(data, table, horizon_d, None)
        keep = np.isfinite(wanted)
        if not keep.any():
            raise TrainingError(
                "LightGBM", got="no labelled validation row", want="some", remedy="Check labels and folds."
            )
        boosted = fit_boosted(
            (values, targets),
            table.values[keep],
            daily_metric(table.day[keep], wanted[keep]),
            self.config,
            seed=seed,
            names=data.panel.names,
        )
        ledger = [{"epoch": float(place + 1), "validation_rank_ic": ic} for place, ic in enumerate(boosted.curve)]
        if report is not None:
            for row in ledger:
                report(row)
        identity = Identity.of(data.panel, horizon_d, self.config.as_dict())
        return FittedBoosted(identity, boosted, ledger, self.config.threads)


def load_fitted_boosted(files: Mapping[str, bytes]) -> FittedBoosted:
    """A fit from its files."""
    identity = Identity.load(files)
    boosted = load_boosted(file_of(files, _MODEL).decode())
    return FittedBoosted(identity, boosted, [], int(identity.settings["threads"]))
