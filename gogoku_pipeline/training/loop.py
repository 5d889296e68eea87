"""The training loop: whole days in random order, averaged weights, a stop once the watched figure is past its best.

Belongs here: the order of things in a run and what a checkpoint holds. Each thing has its own file: `step` (one move
of the weights), `optim`, `averaging`, `curriculum`, `validation`, `stopping`, `collapse`, `memory`, `checkpoint`,
`run_folder`, `run_ledger`. RankIC comes in as a function (its home is evaluation/ic).

A run with a folder goes on after a kill exactly where its last checkpoint was: on the CPU to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import torch
from torch import Tensor

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.core.fingerprints import sha256_arrays, sha256_json
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.models.network import Network, NetworkOutput
from gogoku_pipeline.training.averaging import Averaged
from gogoku_pipeline.training.checkpoint import load_checkpoint, load_weights, save_checkpoint
from gogoku_pipeline.training.collapse import CollapseWatch
from gogoku_pipeline.training.config import Place, Report, TrainConfig
from gogoku_pipeline.training.curriculum import horizon_weights, refuse_other_horizons
from gogoku_pipeline.training.days import DayBatch, DaySource
from gogoku_pipeline.training.learnable import learnable_days
from gogoku_pipeline.training.memory import Passes
from gogoku_pipeline.training.optim import make_optimiser, make_schedule
from gogoku_pipeline.training.recipes import TARGET
from gogoku_pipeline.training.resident import resident_panel
from gogoku_pipeline.training.run_folder import exclusive_training
from gogoku_pipeline.training.run_ledger import Stopwatch, design_of, write_run
from gogoku_pipeline.training.step import Stepper
from gogoku_pipeline.training.stopping import Stopper
from gogoku_pipeline.training.tensorboard import write_tensorboard
from gogoku_pipeline.training.trained import Trained
from gogoku_pipeline.training.validation import DayMetric, baseline_figure, day_metrics, validated

_log = logger("training")


def train_network(
    model: Network,
    source: DaySource,
    sessions: tuple[Sequence[date], Sequence[date]],
    config: TrainConfig,
    *,
    seed: int,
    rank_ic: DayMetric,
    report: Report | None = None,
    place: Place | None = None,
) -> Trained:
    """Fit a network.

    Args:
        model: moved to the source's device.
        source: panel, labels, horizon, look-back, device.
        sessions: (train, validation) decisions.
        config: the loop.
        seed: of the order of days; weights and dropout follow torch's generator (`device.repeatable`).
        rank_ic: RankIC of one day.
        report: receives each epoch's figures; of a resumed run, those it had reported before, too.
        place: folder of checkpoints and run ledger, weights to start from.

    Raises:
        TrainingError: no usable day; inputs, losses or gradients that are not finite; the same run twice at once.
        CollapseError: scores stopped telling stocks apart.
        ConfigError: horizons that the network does not have. ArtefactError: a checkpoint that cannot be trusted.
    """
    place = place or Place()
    if place.start is not None and place.epochs:
        config = replace(config, epochs=place.epochs, smoothing=min(config.smoothing, place.epochs))
    refuse_other_horizons(config, source.learnt)
    source = replace(source, gives_returns=config.loss.sharpe > 0)
    asked = source.usable(sessions[1])
    days = learnable_days(source, source.usable(sessions[0]), asked, config.min_names), asked
    if not days[0] or not days[1]:
        raise _bad(
            f"{len(days[0])} training days with {config.min_names} labelled stocks and {len(asked)} validation days",
            "some of each, with a full look-back",
        )
    lies = resident_panel(config.panel, source.data, [*days[0], *days[1]], source.look_back, source.device)
    source = replace(source, resident=lies)
    with exclusive_training(place.folder, f"run {place.folder}"):
        run = _Run(model, source, days, config, seed, rank_ic, place)
        run.resume()
        for row in run.ledger:
            _tell(report, row)
        try:
            while not run.is_over:
                _tell(report, run.epoch())
        except TrainingError as problem:
            run.failed(problem)
            raise
        return run.result()


class _Run:
    """A run between its first step and its last."""

    def __init__(
        self,
        model: Network,
        source: DaySource,
        days: tuple[list[date], list[date]],
        config: TrainConfig,
        seed: int,
        rank_ic: DayMetric,
        place: Place,
    ) -> None:
        self.model, self.source, self.config, self.seed, self.place = model, source, config, seed, place
        self.train, self.validation = days
        self.metrics = day_metrics(rank_ic)
        if place.start is not None:
            load_weights(model, place.start, "the version to start from")
        model.to(source.device)
        model.checkpointing = config.checkpointing
        self.steps = config.epochs * -(-len(self.train) // config.days_per_step)
        self.optimiser = make_optimiser(model, config)
        self.schedule = make_schedule(self.optimiser, config, self.steps)
        self.averaged = Averaged(model, config, self.steps)
        self.events: list[dict[str, str | float]] = []
        self.passes = Passes(config.days_per_pass, is_whole=config.loss.sharpe > 0)
        self.stepper = Stepper(
            model,
            source,
            config,
            self.optimiser,
            self.passes,
            self.validation[0],
            model.levels,
            _forward(model, config),
            self.events,
            seed,
        )
        self.team = self.stepper.team
        self.collapse, self.stopper = CollapseWatch(config.collapse_epochs), Stopper(config)
        self.ledger: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.step, self.taken = 0, 0
        self.row: dict[str, float] = {}
        self.key = self._key()

    def _key(self) -> str:
        """Hash of everything the run depends on."""
        parts = {
            "config": self.config.hashed(),
            "network": [repr(self.model), repr(getattr(self.model, "config", None))],
            "panel": self.source.data.panel.content_key,
            "labels": [self.source.data.fingerprint(horizon, TARGET) for horizon in self.source.learnt],
            "horizons": [*self.source.learnt, self.source.horizon_d],
            "look_back": self.source.look_back,
            "days": [[day.isoformat() for day in part] for part in (self.train, self.validation)],
            "seed": self.seed,
            "start": sha256_arrays(self.place.start or {}),
        }
        return sha256_json(parts)

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done or the stopper said so."""
        return self.stopper.is_over or len(self.ledger) >= self.config.epochs

    def epoch(self) -> dict[str, float]:
        """Go through the training days once (or through what is left of them), judge, and keep a checkpoint."""
        epoch, watch = len(self.ledger) + 1, Stopwatch(self.source.device)
        if epoch == 1 and math.isnan(self.stopper.baseline):
            rule = self.config.stop
            about = self.source, self.train, self.validation, rule, self.metrics
            self.stopper.baseline = self.team.asked_once(lambda: baseline_figure(*about))
        self.row = row = self.row or {"epoch": epoch, "learning_rate": float(self.schedule.get_last_lr()[0])}
        weights = horizon_weights(self.config, self.source.learnt, epoch)
        steps = list(self.source.shuffled(self.train, self.config.days_per_step, self.seed, epoch))
        for place in range(self.taken, len(steps)):
            self.stepper.take(steps[place], weights, watch, row, where=f"epoch {epoch}, step {place + 1}")
            self.schedule.step()
            self.step += 1
            self.averaged.update(self.step)
            if self.config.save_steps and (place + 1) % self.config.save_steps == 0 and place + 1 < len(steps):
                self.taken, self.row = place + 1, row
                self.save()
        self.team.refuse_apart(self.model, f"epoch {epoch}")
        self._judge(epoch, row)
        row |= watch.figures()
        self.ledger.append(row)
        self.taken, self.row = 0, {}
        self.save()
        self.tell()
        return row

    def _judge(self, epoch: int, row: dict[str, float]) -> None:
        """Validate the averaged weights, keep them where they are the best, raise at a collapse."""
        rule = self.config.stop
        about = self.averaged.module, self.source, self.validation, rule, self.metrics
        figures, value, spread = self.team.asked_once(lambda: validated(*about))
        row |= figures
        self.collapse.see(epoch, spread)
        decision = self.stopper.judge(value)
        row[f"smoothed_{rule.name}"] = float(decision["smoothed"])
        row["is_best"] = float(self.stopper.best_epoch == epoch)
        if rule.baseline:
            row["baseline"] = self.stopper.baseline
        if self.stopper.best_epoch == epoch:
            self.best = self.averaged.weights()

    def failed(self, problem: TrainingError) -> None:
        """Leave the last epoch's figures and the reason in the run ledger of a run that ended badly."""
        self.ledger = [*self.ledger, self.row] if "loss" in self.row else self.ledger
        self.events.append({"event": "failed", "where": f"epoch {len(self.ledger)}", "words": str(problem)})
        self.tell()

    def tell(self) -> None:
        """Write the run ledger, and TensorBoard's files where they are asked for."""
        about = {"run": self.key, "seed": self.seed, "steps": self.steps, "baseline": self.stopper.baseline}
        made = design_of(self.model, self.config, self.source, (self.train, self.validation))
        write_run(self.place.folder, about | made, self.ledger, self.stopper.trail, self.events)
        if self.config.tensorboard:
            write_tensorboard(self.place.folder, self.ledger)

    def save(self) -> None:
        """Keep a checkpoint; nothing without a folder."""
        if self.place.folder is None:
            return
        cuda = torch.cuda.get_rng_state_all() if self.source.device.type == "cuda" else []
        state = {
            "weights": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "averaged": self.averaged.state(),
            "random": {"cpu": torch.get_rng_state(), "cuda": cuda},
            "position": {"step": self.step, "taken": self.taken, "row": dict(self.row)},
            "passes": self.passes.days_per_pass,
            "stopper": {**self.stopper.state(), "baseline": self.stopper.baseline},
            "collapse": self.collapse.in_a_row,
            "ledger": self.ledger,
            "events": self.events,
            "best": self.best,
        }
        save_checkpoint(self.place.folder, self.key, state)

    def resume(self) -> None:
        """Go back to the last checkpoint of this very run, where there is one."""
        folder, key = self.place.folder, self.key
        state = self.team.asked_once(lambda: None if folder is None else load_checkpoint(folder, key))
        if state is None:
            return
        self.model.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.averaged.load(state["averaged"])
        torch.set_rng_state(state["random"]["cpu"])
        if state["random"]["cuda"] and self.source.device.type == "cuda":
            torch.cuda.set_rng_state_all(state["random"]["cuda"])
        at = state["position"]
        self.step, self.taken, self.row = at["step"], at["taken"], at["row"]
        self.passes.days_per_pass = state["passes"]
        self.stopper.load(state["stopper"])
        self.stopper.baseline = state["stopper"]["baseline"]
        self.collapse.in_a_row = state["collapse"]
        self.ledger[:], self.events[:] = state["ledger"], state["events"]
        self.best = state["best"]
        where = f"epoch {len(self.ledger) + 1}, step {self.taken}"
        self.events.append({"event": "resumed", "where": where, "words": f"went on after {self.step} steps"})
        _log.info("resumed at %s", where)

    def result(self) -> Trained:
        """What the run leaves behind."""
        if not self.best:
            raise _bad(f"no epoch with a validation {self.config.stop.name}", "labelled validation days")
        name, best = self.config.stop.name, self.stopper.best_epoch
        _log.info("best epoch %d of %d, smoothed validation %s %.4f", best, len(self.ledger), name, self.stopper.best)
        return Trained(self.best, self.ledger, best, self.stopper.trail, self.events)


def _forward(model: Network, config: TrainConfig) -> Callable[[DayBatch], NetworkOutput]:
    """The network as a step calls it."""
    called: Callable[[DayBatch], NetworkOutput] = model
    return torch.compile(called, backend=config.compiled) if config.compiled else called


def _tell(report: Report | None, row: Mapping[str, float]) -> None:
    if report is not None:
        report(row)


def _bad(got: str, want: str) -> TrainingError:
    return TrainingError("training", got=got, want=want, remedy="Check labels, folds and look-back of these sessions.")
