"""The naive ladder: rules anybody could follow, which every model must beat.

| rung | score |
|---|---|
| random | noise, fresh every session |
| reversal_1d, reversal_5d | minus the last return |
| momentum_12_1 | return over the last year without the last month |
| low_volatility | minus the 20-session volatility |
| ridge | one linear map of all features, closed form |

A rung without its input is null for that stock; it never guesses. Source: evaluation.md 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import ConfigError, TrainingError
from gogoku_pipeline.core.seeds import stream

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rule:
    """A rung that reads one feature.

    Attributes:
        feature: its name in the catalogue.
        sign: +1 to buy high values, -1 to buy low ones.
    """

    feature: str
    sign: float


RULES: dict[str, Rule] = {
    "reversal_1d": Rule("ret_1d", -1.0),
    "reversal_5d": Rule("ret_5d", -1.0),
    "momentum_12_1": Rule("ret_250d_skip20", 1.0),
    "low_volatility": Rule("vol_20d", -1.0),
}
LADDER = ("random", *RULES, "ridge")
"""Every rung, from the lowest."""


def rule_scores(rule: Rule, values: Floats, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Scores of rows [rows, F] -> [rows]; NaN where the feature is missing.

    Raises:
        ConfigError: the feature is not in the catalogue.
    """
    if rule.feature not in names:
        raise ConfigError(
            f"naive rule on {rule.feature}",
            got=f"{len(names)} other features",
            want="the feature in the catalogue",
            remedy="Leave this rung out, or materialise the family that holds the feature.",
        )
    return rule.sign * values[:, names.index(rule.feature)].astype(np.float64)


def random_scores(seed: int, day: str, count: int) -> npt.NDArray[np.float64]:
    """Noise for one session [count]; the same seed and day give the same noise."""
    return stream(seed, "ladder", "random", day).normal(size=count)


def fit_ridge(values: Floats, targets: Floats, penalty: float) -> npt.NDArray[np.float64]:
    """Coefficients of the linear map, closed form: (X'X + penalty * rows * I)^-1 X'y.

    Features are z-scores or normal scores, so 0 is "average" and stands in for missing values; there is no intercept
    because the target of every day has mean 0.

    Args:
        values: [rows, F], NaN where missing.
        targets: [rows].
        penalty: shrinkage per row.

    Raises:
        TrainingError: no rows.
    """
    if not len(values):
        raise TrainingError("ridge", got="no training rows", want="labelled rows", remedy="Check labels and folds.")
    x = np.nan_to_num(values, nan=0.0).astype(np.float64)
    gram = x.T @ x + penalty * len(x) * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, x.T @ targets.astype(np.float64)))


def ridge_scores(coefficients: npt.NDArray[np.float64], values: Floats) -> npt.NDArray[np.float64]:
    """Scores of rows [rows, F] -> [rows]; a row without a single known feature has none (NaN)."""
    scores = np.nan_to_num(values, nan=0.0).astype(np.float64) @ coefficients
    return np.where(np.isfinite(values).any(axis=1), scores, np.nan)
