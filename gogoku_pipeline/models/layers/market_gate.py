"""Market gate: the state of the market decides which features count today.

Paper: Li et al., "MASTER: Market-Guided Stock Transformer" (AAAI 2024): s = F softmax(W m / beta), features times s; m
is the day's market vector, beta sharpens (small) or flattens (large) the choice. Equal to the authors' gate (fixture).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MarketGate(nn.Module):
    """Loudness of each feature on a day.

    Args:
        market: numbers of the market vector m.
        features: F.
        beta: temperature.
    """

    def __init__(self, market: int, features: int, beta: float) -> None:
        super().__init__()
        self.map = nn.Linear(market, features)
        self.features, self.beta = features, beta

    def forward(self, market: Tensor) -> Tensor:
        """[B, market] -> [B, F], each row adding to F."""
        return self.features * torch.softmax(self.map(market) / self.beta, dim=-1)


def day_means(x: Tensor, valid: Tensor, day: Tensor) -> Tensor:
    """Mean over each day's stocks of what is known.

    Args:
        x: [M, m], 0 where missing.
        valid: [M, m] in {0, 1}.
        day: int64 [M], ascending from 0.

    Returns:
        [B, m] float32; 0 where no stock of the day has the value.
    """
    days = int(day[-1]) + 1 if len(day) else 0
    total = torch.zeros(days, x.shape[1], device=x.device).index_add(0, day, (x * valid).float())
    count = torch.zeros(days, x.shape[1], device=x.device).index_add(0, day, valid.float())
    return total / count.clamp(min=1.0)
