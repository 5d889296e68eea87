"""Integrated gradients: which of a network's inputs carried a score, from the day's average stock to the one at hand.

    IG_k(x) = (x_k - b_k) * integral_0^1 of dF(b + a (x - b)) / dx_k da,      sum_k IG_k = F(x) - F(b)  (completeness)
The average stock b: every input at its mean over the day's stocks, so what is the same for all of them (the market, the
calendar) contributes nothing to a place among them. All stocks of the day walk from b to themselves together: what a
score owes to companions is found at the companions. Graph and raw channels stay as they are. A feature's value and its
gap are one contribution. The integral is taken by Gauss-Legendre quadrature, exact for polynomials of degree 2n - 1;
what it misses is reported, not spread.
Source: Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks" (ICML 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from gogoku_pipeline.models.network import DayInputs, Network

NODES = 24
"""Places between the average stock and the day at which gradients are taken."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PathGradients:
    """What carried the scores of k stocks of a day of n.

    Attributes:
        own: [k, L, F], contributions of each stock's own features on each session of its look-back.
        others: [k, n], contributions of the other stocks of the day, all their features together; 0 for itself.
        day: [n], what the network says of the day's stocks.
        score: [k], what it says of these.
        average: [k], what it says of the average stock; score - average = the sum of all contributions + `missed`.
    """

    own: Floats
    others: Floats
    day: Floats
    score: Floats
    average: Floats

    @property
    def missed(self) -> Floats:
        """[k]: what the quadrature left over."""
        return np.asarray(self.score - self.average - self.own.sum(axis=(1, 2)) - self.others.sum(axis=1))


def path_gradients(
    network: Network, inputs: DayInputs, rows: Sequence[int], column: int, nodes: int = NODES
) -> PathGradients:
    """Integrated gradients of some stocks' scores.

    Args:
        network: left as it was, weights, gradients and mode.
        inputs: one whole day, [n, L, F].
        rows: the k stocks that are asked about.
        column: which of the network's horizons.
        nodes: places of the quadrature.
    """
    was_training = network.training
    network.eval()
    there = inputs.values * inputs.valid, inputs.valid
    start = [side.mean(dim=0, keepdim=True).expand_as(side) for side in there]
    moved = [side - begun for side, begun in zip(there, start, strict=True)]
    own = np.zeros((len(rows), *inputs.values.shape[1:]))
    others = np.zeros((len(rows), len(inputs.values)))
    places, weights = np.polynomial.legendre.leggauss(nodes)
    with torch.backends.cudnn.flags(enabled=False):  # its LSTM has no gradient in evaluation mode
        for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
            values, valid = (
                (begun + float(place) * move).requires_grad_() for begun, move in zip(start, moved, strict=True)
            )
            scores = network(replace(inputs, values=values, valid=valid)).scores[:, column]
            for slot, row in enumerate(rows):
                slopes = torch.autograd.grad(scores[row], (values, valid), retain_graph=slot + 1 < len(rows))
                part = slopes[0] * moved[0] + slopes[1] * moved[1]  # [n, L, F]
                own[slot] += weight * part[row].double().cpu().numpy()
                others[slot] += weight * part.sum(dim=(1, 2), dtype=torch.float64).cpu().numpy()
    others[np.arange(len(rows)), list(rows)] = 0.0
    with torch.no_grad():
        average = replace(inputs, values=start[0], valid=start[1])
        day, middle = (network(one).scores[:, column].double().cpu().numpy() for one in (inputs, average))
    network.train(was_training)
    return PathGradients(own, others, day, day[list(rows)], middle[list(rows)])
