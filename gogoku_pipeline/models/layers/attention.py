"""Multi-head self-attention over the patches of one stock.

Formula: softmax(Q K^T / sqrt(d_head)) V per head, heads concatenated, then one linear map (Vaswani et al., 2017).
torch.scaled_dot_product_attention computes it; its kernels refuse batches beyond 65,535, so larger ones are split.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_LARGEST_BATCH = 65_535


class SelfAttention(nn.Module):
    """Attention among tokens.

    Args:
        d_model: width of a token.
        heads: number of heads; divides d_model.
    """

    def __init__(self, d_model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """[N, P, d_model] -> [N, P, d_model]."""
        n, p, d = x.shape
        qkv = self.qkv(x).view(n, p, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)  # [3, N, heads, P, d_head]
        step = max(1, _LARGEST_BATCH // self.heads)
        parts = [
            functional.scaled_dot_product_attention(q, k, v)
            for q, k, v in zip(qkv[0].split(step), qkv[1].split(step), qkv[2].split(step), strict=True)
        ]
        mixed = torch.cat(parts) if len(parts) > 1 else parts[0]  # [N, heads, P, d_head]
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(n, p, d))
        return out
