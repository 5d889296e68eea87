"""How sure are we? Uncertainty of a daily series: Newey-West t, bootstrap intervals, Diebold-Mariano, power.

A daily RankIC of an h-session label overlaps with its neighbours, so days are not independent: every figure here
takes the horizon into account. Days without a value (NaN) are left out and the rest are treated as adjacent.
Sources: Newey & West 1987; Politis & Romano 1994 with the block length of Politis & White 2004 (corrected 2009);
Diebold & Mariano 1995; Harvey, Leybourne & Newbold 1997. Oracles: statsmodels HAC, arch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from scipy.stats import t as student_t

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.core.seeds import stream

FloatArray = npt.NDArray[np.float64]

MIN_DAYS = 8
"""Fewer days carry no interval worth printing."""


@dataclass(frozen=True)
class TStatistic:
    """A mean and how many standard errors it lies from zero.

    Attributes:
        mean: of the days with a value.
        standard_error: of that mean; 0 for a constant series.
        t: mean / standard_error; NaN when the standard error is 0 or the series too short.
        p_value: two-sided.
        lag: lags (or horizon) allowed for.
        n: days with a value.
    """

    mean: float
    standard_error: float
    t: float
    p_value: float
    lag: int
    n: int


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        mean: of the days with a value.
        low: lower bound; NaN when the series is too short.
        high: upper bound.
        standard_error: of the mean, over the resamples, corrected for their being centred on the sample mean.
        block: mean block length in sessions.
        n: days with a value.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    block: float
    n: int


def newey_west_t(series: npt.ArrayLike, *, horizon_d: int = 1, lag: int | None = None) -> TStatistic:
    """t-statistic of a mean that allows for overlapping labels.

    Args:
        series: one number per day in time order, NaN for none, shape [T].
        horizon_d: sessions a label spans.
        lag: Bartlett lags; None takes the larger of the horizon and floor(4 (T/100)^(2/9)).

    Returns:
        The statistic with a normal p-value; variance = (g0 + 2 sum_{k<=lag} (1 - k/(lag+1)) g_k) / T.
    """
    values = _finite(series)
    n = values.size
    chosen = lag if lag is not None else max(horizon_d, int(4 * (max(n, 1) / 100) ** (2 / 9)))
    if n < MIN_DAYS:
        return TStatistic(_mean(values), math.nan, math.nan, math.nan, chosen, n)
    chosen = min(chosen, n - 1)
    covariance = _autocovariances(values, chosen)
    weights = 1.0 - np.arange(1, chosen + 1) / (chosen + 1)
    error = math.sqrt(max(float(covariance[0] + 2 * weights @ covariance[1:]), 0.0) / n)
    t = _ratio(values, error)
    return TStatistic(_mean(values), error, t, 2 * float(norm.sf(abs(t))), chosen, n)


def stationary_bootstrap_ci(
    series: npt.ArrayLike,
    *,
    horizon_d: int = 1,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    block: float | None = None,
) -> Interval:
    """Confidence interval of a mean by resampling stretches of days.

    For a paired comparison pass the daily differences (`paired_differences`). Blocks have geometric lengths and wrap
    around the end. The percentile interval of the resampled means is then stretched about the mean by
    `small_sample_stretch`. Measured on moving sums of 5 shocks, nominal 95 %: 80 days cover the truth 94 % of the
    time (83 % with blocks of one horizon and no stretch), 250 days 92 % (90 %), 700 days 92 to 94 % (93 %).

    Args:
        series: one number per day in time order, NaN for none, shape [T].
        horizon_d: sessions a label spans; a block is at least twice as long, and at most a quarter of the series.
        level: probability the interval is meant to cover.
        resamples: number of resampled series.
        seed: same seed, same interval.
        block: mean block length; None asks Politis-White (arch).
    """
    values = _finite(series)
    n = values.size
    if n < MIN_DAYS:
        return Interval(_mean(values), math.nan, math.nan, math.nan, math.nan, n)
    length = block if block is not None else max(_optimal_block(values), 2.0 * horizon_d)
    length = min(max(length, 1.0), n / 4)
    means = _resampled_means(values, length, resamples, stream(seed, "stationary_bootstrap"))
    centre, stretch = _mean(values), small_sample_stretch(n, length, level)
    low, high = centre + (np.quantile(means, [(1 - level) / 2, (1 + level) / 2]) - centre) * stretch
    error = float(means.std(ddof=1)) / math.sqrt(1 - (2 * length - 1) / n)
    return Interval(centre, float(low), float(high), error, length, n)


def small_sample_stretch(n: int, block: float, level: float) -> float:
    """How much wider an interval from few blocks must be.

    Resampling around the sample mean loses a share (2 block - 1) / n of the variance, and n / block blocks tell the
    spread no better than that many observations: 1 / sqrt(1 - (2 block - 1) / n) x t(n / block) / z.
    """
    tail = (1 + level) / 2
    return float(student_t.ppf(tail, n / block) / norm.ppf(tail)) / math.sqrt(1 - (2 * block - 1) / n)


def paired_differences(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """First minus second, day by day, shape [T]; NaN on a day that lacks either. Unequal shapes: EvaluationError."""
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise EvaluationError(
            "paired series",
            got=f"shapes {left.shape} and {right.shape}",
            want="the same days of both",
            remedy="Join the two series by session first.",
        )
    return left - right


def dm_hln(differences: npt.ArrayLike, *, horizon_d: int) -> TStatistic:
    """Diebold-Mariano test with the small-sample correction: is the daily difference really different from zero?

    Variance of the mean = (g0 + 2 sum_{k<h} g_k) / T, with Bartlett weights 1 - k/h instead when that is not positive;
    statistic multiplied once by sqrt((T + 1 - 2h + h(h-1)/T) / T); Student t with T-1 degrees of freedom.

    Args:
        differences: loss (or RankIC) of one model minus the other's per day, shape [T], NaN for none.
        horizon_d: h above.
    """
    values = _finite(differences)
    n, h = values.size, horizon_d
    if n < max(MIN_DAYS, 2 * h):
        return TStatistic(_mean(values), math.nan, math.nan, math.nan, h, n)
    covariance = _autocovariances(values, h - 1)
    variance = float(covariance[0] + 2 * covariance[1:].sum()) / n
    if variance <= 0:
        weights = 1.0 - np.arange(1, h) / h
        variance = float(covariance[0] + 2 * weights @ covariance[1:]) / n
    error = math.sqrt(max(variance, 0.0))
    correction = math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    t = _ratio(values, error) * correction
    return TStatistic(_mean(values), error, t, 2 * float(student_t.sf(abs(t), n - 1)), h, n)


def minimum_detectable_effect(standard_error: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """The smallest true mean that a two-sided test of this precision finds with the given probability.

    (z_{1-(1-level)/2} + z_power) x standard_error; 2.80 standard errors at 95 % and 80 %.
    """
    return float(norm.ppf((1 + level) / 2) + norm.ppf(power)) * standard_error


def sessions_to_settle(
    standard_error: float, n: int, effect: float, *, level: float = 0.95, power: float = 0.8
) -> int | None:
    """How many days in all (not more, in all) would let the test find `effect` with the given probability.

    The standard error shrinks with the root of the number of days. None when the effect is not positive or the
    precision unknown: then no number of days settles it.
    """
    if not (effect > 0 and math.isfinite(standard_error)):
        return None
    return max(math.ceil(n * (minimum_detectable_effect(standard_error, level=level, power=power) / effect) ** 2), 1)


def _finite(series: npt.ArrayLike) -> FloatArray:
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1:
        raise EvaluationError(
            "daily series", got=f"shape {values.shape}", want="one number per day", remedy="Pass one series."
        )
    return values[np.isfinite(values)]


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else math.nan


def _ratio(values: FloatArray, error: float) -> float:
    """Mean / error; NaN when the error is nothing but rounding."""
    mean = _mean(values)
    return mean / error if error > 1e-12 * float(np.abs(values).max(initial=0.0)) else math.nan


def _autocovariances(values: FloatArray, lags: int) -> FloatArray:
    """g_0 .. g_lags with divisor T."""
    centred = values - values.mean()
    n = values.size
    return np.array([centred[k:] @ centred[: n - k] / n for k in range(lags + 1)])


def _optimal_block(values: FloatArray) -> float:
    if float(values.std()) <= 1e-12 * float(np.abs(values).max(initial=0.0)):
        return 1.0
    from arch.bootstrap import optimal_block_length  # imported late: it loads for 2 s and only the gate needs it

    with np.errstate(divide="ignore", invalid="ignore"):  # a short series of which few days differ
        found = float(optimal_block_length(values)["stationary"].iloc[0])
    return found if math.isfinite(found) else 1.0


def _resampled_means(values: FloatArray, block: float, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Means of stationary-bootstrap resamples, shape [resamples], by prefix sums over whole blocks."""
    n = values.size
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values]))])
    count = int(n / block + 6 * math.sqrt(n / block) + 12)
    ends = np.zeros((resamples, 0), dtype=np.int64)
    while ends.shape[1] == 0 or int(ends[:, -1].min()) < n:
        more = np.minimum(rng.geometric(1.0 / block, (resamples, count)), n).cumsum(axis=1)
        ends = more if ends.shape[1] == 0 else np.concatenate([ends, ends[:, -1:] + more], axis=1)
    ends = np.minimum(ends, n)
    lengths = np.diff(ends, axis=1, prepend=0)
    starts = rng.integers(0, n, lengths.shape)
    return np.asarray((total[starts + lengths] - total[starts]).sum(axis=1) / n, dtype=np.float64)
