"""The questions of the gate, one function each. Each is asked whatever the others answered.

A comparison with something that could not be measured is never a pass: NaN fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.evaluation.frames import KEY, align
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.ranking import net_of_costs, ranking_by_day, turnover_by_day
from gogoku_pipeline.evaluation.significance import (
    Interval,
    TStatistic,
    newey_west_t,
    paired_differences,
    stationary_bootstrap_ci,
)
from gogoku_pipeline.evaluation.summary import icir
from gogoku_pipeline.evaluation.verdict import Criterion, GateConfig, GateContext

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two models on exactly the same names and days.

    Attributes:
        first: daily RankIC of the one that is judged, no NaN, shape [T].
        second: of the one it is compared with.
        first_rows: aligned rows of the first on the common names, null labels and scores removed.
        second_rows: the same rows of the second.
    """

    first: FloatArray
    second: FloatArray
    first_rows: pl.DataFrame
    second_rows: pl.DataFrame

    def interval(self, config: GateConfig, level: float | None = None) -> Interval:
        """Bootstrap interval of the mean daily difference, at the registered level unless another is given."""
        return stationary_bootstrap_ci(
            paired_differences(self.first, self.second),
            horizon_d=config.horizon_d,
            level=config.level if level is None else level,
            resamples=config.resamples,
            seed=config.seed,
        )


def pair_up(first: pl.DataFrame, second: pl.DataFrame, config: GateConfig) -> Pair:
    """Bring two aligned frames ([session, horizon_d, code, score, label]) to their common names and days."""
    one, two = (frame.drop_nulls(["score", "label"]) for frame in (first, second))
    one, two = one.join(two, on=list(KEY), how="semi"), two.join(one, on=list(KEY), how="semi")
    daily = (
        rank_ic_by_day(one, min_names=config.min_names)
        .join(
            rank_ic_by_day(two, min_names=config.min_names).select("session", other="rank_ic"),
            on="session",
            maintain_order="left",
        )
        .filter(pl.col("rank_ic").is_finite() & pl.col("other").is_finite())
    )
    return Pair(daily["rank_ic"].to_numpy(), daily["other"].to_numpy(), one, two)


def against_baseline(pair: Pair, interval: Interval, test: TStatistic, config: GateConfig) -> list[Criterion]:
    """Criterion 1: a tenth better, surely better, and not hopeless."""
    mine, bar = _mean(pair.first), _mean(pair.second)
    need = bar + (config.edge_ratio - 1) * abs(bar)
    floor = config.hopeless_ratio * abs(bar)
    among = f" ({config.level:.0%} over {config.family} challengers)" if config.family > 1 else ""
    low_words = f"paired difference {interval.mean:+.4f}, {100 * config.paired_level:.3g}% interval {_bounds(interval)}"
    hopeless_known = math.isfinite(interval.high) and math.isfinite(bar)
    return [
        Criterion("enough_days", float(len(pair.first)), float(config.min_days), len(pair.first) >= config.min_days,
                  f"{len(pair.first)} paired days, at least {config.min_days} needed"),
        Criterion("edge_ratio", mine, need, mine >= need,
                  f"mean RankIC {mine:.4f} against {bar:.4f} of the baseline, at least {need:.4f} needed"),
        Criterion("paired_interval", interval.low, 0.0, interval.low > 0,
                  f"{low_words}{among} (Diebold-Mariano-HLN p {test.p_value:.3f}); the lower bound must be above 0"),
        Criterion("not_hopeless", interval.high, floor, hopeless_known and interval.high >= floor,
                  f"upper bound {interval.high:+.4f}, below {floor:.4f} no useful edge is left",
                  "reject" if hopeless_known else "inconclusive"),
    ]  # fmt: skip


def direction(pair: Pair) -> Criterion:
    """Criterion 7: a model that ranks upside down is rejected, never flipped."""
    mine = _mean(pair.first)
    words = f"mean RankIC {mine:+.4f}; it must be positive and is never flipped"
    return Criterion("direction", mine, 0.0, mine > 0, words, "reject")


