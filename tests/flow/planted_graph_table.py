"""The table of `planted_graph`: shares of the oracle, paired differences, and how seeds are pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from gogoku_pipeline.evaluation.significance import Interval, paired_differences, stationary_bootstrap_ci

Line = Mapping[str, object]
Floats = npt.NDArray[np.float64]
ORACLE = "oracle"


@dataclass(frozen=True)
class Found:
    """RankIC of one series of days per market.

    Attributes:
        by_seed: seed to its daily values in time order, NaN for none.
        horizon_d: sessions a label spans.
    """

    by_seed: Mapping[int, Floats]
    horizon_d: int

    @property
    def pooled(self) -> Interval:
        """The days of all seeds one after another: mean and 95 % stationary-bootstrap interval."""
        return stationary_bootstrap_ci(np.concatenate(list(self.by_seed.values())), horizon_d=self.horizon_d)

    @property
    def intervals(self) -> dict[int, Interval]:
        """Each seed by itself."""
        return {seed: stationary_bootstrap_ci(days, horizon_d=self.horizon_d) for seed, days in self.by_seed.items()}

    @property
    def over_markets(self) -> tuple[float, float]:
        """95 % t interval of the mean over markets, each of which counts once; NaN for a single one."""
        means = np.array([float(np.nanmean(days)) for days in self.by_seed.values()])
        if len(means) < 2:
            return math.nan, math.nan
        reach = float(stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / math.sqrt(len(means)))
        return float(means.mean()) - reach, float(means.mean()) + reach

    def less(self, other: Found) -> Found:
        """The paired differences by day; EvaluationError where a seed has other days."""
        return Found(
            {seed: paired_differences(days, other.by_seed[seed]) for seed, days in self.by_seed.items()}, self.horizon_d
        )


def found(rows: Sequence[Line], arm: str, model: str, horizon_d: int) -> Found:
    """A model's days by seed, seeds ascending."""
    mine = [row for row in rows if (row["arm"], row["model"]) == (arm, model)]
    return Found({int(row["seed"]): _days(row) for row in sorted(mine, key=lambda row: int(row["seed"]))}, horizon_d)


def share(part: Found, whole: Found) -> float:
    """Pooled mean as a share of another one's, over the days on which both are known."""
    pairs = [np.stack([part.by_seed[seed], whole.by_seed[seed]]) for seed in part.by_seed]
    both = np.concatenate(pairs, axis=1)
    kept = both[:, np.isfinite(both).all(axis=0)]
    return float(kept[0].mean() / kept[1].mean())


def table(rows: Sequence[Line], arm: str, horizon_d: int) -> list[str]:
    """One line per model of an arm: pooled interval, share of the oracle, single seeds, what it saw."""
    models = list(dict.fromkeys(str(row["model"]) for row in rows if row["arm"] == arm))
    oracle = found(rows, arm, ORACLE, horizon_d)
    groups = next((row["groups"] for row in rows if row["arm"] == arm and row["model"] == ORACLE), {})
    columns = ", ".join(f"{name} {count}" for name, count in dict(groups).items())  # type: ignore[call-overload]
    texts = [f"{arm}: columns by group: {columns}"]
    for model in models:
        mine = found(rows, arm, model, horizon_d)
        seeds = " ".join(f"{float(np.nanmean(days)):+.4f}" for days in mine.by_seed.values())
        part = "" if "shuffled" in model else f"  {share(mine, oracle):6.1%} of the oracle"
        texts.append(f"  {model:22} {words(mine.pooled)}{part}  by seed {seeds}  saw {seen_by(model)}")
    return texts


def comparison(rows: Sequence[Line], arm: str, first: str, second: str, horizon_d: int) -> list[str]:
    """The paired difference of two models of an arm, pooled, over markets, and seed by seed."""
    paired = found(rows, arm, first, horizon_d).less(found(rows, arm, second, horizon_d))
    low, high = paired.over_markets
    seeds = "; ".join(f"{seed}: {words(interval)}" for seed, interval in paired.intervals.items())
    return [
        f"{arm}: {first} less {second} {words(paired.pooled)}, over markets [{low:+.4f}, {high:+.4f}]",
        f"  {seeds}",
    ]


def words(interval: Interval) -> str:
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}] {interval.n} d"


def seen_by(model: str) -> str:
    """What a model read, in words."""
    if model == ORACLE:
        return "the truth"
    return "all columns and the edges" if "gat_fan" in model else "all columns"


def _days(row: Line) -> Floats:
    return np.array(row["daily"], dtype=np.float64)
