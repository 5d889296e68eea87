"""Temporal fusion: a stock's sessions, read in order, then looked back at from the newest one.

Paper: Lim et al., "Temporal Fusion Transformers" (2021), sections 4.3 to 4.5, for one newest token:
    h = LN(x + GLU(encode(x)))                encode: an LSTM over the sessions, or a pre-norm transformer
    e = GRN(h, c)                             c: what the decision session says by itself, in place of static contexts
    a = LN(e_L + GLU(attention(e_L, e)))      interpretable attention of the newest session over all
    z = LN(h_L + GLU(GRN(a)))
The house has no static inputs; features of the decision session already sum up its past, so they enrich the others.
The transformer is there for longer look-backs (120 to 180 sessions), where an LSTM walks one by one.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from gogoku_pipeline.models.layers.encoder_block import EncoderBlock
from gogoku_pipeline.models.layers.gated_residual import GatedAddNorm, GatedResidual
from gogoku_pipeline.models.layers.interpretable_attention import InterpretableAttention

EncoderKind = Literal["lstm", "attention"]


class SessionTransformer(nn.Module):
    """Pre-norm transformer blocks over sessions with learned positions: [N, L, width] -> [N, L, width]."""

    def __init__(self, width: int, look_back: int, heads: int, layers: int, dropout: float, scale: float) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.empty(look_back, width).normal_(std=0.02))
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, 2 * width, dropout, scale) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Blocks one after another."""
        x = x + self.position
        for block in self.blocks:
            x = block(x)
        return x


class SessionLstm(nn.Module):
    """LSTM over sessions: [N, L, width] -> [N, L, width]."""

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden states of every session."""
        out: Tensor = self.lstm(x)[0]
        return out


class TemporalFusion(nn.Module):
    """One vector per stock from its sessions.

    Args:
        encode: [N, L, width] -> [N, L, width], the local reading.
        width: numbers per token.
        heads: attention heads.
        dropout: share dropped in training.
    """

    def __init__(self, encode: nn.Module, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.encode = encode
        self.local = GatedAddNorm(width, dropout)
        self.enrich = GatedResidual(width, width, width, dropout, context=width)
        self.attention = InterpretableAttention(width, heads, dropout)
        self.attended = GatedAddNorm(width, dropout)
        self.feed = GatedResidual(width, width, width, dropout)
        self.fused = GatedAddNorm(width, 0.0)

    def forward(self, tokens: Tensor, decision: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            tokens: [N, L, width].
            decision: [N, width], what the newest session says by itself.

        Returns:
            [N, width], and how much each session was looked back at [N, L], adding to 1.
        """
        read = self.local(tokens, self.encode(tokens))
        enriched = self.enrich(read, decision[:, None])
        newest = enriched[:, -1:]
        mixed, weights = self.attention(newest, enriched)
        attended = self.attended(newest, mixed)[:, 0]
        return self.fused(read[:, -1], self.feed(attended)), weights[:, 0]
