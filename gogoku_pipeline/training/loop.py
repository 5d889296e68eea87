"""The training loop: whole days in random order, averaged weights, a stop once the validation RankIC is past its best.

RankIC comes in as a function (its home is evaluation/ic). The averaged weights are what is validated, kept and saved.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.models.losses.terms import loss_terms
from gogoku_pipeline.training.collapse import CollapseWatch, spread_of
from gogoku_pipeline.training.config import Report, TrainConfig
from gogoku_pipeline.training.days import DayBatch, DaySource, score_days
from gogoku_pipeline.training.flat import settled_by

RankIc = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], float]
_log = logger("training")


@dataclass(frozen=True)
class Trained:
    """What a run leaves behind.

    Attributes:
        weights: averaged weights of the best epoch, on the CPU.
        ledger: the learning curve, one row of figures per epoch.
        best_epoch: epoch the weights come from, from 1.
    """

    weights: dict[str, Tensor]
    ledger: list[dict[str, float]]
    best_epoch: int


@dataclass
class _Best:
    """The best epoch so far, by smoothed validation RankIC."""

    value: float = -math.inf
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


def train_network(
    model: nn.Module,
    source: DaySource,
    sessions: tuple[Sequence[date], Sequence[date]],
    config: TrainConfig,
    *,
    seed: int,
    rank_ic: RankIc,
    report: Report | None = None,
) -> Trained:
    """Fit a network.

    Args:
        model: a `models.network.Network`; moved to the source's device.
        source: panel, labels, horizon, look-back, device.
        sessions: (train, validation) decisions.
        config: the loop.
        seed: of the order of days; weights and dropout follow torch's generator (`device.repeatable`).
        rank_ic: RankIC of one day.
        report: receives each epoch's figures.

    Raises:
        TrainingError: no usable day, or a loss that is not finite.
        CollapseError: scores stopped telling stocks apart.
    """
    validation = source.usable(sessions[1])
    train = source.usable(sessions[0])
    if not train or not validation:
        raise _bad(f"{len(train)} training and {len(validation)} validation days with a full look-back", "some of each")
    model.to(source.device)
    optimiser = _optimiser(model, config)
    steps = config.epochs * -(-len(train) // config.days_per_step)
    schedule = _schedule(optimiser, config, steps)
    decay = math.exp(-1.0 / max(1.0, config.ema_share * steps))
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
    watch, best, ledger = CollapseWatch(config.collapse_epochs), _Best(), []
    for epoch in range(1, config.epochs + 1):
        started = time.perf_counter()
        row: dict[str, float] = {"epoch": epoch, "learning_rate": float(schedule.get_last_lr()[0])}
        for days in source.shuffled(train, config.days_per_step, seed, epoch):
            batch = source.batch(days, before=validation[0])
            first = "loss" not in row
            _step(model, batch, optimiser, config, row, source.judged, measure_shares=first)
            schedule.step()
            averaged.update_parameters(model)
        row |= _validate(averaged, source, validation, rank_ic, watch, epoch)
        row["seconds"] = time.perf_counter() - started
        ledger.append(row)
        if report is not None:
            report(row)
        if _past_the_best(best, ledger, averaged, config):
            break
    if not best.weights:
        raise _bad("no epoch with a validation RankIC", "labelled validation days")
    _log.info("best epoch %d of %d, smoothed validation RankIC %.4f", best.epoch, len(ledger), best.value)
    return Trained(best.weights, ledger, best.epoch)


def _optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays weight matrices only."""
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim > 1 and "position" not in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim <= 1 or "position" in name]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def _schedule(optimiser: torch.optim.Optimizer, config: TrainConfig, steps: int) -> LRScheduler:
    """Linear warm-up, then a cosine to zero."""
    warm = max(1, round(config.warmup_share * steps))
    rise = LinearLR(optimiser, start_factor=1.0 / (warm + 1), total_iters=warm)
    fall = CosineAnnealingLR(optimiser, T_max=max(1, steps - warm))
    return SequentialLR(optimiser, [rise, fall], milestones=[warm])


def _step(
    model: nn.Module,
    batch: DayBatch,
    optimiser: torch.optim.Optimizer,
    config: TrainConfig,
    row: dict[str, float],
    judged: int,
    *,
    measure_shares: bool,
) -> None:
    """One optimiser step; adds the step's losses (running means over the epoch) to `row`."""
    model.train()
    scores = batch.padded(model(batch).scores)[..., judged]
    terms = loss_terms(
        scores, batch.targets[..., judged], batch.mask[..., judged], config.loss, min_names=config.min_names
    )
    if not terms:
        return
    if measure_shares:
        row |= gradient_shares(model, dict(terms))
    total = torch.stack(list(terms.values())).sum()
    value = float(total.detach())
    if not math.isfinite(value):
        raise _bad(f"a loss of {value}", "a finite loss")
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(total)
    nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimiser.step()
    seen = row.get("steps", 0.0)
    for name, figure in [("loss", value), *((f"loss_{name}", float(term.detach())) for name, term in terms.items())]:
        row[name] = (row.get(name, 0.0) * seen + figure) / (seen + 1)
    row["steps"] = seen + 1


def gradient_shares(model: nn.Module, terms: dict[str, Tensor]) -> dict[str, float]:
    """Share of each loss term in the sum of the terms' gradient norms, so that a dead term shows."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    norms = {}
    for name, term in terms.items():
        gradients = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
        norms[name] = math.sqrt(sum(float(grad.pow(2).sum()) for grad in gradients if grad is not None))
    total = sum(norms.values()) or 1.0
    return {f"gradient_share_{name}": norm / total for name, norm in norms.items()}


def _validate(
    averaged: nn.Module,
    source: DaySource,
    validation: Sequence[date],
    rank_ic: RankIc,
    watch: CollapseWatch,
    epoch: int,
) -> dict[str, float]:
    """Mean daily RankIC of the averaged weights, and how well they tell stocks apart."""
    scored = score_days(averaged, source, validation)
    before = settled_by(source.data, validation, source.horizon_d)
    labels = source.data.day_targets(validation, source.horizon_d, before=before)
    ics = [
        rank_ic(scores, labels[place, window.stocks].astype(np.float64))
        for place, (window, scores) in enumerate(scored)
    ]
    spread = spread_of([scores for _, scores in scored])
    watch.see(epoch, spread)
    finite = [value for value in ics if math.isfinite(value)]
    return {
        "validation_rank_ic": float(np.mean(finite)) if finite else math.nan,
        "unique_ratio": spread.unique_ratio,
        "flat_days": spread.flat_days,
        "score_std": spread.std,
    }


def _past_the_best(best: _Best, ledger: list[dict[str, float]], averaged: AveragedModel, config: TrainConfig) -> bool:
    """Keep the averaged weights when the smoothed RankIC is the best so far; say whether patience is over."""
    recent = [row["validation_rank_ic"] for row in ledger[-config.smoothing :]]
    smoothed = float(np.mean(recent))
    ledger[-1]["smoothed_rank_ic"] = smoothed
    epoch = len(ledger)
    if math.isfinite(smoothed) and smoothed > best.value:
        best.value, best.epoch = smoothed, epoch
        best.weights = {name: weight.detach().cpu().clone() for name, weight in averaged.module.state_dict().items()}
    return epoch - max(best.epoch, 1) >= config.patience


def _bad(got: str, want: str) -> TrainingError:
    return TrainingError("training", got=got, want=want, remedy="Check labels, folds and look-back of these sessions.")
