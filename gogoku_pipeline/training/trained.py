"""What a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gogoku_pipeline.training.run_ledger import finite
from gogoku_pipeline.training.stopping import Decision


@dataclass(frozen=True)
class Trained:
    """What a run leaves behind.

    Attributes:
        weights: averaged weights of the best epoch, on the CPU.
        ledger: the learning curve, one row of figures per epoch.
        best_epoch: epoch the weights come from, from 1.
        trail: what was decided after each epoch, and why.
        events: what happened on the way (resumed, out of memory).
    """

    weights: dict[str, Tensor]
    ledger: list[dict[str, float]]
    best_epoch: int
    trail: list[Decision]
    events: list[dict[str, str | float]]

    def told(self) -> dict[str, Any]:
        """What a fit's settings say of its training: best_epoch, and the decisions after each epoch."""
        return {"best_epoch": self.best_epoch, "decisions": [finite(row) for row in self.trail]}
