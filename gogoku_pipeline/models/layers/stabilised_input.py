"""Raw channels made stationary, and what was taken out of them told to the head.

FAN, SAN and RevIN were made to forecast a series' own future; in a cross-section what they remove *is* the signal (the
mean of returns is momentum, their spread is volatility), so mean, log of the spread, and FAN's amplitudes or SAN's
slices are handed on and nothing is denormalised (models.md 2, Caution). They read raw channels alone: on features that
are already compared with the day's other stocks they would normalise twice, and over a channel that never changes in
time they return zero for every stock (lessons 17, 18), so such a channel is refused.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.models.layers.frequency_dropout import FrequencyDropout
from gogoku_pipeline.models.layers.frequency_stabiliser import split_frequencies
from gogoku_pipeline.models.layers.slice_stabiliser import split_slices
from gogoku_pipeline.models.layers.window_stabiliser import WindowStabiliser

_EPS = 1e-6


class StabilisedInput(nn.Module):
    """Raw channels, as they are or stabilised.

    Args:
        names: channels, C of them.
        look_back: sessions L.
        scale: factor on raw channels (a daily return of 2 % becomes 1 at 50).
        fan_top: frequencies FAN takes out; 0 without FAN.
        san_period: sessions of SAN's slices; 0 without SAN.
        revin: whether each channel's look-back is normalised as a whole (RevIN).
        frequency_dropout: probability that a stock loses a band of frequencies in training.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        look_back: int,
        *,
        scale: float,
        fan_top: int,
        san_period: int,
        frequency_dropout: float,
        revin: bool = False,
    ) -> None:
        super().__init__()
        self.window = WindowStabiliser(len(names)) if revin else None
        self.names, self.scale, self.fan_top, self.san_period = names, scale, fan_top, san_period
        self.drop = FrequencyDropout(frequency_dropout)
        told = fan_top or (2 * (look_back // san_period) if san_period else 0)
        self.statistics = (2 + told) * len(names) if told or revin else 0

    def forward(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Stabilise.

        Args:
            raw: [N, L, C].

        Returns:
            Channels [N, L, C] and removed statistics [N, S]; S is 0 where nothing is removed.

        Raises:
            DatasetError: a channel that no stock sees change in time.
        """
        if self.statistics:
            self._refuse_constant(raw)
        scaled = self.drop(raw.float() * self.scale)
        if not self.statistics:
            return scaled, scaled.new_zeros(len(scaled), 0)
        spread = scaled.std(dim=1, correction=0)  # [N, C]
        told = [scaled.mean(dim=1) / (spread + _EPS), torch.log(spread + _EPS)]
        if self.fan_top:
            left, _, amplitude = split_frequencies(scaled, self.fan_top)
            told.append(torch.log1p(amplitude).flatten(1))
        elif self.window is not None:
            left = self.window(scaled)
        else:
            left, mean, std = split_slices(scaled, self.san_period)
            told += [(mean / (spread[:, None] + _EPS)).flatten(1), torch.log(std + _EPS).flatten(1)]
        return left, torch.cat(told, dim=1)

    def _refuse_constant(self, raw: Tensor) -> None:
        still = (raw == raw[:, :1]).all(dim=1).all(dim=0)  # [C]
        if len(raw) and bool(still.any()):
            named = [name for name, stands in zip(self.names, still.tolist(), strict=True) if stands]
            raise DatasetError(
                f"raw channels {named}",
                got="the same value in every session of every stock",
                want="channels that change in time",
                remedy="FAN, SAN and RevIN remove such a channel whole: hand them daily returns, or switch them off.",
            )