def plausibility(pair: Pair, config: GateConfig, context: GateContext) -> Criterion:
    """Above 0.10 on a real market the run is suspect until the leak audit explains it."""
    mine = _mean(pair.first)
    words = f"mean RankIC {mine:.4f}; above {config.suspect_rank_ic:.2f} it is suspect"
    if context.simulated:
        return Criterion(
            "plausibility", mine, config.suspect_rank_ic, None, f"not applicable: simulated market; {words}"
        )
    return Criterion("plausibility", mine, config.suspect_rank_ic, mine <= config.suspect_rank_ic, words)


def sealed(pair: Pair, config: GateConfig) -> Criterion:
    """The frozen hold-out stays shut: every judged session lies before it."""
    if config.holdout_start is None:
        words = "not applicable: no sessions are set aside, so nothing is left that nobody has looked at"
        return Criterion("holdout", math.nan, math.nan, None, words)
    inside = int((pair.first_rows["session"].unique() >= config.holdout_start).sum())
    words = f"sessions from {config.holdout_start} on are sealed; {inside} of them were judged, none may be"
    return Criterion("holdout", float(inside), 0.0, inside == 0, words, "reject")


def information_ratio(pair: Pair) -> Criterion:
    """Criterion 2, second half: as steady as the baseline."""
    mine, bar = icir(pair.first), icir(pair.second)
    words = f"RankICIR {mine:.3f} against {bar:.3f} of the baseline"
    return Criterion("rank_icir", mine, bar, mine >= bar, words)


def neutralised(rows: pl.DataFrame | None, config: GateConfig) -> Criterion:
    """Criterion 2, first half: something is left without size, risk and sector. `rows`: aligned residual scores."""
    if rows is None:
        words = "did not run: no exposures were given"
        return Criterion("neutral_rank_ic", math.nan, config.min_neutral_t, False, words)
    daily = rank_ic_by_day(rows, min_names=config.min_names)["rank_ic"].to_numpy()
    t = newey_west_t(daily, horizon_d=config.horizon_d)
    words = f"neutralised RankIC {t.mean:+.4f} with t {t.t:.2f}; it must be positive with t >= {config.min_neutral_t:g}"
    return Criterion("neutral_rank_ic", t.t, config.min_neutral_t, t.mean > 0 and t.t >= config.min_neutral_t, words)


def spread_after_costs(pair: Pair, config: GateConfig) -> Criterion:
    """Criterion 4: what a decile portfolio keeps."""
    mine, bar = (_net_spread(rows, config) for rows in (pair.first_rows, pair.second_rows))
    words = f"top minus bottom decile after costs {mine:+.4%} per {config.horizon_d} sessions against {bar:+.4%}"
    return Criterion("spread_after_costs", mine, bar, mine >= bar, words)


def against_rung(name: str, pair: Pair | None) -> Criterion:
    """Criterion 3: steadier than one naive model on its own names and days; `pair` is None if that one never ranks."""
    if pair is None:
        words = f"not applicable: {name} has no ranking on any judged day"
        return Criterion(f"ladder_{name}", math.nan, math.nan, None, words)
    mine, bar = icir(pair.first), icir(pair.second)
    words = f"RankICIR {mine:.3f} against {bar:.3f} of {name} on {len(pair.second)} days"
    return Criterion(f"ladder_{name}", mine, bar, mine > bar, words)


def against_incumbent(pair: Pair | None, config: GateConfig) -> Criterion:
    """Criterion 8: not surely worse than the model that serves today."""
    if pair is None:
        return Criterion("incumbent", math.nan, 0.0, None, "not applicable: no third recipe serves")
    interval = pair.interval(config)
    words = f"difference to the incumbent {interval.mean:+.4f}, interval {_bounds(interval)}; it must not lie below 0"
    known = math.isfinite(interval.high)
    return Criterion("incumbent", interval.high, 0.0, known and interval.high >= 0, words,
                     "reject" if known else "inconclusive")  # fmt: skip


