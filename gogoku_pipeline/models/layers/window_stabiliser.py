"""RevIN as an input stabiliser: a raw channel's look-back is normalised by itself, and its statistics are told.

Paper: Kim et al., "Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution Shift"
(ICLR 2022): x' = (x - mean) / sqrt(var + 1e-5) * gamma + beta over the look-back of each stock and channel, variance
biased, statistics without gradient, gamma and beta learned per channel. The paper puts the statistics back into the
forecast; a score is no continuation, so they go to the head instead (models.md 2, Caution).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-5


class WindowStabiliser(nn.Module):
    """RevIN without its way back.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [N, L, C] along L."""
        mean = x.mean(dim=1, keepdim=True).detach()
        var = x.var(dim=1, keepdim=True, correction=0).detach()
        out: Tensor = (x - mean) / torch.sqrt(var + EPS) * self.gamma + self.beta
        return out
