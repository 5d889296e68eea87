"""How much each term of the ranking loss weighs; read without loading tensors, so that commands start quickly."""

from __future__ import annotations

from dataclasses import dataclass

from gogoku_pipeline.core.errors import ConfigError


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term; at most these three."""

    ic: float = 1.0
    """1 - Pearson correlation with the normal-score target."""
    listnet: float = 0.3
    """Cross-entropy of top-one probabilities (temperature 1)."""
    huber: float = 0.1
    """Scale anchor: keeps scores near the standardised target's scale, so that gradients stay bounded."""

    def __post_init__(self) -> None:
        """Refuse negative weights and a loss without terms."""
        if min(self.ic, self.listnet, self.huber) < 0 or max(self.ic, self.listnet, self.huber) == 0:
            raise ConfigError(
                "LossWeights",
                got=f"ic {self.ic}, listnet {self.listnet}, huber {self.huber}",
                want="no negative weight and one positive",
                remedy="Use the defaults 1.0, 0.3, 0.1.",
            )

    def items(self) -> list[tuple[str, float]]:
        """Terms with a positive weight."""
        pairs = [("ic", self.ic), ("listnet", self.listnet), ("huber", self.huber)]
        return [(name, weight) for name, weight in pairs if weight > 0]
