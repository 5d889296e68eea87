"""The scale anchor: keeps scores near the scale of the standardised target, so that gradients stay bounded."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from gogoku_pipeline.models.losses.masked import standardised


def huber_loss(scores: Tensor, targets: Tensor, mask: Tensor, delta: float = 1.0) -> Tensor:
    """Mean Huber distance of score and standardised target per day [B]; a large delta makes it half the square.

    Source: Huber (1964); oracle scipy.special.huber.
    """
    distance = functional.huber_loss(scores, standardised(targets, mask), reduction="none", delta=delta)
    return (distance * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
