"""How close were the numbers themselves? MAE, RMSE, R2 and the spread of scores against labels: reported, never gated.

Only a score in the label's unit has such figures; a rank or a normal score has them too, but they mean nothing. The
naive forecast of a return is zero. Source: evaluation protocol, section 3; oracles sklearn.metrics.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.cross_sections import CrossSections, Floats, divided, mean_of, total
from gogoku_pipeline.evaluation.layout import Figures, by_day


def accuracy_of(sections: CrossSections) -> Figures:
    """Point accuracy of each day [D]; see `accuracy_by_day`."""
    error = sections.score - sections.label
    around = sections.label - mean_of(sections.label)[:, None]
    return {
        "mae": mean_of(np.abs(error)),
        "rmse": np.sqrt(mean_of(error**2)),
        "rmse_naive": np.sqrt(mean_of(sections.label**2)),
        "r2": 1.0 - divided(total(error**2), total(around**2)),
        "std_ratio": divided(deviation(sections.score), deviation(sections.label)),
    }


def accuracy_by_day(aligned: pl.DataFrame) -> pl.DataFrame:
    """Point accuracy of every day of an aligned frame (`frames.align`).

    Returns:
        [model?, seed?, session, horizon_d, mae, rmse, rmse_naive, r2, std_ratio]; `rmse_naive` is the RMSE of
        forecasting zero; `r2` is 1 - SSE / SST of the day, negative for a model worse than the day's mean; `std_ratio`
        is std(score) / std(label) (an older system called it SCALE or Pred.std ratio). Null without names, `r2` and
        `std_ratio` also where all labels are equal.
    """
    return by_day(aligned, accuracy_of).with_columns(pl.selectors.float().fill_nan(None))


def deviation(values: Floats) -> Floats:
    """Standard deviation (ddof 1) of each day [D]; NaN for fewer than two names."""
    known = np.isfinite(values)
    around = values - mean_of(values)[:, None]
    return np.sqrt(divided(total(around**2), np.maximum(known.sum(axis=1) - 1, 0)))
