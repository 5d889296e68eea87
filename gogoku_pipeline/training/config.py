"""How networks are trained: one frozen config, the words a run reports, and who listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.loss_weights import LossWeights


class Progress(Protocol):
    """Somebody who watches a long run."""

    def advance(self, n: int, text: str) -> None:
        """`n` more steps are done; `text` says what they were."""
        ...


class Report(Protocol):
    """Somebody who wants the learning curve as it grows."""

    def __call__(self, row: Mapping[str, float]) -> None:
        """One epoch's figures by name."""
        ...


@dataclass(frozen=True)
class TrainConfig:
    """The training loop of a network."""

    epochs: int = 8
    """Most passes over the training days."""
    days_per_step: int = 8
    """Whole days per optimiser step."""
    learning_rate: float = 1e-3
    """Peak rate of AdamW."""
    weight_decay: float = 0.05
    """Decay of weight matrices; biases, norms and positions have none."""
    warmup_share: float = 0.05
    """Share of all steps with a rising rate; a cosine to zero follows."""
    clip: float = 1.0
    """Bound of the gradient's norm."""
    ema_share: float = 0.05
    """Memory of the averaged weights, as a share of all steps; the average is what is evaluated and saved."""
    patience: int = 3
    """Epochs without a better smoothed validation RankIC before stopping."""
    smoothing: int = 3
    """Epochs the validation RankIC is averaged over."""
    min_names: int = 50
    """Fewest stocks of a day that is learnt from."""
    collapse_epochs: int = 3
    """Epochs in a row with an alarm before the run fails."""
    threads: int = 1
    """CPU threads. One: with small tensors a second one mostly spins, and on a busy machine it costs several times."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:1; never part of the config hash."""
    loss: LossWeights = field(default_factory=LossWeights)
    """Loss terms."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other, by name."""
        for name in ("epochs", "days_per_step", "patience", "smoothing", "min_names", "collapse_epochs", "threads"):
            if getattr(self, name) < 1:
                raise _bad(name, str(getattr(self, name)), "at least 1")
        if not 0.0 <= self.warmup_share < 1.0:
            raise _bad("warmup_share", str(self.warmup_share), "a share in [0, 1)")
        if not 0.0 < self.ema_share < 1.0:
            raise _bad("ema_share", str(self.ema_share), "a share in (0, 1)")
        if not (self.learning_rate > 0 and self.clip > 0 and self.weight_decay >= 0):
            raise _bad("learning_rate, clip, weight_decay", "a value out of range", "positive, positive, not negative")
        if self.smoothing > self.epochs:
            raise _bad("smoothing and epochs", f"{self.smoothing} over {self.epochs} epochs", "smoothing <= epochs")

    def as_dict(self) -> dict[str, Any]:
        """The fields that change the result, for manifests and hashes."""
        found = asdict(self)
        del found["device"]
        return found


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(thing, got=got, want=want, remedy="Correct the training configuration.")
