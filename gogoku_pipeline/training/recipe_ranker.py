"""The APEX-Ranker recipe: network, losses and loop under one hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl
import safetensors.torch
from torch import Tensor

from gogoku_pipeline.dataset.batches import DayTable, TrainingData
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.apex_ranker import ApexRanker, RankerConfig
from gogoku_pipeline.training.config import Place, Report, TrainConfig
from gogoku_pipeline.training.days import DaySource, score_days
from gogoku_pipeline.training.device import choose_device, repeatable
from gogoku_pipeline.training.loop import train_network
from gogoku_pipeline.training.recipes import Identity, config_hash, file_of

_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class FittedRanker:
    """Averaged weights with the features they were fitted on."""

    identity: Identity
    weights: dict[str, Tensor]
    ledger: list[dict[str, float]]
    device: str = "auto"

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section.

        Raises:
            DatasetError: other features, or a session without a full look-back in the panel.
        """
        self.identity.check(data.panel)
        config = RankerConfig.load(self.identity.settings["model"])
        model = ApexRanker(len(data.panel.names), config)
        model.load_state_dict(self.weights)
        device = choose_device(self.device)
        source = DaySource(data, self.identity.horizon_d, config.look_back, device, config.horizons)
        days = [day for day in sessions if len(data.members(day))]
        with repeatable(0, int(self.identity.settings["train"]["threads"])):
            scored = score_days(model.to(device), source, days)
        table = DayTable(
            tuple(days),
            np.repeat(np.arange(len(days)), [len(window.stocks) for window, _ in scored]),
            np.concatenate([*(window.stocks for window, _ in scored), np.empty(0, dtype=np.int64)]),
            np.empty((0, 0), dtype=np.float32),
        )
        return data.scores_frame(
            table, self.identity.horizon_d, np.concatenate([*(scores for _, scores in scored), np.empty(0)])
        )

    def files(self) -> dict[str, bytes]:
        """Weights in safetensors and the identity."""
        return {_WEIGHTS: safetensors.torch.save(self.weights), **self.identity.file()}


@dataclass(frozen=True)
class RankerRecipe:
    """APEX-Ranker with its training loop."""

    model: RankerConfig = field(default_factory=lambda: RankerConfig.of("small"))
    train: TrainConfig = field(default_factory=TrainConfig)
    name: str = "apex_ranker"
    family: str = "apex_ranker"
    is_seeded: bool = True
    place: Place = field(default_factory=Place, compare=False, repr=False)

    @property
    def config_hash(self) -> str:
        """Hash of network and loop, without how they are computed."""
        settings = {"model": self.model.as_dict(), "train": self.train.hashed()}
        return config_hash(self.family, self.name, settings)

    def kept_in(self, place: Place) -> RankerRecipe:
        """The same recipe for one fit whose checkpoints and run ledger lie in a folder."""
        return replace(self, place=place)

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> FittedRanker:
        """Fit; early stopping reads the smoothed mean daily RankIC of `validation`."""
        with repeatable(seed, self.train.threads):
            network = ApexRanker(len(data.panel.names), self.model)
            device = choose_device(self.train.device)
            source = DaySource(data, horizon_d, self.model.look_back, device, self.model.horizons)
            days, place = (train, validation), self.place
            trained = train_network(
                network, source, days, self.train, seed=seed, rank_ic=rank_ic, report=report, place=place
            )
        settings = {"model": self.model.as_dict(), "train": self.train.as_dict(), **trained.told()}
        identity = Identity.of(data.panel, horizon_d, settings)
        return FittedRanker(identity, trained.weights, trained.ledger, self.train.device)


def load_fitted_ranker(files: Mapping[str, bytes]) -> FittedRanker:
    """A fit from its files."""
    return FittedRanker(Identity.load(files), safetensors.torch.load(file_of(files, _WEIGHTS)), [])
