"""Differentiable ranking losses on padded day batches: per day first, then the mean over days.

Layout: scores s[B, N], targets y[B, N], mask m[B, N]; B days. Days with fewer than `min_names` names or a constant
target are dropped; every remaining day weighs 1. All arithmetic in float32. Source: models.md 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gogoku_pipeline.models.loss_weights import LossWeights

_EPS = 1e-8


def usable_days(targets: Tensor, mask: Tensor, min_names: int) -> Tensor:
    """Which days can be ranked [B]: enough names and a target that differs among them."""
    count = mask.sum(dim=1)
    mean = (targets * mask).sum(dim=1) / count.clamp(min=1)
    spread = (((targets - mean[:, None]) * mask) ** 2).sum(dim=1)
    return (count >= min_names) & (spread > _EPS)


def standardised(values: Tensor, mask: Tensor) -> Tensor:
    """Per-day z-scores [B, N] over the masked names (population standard deviation), 0 elsewhere."""
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    centred = (values - (values * mask).sum(dim=1, keepdim=True) / count) * mask
    spread = torch.sqrt((centred**2).sum(dim=1, keepdim=True) / count + _EPS)
    return centred / spread


def ic_loss(scores: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """1 - Pearson(s, y) per day [B]."""
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    s = (scores - (scores * mask).sum(dim=1, keepdim=True) / count) * mask
    y = (targets - (targets * mask).sum(dim=1, keepdim=True) / count) * mask
    norm = torch.sqrt((s**2).sum(dim=1) * (y**2).sum(dim=1) + _EPS)
    return 1.0 - (s * y).sum(dim=1) / norm


def listnet_loss(scores: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """-sum softmax(z(y)) log softmax(s) per day [B] (Cao et al., 2007), on standardised targets, minus its minimum.

    The entropy of the target is subtracted, so that a perfect model has 0 and days of different size compare.
    """
    hidden = ~mask
    lowest = torch.finfo(scores.dtype).min
    wanted = functional.softmax(standardised(targets, mask).masked_fill(hidden, lowest), dim=1)
    log_wanted = torch.log(wanted.clamp(min=1e-30))
    log_said = functional.log_softmax(scores.masked_fill(hidden, lowest), dim=1).masked_fill(hidden, 0.0)
    return (wanted * (log_wanted - log_said) * mask).sum(dim=1)


def huber_loss(scores: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean Huber distance (delta 1) of score and standardised target per day [B]."""
    distance = functional.huber_loss(scores, standardised(targets, mask), reduction="none", delta=1.0)
    return (distance * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


_TERMS = {"ic": ic_loss, "listnet": listnet_loss, "huber": huber_loss}


def loss_terms(
    scores: Tensor, targets: Tensor, mask: Tensor, weights: LossWeights, *, min_names: int
) -> Mapping[str, Tensor]:
    """Each weighted term as the mean over usable days.

    Args:
        scores: [B, N]; anything outside the mask is ignored.
        targets: [B, N] normal scores.
        mask: [B, N] bool.
        weights: which terms, how much.
        min_names: fewest names of a usable day.

    Returns:
        Name -> scalar; empty when no day of the batch is usable.
    """
    with torch.autocast(device_type=scores.device.type, enabled=False):
        inside = mask.bool()
        s = scores.float().masked_fill(~inside, 0.0)
        y = targets.float().masked_fill(~inside, 0.0)
        keep = usable_days(y, inside, min_names)
        if not bool(keep.any()):
            return {}
        s, y, inside = s[keep], y[keep], inside[keep]
        return {name: weight * _TERMS[name](s, y, inside).mean() for name, weight in weights.items()}
