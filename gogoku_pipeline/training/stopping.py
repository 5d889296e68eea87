"""Early stopping with a trail: after every epoch a row says what was seen, what was decided, and why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gogoku_pipeline.training.config import TrainConfig

Decision = dict[str, str | float]
"""epoch, metric, value, smoothed, best, baseline (NaN for none), decision (`best`, `wait`, `stop`), reason."""


class Stopper:
    """Judges epochs by the watched validation figure, smoothed over the last epochs.

    Args:
        config: rule, smoothing and patience.
        baseline: the same figure of the baseline on the same days; NaN for none.
    """

    def __init__(self, config: TrainConfig, baseline: float = math.nan) -> None:
        self._config = config
        self.baseline = baseline
        self.best, self.best_epoch = -math.inf, 0
        self.values: list[float] = []
        self.trail: list[Decision] = []

    @property
    def is_over(self) -> bool:
        """Whether the last decision was to stop."""
        return bool(self.trail) and self.trail[-1]["decision"] == "stop"

    def judge(self, value: float) -> Decision:
        """Judge the next epoch.

        Args:
            value: the watched figure of this epoch; NaN when no validation day could be measured.

        Returns:
            The row that was added to the trail.
        """
        self.values.append(value)
        epoch, smoothed = len(self.values), float(np.mean(self.values[-self._config.smoothing :]))
        is_best = math.isfinite(smoothed) and smoothed > self.best
        if is_best:
            self.best, self.best_epoch = smoothed, epoch
        decision, reason = self._decide(epoch, smoothed, is_best=is_best)
        row: Decision = {
            "epoch": epoch,
            "metric": self._config.stop.name,
            "value": value,
            "smoothed": smoothed,
            "best": self.best,
            "baseline": self.baseline,
            "decision": decision,
            "reason": reason,
        }
        self.trail.append(row)
        return row

    def _decide(self, epoch: int, smoothed: float, *, is_best: bool) -> tuple[str, str]:
        rule, waited = self._config.stop, epoch - max(self.best_epoch, 1)
        bar = self.baseline - rule.baseline_margin
        if not math.isnan(self.baseline) and epoch >= rule.baseline_epochs and not self.best >= bar:
            return (
                "stop",
                f"after {epoch} epochs the best {rule.name} {self.best:.4f} is below the baseline's {bar:.4f}",
            )
        if is_best:
            return "best", f"{rule.name} {smoothed:.4f} is the best so far"
        if waited >= self._config.patience:
            return "stop", f"no better {rule.name} than {self.best:.4f} of epoch {self.best_epoch} for {waited} epochs"
        if math.isnan(smoothed):
            return "wait", f"no {rule.name} could be measured"
        return "wait", f"{rule.name} {smoothed:.4f} is not above {self.best:.4f} of epoch {self.best_epoch}"

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"best": self.best, "best_epoch": self.best_epoch, "values": self.values, "trail": self.trail}

    def load(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.best, self.best_epoch = float(state["best"]), int(state["best_epoch"])
        self.values, self.trail = list(state["values"]), list(state["trail"])
