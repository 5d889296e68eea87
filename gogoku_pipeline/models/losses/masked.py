"""What every loss needs to know about a padded day: which days can be ranked, z-scores, ranks, correlation."""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-8


def usable_days(targets: Tensor, mask: Tensor, min_names: int) -> Tensor:
    """Which days can be ranked [B]: enough names and a target that differs among them."""
    count = mask.sum(dim=1)
    mean = (targets * mask).sum(dim=1) / count.clamp(min=1)
    spread = (((targets - mean[:, None]) * mask) ** 2).sum(dim=1)
    return (count >= min_names) & (spread > EPS)


def mean_over(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the masked names of each day: [B, N] -> [B]."""
    return (values * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def standardised(values: Tensor, mask: Tensor) -> Tensor:
    """Per-day z-scores [B, N] over the masked names (population standard deviation), 0 elsewhere."""
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    centred = (values - (values * mask).sum(dim=1, keepdim=True) / count) * mask
    spread = torch.sqrt((centred**2).sum(dim=1, keepdim=True) / count + EPS)
    return centred / spread


def correlation(left: Tensor, right: Tensor, mask: Tensor) -> Tensor:
    """Pearson correlation of each day over the masked names: [B, N] twice -> [B]."""
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    a = (left - (left * mask).sum(dim=1, keepdim=True) / count) * mask
    b = (right - (right * mask).sum(dim=1, keepdim=True) / count) * mask
    norm = torch.sqrt((a**2).sum(dim=1) * (b**2).sum(dim=1) + EPS)
    return (a * b).sum(dim=1) / norm


def average_ranks(values: Tensor, mask: Tensor) -> Tensor:
    """Rank of each masked name inside its day, from 1, ties sharing their mean rank [B, N]; 0 elsewhere.

    Equal to `scipy.stats.rankdata` of the masked names.
    """
    seen = values.detach().masked_fill(~mask, torch.inf)
    ordered = torch.sort(seen, dim=1).values
    below = torch.searchsorted(ordered, seen.contiguous(), right=False)
    up_to = torch.searchsorted(ordered, seen.contiguous(), right=True)
    return torch.where(mask, 0.5 * (below + up_to + 1).to(values.dtype), torch.zeros_like(values))
