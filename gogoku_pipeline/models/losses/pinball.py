"""Pinball loss of quantile heads: how wide the outcome may fall around what is expected."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gogoku_pipeline.models.losses.masked import mean_over


def pinball_loss(quantiles: Tensor, targets: Tensor, mask: Tensor, levels: Sequence[float]) -> Tensor:
    """Mean over names and levels of max(q e, (q - 1) e) with e = y - quantile, per day [B].

    Args:
        quantiles: [B, N, Q], rising along Q (the head sees to that).
        targets: [B, N].
        mask: [B, N] bool.
        levels: Q probabilities.

    Source: Koenker and Bassett (1978); oracle sklearn.metrics.mean_pinball_loss.
    """
    q = torch.tensor(levels, dtype=quantiles.dtype, device=quantiles.device)
    error = targets[:, :, None] - quantiles
    return mean_over(torch.maximum(q * error, (q - 1.0) * error).mean(dim=2), mask)
