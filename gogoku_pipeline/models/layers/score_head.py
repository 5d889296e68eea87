"""The last map: what is known of a stock, to one unbounded score per horizon.

No tanh or sigmoid on the score (it would squeeze the ranking at both ends), small initial weights (std 0.02) so that
training starts with scores near, but not at, a constant. float32 whatever the trunk computes in: bfloat16 keeps 29
distinct values of 4,000 near 1, and ties ruin a ranking (models.md 3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScoreHead(nn.Module):
    """Scores of stocks.

    Args:
        width: numbers known of a stock.
        horizons: scores H per stock.
        dropout: share dropped in training.
    """

    def __init__(self, width: int, horizons: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(width, horizons)
        nn.init.normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[N, width] -> [N, H], float32."""
        with torch.autocast(device_type=x.device.type, enabled=False):
            out: Tensor = self.score(self.drop(self.norm(x.float())))
        return out
