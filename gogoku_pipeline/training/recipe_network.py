"""The recipe of a network: its shape, its losses and its loop under one hash. One road for every family of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import safetensors.torch
from torch import Tensor

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.dataset.batches import DayTable, TrainingData
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.network import Network
from gogoku_pipeline.models.networks import FAMILIES, AnyConfig, family_of, make_network, saved_config
from gogoku_pipeline.training import processes
from gogoku_pipeline.training.checkpoint import load_weights
from gogoku_pipeline.training.config import Place, Report, TrainConfig
from gogoku_pipeline.training.days import DaySource, score_days
from gogoku_pipeline.training.device import choose_device, repeatable
from gogoku_pipeline.training.loop import train_network
from gogoku_pipeline.training.recipes import Fitted, Identity, config_hash, file_of
from gogoku_pipeline.training.selection import chosen_data, require_unseen, served_data

_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class FittedNetwork:
    """Averaged weights with the features they were fitted on."""

    family: str
    identity: Identity
    weights: dict[str, Tensor]
    ledger: list[dict[str, float]]
    device: str = "auto"

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section.

        Raises:
            DatasetError: other features, a session without a full look-back in the panel, or a panel without the
                graphs or raw channels the network reads.
        """
        require_unseen(self.identity.settings, sessions)
        model, source = self.opened(data, sessions)
        days = [day for day in sessions if len(data.members(day))]
        with repeatable(0, self.threads):
            scored = score_days(model, source, days)
        table = DayTable(
            tuple(days),
            np.repeat(np.arange(len(days)), [len(window.stocks) for window, _ in scored]),
            np.concatenate([*(window.stocks for window, _ in scored), np.empty(0, dtype=np.int64)]),
            np.empty((0, 0), dtype=np.float32),
        )
        return data.scores_frame(
            table, self.identity.horizon_d, np.concatenate([*(scores for _, scores in scored), np.empty(0)])
        )

    @property
    def threads(self) -> int:
        """CPU threads it was trained with."""
        return int(self.identity.settings["train"]["threads"])

    def opened(self, data: TrainingData, sessions: Sequence[date]) -> tuple[Network, DaySource]:
        """The network on its device, and what it reads of the data on some sessions; raises DatasetError as `score`."""
        self.identity.check(data.panel)
        data = served_data(data, self.identity.settings)
        model = make_network(saved_config(self.family, self.identity.settings["model"]), data.names)
        load_weights(model, self.weights, f"a fit of {self.family}")
        source = DaySource.of(model, data, self.identity.horizon_d, choose_device(self.device))
        return model.to(source.device), source

    def files(self) -> dict[str, bytes]:
        """Weights in safetensors and the identity."""
        return {_WEIGHTS: safetensors.torch.save(self.weights), **self.identity.file()}


@dataclass(frozen=True)
class NetworkRecipe:
    """A network with its training loop.

    Attributes:
        model: shape; its class decides the family.
        train: the loop.
        name: in tables and reports; empty for the family's.
        place: where one fit keeps its checkpoints and run ledger.
    """

    model: AnyConfig = field(default_factory=lambda: RankerConfig.of("small"))
    train: TrainConfig = field(default_factory=TrainConfig)
    name: str = ""
    is_seeded: bool = True
    place: Place = field(default_factory=Place, compare=False, repr=False)

    def __post_init__(self) -> None:
        """A recipe without a name has its family's."""
        object.__setattr__(self, "name", self.name or self.family)

    @property
    def family(self) -> str:
        """`apex_ranker` or `atft_gat_fan`."""
        return family_of(self.model)

    @property
    def config_hash(self) -> str:
        """Hash of network and loop, without how they are computed."""
        settings = {"model": self.model.hashed(), "train": self.train.hashed()}
        return config_hash(self.family, self.name, settings)

    def kept_in(self, place: Place) -> NetworkRecipe:
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
    ) -> FittedNetwork:
        """Fit; early stopping reads the smoothed mean daily RankIC of `validation`.

        Raises:
            ConfigError: a judged horizon the network has no score for; DatasetError: see `DaySource.of`.
        """
        if horizon_d not in self.model.horizons:
            raise ConfigError(
                f"{self.name} judged over {horizon_d} sessions",
                got=f"scores over {self.model.horizons}",
                want="the judged horizon among the network's",
                remedy="Set the network's horizons, or judge one of them.",
            )
        processes.call(self._elsewhere(), train, validation, seed, horizon_d)
        data, told = self._chosen(data, (train, validation), horizon_d)
        with repeatable(seed, self.train.threads):
            network = make_network(self.model, data.names)
            source = DaySource.of(network, data, horizon_d, choose_device(self.train.device))
            days, place = (train, validation), self.place
            trained = train_network(
                network, source, days, self.train, seed=seed, rank_ic=rank_ic, report=report, place=place
            )
        settings = {"model": self.model.as_dict(), "train": self.train.as_dict(), **trained.told(), **told}
        identity = Identity.of(data.panel, horizon_d, settings)
        return FittedNetwork(self.family, identity, trained.weights, trained.ledger, self.train.device)

    def _elsewhere(self) -> NetworkRecipe:
        """The recipe as the other processes of a run fit it: the same start, nothing left on disk."""
        return replace(self, place=replace(self.place, folder=None, warm=None))

    def _chosen(
        self, data: TrainingData, days: tuple[Sequence[date], Sequence[date]], horizon_d: int
    ) -> tuple[TrainingData, dict[str, Any]]:
        """The features this fit reads; those of the weights it begins with, where it begins with some."""
        config, market = self.train, getattr(self.model, "market_features", ())
        earlier = self.place.chosen
        choice, threads = config.selection, config.threads
        return chosen_data(data, days, horizon_d, choice, always=market, threads=threads, earlier=earlier)


def load_fitted_network(family: str, files: Mapping[str, bytes]) -> FittedNetwork:
    """A fit from its files."""
    return FittedNetwork(family, Identity.load(files), safetensors.torch.load(file_of(files, _WEIGHTS)), [])


NETWORK_LOADERS: dict[str, Callable[[Mapping[str, bytes]], Fitted]] = {
    family: partial(load_fitted_network, family) for family in FAMILIES
}
"""How each family of networks is loaded."""
