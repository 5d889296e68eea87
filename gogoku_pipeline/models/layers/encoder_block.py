"""One pre-norm transformer encoder block.

Formula: x + drop(attention(LN(x))), then x + drop(W2 GELU(W1 LN(x))). PatchTST uses BatchNorm after each branch; over
one day's stocks its statistics would differ between training and scoring, so LayerNorm before each branch takes its
place (Xiong et al., 2020, "On Layer Normalization in the Transformer Architecture").
"""

from __future__ import annotations

from torch import Tensor, nn

from gogoku_pipeline.models.layers.attention import SelfAttention
from gogoku_pipeline.models.layers.layer_scale import LayerScale


class EncoderBlock(nn.Module):
    """Attention and a feed-forward network, each with a residual branch.

    Args:
        d_model: width of a token.
        heads: attention heads.
        d_ff: width inside the feed-forward network.
        dropout: share of each branch's output dropped in training (not of attention weights: few tokens, slow kernel).
        scale: initial LayerScale of both branches; 0 for none.
    """

    def __init__(self, d_model: int, heads: int, d_ff: int, dropout: float, scale: float = 0.0) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(d_model)
        self.attention = SelfAttention(d_model, heads)
        self.norm_feed = nn.LayerNorm(d_model)
        self.feed = nn.Sequential(nn.Linear(d_model, d_ff), nn.GELU(), nn.Linear(d_ff, d_model))
        self.drop = nn.Dropout(dropout)
        self.scale_attention, self.scale_feed = LayerScale(d_model, scale), LayerScale(d_model, scale)

    def forward(self, x: Tensor) -> Tensor:
        """[N, P, d_model] -> [N, P, d_model]."""
        x = x + self.drop(self.scale_attention(self.attention(self.norm_attention(x))))
        out: Tensor = x + self.drop(self.scale_feed(self.feed(self.norm_feed(x))))
        return out
