"""The rungs of a diagnosis: the design taken apart, then put together again one thing at a time.

Each rung is the one below with exactly one thing added, so that the first rung that fails names the thing.

| rung | is | adds |
|---|---|---|
| baseline | ridge, then LightGBM | features and labels |
| minimal | one linear map of the last session | the road from the panel to the loss |
| without_graph | every stock alone, one loss, no normalisers | the trunk: selection, encoder, head |
| without_normalisers | companions, one loss | the graph, or market tokens |
| single_loss | the whole shape, one loss | FAN, SAN, RevIN, frequency dropout |
| full | the design | its other losses |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.evaluation.significance import MIN_DAYS
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.networks import AnyConfig
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.recipe_network import NetworkRecipe

BASELINE, MINIMAL = "baseline", "minimal"
ADDS = {
    BASELINE: "features and labels",
    MINIMAL: "the road from the panel to the loss",
    "without_graph": "the trunk: selection, encoder, head",
    "without_normalisers": "companions: the graph, or market tokens",
    "single_loss": "the input normalisers",
    "full": "the design's own losses",
}
"""What each rung adds to the one below, from the lowest."""
NAMES = tuple(ADDS)
SINGLE = LossWeights(ic=1.0, listnet=0.0, huber=0.0)
"""The loss of every rung but the last: its gradient does not depend on the scale of scores or targets."""
MOST_DAYS = 4
"""Days per step of the short runs: more, smaller steps than a design takes."""


@dataclass(frozen=True)
class Budget:
    """How much a diagnosis may cost.

    Attributes:
        epochs: of every rung.
        train_days: training days, the last ones.
        validation_days: validation days, the last ones.
    """

    epochs: int = 4
    train_days: int = 120
    validation_days: int = 40

    def __post_init__(self) -> None:
        """Refuse what could not be measured."""
        if self.epochs < 1:
            raise _bad("epochs", str(self.epochs), "at least 1")
        if min(self.train_days, self.validation_days) < MIN_DAYS:
            got = f"{self.train_days} and {self.validation_days}"
            raise _bad("train_days, validation_days", got, f"at least {MIN_DAYS} each")


@dataclass(frozen=True)
class Rung:
    """One rung.

    Attributes:
        name: one of `NAMES`.
        shape: the network's; None for the baseline and the minimal network.
        train: its loop; None for the baseline.
        is_new: whether it differs from the rung below; one that does not is not trained again.
    """

    name: str
    shape: AnyConfig | None
    train: TrainConfig | None
    is_new: bool = True


def rungs_of(recipe: NetworkRecipe, budget: Budget) -> tuple[Rung, ...]:
    """The rungs of a design, from the lowest."""
    full = _short(recipe.train, budget)
    single = replace(full, loss=SINGLE)
    alone = _without(recipe.model, companions=True, normalisers=True)
    tied = _without(recipe.model, companions=False, normalisers=True)
    whole = _without(recipe.model, companions=False, normalisers=False)
    return (
        Rung(BASELINE, None, None),
        Rung(MINIMAL, None, single),
        Rung("without_graph", alone, single),
        Rung("without_normalisers", tied, single, is_new=tied != alone),
        Rung("single_loss", whole, single, is_new=whole != tied),
        Rung("full", recipe.model, full, is_new=(recipe.model, full.loss) != (whole, single.loss)),
    )


def _short(train: TrainConfig, budget: Budget) -> TrainConfig:
    """The design's loop over a few epochs that end neither early nor at an alarm, which is what is looked for."""
    days = train.days_per_step if train.loss.sharpe else min(train.days_per_step, MOST_DAYS)
    return replace(
        train,
        epochs=budget.epochs,
        smoothing=1,
        patience=budget.epochs,
        collapse_epochs=budget.epochs + 1,
        days_per_step=days,
        stop=replace(train.stop, baseline=""),
        save_steps=0,
        tensorboard=False,
    )


def _without(shape: AnyConfig, *, companions: bool, normalisers: bool) -> AnyConfig:
    """A shape without what only the design's own losses teach, and without companions or normalisers as asked."""
    changes: dict[str, Any] = {"quantiles": (), "quantile_gradient": False}
    if isinstance(shape, AtftConfig):
        changes |= {"selection_entropy": 0.0, "regime_balance": 0.0}
        changes |= {"graph_heads": ()} if companions else {}
        changes |= {"fan_top": 0, "san_period": 0, "revin": False, "frequency_dropout": 0.0} if normalisers else {}
    elif companions:
        changes["market_tokens"] = 0
    return replace(shape, **changes)


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(f"budget of a diagnosis, {thing}", got=got, want=want, remedy="Give the diagnosis more.")
