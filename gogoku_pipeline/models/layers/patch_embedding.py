"""Cutting a look-back into overlapping patches and mixing all features of a patch into one token.

Paper: PatchTST (Nie et al., ICLR 2023) embeds every channel alone; with a cross-section of stocks that would be
stocks x features sequences, so features are mixed here: token_p = W vec(x[p*stride : p*stride + patch]) + position_p.
The look-back is padded at its *start* by repeating the first session, so the newest session always ends the last patch.
One more token, the first, embeds the decision session alone: features of a day already sum up its past, and a model
that has to find them inside a patch of several days needs many more days to learn as much.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def patch_count(look_back: int, patch: int, stride: int) -> int:
    """Number of patches that cover the look-back and end exactly at its newest session."""
    return -(-(look_back - patch) // stride) + 1


class PatchEmbedding(nn.Module):
    """Tokens of a look-back.

    Args:
        look_back: sessions L.
        patch: sessions per patch.
        stride: sessions between the starts of two patches.
        channels: inputs per session C (values and validity).
        d_model: width of a token.
    """

    def __init__(self, look_back: int, patch: int, stride: int, channels: int, d_model: int) -> None:
        super().__init__()
        self.patch, self.stride = patch, stride
        self.patches = patch_count(look_back, patch, stride)
        self.padding = (self.patches - 1) * stride + patch - look_back
        self.tokens = self.patches + 1
        self.mix = nn.Linear(patch * channels, d_model)
        self.decide = nn.Linear(channels, d_model)
        self.position = nn.Parameter(torch.zeros(self.tokens, d_model))
        nn.init.normal_(self.position, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """[N, L, C] -> [N, 1 + P, d_model]."""
        decision = self.decide(x[:, -1:])  # [N, 1, d_model]
        if self.padding:
            x = torch.cat([x[:, :1].expand(-1, self.padding, -1), x], dim=1)
        if self.stride == self.patch:
            cut = x.reshape(x.shape[0], self.patches, -1)  # [N, P, patch * C], no copy
        else:
            cut = x.unfold(1, self.patch, self.stride).transpose(2, 3).flatten(2)  # [N, P, patch * C]
        tokens = torch.cat([decision, self.mix(cut)], dim=1)  # [N, 1 + P, d_model]
        return tokens + self.position
