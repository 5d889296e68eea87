"""Quantiles of the target that cannot cross: the lowest one, plus gaps that are positive by construction.

    q_1 = u_1,  q_k = q_{k-1} + softplus(u_k)
A sum of softplus gaps is monotone whatever the weights; sorting crossed quantiles would hide that they crossed
(models.md 3). float32 whatever the trunk computes in.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class QuantileHead(nn.Module):
    """Rising quantiles of stocks.

    Args:
        width: numbers known of a stock.
        horizons: H.
        quantiles: how many levels Q.
        dropout: share dropped in training.
    """

    def __init__(self, width: int, horizons: int, quantiles: int, dropout: float) -> None:
        super().__init__()
        self.shape = (horizons, quantiles)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)
        self.levels = nn.Linear(width, horizons * quantiles)
        nn.init.normal_(self.levels.weight, std=0.02)
        gap = 2.5 / max(1, quantiles - 1)  # starts with levels from about -1.25 to 1.25, where a normal score lies
        start = torch.full(self.shape, math.log(math.expm1(gap)))
        start[:, 0] = -1.25 if quantiles > 1 else 0.0
        with torch.no_grad():
            self.levels.bias.copy_(start.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """[N, width] -> [N, H, Q] float32, rising along Q."""
        with torch.autocast(device_type=x.device.type, enabled=False):
            free = self.levels(self.drop(self.norm(x.float()))).view(-1, *self.shape)
            steps = torch.cat([free[..., :1], functional.softplus(free[..., 1:])], dim=-1)
            return steps.cumsum(dim=-1)
