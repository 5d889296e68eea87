"""In what numbers the trunk computes: bfloat16 where that pays, float32 where results must repeat."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from gogoku_pipeline.training.config import TrainConfig


def trunk_precision(config: TrainConfig, device: torch.device) -> AbstractContextManager[object]:
    """A context in which matrix products of a network run as configured.

    Heads and losses are float32 whatever this says: bfloat16 keeps 29 distinct values of 4,000 scores near 1, and ties
    wreck a ranking. Its exponent is float32's, so gradients need no scaling.
    """
    wanted = config.precision if config.precision != "auto" else ("bfloat16" if device.type == "cuda" else "float32")
    return torch.autocast(device.type, dtype=torch.bfloat16) if wanted == "bfloat16" else nullcontext()
