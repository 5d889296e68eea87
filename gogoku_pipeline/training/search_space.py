"""What a search may turn: dials by name, their ranges, and a recipe with dials turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from optuna.trial import BaseTrial

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.training.recipe_network import NetworkRecipe

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Dial:
    """One thing that is searched.

    Attributes:
        name: `model.<field>`, `train.<field>` or `loss.<field>` of a network's recipe.
        low: least value of a range.
        high: greatest value of a range; whole numbers give whole numbers.
        is_log: whether the range is searched by orders of magnitude.
        choices: values to choose among, instead of a range.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False
    choices: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a dial that cannot be turned."""
        if not self.choices and not self.low < self.high:
            raise _bad(self.name, f"{self.low} to {self.high}", "a range, or choices")
        if self.is_log and not self.low > 0:
            raise _bad(self.name, f"a logarithmic range from {self.low}", "a range above zero")

    def holds(self, value: Value) -> bool:
        """Whether a value lies in what is searched."""
        if self.choices:
            return value in self.choices
        return isinstance(value, int | float) and self.low <= value <= self.high

    def suggested(self, trial: BaseTrial) -> Any:
        """The value a trial of the search proposes."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.is_log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.is_log)


SPACE = (
    Dial("train.learning_rate", 1e-4, 3e-3, is_log=True),
    Dial("train.weight_decay", 1e-3, 0.3, is_log=True),
    Dial("train.days_per_step", choices=(4, 8, 16)),
    Dial("model.dropout", 0.0, 0.3),
    Dial("loss.listnet", 0.0, 1.0),
)
"""Dials every network has; few, because every trial is counted against the result."""


def values_of(recipe: NetworkRecipe, space: Sequence[Dial]) -> dict[str, Any]:
    """Where the dials of a recipe stand.

    Raises:
        ConfigError: a dial that the recipe does not have.
    """
    return {dial.name: getattr(_part(recipe, dial.name), dial.name.partition(".")[2]) for dial in space}


def turned(recipe: NetworkRecipe, values: Mapping[str, Any]) -> NetworkRecipe:
    """The recipe with dials turned; everything else stays.

    Raises:
        ConfigError: a dial that the recipe does not have, or values that contradict each other.
    """
    of: dict[str, dict[str, Any]] = {"model": {}, "train": {}, "loss": {}}
    for name, value in values.items():
        _part(recipe, name)
        part, _, field = name.partition(".")
        of[part][field] = value
    loss = replace(recipe.train.loss, **of["loss"])
    return replace(
        recipe, model=replace(recipe.model, **of["model"]), train=replace(recipe.train, loss=loss, **of["train"])
    )


def _part(recipe: NetworkRecipe, name: str) -> Any:
    """The part of a recipe a dial belongs to."""
    part, _, field = name.partition(".")
    found = {"model": recipe.model, "train": recipe.train, "loss": recipe.train.loss}.get(part)
    if found is None or field not in {each.name for each in fields(found)}:
        raise _bad(name, "a dial the recipe does not have", "model.<field>, train.<field> or loss.<field>")
    return found


def _bad(name: str, got: str, want: str) -> ConfigError:
    return ConfigError(f"dial {name}", got=got, want=want, remedy="Correct the search space.")
