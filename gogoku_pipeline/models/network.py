"""What every network reads and says: whole days of stocks in, one score per stock and horizon out.

`forward` takes `DayInputs` (the day batches of training are one, with labels no network looks at) and returns
`NetworkOutput`. A network tells its `look_back` and `horizons`, and names in `ConfigError` what it needs and lacks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

EDGE_ATTRIBUTES = ("weight", "is_same_sector", "is_same_market", "weight_delta_20d")
"""What is known of an edge, in the order of its attributes; an unknown sector, market or delta is 0."""


@dataclass(frozen=True)
class Edges:
    """Who is tied to whom among the stocks of some days; every tie in both directions, none to oneself.

    Attributes:
        index: int64 [2, E], source and target as rows of the batch; both of one day.
        attributes: float32 [E, 4], `EDGE_ATTRIBUTES`.
    """

    index: Tensor
    attributes: Tensor


@dataclass(frozen=True, kw_only=True)
class DayInputs:
    """Stocks of several whole days, day after day.

    Attributes:
        values: [M, L, F] normalised features, 0 where missing.
        valid: [M, L, F] in {0, 1}: a network is told what is missing instead of reading zeros as facts.
        day: int64 [M], which day of the batch a stock belongs to, ascending.
        edges: the graphs of these days; None when nobody asked for them.
        raw: [M, L, C] channels that were never normalised, 0 where missing; None when nobody asked for them.
    """

    values: Tensor
    valid: Tensor
    day: Tensor
    edges: Edges | None = None
    raw: Tensor | None = None


@dataclass(frozen=True)
class NetworkOutput:
    """What a network says of the stocks it was shown.

    Attributes:
        scores: float32 [M, H], one column per horizon of the network; higher is better inside one day.
        quantiles: float32 [M, H, Q], rising along Q; None without such heads.
        auxiliary: losses of the network's own, scalars by name, already weighted; empty outside training.
    """

    scores: Tensor
    quantiles: Tensor | None = None
    auxiliary: Mapping[str, Tensor] = field(default_factory=dict)


class Network(nn.Module, ABC):
    """A network of the house.

    Attributes:
        look_back: sessions L a score reads.
        horizons: horizons of its scores, in sessions.
        levels: probabilities of its quantiles; empty without such heads.
        needs_edges: whether it reads the session's graph.
        raw_channels: channels it reads as they are, by name.
        checkpointing: whether its blocks compute their activations twice instead of keeping them.
    """

    look_back: int
    horizons: tuple[int, ...]
    needs_edges: bool = False
    raw_channels: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    checkpointing: bool = False

    @abstractmethod
    def forward(self, inputs: DayInputs) -> NetworkOutput:
        """Scores of the stocks of some days."""

    def part(self, module: nn.Module, *given: Tensor) -> Any:
        """What a part of the network says; where activations are not kept, its backward pass computes it again."""
        if self.checkpointing and self.training:
            return checkpoint(module, *given, use_reentrant=False)
        return module(*given)
