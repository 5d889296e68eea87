"""LayerScale: a residual branch starts nearly shut, and every channel opens it for itself.

Paper: Touvron et al., "Going deeper with Image Transformers" (ICCV 2021): branch output times a learned vector,
initialised small. Never on the score itself. An initial value of 0 switches it off: the branch passes as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerScale(nn.Module):
    """Per-channel factor.

    Args:
        width: channels.
        initial: factor at the start; 0 for none at all.
    """

    def __init__(self, width: int, initial: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((width,), initial)) if initial else None

    def forward(self, x: Tensor) -> Tensor:
        """[.., width] -> [.., width]."""
        return x if self.scale is None else x * self.scale
