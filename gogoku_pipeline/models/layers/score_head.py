"""The last map: the decision token of a stock, after it has read the others, to one unbounded score.

PatchTST flattens all tokens; reading one keeps the head small, so that few days of labels can train it. No tanh or
sigmoid on the score (it would squeeze the ranking at both ends), small initial weights (std 0.02) so that training
starts with scores near, but not at, a constant.
"""

from __future__ import annotations

from torch import Tensor, nn


class ScoreHead(nn.Module):
    """Scores of stocks.

    Args:
        d_model: width of a token.
        dropout: share dropped in training.
    """

    def __init__(self, d_model: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(d_model, 1)
        nn.init.normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[N, T, d_model] -> [N], float32 whatever the trunk computes in."""
        decided = self.drop(self.norm(x[:, 0])).float()  # [N, d_model]
        out: Tensor = self.score(decided).squeeze(-1)
        return out