def coverage(first: pl.DataFrame, second: pl.DataFrame, config: GateConfig) -> Criterion:
    """The challenger may not choose its questions: it scores (nearly) every name the baseline is judged on."""
    wanted = second.drop_nulls(["score", "label"])
    found = wanted.join(first.drop_nulls(["score"]), on=list(KEY), how="semi").height
    share = found / wanted.height if wanted.height else math.nan
    words = f"scores for {share:.2%} of the names the baseline is judged on, at least {config.min_coverage:.0%} needed"
    return Criterion("coverage", share, config.min_coverage, share >= config.min_coverage, words)


def degeneracy(days: pl.DataFrame) -> Criterion:
    """Criterion 5: no day on which scores collapsed. `days`: `dispersion.dispersion_by_day` of the raw scores."""
    bad = days.filter("is_degenerate")
    when = f", first {sorted(bad['session'].to_list())[0]}" if bad.height else ""
    words = f"{bad.height} degenerate days among {days.height} (sessions x seeds){when}"
    return Criterion("no_degenerate_day", float(bad.height), 0.0, bad.is_empty(), words, "reject")


def all_seeds(mine: FloatArray, bar: FloatArray, config: GateConfig) -> Criterion:
    """Criterion 5: every seed of the challenger above the baseline's median seed. Arrays: mean RankIC per seed."""
    median = float(np.median(bar)) if bar.size else math.nan
    worst = float(mine.min()) if mine.size else math.nan
    enough = mine.size >= config.min_seeds
    words = f"worst of {mine.size} seeds {worst:.4f} against the baseline's median {median:.4f} of {bar.size}"
    words += "" if enough else f"; at least {config.min_seeds} seeds needed"
    return Criterion("all_seeds", worst, median, enough and worst > median, words)


def calibration(context: GateContext, config: GateConfig) -> Criterion:
    """Criterion 5: predicted quantiles mean what they say."""
    gap, most = context.calibration_gap, config.max_calibration_gap
    if gap is None:
        return Criterion("calibration", math.nan, most, None, "not applicable: no quantile or interval was calibrated")
    words = f"largest coverage gap {gap:.3f}, at most {most:.2f} allowed"
    return Criterion("calibration", gap, most, gap <= most, words)


def leak_audit(context: GateContext) -> Criterion:
    """Criterion 6: nothing knew the future. An audit that did not run is a failure."""
    if context.audit_passed is None:
        return Criterion("leak_audit", math.nan, 1.0, False, "the leak audit did not run")
    words = "the leak audit is green" if context.audit_passed else "the leak audit found a leak"
    return Criterion("leak_audit", float(context.audit_passed), 1.0, context.audit_passed, words, "reject")


def seed_means(scores: pl.DataFrame, labels: pl.DataFrame, common: pl.DataFrame, config: GateConfig) -> FloatArray:
    """Mean RankIC of each seed over the common names; a seed without any ranking counts as -inf. Shape [seeds]."""
    one = scores if "seed" in scores.columns else scores.with_columns(pl.lit(0).alias("seed"))
    rows = align(one, labels, config.label).join(common, on=list(KEY), how="semi")
    daily = rank_ic_by_day(rows, min_names=config.min_names).with_columns(pl.col("rank_ic").fill_nan(None))
    means = daily.group_by("seed").agg(pl.col("rank_ic").mean().fill_null(-math.inf)).sort("seed")
    return means["rank_ic"].to_numpy()


def _net_spread(rows: pl.DataFrame, config: GateConfig) -> float:
    """Mean spread minus what replacing the changed names of both legs costs (one sale and one purchase each)."""
    spread = ranking_by_day(rows)["spread"].drop_nulls()
    changed = turnover_by_day(rows, horizon_d=config.horizon_d)["turnover"].drop_nulls()
    turnover = float(changed.to_numpy().mean()) if changed.len() else None
    mean = float(spread.to_numpy().mean()) if spread.len() else math.nan
    return net_of_costs(mean, turnover, config.cost_per_side)


def _mean(series: FloatArray) -> float:
    return float(series.mean()) if series.size else math.nan


def _bounds(interval: Interval) -> str:
    return f"[{interval.low:+.4f}, {interval.high:+.4f}]"
