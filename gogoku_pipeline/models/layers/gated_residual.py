"""Gates that let a network skip what it does not need: GLU, gated add-and-norm, and the gated residual network (GRN).

Paper: Lim, Arik, Loeff, Pfister, "Temporal Fusion Transformers" (2021), section 4.1.
    GLU(g)    = sigmoid(W4 g + b4) * (W5 g + b5)
    GRN(a, c) = LayerNorm(skip(a) + GLU(drop(W1 ELU(W2 a + b2 + W3 c) + b1)))
skip is the identity, or a linear map where widths differ; the context's map W3 has no bias. LayerNorm eps 1e-3 as in
the authors' code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

NORM_EPS = 1e-3


class GatedLinear(nn.Module):
    """Gated linear unit (Dauphin et al., 2017): [.., width] -> [.., out].

    Args:
        width: numbers in.
        out: numbers out.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.both = nn.Linear(width, 2 * out)

    def forward(self, x: Tensor) -> Tensor:
        """The first half of the map, times the sigmoid of the second."""
        return functional.glu(self.both(x), dim=-1)


class GatedAddNorm(nn.Module):
    """LayerNorm(x + GLU(drop(branch))): a branch is let in as far as its gate opens.

    Args:
        width: numbers of both.
        dropout: share of the branch dropped in training.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.gate = GatedLinear(width, width)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        """[.., width] both -> [.., width]."""
        out: Tensor = self.norm(x + self.gate(self.drop(branch)))
        return out


class GatedResidual(nn.Module):
    """GRN.

    Args:
        width: numbers in.
        hidden: numbers inside.
        out: numbers out.
        dropout: share dropped before the gate in training.
        context: numbers of the context c; 0 without one.
    """

    def __init__(self, width: int, hidden: int, out: int, dropout: float, context: int = 0) -> None:
        super().__init__()
        self.skip = nn.Identity() if width == out else nn.Linear(width, out)
        self.enter = nn.Linear(width, hidden)
        self.context = nn.Linear(context, hidden, bias=False) if context else None
        self.leave = nn.Linear(hidden, hidden)
        self.drop = nn.Dropout(dropout)
        self.gate = GatedLinear(hidden, out)
        self.norm = nn.LayerNorm(out, eps=NORM_EPS)

    def forward(self, a: Tensor, c: Tensor | None = None) -> Tensor:
        """[.., width], context [.., context] broadcast over it -> [.., out]."""
        inside = self.enter(a)
        if self.context is not None and c is not None:
            inside = inside + self.context(c)
        inside = self.leave(functional.elu(inside))
        out: Tensor = self.norm(self.skip(a) + self.gate(self.drop(inside)))
        return out


class StackedGatedResidual(nn.Module):
    """One GRN per variable, all at once: the weights of F networks stacked, one einsum per map instead of a loop.

    Equal to F separate GRNs of widths d -> d -> d (tested). Cost: activations [.., F, d]; take d of 8 to 16.

    Args:
        variables: how many, F.
        width: numbers per variable d.
        dropout: share dropped before the gates in training.
    """

    def __init__(self, variables: int, width: int, dropout: float) -> None:
        super().__init__()
        bound = width**-0.5

        def stacked(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(variables, *shape).uniform_(-bound, bound))

        self.enter, self.enter_bias = stacked(width, width), stacked(width)
        self.leave, self.leave_bias = stacked(width, width), stacked(width)
        self.gate, self.gate_bias = stacked(width, 2 * width), stacked(2 * width)
        self.norm_weight = nn.Parameter(torch.ones(variables, width))
        self.norm_bias = nn.Parameter(torch.zeros(variables, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[.., F, d] -> [.., F, d], each variable through its own network."""
        inside = functional.elu(torch.einsum("...fd,fde->...fe", x, self.enter) + self.enter_bias)
        inside = self.drop(torch.einsum("...fd,fde->...fe", inside, self.leave) + self.leave_bias)
        gated = functional.glu(torch.einsum("...fd,fde->...fe", inside, self.gate) + self.gate_bias, dim=-1)
        normed = functional.layer_norm(x + gated, x.shape[-1:], eps=NORM_EPS)
        return normed * self.norm_weight + self.norm_bias
