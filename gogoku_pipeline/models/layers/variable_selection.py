"""Variable selection: which features speak on this day, for this stock, and how loudly.

Paper: Lim et al., "Temporal Fusion Transformers" (2021), section 4.2: v = softmax(GRN(xi)), out = sum_j v_j f_j(xi_j).
Here a variable is embedded as xi_j = x_j a_j + m_j b_j with m_j its validity, so a missing value is told from zero.

| kind | f_j | weights v | cost beside a linear map |
|---|---|---|---|
| affine | identity: sum_j v_j xi_j = (v*x) A + (v*m) B, no [.., F, d] tensor | one per variable | small |
| grouped | the same | one per group of variables, shared inside | small |
| per_variable | a GRN each, as in the paper, of width `inner` | one per variable | F * inner numbers per token |

Weights are multiplied by their number, so equal weights leave a plain linear embedding (a factor the paper's a_j would
learn). In the paper's form the GRN leads from all embeddings to F weights; in the others it is narrow, between a linear
map of values and validity and one to the weights, because at F of hundreds it would cost more than all else together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gogoku_pipeline.models.layers.gated_residual import GatedResidual, StackedGatedResidual

SelectionKind = Literal["affine", "grouped", "per_variable"]


def grouped_by_first_word(names: Sequence[str]) -> list[int]:
    """Group of each feature: features whose names begin with the same word (`ret_5d`, `ret_20d`) are one group."""
    order: dict[str, int] = {}
    return [order.setdefault(name.split("_")[0], len(order)) for name in names]


class VariableSelection(nn.Module):
    """Selected features of each token.

    Args:
        groups: group of each variable, 0 .. G-1; `range(F)` for one weight per variable.
        width: numbers per token out.
        hidden: width of the selection's GRN and, in the affine form, of the map before it.
        dropout: share dropped in training.
        inner: width of each variable's own GRN; 0 for the affine form.
    """

    members: Tensor

    def __init__(self, groups: Sequence[int], width: int, hidden: int, dropout: float, inner: int = 0) -> None:
        super().__init__()
        variables, self.count = len(groups), max(groups) + 1
        self.register_buffer("members", functional.one_hot(torch.tensor(list(groups))).T.float(), persistent=False)
        size = inner or width
        bound = variables**-0.5
        self.value = nn.Parameter(torch.empty(variables, size).uniform_(-bound, bound))
        self.known = nn.Parameter(torch.empty(variables, size).uniform_(-bound, bound))
        self.own = StackedGatedResidual(variables, inner, dropout) if inner else None
        self.widen = nn.Linear(inner, width) if inner else nn.Identity()
        self.narrow = nn.Identity() if inner else nn.Linear(2 * variables, hidden)
        self.select = GatedResidual(
            variables * inner if inner else hidden, hidden, self.count if inner else hidden, dropout
        )
        self.weigh = nn.Identity() if inner else nn.Linear(hidden, self.count)

    def forward(self, values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Select.

        Args:
            values: [.., F], 0 where missing.
            valid: [.., F] in {0, 1}.

        Returns:
            Tokens [.., width] and weights [.., G] that add to 1.
        """
        if self.own is None:
            narrow = self.narrow(torch.cat([values, valid], dim=-1))  # [.., hidden]
            weights = torch.softmax(self.weigh(self.select(narrow)), dim=-1)  # [.., G]
            loud = self._loud(weights)
            return (loud * values) @ self.value + (loud * valid) @ self.known, weights
        embedded = values[..., None] * self.value + valid[..., None] * self.known  # [.., F, inner]
        weights = torch.softmax(self.select(embedded.flatten(-2)), dim=-1)
        loud = self._loud(weights)
        chosen: Tensor = self.widen(torch.einsum("...f,...fd->...d", loud, self.own(embedded)))
        return chosen, weights

    def _loud(self, weights: Tensor) -> Tensor:
        """Weights of groups [.., G] as factors of variables [.., F], 1 on average over groups."""
        scaled = self.count * weights
        return scaled if self.members.shape[0] == self.members.shape[1] else scaled @ self.members


def selection_entropy(weights: Tensor) -> Tensor:
    """Mean entropy of selection weights [.., G] as a share of the largest possible: 0 one variable, 1 all alike."""
    size = weights.shape[-1]
    if size < 2:
        return weights.new_zeros(())
    entropy = -(weights * torch.log(weights.clamp(min=1e-12))).sum(dim=-1).mean()
    return entropy / math.log(size)
