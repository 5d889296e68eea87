"""When a training run stops: the figure that is watched. Read without loading tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gogoku_pipeline.core.errors import ConfigError

METRICS = ("rank_ic", "ic", "p_at_10pct", "p_at_50", "spread", "hit_rate")
"""Daily metrics of `evaluation`, higher is better."""


@dataclass(frozen=True)
class StopRule:
    """The validation figure that decides which epoch is kept and when the run ends.

    The figure is smoothed over epochs; the run ends when it has not risen for `TrainConfig.patience` epochs.
    """

    metrics: Mapping[str, float] = field(default_factory=lambda: {"rank_ic": 1.0})
    """Weight of each daily metric; one name, or a composite of several."""
    horizon_d: int = 0
    """Horizon that is watched, in sessions; 0 for the one that is judged."""
    baseline: str = ""
    """Recipe to keep up with on the same validation days: lightgbm, ridge or another rung; empty for none."""
    baseline_epochs: int = 5
    """Epochs after which a network that is still below the baseline ends its run."""
    baseline_margin: float = 0.0
    """How far below the baseline it may still be."""

    def __post_init__(self) -> None:
        """Refuse unknown metrics and a figure without weight, by name."""
        if unknown := sorted(set(self.metrics) - set(METRICS)):
            raise _bad("metrics", f"unknown {unknown}", f"names among {METRICS}")
        if not self.metrics or not all(0 < weight < math.inf for weight in self.metrics.values()):
            raise _bad("metrics", str(dict(self.metrics)), "at least one metric, weights above zero")
        if self.horizon_d < 0 or self.baseline_epochs < 1 or self.baseline_margin < 0:
            raise _bad(
                "horizon_d, baseline_epochs, baseline_margin",
                f"{self.horizon_d}, {self.baseline_epochs}, {self.baseline_margin}",
                "0 or a horizon, at least 1, not negative",
            )

    @property
    def name(self) -> str:
        """What the figure is called in ledgers: the metric's own name, or `composite`."""
        return next(iter(self.metrics)) if len(self.metrics) == 1 else "composite"

    def figure(self, found: Mapping[str, float]) -> float:
        """The watched figure from daily metrics averaged over the validation days."""
        return sum(weight * found[name] for name, weight in self.metrics.items())


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(f"StopRule.{thing}", got=got, want=want, remedy="Correct the rule before training.")
