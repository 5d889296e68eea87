"""Alarms for a network whose scores stop telling stocks apart. The run fails; nothing is perturbed to hide it.

A flat score is not an alarm by itself (the best forecast of a faint signal is nearly flat): what counts is whether
stocks receive different scores at all. Source: models.md 3; lessons 18, 19, 21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import CollapseError

MIN_UNIQUE_RATIO = 0.95
FLAT_STD = 1e-6


@dataclass(frozen=True)
class Spread:
    """How well scores tell stocks apart.

    Attributes:
        unique_ratio: distinct scores per stock, mean over days.
        flat_days: share of days whose scores have a standard deviation below 1e-6.
        std: mean over days of the standard deviation.
    """

    unique_ratio: float
    flat_days: float
    std: float

    @property
    def alarm(self) -> str:
        """What is wrong, or an empty string."""
        if self.flat_days > 0:
            return f"{self.flat_days:.0%} of days have constant scores"
        if self.unique_ratio < MIN_UNIQUE_RATIO:
            return f"only {self.unique_ratio:.0%} of a day's scores are distinct"
        return ""


def spread_of(days: Sequence[npt.NDArray[np.float64]]) -> Spread:
    """Spread of the scores of several days, each [n]."""
    ratios = [len(np.unique(day.astype(np.float32))) / len(day) for day in days]
    stds = [float(day.std()) for day in days]
    flat = float(np.mean([std < FLAT_STD for std in stds]))
    return Spread(float(np.mean(ratios)), flat, float(np.mean(stds)))


class CollapseWatch:
    """Counts epochs with an alarm; too many in a row fail the run."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_a_row = 0

    def see(self, epoch: int, spread: Spread) -> None:
        """Judge one epoch; raises CollapseError at the limit."""
        self.in_a_row = self.in_a_row + 1 if spread.alarm else 0
        if self.in_a_row >= self.limit:
            raise CollapseError(
                f"training at epoch {epoch}",
                got=f"{spread.alarm}, for {self.in_a_row} epochs in a row",
                want="scores that tell stocks apart",
                remedy="Check that features differ between stocks, then the learning rate; see the learning curve.",
            )
