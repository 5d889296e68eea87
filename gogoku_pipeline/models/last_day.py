"""The least a network can be: one linear map of the decision session's features. Trained to be compared with.

Where even this learns nothing although a baseline finds something in the same features, the fault lies on the road
from the panel to the loss and not in any block (`training.diagnosis`). It is no candidate: no design names it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from gogoku_pipeline.models.network import DayInputs, Network, NetworkOutput


class LastDayNetwork(Network):
    """Scores = W [values, validity] + b.

    Args:
        n_features: features per session F.
        horizons: horizons H of its scores, in sessions.
    """

    def __init__(self, n_features: int, horizons: Sequence[int]) -> None:
        super().__init__()
        self.look_back, self.horizons = 1, tuple(horizons)
        self.score = nn.Linear(2 * n_features, len(self.horizons))
        nn.init.normal_(self.score.weight, std=0.02)
        nn.init.zeros_(self.score.bias)

    def forward(self, inputs: DayInputs) -> NetworkOutput:
        """Scores of the stocks of some days; of a longer look-back the last session alone is read."""
        values, valid = inputs.values[:, -1], inputs.valid[:, -1]
        with torch.autocast(device_type=values.device.type, enabled=False):
            scores = self.score(torch.cat([values * valid, valid], dim=-1).float())  # [M, H]
        return NetworkOutput(scores)
