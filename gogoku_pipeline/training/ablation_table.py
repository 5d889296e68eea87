"""What an ablation found: one row per variant, with two uncertainties and a verdict in words.

`days` is the house's paired stationary-bootstrap interval of the mean over seeds: what other days would have shown of
these very fits. `both` adds what other seeds would have shown: standard errors of days and of seeds are added in
squares, with degrees of freedom after Welch (1947) and Satterthwaite (1946). A block helps or hurts where `both` leaves
zero; it seems to where `days` does and every seed agrees, which three seeds without any effect do once in four times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import t as student_t

from gogoku_pipeline.evaluation.significance import Interval
from gogoku_pipeline.training.variants import REFERENCE, Variant

NOTHING = Interval(math.nan, math.nan, math.nan, math.nan, math.nan, 0)
"""Of a variant that could not be fitted."""


@dataclass(frozen=True)
class Judged:
    """One variant and what it is worth.

    Attributes:
        variant: which one.
        rank_ic: mean daily RankIC, averaged over seeds, with its interval.
        difference: variant minus what it is compared with, paired by day; None for the reference and after a failure.
        both: bounds of that difference when days and seeds are drawn anew.
        by_seed: mean difference of every seed.
        parameters: numbers a network learnt; 0 for other models.
        cpu_seconds: processor time of all fits and seeds; of those that were found again, what they had cost.
        failure: why there is no answer; empty where there is one.
    """

    variant: Variant
    rank_ic: Interval
    difference: Interval | None = None
    both: tuple[float, float] = (math.nan, math.nan)
    by_seed: tuple[float, ...] = ()
    parameters: int = 0
    cpu_seconds: float = 0.0
    failure: str = ""

    @property
    def verdict(self) -> str:
        """Whether the block helps or hurts, seems to, or cannot be told from luck."""
        if self.failure:
            return f"failed: {self.failure}"
        if self.difference is None:
            return "the reference"
        is_better = (self.difference.mean > 0) is not self.variant.is_without
        if self.both[0] > 0 or self.both[1] < 0:
            return "helps" if is_better else "hurts"
        agree = all(gap > 0 for gap in self.by_seed) or all(gap < 0 for gap in self.by_seed)
        if agree and (self.difference.low > 0 or self.difference.high < 0):
            return "seems to help" if is_better else "seems to hurt"
        return "cannot be told"


def table_of(found: Sequence[Judged]) -> pl.DataFrame:
    """The answers as a frame, one row per variant, for a file or for other eyes."""
    rows = [
        {
            "variant": one.variant.name,
            "block": one.variant.block,
            "against": "" if one.variant.name == REFERENCE else one.variant.against,
            "rank_ic": one.rank_ic.mean,
            "rank_ic_low": one.rank_ic.low,
            "rank_ic_high": one.rank_ic.high,
            "days": one.rank_ic.n,
            "difference": one.difference.mean if one.difference else math.nan,
            "low_days": one.difference.low if one.difference else math.nan,
            "high_days": one.difference.high if one.difference else math.nan,
            "low": one.both[0],
            "high": one.both[1],
            "by_seed": list(one.by_seed),
            "parameters": one.parameters,
            "cpu_seconds": one.cpu_seconds,
            "verdict": one.verdict,
        }
        for one in found
    ]
    return pl.DataFrame(rows, schema_overrides={"by_seed": pl.List(pl.Float64)}).fill_nan(None)


def days_and_seeds(days: Interval, by_seed: npt.ArrayLike, level: float) -> tuple[float, float]:
    """Bounds of a mean difference when both days and seeds are drawn anew; never narrower than those of days alone.

    Args:
        days: interval of the mean over seeds, by days.
        by_seed: mean difference of each seed [S]; one seed (a model without randomness) leaves the days' bounds.
        level: probability the bounds are meant to cover.
    """
    values = np.asarray(by_seed, dtype=np.float64)
    if len(values) < 2:
        return days.low, days.high
    parts = np.array([days.standard_error**2, float(values.var(ddof=1)) / len(values)])
    if not parts.sum() > 0:
        return days.low, days.high
    freedom = parts.sum() ** 2 / float((parts**2 / np.array([days.n / days.block, len(values) - 1])).sum())
    reach = float(student_t.ppf((1 + level) / 2, freedom)) * math.sqrt(float(parts.sum()))
    return min(days.low, days.mean - reach), max(days.high, days.mean + reach)
