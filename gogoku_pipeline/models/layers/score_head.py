"""The last map: all tokens of a stock, flattened, to one unbounded score.

PatchTST's flatten head with one output. No tanh or sigmoid on the score (it would squeeze the ranking at both ends),
small initial weights (std 0.02) so that training starts with scores near, but not at, a constant.
"""

from __future__ import annotations

from torch import Tensor, nn


class ScoreHead(nn.Module):
    """Scores of stocks.

    Args:
        patches: tokens per stock P.
        d_model: width of a token.
        dropout: share dropped in training.
    """

    def __init__(self, patches: int, d_model: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.drop = nn.Dropout(dropout)
        self.score = nn.Linear(patches * d_model, 1)
        nn.init.normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[N, P, d_model] -> [N], float32 whatever the trunk computes in."""
        flat = self.drop(self.norm(x)).flatten(1).float()  # [N, P * d_model]
        out: Tensor = self.score(flat).squeeze(-1)
        return out
