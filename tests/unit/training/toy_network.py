"""A network small enough to train in a second, with dropout, several horizons and quantiles: what an engine needs."""

import os
import signal

import polars as pl
import torch
from torch import nn

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.network import Network, NetworkOutput
from gogoku_pipeline.training.config import Place, TrainConfig
from gogoku_pipeline.training.days import DaySource
from gogoku_pipeline.training.device import repeatable
from gogoku_pipeline.training.loop import train_network
from tests.unit.dataset.planted import planted_market

LOOK_BACK = 3


class ToyNetwork(Network):
    """One hidden layer over the flattened window.

    Args:
        n_features: features per session.
        horizons: of the scores.
        levels: probabilities of the quantiles; empty for none.
        dropout: share dropped in training.
        fits: most days of a batch that "fit into memory".
        dies_at: training passes after which the process is killed; 0 for never.
    """

    def __init__(self, n_features, horizons=(5,), levels=(), dropout=0.2, fits=10_000, dies_at=0):
        super().__init__()
        self.look_back, self.horizons, self.levels = LOOK_BACK, horizons, levels
        self.trunk = nn.Sequential(nn.Linear(2 * n_features * LOOK_BACK, 12), nn.GELU(), nn.Dropout(dropout))
        self.head = nn.Linear(12, len(horizons))
        self.spread = nn.Linear(12, len(horizons) * len(levels)) if levels else None
        self.fits, self.dies_at, self.seen = fits, dies_at, 0

    def forward(self, inputs):
        if self.training:
            self.seen += 1
            if self.dies_at and self.seen > self.dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if len(torch.unique(inputs.day)) > self.fits:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is")
        told = torch.cat([inputs.values * inputs.valid, inputs.valid], dim=-1).flatten(1)
        hidden = self.trunk(told)
        quantiles = None
        if self.spread is not None:
            gaps = nn.functional.softplus(self.spread(hidden).float()).view(len(told), len(self.horizons), -1)
            quantiles = gaps.cumsum(dim=-1) - gaps.sum(dim=-1, keepdim=True) / 2
        return NetworkOutput(self.head(hidden).float(), quantiles)


class ToyRun:
    """Everything a run needs but the dials."""

    def __init__(self, folder, n_stocks=16, n_sessions=60, horizons=(5,)):
        market = planted_market(n_stocks=n_stocks, n_sessions=n_sessions, n_features=8, strength=3.0)
        panel = build_panel(
            market.features,
            market.universe,
            market.catalogue,
            Normaliser(market.catalogue),
            folder,
            {"feat__prices": 1},
        )
        labels = [market.labels.with_columns(pl.lit(horizon, pl.Int16).alias("horizon_d")) for horizon in horizons]
        self.data = TrainingData(panel, pl.concat(labels))
        self.sessions = market.sessions[:36], market.sessions[42:52]
        self.horizons = horizons

    def source(self):
        return DaySource(self.data, 5, LOOK_BACK, torch.device("cpu"), self.horizons)

    def train(self, seed=1, network=None, place=None, report=None, **dials):
        config = TrainConfig(**{**DIALS, **dials})
        with repeatable(seed, 1):
            model = ToyNetwork(8, self.horizons, **(network or {}))
            return train_network(
                model,
                self.source(),
                self.sessions,
                config,
                seed=seed,
                rank_ic=rank_ic,
                report=report,
                place=place or Place(),
            )


DIALS = {
    "epochs": 4,
    "days_per_step": 6,
    "learning_rate": 5e-3,
    "min_names": 8,
    "smoothing": 1,
    "patience": 9,
    "device": "cpu",
}


def same_weights(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
