"""Is a Sharpe ratio good, or the best of many tries? Probabilistic and deflated Sharpe ratio.

PSR(b) = Phi((SR - b) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2)) with skewness g3 and kurtosis g4 (a normal
distribution has 3). DSR = PSR(SR0), SR0 = sqrt(V) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g = 0.5772 (Euler), the
Sharpe ratio that the best of N trials without any skill is expected to show when trials' Sharpe ratios vary by V.
All Sharpe ratios are per observation, never annualised. Sources: Bailey & Lopez de Prado 2012 (eq. 7), 2014.
Oracle: purgedcv.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kurtosis, norm, skew

from gogoku_pipeline.core.errors import EvaluationError

MIN_OBSERVATIONS = 8
"""Fewer observations carry no skewness worth using."""


@dataclass(frozen=True)
class DeflatedSharpe:
    """A Sharpe ratio beside the one that luck alone would have shown.

    Attributes:
        sharpe: mean / standard deviation (ddof 0) per observation.
        benchmark: SR0, what the best of `n_trials` skill-less trials is expected to show; 0 for a single trial.
        probability: that the true ratio exceeds `benchmark` (the deflated Sharpe ratio); NaN where it is undefined.
        n_trials: trials that were counted.
        n: observations.
    """

    sharpe: float
    benchmark: float
    probability: float
    n_trials: int
    n: int


def sharpe_ratio(returns: npt.ArrayLike) -> float:
    """Mean / standard deviation (ddof 0) per observation; NaN left out, NaN for a constant or too short series."""
    values = _known(returns)
    return _ratio(values) if values.size >= MIN_OBSERVATIONS else math.nan


def probabilistic_sharpe(returns: npt.ArrayLike, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio per observation exceeds a benchmark.

    Args:
        returns: one number per period, NaN for none, shape [T].
        benchmark: in the same unit.

    Returns:
        A probability; NaN for a constant or too short series, or where moments are too extreme for the formula.
    """
    values = _known(returns)
    ratio = _ratio(values) if values.size >= MIN_OBSERVATIONS else math.nan
    if math.isnan(ratio):
        return math.nan
    spread = 1 - float(skew(values, bias=False)) * ratio
    spread += (float(kurtosis(values, bias=False, fisher=False)) - 1) / 4 * ratio**2
    if spread <= 0:
        return math.nan
    return float(norm.cdf((ratio - benchmark) * math.sqrt(values.size - 1) / math.sqrt(spread)))


def expected_maximum_sharpe(n_trials: int, variance: float) -> float:
    """SR0: what the best of N trials without skill is expected to show.

    Args:
        n_trials: N, every trial that was ever made; 1 gives 0.
        variance: of the trials' Sharpe ratios per observation.

    Raises:
        EvaluationError: no trial, or a negative or missing variance.
    """
    if n_trials < 1 or not variance >= 0:
        raise EvaluationError(
            "deflated Sharpe ratio",
            got=f"{n_trials} trials with variance {variance}",
            want="at least one trial and a variance of zero or more",
            remedy="Count the trials with the trial ledger.",
        )
    if n_trials == 1:
        return 0.0
    upper, tail = norm.ppf(1 - 1 / n_trials), norm.ppf(1 - 1 / (n_trials * math.e))
    return math.sqrt(variance) * float((1 - np.euler_gamma) * upper + np.euler_gamma * tail)


def deflated_sharpe(returns: npt.ArrayLike, *, n_trials: int, variance: float) -> DeflatedSharpe:
    """Deflated Sharpe ratio of a series that was chosen among `n_trials`; see `expected_maximum_sharpe` for errors."""
    benchmark = expected_maximum_sharpe(n_trials, variance)
    values = _known(returns)
    return DeflatedSharpe(
        sharpe_ratio(values), benchmark, probabilistic_sharpe(values, benchmark), n_trials, values.size
    )


def _known(returns: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 1:
        raise EvaluationError(
            "returns", got=f"shape {values.shape}", want="one number per period", remedy="Pass one series."
        )
    return values[np.isfinite(values)]


def _ratio(values: npt.NDArray[np.float64]) -> float:
    """Mean / standard deviation; NaN when the spread is nothing but rounding."""
    spread = float(values.std())
    return float(values.mean()) / spread if spread > 1e-12 * float(np.abs(values).max(initial=0.0)) else math.nan
