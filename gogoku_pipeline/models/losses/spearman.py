"""Spearman's correlation with soft ranks: the RankIC itself, made differentiable."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gogoku_pipeline.models.losses.masked import average_ranks, correlation, standardised

_ROWS = 512


class SoftRank(torch.autograd.Function):
    """Soft ranks r_i = 1/2 + sum_j sigmoid((s_i - s_j) / tau) of each day; of N x N pairs only some rows live at once.

    d r_i / d s_k follows from sigmoid' being even: grad_i = sum_j sigmoid'((s_i - s_j) / tau) (g_i - g_j) / tau.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, mask: Tensor, tau: float) -> Tensor:
        """[B, N] scores and mask -> [B, N] ranks from 1, 0 outside the mask."""
        ctx.save_for_backward(scores, mask)
        ctx.tau = tau
        parts = [
            (torch.sigmoid((rows[:, :, None] - scores[:, None, :]) / tau) * mask[:, None, :]).sum(dim=2)
            for rows in torch.split(scores, _ROWS, dim=1)
        ]
        return (0.5 + torch.cat(parts, dim=1)) * mask

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """Gradient of the scores [B, N]."""
        scores, mask = ctx.saved_tensors
        grad = grads[0] * mask
        parts = []
        for rows, mine in zip(torch.split(scores, _ROWS, dim=1), torch.split(grad, _ROWS, dim=1), strict=True):
            p = torch.sigmoid((rows[:, :, None] - scores[:, None, :]) / ctx.tau)
            slope = p * (1 - p) * mask[:, None, :]
            parts.append((slope * (mine[:, :, None] - grad[:, None, :])).sum(dim=2))
        return torch.cat(parts, dim=1) * mask / ctx.tau, None, None


def spearman_loss(scores: Tensor, targets: Tensor, mask: Tensor, tau: float = 0.1) -> Tensor:
    """1 - Pearson(soft ranks of z(s), average-tie ranks of y) per day [B].

    Args:
        scores: [B, N].
        targets: [B, N].
        mask: [B, N] bool.
        tau: softness, in standard deviations of the day's scores; below 0.01 gradients vanish, at 0.1 the value
            differs from Spearman's by about 1e-3.

    Source: pairwise soft ranks as in Qin et al. (2010), "A general approximation framework for direct optimization of
    information retrieval measures"; models.md 3; oracle scipy.stats.spearmanr.
    """
    soft: Tensor = SoftRank.apply(standardised(scores, mask), mask, tau)  # type: ignore[no-untyped-call]
    return 1.0 - correlation(soft, average_ranks(targets, mask), mask)
