"""Interpretable attention: which of the past sessions a score looks back at.

Paper: Lim et al., "Temporal Fusion Transformers" (2021), section 4.4: every head has its own queries and keys, one
value map is shared, so that the mean over heads of the attention weights is *the* weight of each session:
    out = W_o mean_h(softmax(Q_h K_h' / sqrt(d_head))) V
Only the newest session asks (a score is read there), so its causal mask hides nothing and the cost is linear in L.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class InterpretableAttention(nn.Module):
    """Attention of some sessions over all of them.

    Args:
        width: numbers per token.
        heads: number of heads; divides width.
        dropout: share of attention weights dropped in training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, self.size)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(self.size, width)

    def forward(self, asking: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            asking: [N, Q, width], tokens that ask; each must be the newest or newer than all of `told`.
            told: [N, L, width].

        Returns:
            [N, Q, width], and the weights [N, Q, L], mean over heads, each row adding to 1 (before dropout).
        """
        n, asks, _ = asking.shape
        q = self.query(asking).view(n, asks, self.heads, self.size)
        k = self.key(told).view(n, -1, self.heads, self.size)
        scores = torch.einsum("nqhd,nlhd->nhql", q, k) / self.size**0.5  # [N, heads, Q, L]
        weights = torch.softmax(scores.float(), dim=-1)
        mixed = self.drop(weights).mean(dim=1).to(told.dtype)  # [N, Q, L]
        out: Tensor = self.out(mixed @ self.value(told))
        return out, weights.mean(dim=1)
