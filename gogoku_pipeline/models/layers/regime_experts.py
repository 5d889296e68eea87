"""RegimeMoE: several score heads, mixed by the state of the market.

models.md 2: pi = softmax(W m / T) from the day's market vector m, score = sum_k pi_k head_k(z). So that no expert
idles, a load-balance penalty K sum_k f_k P_k is added in training: f_k the share of days whose largest weight is k, P_k
the mean weight (Shazeer et al., 2017; Fedus et al., "Switch Transformers", 2021); 1 when days are spread evenly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gogoku_pipeline.models.layers.score_head import ScoreHead


class RegimeExperts(nn.Module):
    """Scores of stocks by experts.

    Args:
        width: numbers known of a stock.
        market: numbers of the market vector.
        horizons: scores H per stock.
        experts: K.
        temperature: T.
        dropout: share dropped in training.
    """

    def __init__(
        self, width: int, market: int, horizons: int, experts: int, temperature: float, dropout: float
    ) -> None:
        super().__init__()
        self.gate = nn.Linear(market, experts)
        self.heads = nn.ModuleList(ScoreHead(width, horizons, dropout) for _ in range(experts))
        self.temperature = temperature

    def forward(self, x: Tensor, market: Tensor, day: Tensor) -> tuple[Tensor, Tensor]:
        """Score.

        Args:
            x: [M, width].
            market: [B, market].
            day: int64 [M].

        Returns:
            Scores [M, H] float32 and the experts' weights [B, K].
        """
        weights = torch.softmax(self.gate(market).float() / self.temperature, dim=-1)  # [B, K]
        said = torch.stack([head(x) for head in self.heads], dim=1)  # [M, K, H]
        return (weights[day][..., None] * said).sum(dim=1), weights  # a product, not an einsum: autocast would halve it


def load_balance(weights: Tensor) -> Tensor:
    """K sum_k f_k P_k of weights [B, K]."""
    experts = weights.shape[1]
    share = torch.nn.functional.one_hot(weights.argmax(dim=1), experts).float().mean(dim=0)
    return experts * (share * weights.mean(dim=0)).sum()
