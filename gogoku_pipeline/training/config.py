"""How networks are trained: one frozen config, the words a run reports, and who listens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.selection_config import SelectionConfig
from gogoku_pipeline.models.switches import switch
from gogoku_pipeline.models.unread import refuse_unread
from gogoku_pipeline.training.stop_rule import StopRule


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
class WarmStart:
    """Weights an earlier version of the same design ended with.

    Attributes:
        version: which version; a version that starts from it says so.
        weights: by seed, then by name.
        epochs: most epochs of a fit that starts from them.
        chosen: the choice of features they were fitted on, as its document; None for all.
    """

    version: str
    weights: Mapping[int, Mapping[str, Any]]
    epochs: int
    chosen: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Place:
    """Where a run starts from and what it leaves on the way; nothing of it belongs to the design.

    Attributes:
        folder: of checkpoints, the run ledger and the lock of this one run; None keeps nothing.
        start: weights to begin with instead of random ones, as numbers by name; None for none.
        epochs: most epochs of a run that begins with them; 0 for the design's.
        warm: where the fits of a version start from; None for scratch.
        chosen: the choice of features `start` was fitted on; None for all.
    """

    folder: Path | None = None
    start: Mapping[str, Any] | None = None
    epochs: int = 0
    warm: WarmStart | None = None
    chosen: Mapping[str, Any] | None = None

    def of_seed(self, folder: Path | None, seed: int) -> Place:
        """The place of one fit of a version."""
        start = self.warm.weights.get(seed) if self.warm else None
        if self.warm is None or start is None:
            return Place(folder)
        return Place(folder, start, self.warm.epochs, chosen=self.warm.chosen)


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
    """Epochs without a better smoothed validation figure before stopping."""
    smoothing: int = 3
    """Epochs the validation figure is averaged over."""
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
    warmup_start: float = 0.0
    """First rate of the warm-up as a share of the peak; 0 for one step's worth."""
    averaging: Literal["ema", "swa", "none"] = switch("ema", "averaging", off="none", on=("ema", "swa"))
    """What is evaluated and saved: an exponential average, an equal one over the last steps, or the raw weights."""
    ema_decay: float = 0.0
    """Decay of that average by step, such as 0.999; 0 for the one that `ema_share` gives."""
    swa_share: float = 0.25
    """Share of all steps, the last ones, that the equal average covers."""
    horizon_weights: Mapping[int, float] = field(default_factory=dict)
    """Weight of each horizon by its sessions; empty for the same weight. Given weights must name every horizon."""
    curriculum: Mapping[int, float] = field(default_factory=dict)
    """Share of the epochs after which a horizon joins; horizons not named are there from the start."""
    stop: StopRule = field(default_factory=StopRule)
    """Which validation figure is watched, of which horizon, and against what baseline."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the trunk; auto is bfloat16 on CUDA and float32 on the CPU. Heads and losses are always float32."""
    days_per_pass: int = 0
    """Days per forward pass; a step adds up its passes. 0 for the whole step; halved when memory runs out."""
    checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: slower, smaller."""
    compiled: Literal["", "inductor", "aot_eager", "eager"] = ""
    """Backend of torch.compile; empty for none."""
    save_steps: int = 0
    """Steps between two checkpoints of a run with a folder; 0 for one per epoch."""
    panel: Literal["auto", "mapped", "device"] = "auto"
    """Where the panel lies while training: memory-mapped, on the device, or there where it fits (a GPU only)."""
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    """Which features each fit reads, chosen on its own training days; off by default."""
    tensorboard: bool = False
    """Whether TensorBoard files are written beside the run ledger; needs the extra `tensorboard`."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other, by name."""
        self._refuse_out_of_range()
        self._refuse_contradictions()

    def _refuse_out_of_range(self) -> None:
        """Refuse a dial that makes no sense by itself."""
        least = {name: 1 for name in _COUNTS} | {"days_per_pass": 0, "save_steps": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise _bad(name, str(getattr(self, name)), f"at least {lowest}")
        for name in ("warmup_share", "warmup_start", "ema_decay"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise _bad(name, str(getattr(self, name)), "a share in [0, 1)")
        for name in ("ema_share", "swa_share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise _bad(name, str(getattr(self, name)), "a share in (0, 1)")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _bad(name, repr(getattr(self, name)), f"one of {allowed}")
        if not (self.learning_rate > 0 and self.clip > 0 and self.weight_decay >= 0):
            raise _bad("learning_rate, clip, weight_decay", "a value out of range", "positive, positive, not negative")

    def _refuse_contradictions(self) -> None:
        """Refuse dials that only together make no sense, and settle the keys of horizons as numbers."""
        if self.smoothing > self.epochs:
            raise _bad("smoothing and epochs", f"{self.smoothing} over {self.epochs} epochs", "smoothing <= epochs")
        for name in ("horizon_weights", "curriculum"):
            found = {int(horizon): float(value) for horizon, value in getattr(self, name).items()}
            object.__setattr__(self, name, dict(sorted(found.items())))
        if self.horizon_weights and not any(self.horizon_weights.values()):
            raise _bad("horizon_weights", "no positive weight", "at least one")
        if not all(0 <= weight < math.inf for weight in self.horizon_weights.values()):
            raise _bad("horizon_weights", str(self.horizon_weights), "no negative weight")
        if not all(0 <= share < 1 for share in self.curriculum.values()):
            raise _bad("curriculum", str(self.curriculum), "shares of the epochs in [0, 1)")
        if self.loss.sharpe > 0 and self.days_per_step < SHARPE_DAYS:
            raise _bad("sharpe and days_per_step", f"{self.days_per_step} days", f"at least {SHARPE_DAYS} consecutive")
        if self.loss.sharpe > 0 and self.days_per_pass:
            raise _bad(
                "sharpe and days_per_pass", f"{self.days_per_pass}", "0: a ratio cannot be put together from parts"
            )

    @classmethod
    def of(cls, dials: Mapping[str, Any]) -> TrainConfig:
        """The config of plain settings, `loss` and `stop` as dictionaries of their own; unknown names are refused."""
        settled = dict(dials)
        if isinstance(settled.get("loss"), Mapping):
            settled["loss"] = _made("training.loss", LossWeights, settled["loss"])
        if isinstance(settled.get("stop"), Mapping):
            settled["stop"] = _made("training.stop", StopRule, settled["stop"])
        if isinstance(settled.get("selection"), Mapping):
            settled["selection"] = SelectionConfig.of(settled["selection"])
        return _made("training", cls, settled)

    def as_dict(self) -> dict[str, Any]:
        """The fields of a fit, for manifests; the device is the machine's."""
        found = asdict(self)
        del found["device"]
        return found

    def hashed(self) -> dict[str, Any]:
        """The fields that change what is learnt, for the hash of a design.

        How it is computed (device, threads, passes, compiling, checkpoints) is left out. Dials that came later count
        from when they are turned: a field that is new must not make every promoted design another one.
        """
        found = {name: value for name, value in self.as_dict().items() if name not in _COMPUTING}
        plain = TrainConfig().as_dict()
        kept = {name: value for name, value in found.items() if name in _FIRST or value != plain[name]}
        return kept | {
            "loss": {
                name: value
                for name, value in found["loss"].items()
                if name in _FIRST_LOSSES or value != plain["loss"][name]
            }
        }


SHARPE_DAYS = 32
"""Fewest days per step with the Sharpe term; `models.losses.sharpe.MIN_DAYS`, told here without loading tensors."""

_COUNTS = ("epochs", "days_per_step", "patience", "smoothing", "min_names", "collapse_epochs", "threads")
_CHOICES = {
    "averaging": ("ema", "swa", "none"),
    "precision": ("auto", "float32", "bfloat16"),
    "panel": ("auto", "mapped", "device"),
    "compiled": ("", "inductor", "aot_eager", "eager"),
}
_COMPUTING = ("threads", "days_per_pass", "checkpointing", "compiled", "save_steps", "tensorboard", "panel")
_FIRST = (
    "epochs",
    "days_per_step",
    "learning_rate",
    "weight_decay",
    "warmup_share",
    "clip",
    "ema_share",
    "patience",
    "smoothing",
    "min_names",
    "collapse_epochs",
)
_FIRST_LOSSES = ("ic", "listnet", "huber")


_Made = TypeVar("_Made", "LossWeights", "StopRule", "TrainConfig")


def _made(what: str, kind: type[_Made], dials: Mapping[str, Any]) -> _Made:
    """A config of its fields by name; raises ConfigError for names nobody knows and dials nothing reads."""
    known = {each.name for each in fields(kind)}
    if unknown := sorted(set(dials) - known):
        raise _bad(what, f"unknown fields {unknown}", f"fields among {sorted(known)}")
    made = kind(**dials)
    refuse_unread(made, dials)
    return made


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(thing, got=got, want=want, remedy="Correct the training configuration.")
