"""Information coefficient as a loss: do the scores move with the targets?"""

from __future__ import annotations

from torch import Tensor

from gogoku_pipeline.models.losses.masked import correlation


def ic_loss(scores: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """1 - Pearson(s, y) per day [B]; on normal-score targets it follows the RankIC.

    The gradient grows as 1 / std(s) when scores become flat, so a scale anchor (`huber`) and clipping belong to it.
    Source: models.md 3; oracle scipy.stats.pearsonr.
    """
    return 1.0 - correlation(scores, targets, mask)
