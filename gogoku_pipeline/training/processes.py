"""Several processes, one run: each takes a share of a step's days, their gradients are added up, the step is the same.

`torchrun` starts the processes, one per GPU (NCCL) or several on CPUs (gloo). The first one does everything that is
done once: store, locks, checkpoints, run ledgers, validation. The others wait to be told of a fit and make its steps
along. Every term of the loss is divided by the usable days of the whole step before it is summed (decision 0024), so
what is added up over processes is the gradient of one process, but for the order of the sum. Dropout draws differ from
process to process. A day is never cut, and the Sharpe term, which needs all days of a step, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from gogoku_pipeline.core.errors import ConfigError, TrainingError
from gogoku_pipeline.core.fingerprints import sha256_arrays
from gogoku_pipeline.core.seeds import derive_seed

Told = TypeVar("Told")

PATIENCE = timedelta(hours=6)
"""Longest wait for another process; the first one may validate, read the store or calibrate meanwhile."""


@dataclass(frozen=True)
class Team:
    """The processes of a run as one of them sees them; one process alone is a team of one.

    Attributes:
        rank: of this process; 0 is the first.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @classmethod
    def here(cls) -> Team:
        """The team this process has joined."""
        is_joined = dist.is_available() and dist.is_initialized()
        return cls(dist.get_rank(), dist.get_world_size()) if is_joined else cls()

    @property
    def is_first(self) -> bool:
        """Whether this process does what is done once."""
        return self.rank == 0

    def share(self, days: Sequence[date], *, is_whole: bool) -> Sequence[date]:
        """The days of a step that this process computes.

        Raises:
            ConfigError: a loss that needs all of them at once.
        """
        if self.count == 1:
            return days
        if is_whole:
            raise ConfigError(
                "sharpe and several processes",
                got=f"{self.count} processes",
                want="one: a ratio cannot be put together from parts",
                remedy="Fine-tune with the Sharpe term in one process.",
            )
        return days[self.rank :: self.count]

    def reseed(self, seed: int, *names: str) -> None:
        """Give every process but the first dropout of its own, the same whenever the step is made again."""
        if not self.is_first:
            torch.manual_seed(derive_seed(seed, "process", self.rank, *names))

    def summed(self, figures: dict[str, float]) -> dict[str, float]:
        """Figures of all processes' parts of a step, added up in the order of their ranks."""
        if self.count == 1:
            return figures
        parts: list[Any] = [None] * self.count
        dist.all_gather_object(parts, figures)
        out: dict[str, float] = {}
        for part in parts:
            for name, value in part.items():
                out[name] = out.get(name, 0.0) + value
        return out

    def add_gradients(self, model: nn.Module) -> None:
        """Replace every gradient by the sum over processes; one that no process has stays none."""
        if self.count == 1:
            return
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        has = torch.tensor([float(weight.grad is not None) for weight in weights], device=weights[0].device)
        found = [(torch.zeros_like(weight) if weight.grad is None else weight.grad).float() for weight in weights]
        flat = torch.cat([has, *(gradient.flatten() for gradient in found)])
        dist.all_reduce(flat)
        parts = torch.split(flat[len(weights) :], [weight.numel() for weight in weights])
        for weight, part, seen in zip(weights, parts, flat[: len(weights)].tolist(), strict=True):
            weight.grad = part.view_as(weight).to(weight.dtype) if seen else None

    def asked_once(self, ask: Callable[[], Told]) -> Told:
        """What the first process answers, told to all."""
        if self.count == 1:
            return ask()
        box: list[Any] = [ask() if self.is_first else None]
        dist.broadcast_object_list(box)
        answer: Told = box[0]
        return answer

    def refuse_apart(self, model: nn.Module, where: str) -> None:
        """Raise TrainingError where the processes' weights are no longer the same to the bit."""
        if self.count == 1:
            return
        mine = sha256_arrays({name: weight.detach().cpu().numpy() for name, weight in model.state_dict().items()})
        all_of_them: list[Any] = [None] * self.count
        dist.all_gather_object(all_of_them, mine)
        if len(set(all_of_them)) > 1:
            raise TrainingError(
                f"weights after {where}",
                got=f"{len(set(all_of_them))} different sets in {self.count} processes",
                want="the same in all of them",
                remedy="Start every process from the same code, panel and labels, on devices of one kind.",
            )


@contextmanager
def joined() -> Iterator[Team]:
    """The team of the processes `torchrun` started, each on a GPU of its own where there are any; else one alone."""
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield Team()
        return
    has_gpu = torch.cuda.is_available()
    dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpu else "gloo", timeout=PATIENCE)
    if has_gpu:
        torch.cuda.set_device(dist.get_node_local_rank())
    try:
        yield Team.here()
    finally:
        dist.destroy_process_group()


def call(*order: Any) -> None:
    """Tell the others of the next thing to do together; nothing where there are none, or where this is one of them."""
    team = Team.here()
    if team.count > 1 and team.is_first:
        dist.broadcast_object_list([order])


def heard() -> tuple[Any, ...]:
    """What the first process says next; empty when it dismisses everybody."""
    box: list[Any] = [None]
    dist.broadcast_object_list(box)
    said: tuple[Any, ...] = box[0]
    return said


def follow(work: Callable[..., object]) -> None:
    """Do what the first process calls for, until it dismisses everybody; called by every process but the first."""
    while order := heard():
        work(*order)


def dismiss() -> None:
    """Let the others go home."""
    call()
