"""LightGBM: the bar every other model must clear, in the two objectives that can raise it.

`regression` is L2 on the per-day rank-gauss label. `lambdarank` learns the order itself: the label's place within its
day cut into grades whose gains rise linearly, every pair of a list counted (the library's own defaults, exponential
gains and the first 30 places, unlearn the middle of the list: models.md 5). Early stopping reads the mean daily RankIC
of the validation days, which is handed in as a function. Other defaults: 63 bins, row-wise, rate 0.05, feature and
bagging fraction 0.6, lambda_l2 50, so that a table of a million rows fits in seconds per hundred rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import lightgbm
import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import ConfigError, TrainingError
from gogoku_pipeline.models.selection_config import SelectionConfig

Floats = npt.NDArray[np.float32]
Objective = Literal["regression", "lambdarank"]
PAIRWISE_SHRINKAGE = 0.1
"""Share of lambda_l2 that lambdarank takes: its second derivatives add up to far less than one per row. Measured on
planted markets: the same RankIC as regression with a tenth, less with the whole or a hundredth."""
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
Metric = Callable[[npt.NDArray[np.float64]], float]
"""Mean daily RankIC of predictions for the validation rows, in their order; NaN counts as no progress."""
Tells = Callable[[npt.NDArray[np.float64]], bool]


@dataclass(frozen=True)
class BoostedConfig:
    """How trees are grown."""

    objective: Objective = "regression"
    """What trees are fitted to: the normal score of a label, or its grade among the day's."""
    rounds: int = 300
    """Most trees; early stopping usually ends at 50 to 150."""
    patience: int = 30
    """Rounds without a better validation RankIC before stopping."""
    learning_rate: float = 0.05
    """Weight of each tree."""
    leaves: int = 31
    """Leaves per tree."""
    feature_fraction: float = 0.6
    """Share of features each tree may use."""
    bagging_fraction: float = 0.6
    """Share of rows each tree sees."""
    lambda_l2: float = 50.0
    """Shrinkage of leaf values."""
    bins: int = 63
    """Histogram bins per feature."""
    leaf_share: float = 0.02
    """min_data_in_leaf as a share of the training rows, kept inside [20, 2000]."""
    grades: int = 31
    """lambdarank: grades per day, each worth one more than the one below."""
    list_length: int = 256
    """lambdarank: most names per list. A longer day is dealt at random into lists; pairs grow with the square."""
    threads: int = 1
    """CPU threads. One suits tables below about 100,000 rows and shared machines, where more threads mostly spin."""
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    """Which features each fit reads, chosen on its own training days; off by default."""

    def __post_init__(self) -> None:
        """Refuse shares outside (0, 1], counts below 1 and objectives nobody knows."""
        object.__setattr__(self, "selection", SelectionConfig.of(self.selection))
        if self.objective not in OBJECTIVES:
            raise _bad("objective", repr(self.objective), f"one of {OBJECTIVES}")
        for name in ("feature_fraction", "bagging_fraction", "learning_rate"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise _bad(name, str(getattr(self, name)), "a share in (0, 1]")
        for name in ("rounds", "patience", "bins", "threads"):
            if getattr(self, name) < 1:
                raise _bad(name, str(getattr(self, name)), "at least 1")
        for name in ("leaves", "grades", "list_length"):
            if getattr(self, name) < 2:
                raise _bad(name, str(getattr(self, name)), "at least 2")

    def as_dict(self) -> dict[str, Any]:
        """The fields, for manifests and hashes; the choice of features where there is one."""
        found = asdict(self)
        return found if self.selection.is_on else {key: value for key, value in found.items() if key != "selection"}

    def binning(self) -> dict[str, Any]:
        """LightGBM's parameters of a binned table: the same for every fit on it."""
        return {
            "max_bin": self.bins,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "data_random_seed": 1,
            "deterministic": True,
            "num_threads": self.threads,
            "verbosity": -1,
        }

    def parameters(self, rows: int, seed: int) -> dict[str, Any]:
        """LightGBM's parameters for a training set of that many rows."""
        ranking = {
            "label_gain": list(range(self.grades)),
            "lambdarank_truncation_level": self.list_length,
            "lambda_l2": self.lambda_l2 * PAIRWISE_SHRINKAGE,
        }
        return {
            **self.binning(),
            "objective": self.objective,
            "metric": "none",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.lambda_l2,
            "min_data_in_leaf": int(np.clip(self.leaf_share * rows, 20, 2000)),
            "seed": seed % (2**31 - 1),
            **(ranking if self.objective == "lambdarank" else {}),
        }


@dataclass(frozen=True)
class Boosted:
    """A fitted booster.

    Attributes:
        booster: LightGBM's model, cut to its best iteration.
        curve: validation RankIC after each round.
    """

    booster: lightgbm.Booster
    curve: tuple[float, ...]

    def score(self, values: Floats, *, threads: int = 1) -> npt.NDArray[np.float64]:
        """Scores of rows [rows, F] -> [rows]; NaN is LightGBM's own missing."""
        return np.asarray(self.booster.predict(values, num_threads=threads), dtype=np.float64)

    def contributions(self, values: Floats, *, threads: int = 1) -> npt.NDArray[np.float64]:
        """What each feature added to each score: rows [rows, F] -> [rows, F + 1], the last what trees say of nobody.

        Exact Shapley values of the trees' conditional expectations (TreeSHAP, Lundberg et al. 2020, by LightGBM); a row
        adds up to its score.
        """
        found = self.booster.predict(values, pred_contrib=True, num_threads=threads)
        return np.asarray(found, dtype=np.float64)

    def to_text(self) -> str:
        """LightGBM's text format."""
        return str(self.booster.model_to_string())


def load_boosted(text: str) -> Boosted:
    """A booster from its text; raises TrainingError when LightGBM cannot read it."""
    try:
        return Boosted(lightgbm.Booster(model_str=text), curve=())
    except lightgbm.basic.LightGBMError as problem:
        raise TrainingError(
            "LightGBM model", got=str(problem), want="LightGBM's text format", remedy="Train the version again."
        ) from problem


def fit_boosted(
    train: lightgbm.Dataset,
    validation: Floats,
    metric: Metric,
    config: BoostedConfig,
    *,
    seed: int,
    tells: Tells | None = None,
) -> Boosted:
    """Fit a booster; stop when the validation RankIC has not improved for `patience` rounds.

    A few trees give a few scores: a round after which stocks cannot be told apart is never the best one.

    Args:
        train: a part of `boosted_bins.BinnedRows` made for the same configuration.
        validation: values [rows, F] the metric is computed for.
        metric: mean daily RankIC of predictions for `validation`.
        config: how trees are grown.
        seed: of feature and row sampling.
        tells: whether predictions for `validation` tell its rows apart; None asks nothing.
    """
    booster = lightgbm.Booster(params=config.parameters(train.num_data(), seed), train_set=train)
    running = np.zeros(len(validation))
    curve: list[float] = []
    best, best_round = -np.inf, 0
    for step in range(config.rounds):
        if booster.update():
            break
        running += booster.predict(validation, start_iteration=step, num_iteration=1, num_threads=config.threads)
        value = metric(running)
        curve.append(value)
        if np.isfinite(value) and value > best and (tells is None or tells(running)):
            best, best_round = value, step + 1
        if step + 1 - best_round >= config.patience:
            break
    cut = booster.model_to_string(num_iteration=max(1, best_round))
    return Boosted(lightgbm.Booster(model_str=cut), tuple(curve))


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(thing, got=got, want=want, remedy="Correct the LightGBM configuration.")
