"""Part 8, planted market: what is there is found, and nothing is found where nothing is.

Two simulated markets differ in one dial. The oracle is the conditional expectation of the planted drift after ticks,
limits and halts; its RankIC is what can be known at all. Source: evaluation protocol, section 7.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import polars as pl

from gogoku_pipeline.audit.case import Answer, Case, PlantedMarkets
from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.significance import newey_west_t
from gogoku_pipeline.features.laws import Violation

RECOVERED = 0.8
"""Least share of the oracle's RankIC."""

LIMIT = 2.0
"""Standard errors within which a silent market must be silent."""


def planted_signal(case: Case) -> Answer:
    """On a market with a planted signal the road's scores reach 80 % of the RankIC that can be reached."""
    markets = _markets(case)
    walked = _walked(case, markets, markets.loud, "loud")
    scores, labels = _scores(walked)
    days = scores.select("session").unique()
    horizon = markets.road.horizon_d
    truth = markets.oracle.join(days, on="session").with_columns(pl.lit(horizon, pl.Int16).alias("horizon_d"))
    same = truth.join(scores.select("session", "code"), on=["session", "code"])
    mine, best = (_mean_ic(frame, labels) for frame in (scores, same))
    if best <= 0 or mine < RECOVERED * best:
        words = f"RankIC {mine:.3f} of the {best:.3f} that the oracle reaches: less than {RECOVERED:.0%} of it"
        return [
            Violation("planted_signal", markets.road.recipes[0].name, walked.fold.counted[0], "", words)
        ], scores.height
    return [], scores.height


def silent_market(case: Case) -> Answer:
    """On the same market without the signal the road's RankIC is zero within its uncertainty."""
    markets = _markets(case)
    walked = _walked(case, markets, markets.silent, "silent")
    scores, labels = _scores(walked)
    seen = newey_west_t(daily_rank_ic(scores, labels)["rank_ic"].to_numpy(), horizon_d=markets.road.horizon_d)
    if not abs(seen.t) < LIMIT or math.isnan(seen.t):
        words = f"RankIC {seen.mean:+.3f} is {abs(seen.t):.1f} standard errors from zero where nothing is planted"
        return [
            Violation("silent_market", markets.road.recipes[0].name, walked.fold.counted[0], "", words)
        ], scores.height
    return [], scores.height


def _mean_ic(scores: pl.DataFrame, labels: pl.DataFrame) -> float:
    """Mean RankIC over days."""
    return newey_west_t(daily_rank_ic(scores, labels)["rank_ic"].to_numpy()).mean


def _markets(case: Case) -> PlantedMarkets:
    if case.planted is None:
        raise LeakError(
            "planted market",
            got="no simulated market",
            want="one with a planted signal and one without",
            remedy="Hand in `planted`, or leave the part out by name.",
        )
    return case.planted()


def _walked(case: Case, markets: PlantedMarkets, market: AuditedMarket, name: str) -> Case:
    """The road of the planted markets, walked over one of them."""
    folder = Path(case.folder) / f"planted-{name}"
    return replace(case, market=market, road=markets.road, folder=folder, stored=None, sample=1)


def _scores(case: Case) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Out-of-sample scores of the days that count, and the labels they are judged by."""
    fold = case.every_fold[-1]
    fitted = case.road.recipes[0].fit(case.learning, fold.train, fold.validation, case.seed, case.road.horizon_d)
    return fitted.score(case.learning, fold.counted), case.market.labels
