"""Cross-stock attention over a few market tokens: stocks write to the market, and read it back.

Papers: Jaegle et al., "Perceiver" (ICML 2021) and Lee et al., "Set Transformer" (ICML 2019, induced set attention): T
learned tokens attend over all stocks of a day, then every stock attends over the T tokens. Linear in the number of
stocks, indifferent to their order, and free of any fixed list of stocks (which StockMixer's W1, W2 would need).
    m = softmax(Q K(LN x)' / sqrt(d)) V(LN x) per head,  y = x + drop(scale * softmax(Q(LN x) K(m)' / sqrt(d)) V(m))
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gogoku_pipeline.models.layers.layer_scale import LayerScale


class MarketTokens(nn.Module):
    """Stocks of a day exchange what they know through market tokens.

    Args:
        width: numbers per stock.
        tokens: market tokens T.
        heads: attention heads; divides width.
        dropout: share of the branch dropped in training.
        scale: initial LayerScale; 0 for none.
    """

    def __init__(self, width: int, tokens: int, heads: int, dropout: float, scale: float) -> None:
        super().__init__()
        self.heads = heads
        self.tokens = nn.Parameter(torch.empty(tokens, width).normal_(std=width**-0.5))
        self.norm = nn.LayerNorm(width)
        self.told = nn.Linear(width, 2 * width)
        self.ask = nn.Linear(width, width)
        self.market_norm = nn.LayerNorm(width)
        self.market = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)
        self.scale = LayerScale(width, scale)

    def forward(self, x: Tensor, day: Tensor) -> Tensor:
        """Every day by itself.

        Args:
            x: [M, width], day after day.
            day: int64 [M], ascending.
        """
        counts = torch.bincount(day).tolist() if len(day) else []
        return torch.cat([self._of_one_day(stocks) for stocks in torch.split(x, counts)]) if counts else x

    def _of_one_day(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        key, value = self.told(normed).chunk(2, dim=-1)
        market = self.market_norm(self._attend(self.tokens.to(x.dtype), key, value))  # [T, width]
        key, value = self.market(market).chunk(2, dim=-1)
        back = self.out(self._attend(self.ask(normed), key, value))
        out: Tensor = x + self.drop(self.scale(back))
        return out

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        q, k, v = (part.view(len(part), self.heads, -1).transpose(0, 1) for part in (query, key, value))
        mixed = functional.scaled_dot_product_attention(q[None], k[None], v[None])[0]
        return mixed.transpose(0, 1).flatten(1)
