"""SAN as an input stabiliser: every slice of a raw channel is normalised by itself, and its statistics are told.

Paper: Liu et al., "Adaptive Normalization for Non-stationary Time Series Forecasting" (NeurIPS 2023): the look-back is
cut into slices of p sessions; x' = (x - mean_slice) / (std_slice + 1e-5), std unbiased. The paper forecasts the future
slices' statistics and puts them back; a score is no continuation, so they go to the head (models.md 2, Caution).
p = 1 has no standard deviation, and p must divide the look-back: both are refused by the configuration.
"""

from __future__ import annotations

from torch import Tensor

EPS = 1e-5


def split_slices(x: Tensor, period: int) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise slices.

    Args:
        x: [N, L, C].
        period: sessions per slice p; divides L, at least 2.

    Returns:
        Normalised [N, L, C], slice means [N, L / p, C], slice standard deviations [N, L / p, C].
    """
    n, length, channels = x.shape
    slices = x.reshape(n, length // period, period, channels)
    mean = slices.mean(dim=2, keepdim=True)
    std = slices.std(dim=2, keepdim=True)
    normalised = ((slices - mean) / (std + EPS)).reshape(n, length, channels)
    return normalised, mean.squeeze(2), std.squeeze(2)
