"""How much each term of the objective weighs; read without loading tensors, so that commands start quickly."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.switches import switch

TERMS = ("ic", "listnet", "huber", "ranknet", "spearman", "pinball", "sharpe")
MOST_TERMS = 4
"""More hand-weighted terms than this cannot be told apart by what they do (lesson 21)."""


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term, at most four above zero, and the dials of the terms."""

    ic: float = switch(1.0, "ic_loss", off=0.0, on=(1.0,))
    """1 - Pearson correlation with the normal-score target."""
    listnet: float = switch(0.3, "listnet_loss", off=0.0, on=(0.3,))
    """Divergence of top-one probabilities."""
    huber: float = switch(0.1, "huber_loss", off=0.0, on=(0.1,))
    """Scale anchor: keeps scores near the standardised target's scale, so that gradients stay bounded."""
    ranknet: float = switch(0.0, "ranknet_loss", off=0.0, on=(0.3,))
    """Pairs of stocks, distant ranks count most."""
    spearman: float = switch(0.0, "spearman_loss", off=0.0, on=(0.2,))
    """1 - Spearman correlation by soft ranks."""
    pinball: float = switch(0.0, "pinball_loss", off=0.0, on=(1.0,), needs={"model.quantiles": (0.1, 0.5, 0.9)})
    """Quantile heads; needs a network that has them."""
    sharpe: float = switch(0.0, "sharpe_loss", off=0.0, on=(0.3,))
    """-Sharpe ratio of the scores' portfolio after costs; needs consecutive days, for fine-tuning."""
    listnet_temperature: float = 1.0
    """T of ListNet's targets."""
    listnet_top: int = 0
    """Highest targets that ListNet spreads probability over; 0 for all."""
    ranknet_partners: int = 256
    """Others a stock is compared with."""
    spearman_tau: float = 0.1
    """Softness of ranks, in standard deviations of the day's scores."""
    huber_delta: float = 1.0
    """Where the scale anchor turns from square to line, in standard deviations."""
    sharpe_cost: float = 0.001
    """Cost of turning the whole portfolio over once, as a share of its value."""

    def __post_init__(self) -> None:
        """Refuse negative weights, an objective without terms or with more than four, dials out of range."""
        weights = {name: getattr(self, name) for name in TERMS}
        if not all(0 <= weight < math.inf for weight in weights.values()) or not self.items():
            got = ", ".join(f"{name} {weight}" for name, weight in weights.items())
            raise _bad(got, "no negative weight and one positive", "Use the defaults 1.0, 0.3, 0.1.")
        if len(self.items()) > MOST_TERMS:
            names = ", ".join(name for name, _ in self.items())
            raise _bad(
                f"{len(self.items())} terms: {names}", f"at most {MOST_TERMS} at once", "Switch some of them off."
            )
        positive = ("listnet_temperature", "ranknet_partners", "spearman_tau", "huber_delta")
        for name in positive:
            if not getattr(self, name) > 0:
                raise _bad(f"{name} {getattr(self, name)}", "above zero", "Correct the dial.")
        for name in ("listnet_top", "sharpe_cost"):
            if not getattr(self, name) >= 0:
                raise _bad(f"{name} {getattr(self, name)}", "not negative", "Correct the dial.")

    def items(self) -> list[tuple[str, float]]:
        """Terms with a positive weight."""
        return [(name, getattr(self, name)) for name in TERMS if getattr(self, name) > 0]


def _bad(got: str, want: str, remedy: str) -> ConfigError:
    return ConfigError("LossWeights", got=got, want=want, remedy=remedy)
