"""Averaged weights: what is evaluated and saved instead of the last step's, which is mostly noise."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gogoku_pipeline.training.config import TrainConfig


class Averaged:
    """The average of a network's weights over its training, as the config asks for it.

    `ema`: exponential, with a memory of `ema_share` of all steps (decay exp(-1 / (share x steps))) or the decay
    `ema_decay` by step. `swa`: equal over the last `swa_share` of the steps, the raw weights before. `none`: the raw
    weights.

    Source: Polyak and Juditsky (1992); Izmailov et al. (2018) for SWA; torch.optim.swa_utils.

    Args:
        model: the network that is trained.
        config: which average.
        steps: optimiser steps of the whole run.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, steps: int) -> None:
        self._kind = config.averaging
        self._starts = steps - math.ceil(config.swa_share * steps) if self._kind == "swa" else 0
        self._model = model
        self._average: AveragedModel | None = None
        if self._kind == "ema":
            decay = config.ema_decay or math.exp(-1.0 / max(1.0, config.ema_share * steps))
            self._average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
        elif self._kind == "swa":
            self._average = AveragedModel(model)

    @property
    def module(self) -> nn.Module:
        """The network with averaged weights."""
        found: nn.Module = self._model if self._average is None else self._average.module
        return found

    def update(self, step: int) -> None:
        """Take in the weights after step `step` of the run, counted from 1."""
        if self._average is None:
            return
        if self._kind == "swa" and step <= self._starts + 1:
            self._average.n_averaged.zero_()  # nothing averaged yet: the update copies
        self._average.update_parameters(self._model)

    def weights(self) -> dict[str, Tensor]:
        """The averaged weights, copied to the CPU."""
        return {name: weight.detach().cpu().clone() for name, weight in self.module.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        found: dict[str, Any] = {} if self._average is None else self._average.state_dict()
        return found

    def load(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        if self._average is not None:
            self._average.load_state_dict(state)
