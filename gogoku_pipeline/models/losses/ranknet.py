"""RankNet: of two stocks of a day, which one is better? Wrong answers about distant ranks cost most."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gogoku_pipeline.models.losses.masked import average_ranks


def ranknet_loss(scores: Tensor, targets: Tensor, mask: Tensor, partners: int = 256) -> Tensor:
    """Mean of softplus(-(s_i - s_j)) over pairs with y_i > y_j, weighted by |rank_i - rank_j|, per day [B].

    The weight makes the surrogate follow Spearman's correlation. Flat scores cost ln 2, whatever the targets. Of a
    wide day each stock meets `partners` others: the same random distances around the list for all of them, drawn from
    torch's CPU generator, so that a seeded run repeats. With at least N - 1 partners every pair is counted.

    Args:
        scores: [B, N].
        targets: [B, N].
        mask: [B, N] bool.
        partners: others a stock is compared with; memory is B x N x partners floats.

    Source: Burges et al. (ICML 2005), "Learning to rank using gradient descent"; weights as models.md 3.
    """
    names = scores.shape[1]
    distances = torch.arange(1, names) if partners >= names - 1 else torch.randperm(names - 1)[:partners] + 1
    other = (torch.arange(names)[:, None] + distances[None, :]).remainder(names).to(scores.device)  # [N, K]
    ranks = average_ranks(targets, mask)
    gap = ranks[:, :, None] - ranks[:, other]  # [B, N, K]
    weight = gap.abs() * (mask[:, :, None] & mask[:, other])
    apart = (scores[:, :, None] - scores[:, other]) * torch.sign(gap)
    total = weight.sum(dim=(1, 2)).clamp(min=1e-12)
    return (functional.softplus(-apart) * weight).sum(dim=(1, 2)) / total
