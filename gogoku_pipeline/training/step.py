"""One optimiser step: a few whole days in as many passes as memory allows, one clipped move of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import torch
from torch import Tensor, nn

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.models.losses.terms import Outcomes, Said, days_of, objective
from gogoku_pipeline.models.network import NetworkOutput
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.days import DayBatch, DaySource
from gogoku_pipeline.training.inspection import (
    activations,
    gradient_norms,
    gradient_shares,
    refuse_broken,
    refuse_broken_gradients,
)
from gogoku_pipeline.training.memory import Passes
from gogoku_pipeline.training.precision import trunk_precision
from gogoku_pipeline.training.processes import Team
from gogoku_pipeline.training.run_ledger import Stopwatch


@dataclass
class Stepper:
    """Makes steps.

    Attributes:
        model: the network, on the source's device.
        source: panel and labels.
        config: losses, clipping, precision.
        optimiser: over the network's weights.
        passes: how many days fit at once.
        before: the first decision whose labels must not profit.
        levels: probabilities of the network's quantiles.
        forward: the network as it is called: itself, or compiled.
        events: receives what happened on the way.
        seed: of the run.
        team: the processes that make the step together.
    """

    model: nn.Module
    source: DaySource
    config: TrainConfig
    optimiser: torch.optim.Optimizer
    passes: Passes
    before: date
    levels: tuple[float, ...]
    forward: Callable[[DayBatch], NetworkOutput]
    events: list[dict[str, str | float]]
    seed: int = 0
    team: Team = field(default_factory=Team.here)

    def take(
        self, days: Sequence[date], horizons: Sequence[float], watch: Stopwatch, row: dict[str, float], *, where: str
    ) -> None:
        """Make one step and add its losses (running means over the epoch) to `row`.

        Passes that run out of memory are made again smaller, from the same random state; the first step of an epoch
        also writes down gradient shares, norms and activations.

        Raises:
            TrainingError: inputs, labels, losses or gradients that are not finite; one day that does not fit.
        """
        self.team.reseed(self.seed, where)
        figures = self.team.summed(self._computed(days, horizons, watch, row, where))
        if figures:
            with watch.computing():
                self.team.add_gradients(self.model)
                self._move(days, row)
            _add(row, figures)

    def _computed(
        self, days: Sequence[date], horizons: Sequence[float], watch: Stopwatch, row: dict[str, float], where: str
    ) -> dict[str, float]:
        """Losses of this process's part of the step by name, gradients left on the weights; empty without usable days.

        Only this is tried again: a move of the weights that was begun cannot be taken back.
        """
        state = _random_state(self.source.device)
        while True:
            told = dict(row)
            try:
                figures = self._attempt(days, horizons, watch, told)
            except torch.OutOfMemoryError as problem:
                trouble = problem.with_traceback(None)  # frames hold the tensors that must be freed
            else:
                row.clear()
                row.update(told)
                return figures
            self.optimiser.zero_grad(set_to_none=True)
            self.events.append({"event": "out_of_memory", "where": where, "words": self.passes.halve(days, trouble)})
            _set_random_state(state, self.source.device)

    def _attempt(
        self, days: Sequence[date], horizons: Sequence[float], watch: Stopwatch, row: dict[str, float]
    ) -> dict[str, float]:
        passes = list(self.passes.of(self.team.share(days, is_whole=self.passes.is_whole)))
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        usable = self._usable(days) if len(passes) > 1 or self.team.count > 1 else None
        figures: dict[str, float] = {}
        for place, part in enumerate(passes):
            with watch.waiting():
                batch = self.source.batch(part, before=self.before)
                refuse_broken(f"inputs of {part[0]} to {part[-1]}:", {"values": batch.values})
            with watch.computing():
                measure = place == 0 and "loss" not in row
                for name, value in self._pass(batch, horizons, usable, len(days), row, measure=measure).items():
                    figures[name] = figures.get(name, 0.0) + value
        return figures

    def _pass(
        self,
        batch: DayBatch,
        horizons: Sequence[float],
        usable: tuple[int, ...] | None,
        days: int,
        row: dict[str, float],
        *,
        measure: bool,
    ) -> dict[str, float]:
        """Forward and backward over a part of the step; its losses by name, `loss` for their sum."""
        with trunk_precision(self.config, self.source.device), activations(self.model, row, measure=measure):
            told: NetworkOutput = (self.model if measure else self.forward)(batch)  # hooks and graphs do not mix
        if told.scores.dtype != torch.float32:
            raise _rough(told.scores.dtype)
        quantiles = None if told.quantiles is None else batch.padded(told.quantiles)
        said = Said(batch.padded(told.scores), quantiles, self.levels)
        outcomes = Outcomes(batch.targets, batch.mask, batch.returns, batch.stock)
        usable = usable or days_of(batch.mask, batch.targets, self.config.min_names)
        least = self.config.min_names
        terms = objective(said, outcomes, self.config.loss, horizons=horizons, days=usable, least=least)
        if not terms:
            return {}
        share = len(batch.mask) / days
        terms |= {name: value.float() * share for name, value in told.auxiliary.items()}
        if measure:
            row |= gradient_shares(self.model, terms)
        total = torch.stack(list(terms.values())).sum()
        found = {name: float(term.detach()) for name, term in terms.items()}
        _refuse_broken_loss(found)
        torch.autograd.backward(total)
        return {"loss": float(total.detach()), **{f"loss_{name}": value for name, value in found.items()}}

    def _move(self, days: Sequence[date], row: dict[str, float]) -> None:
        """Clip and move the weights; refuses a gradient that is not finite."""
        if "loss" not in row:
            row |= gradient_norms(self.model)
        weights = [weight for weight in self.model.parameters() if weight.grad is not None]
        norm = nn.utils.get_total_norm([weight.grad for weight in weights if weight.grad is not None])
        refuse_broken_gradients(self.model, norm, f"{min(days)} to {max(days)}")  # clipping would spread a NaN to all
        nn.utils.clip_grads_with_norm_(weights, self.config.clip, norm)
        self.optimiser.step()

    def _usable(self, days: Sequence[date]) -> tuple[int, ...]:
        """How many of the step's days can be learnt from, per horizon."""
        targets, mask = self.source.masks(days, before=self.before)
        return days_of(mask, targets, self.config.min_names)


def _add(row: dict[str, float], figures: dict[str, float]) -> None:
    """Running means over the epoch's steps."""
    seen = row.get("steps", 0.0)
    for name, figure in figures.items():
        row[name] = (row.get(name, 0.0) * seen + figure) / (seen + 1)
    row["steps"] = seen + 1


def _refuse_broken_loss(terms: dict[str, float]) -> None:
    for name, value in terms.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"loss term {name}",
                got=f"a loss of {value}",
                want="a finite loss",
                remedy="Check labels and inputs of these sessions, then lower the learning rate.",
            )


def _rough(dtype: torch.dtype) -> TrainingError:
    return TrainingError(
        "scores of the network",
        got=f"{dtype}, which ties many stocks of a day",
        want="float32 whatever the trunk computes in",
        remedy="Compute the head with autocast switched off.",
    )


def _random_state(device: torch.device) -> list[Tensor]:
    """State of torch's generators that a step draws from."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def _set_random_state(state: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(state[0])
    if device.type == "cuda" and len(state) > 1:
        torch.cuda.set_rng_state(state[1], device)
