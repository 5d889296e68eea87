"""Is one model better than another? Both on the same names and days, day by day, with what would settle the question.

The comparison is the gate's (the same pairing, the same terms, the same interval), without its verdict: any two sets of
scores may be compared, at any horizon that both have. Source: evaluation protocol, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.criteria import Pair, pair_up
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.overfitting import Overfitting, backtest_overfitting
from gogoku_pipeline.evaluation.ranking import wilson_interval
from gogoku_pipeline.evaluation.significance import (
    Interval,
    TStatistic,
    dm_hln,
    minimum_detectable_effect,
    newey_west_t,
    paired_differences,
    sessions_to_settle,
)
from gogoku_pipeline.evaluation.summary import icir
from gogoku_pipeline.evaluation.verdict import GateConfig

Floats = npt.NDArray[np.float64]

MOST_BLOCKS = 16
"""Parts of the time in which a choice is tried (CSCV); fewer on a short record."""


@dataclass(frozen=True)
class Side:
    """One of the two on the common names and days.

    Attributes:
        name: as it was asked for.
        rank_ic: mean daily RankIC.
        icir: mean / standard deviation of it.
    """

    name: str
    rank_ic: float
    icir: float


@dataclass(frozen=True)
class Comparison:
    """Two models, paired by day: the first minus the second.

    Attributes:
        horizon_d: sessions the scores look ahead.
        first: the one that is asked about.
        second: the one it is compared with.
        sessions: first and last paired session.
        n_days: sessions on which both have a ranking.
        n_days_without: sessions both scored on which one of them has none (constant scores, too few names).
        difference: mean daily RankIC difference with its stationary-bootstrap interval.
        newey_west: of that difference.
        diebold_mariano: of that difference, with the Harvey-Leybourne-Newbold correction.
        correlation: of the two daily RankIC series; the higher, the more pairing helps.
        wins: share of days on which the first is ahead, a tie counting half.
        wins_interval: Wilson's, as if days were independent.
        detectable: smallest true difference these days find with the registered power.
        settles_observed: further sessions that would settle a difference as large as the observed one; None when
            it cannot be said.
        settles_registered: the same for the registered edge, a share of the second's RankIC.
    """

    horizon_d: int
    first: Side
    second: Side
    sessions: tuple[date, date]
    n_days: int
    n_days_without: int
    difference: Interval
    newey_west: TStatistic
    diebold_mariano: TStatistic
    correlation: float
    wins: float
    wins_interval: tuple[float, float]
    detectable: float
    settles_observed: int | None
    settles_registered: int | None

    @property
    def words(self) -> str:
        """The answer in one sentence."""
        ahead, behind = (self.first, self.second) if self.difference.mean >= 0 else (self.second, self.first)
        if not np.isfinite(self.difference.low):
            return f"{self.n_days} paired days carry no interval: nothing can be said"
        if self.difference.low <= 0 <= self.difference.high:
            return f"no difference is shown: {ahead.name} is ahead of {behind.name} by no more than chance explains"
        return f"{ahead.name} is better than {behind.name} on these days"


def compare(
    first: pl.DataFrame,
    second: pl.DataFrame,
    labels: pl.DataFrame,
    names: tuple[str, str],
    terms: GateConfig,
    *,
    universe: pl.DataFrame | None = None,
) -> Comparison:
    """Compare two models by their scores.

    Args:
        first: [seed?, session, code, horizon_d, score, is_counted?] of one model; seeds are judged as the mean of
            their ranks.
        second: the same of the other.
        labels: [session, code, horizon_d, <terms.label>].
        names: what the two are called.
        terms: the gate's; only horizon, label, level, power, resamples, seed, least names and edge are used.
        universe: [session, code, is_tradable]; None compares every row that both scored.

    Raises:
        EvaluationError: a horizon that one of them lacks, no session in common, no known label, no day on which both
            have a ranking.
    """
    raw = [_at(frame, terms.horizon_d, name) for frame, name in zip((first, second), names, strict=True)]
    common = _common(raw, names)
    one, other = (
        align(ensemble_scores(frame.filter(pl.col("session").is_in(common.implode()))), labels, terms.label, universe)
        for frame in raw
    )
    pair = pair_up(one.drop("model", strict=False), other.drop("model", strict=False), terms)
    if not pair.first.size:
        raise _nothing(names, f"{common.len()} common sessions, none with a ranking of both", "days both can rank")
    return _compared(pair, names, common, terms)


def _compared(pair: Pair, names: tuple[str, str], common: pl.Series, terms: GateConfig) -> Comparison:
    difference = paired_differences(pair.first, pair.second)
    interval = pair.interval(terms)
    won = float((difference > 0).sum() + 0.5 * (difference == 0).sum())
    n = difference.size
    days = pair.first_rows["session"]
    first, last = days.min(), days.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return Comparison(
        horizon_d=terms.horizon_d,
        first=Side(names[0], float(pair.first.mean()), icir(pair.first)),
        second=Side(names[1], float(pair.second.mean()), icir(pair.second)),
        sessions=(first, last),
        n_days=n,
        n_days_without=days.n_unique() - n,
        difference=interval,
        newey_west=newey_west_t(difference, horizon_d=terms.horizon_d),
        diebold_mariano=dm_hln(difference, horizon_d=terms.horizon_d),
        correlation=_correlation(pair.first, pair.second),
        wins=won / n,
        wins_interval=wilson_interval(round(won), n),
        detectable=minimum_detectable_effect(interval.standard_error, level=terms.level, power=terms.power),
        settles_observed=_further(interval, abs(interval.mean), terms),
        settles_registered=_further(interval, (terms.edge_ratio - 1) * abs(float(pair.second.mean())), terms),
    )


def choice_risk(daily: Mapping[str, pl.DataFrame]) -> Overfitting | None:
    """How likely is it that choosing the best of these models chooses one below their median afterwards?

    Args:
        daily: [session, rank_ic] of each model; models without a ranking on half of their days are left out, then
            days that any of the others lacks.

    Returns:
        Probability of backtest overfitting by CSCV, in as many blocks (at most 16) as have two days each; None for
        fewer than two models or fewer than eight common days.
    """
    frames = [
        frame.select("session", pl.col("rank_ic").alias(name))
        for name, frame in sorted(daily.items())
        if 2 * frame["rank_ic"].is_finite().sum() > frame.height
    ]
    if len(frames) < 2:
        return None
    table = frames[0]
    for frame in frames[1:]:
        table = table.join(frame, on="session")
    figures = table.sort("session").drop("session").fill_nan(None).drop_nulls().to_numpy().T
    blocks = min(MOST_BLOCKS, figures.shape[1] // 2 // 2 * 2)
    return backtest_overfitting(figures, blocks=blocks) if blocks >= 4 else None


def _further(interval: Interval, effect: float, terms: GateConfig) -> int | None:
    total = sessions_to_settle(interval.standard_error, interval.n, effect, level=terms.level, power=terms.power)
    return None if total is None else max(total - interval.n, 0)


def _at(scores: pl.DataFrame, horizon_d: int, name: str) -> pl.DataFrame:
    chosen = scores.filter(pl.col("horizon_d") == horizon_d)
    if chosen.is_empty():
        raise EvaluationError(
            f"scores of {name}",
            got=f"horizons {sorted(scores['horizon_d'].unique().to_list())}",
            want=f"horizon {horizon_d}",
            remedy="Compare models at a horizon that both were fitted for.",
        )
    return chosen


def _common(raw: list[pl.DataFrame], names: tuple[str, str]) -> pl.Series:
    """Sessions that both scored."""
    days = [frame.filter("is_counted") if "is_counted" in frame.columns else frame for frame in raw]
    held = [frame["session"].unique().sort() for frame in days]
    common = held[0].filter(held[0].is_in(held[1].implode()))
    if common.is_empty():
        spans = [f"{one[0]} .. {one[-1]}" if one.len() else "no counted session" for one in held]
        raise _nothing(names, f"no session in common: {spans[0]} and {spans[1]}", "sessions that both scored")
    return common


def _nothing(names: tuple[str, str], got: str, want: str) -> EvaluationError:
    return EvaluationError(
        f"{names[0]} against {names[1]}",
        got=got,
        want=want,
        remedy="Compare models of one walk, or lists of the same evenings whose labels are known.",
    )


def _correlation(first: Floats, second: Floats) -> float:
    spread = float(first.std() * second.std()) if first.size > 1 else 0.0
    return float(((first - first.mean()) * (second - second.mean())).mean() / spread) if spread > 0 else float("nan")
