"""The optimiser and its rate: AdamW that decays matrices only, a linear warm-up, a cosine to zero."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from gogoku_pipeline.training.config import TrainConfig


def make_optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW, fused on CUDA: weight matrices decay, biases, norms and positions do not."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    matrices = [weight for name, weight in named if weight.ndim > 1 and "position" not in name]
    others = [weight for name, weight in named if weight.ndim <= 1 or "position" in name]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    is_cuda = all(weight.is_cuda for _, weight in named)
    kept = [group for group in groups if group["params"]]
    return torch.optim.AdamW(kept, lr=config.learning_rate, fused=True if is_cuda else None)


def make_schedule(optimiser: torch.optim.Optimizer, config: TrainConfig, steps: int) -> LRScheduler:
    """Linear warm-up over `warmup_share` of all steps, then a cosine to zero.

    Source: torch.optim.lr_scheduler; Loshchilov and Hutter (2017) for the cosine.
    """
    warm = max(1, round(config.warmup_share * steps))
    rise = LinearLR(optimiser, start_factor=config.warmup_start or 1.0 / (warm + 1), total_iters=warm)
    fall = CosineAnnealingLR(optimiser, T_max=max(1, steps - warm))
    return SequentialLR(optimiser, [rise, fall], milestones=[warm])
