"""Each planted effect alone in a market, and what the catalogue's feature made for it recovers of it.

    python -m tests.flow.planted_effects [--strength 1] [--issues 250] [--sessions 500] [--seed 11] [effect ...]

The road is the real one below the orchestrator: the simulator's answers, landed, typed, staged, states, engine and
graph. Per effect and feature the table holds, over all judged sessions,

- planted: mean daily RankIC of the effect's own expected return (the oracle) against the open-to-open label;
- likeness: mean daily rank correlation of the feature with that expected return;
- attainable: mean of the daily products of the two. A feature knows of the future what it shares with the expected
  return: if it is independent of the label given the expected return, a day's product is the RankIC it has that day
  (for normal scores exactly, for ranks nearly). Both move from day to day where the effect does, as the skew's;
- found: mean daily RankIC of the feature against the label, with its 95 % stationary-bootstrap interval.

All three are taken over the same rows: tradable, with label, feature and expected return. What the graph dial plants
no feature was made for: `planted_graph` tries it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import build_labels
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.significance import Interval, stationary_bootstrap_ci
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, factor_events, stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe
from tests.laws.features.small_sources import Library

START = date(2020, 6, 1)
KEY = ("session", "code", "horizon_d")
MIN_NAMES = 30
"""Judged are days with at least so many names."""

LEAD_LAG = "g_lead_lag_1d"
SKEW_BETA = "opt_skew_25d_30d, its past mean taken off, x beta_60d, its median taken off"
GRAPH_COLUMNS = ("ret_1d", "ret_5d", "xs_ret_1d", "mkt_ret_1d")
GRAPH = GraphConfig(min_nodes=40)


@dataclass(frozen=True)
class Effect:
    """One planted effect and the features made for it.

    Attributes:
        dial: its name among the simulator's dials.
        horizon_d: sessions of the label.
        signs: feature to the sign its RankIC must have.
        issues, sessions: size of the market it is looked for in.
        strength: its dial there.
    """

    dial: str
    horizon_d: int
    signs: Mapping[str, int]
    issues: int = 120
    sessions: int = 280
    strength: float = 3.0


EFFECTS = {
    "reversal": Effect("reversal", 5, {"ret_5d": -1, "rel_sec33_5d": -1, "x_rev_quiet_5d": 1}),
    "momentum": Effect("momentum", 20, {"ret_120d": 1, "ret_250d_skip20": 1}, sessions=480, strength=2.0),
    "lead-lag": Effect("lead", 1, {LEAD_LAG: 1}),
    "earnings": Effect(
        "earnings",
        5,
        {"pead_sue": 1, "sue_op_z": 1, "pead_guidance": 1, "pead_reaction": 1},
        issues=150,
        sessions=860,
    ),
    "crowding": Effect("crowding", 5, {"mrg_long_ratio": -1, "mrg_long_z52": -1}, sessions=400),
    "flow": Effect("flow", 5, {"x_flow_size": 1}, sessions=400),
    "skew": Effect("skew", 5, {SKEW_BETA: -1}, sessions=560, strength=6.0),
}
"""By name; the strengths make small markets tell apart what is there from what is not."""


@dataclass(frozen=True)
class Recovered:
    """One line of the table; see the module."""

    effect: str
    feature: str
    sign: int
    planted: float
    likeness: float
    attainable: float
    found: Interval

    def line(self) -> str:
        told = {"planted": self.planted, "likeness": self.likeness, "attainable": self.attainable}
        numbers = "  ".join(f"{name} {value:+.4f}" for name, value in told.items())
        found = f"found {self.found.mean:+.4f} [{self.found.low:+.4f}, {self.found.high:+.4f}]"
        return f"{self.effect:9} {self.feature.split(',')[0]:17} {numbers}  {found}  {self.found.n} days"


@dataclass(frozen=True)
class Road:
    """A market's staged tables, its features and its labels."""

    market: Market
    features: pl.DataFrame
    labels: pl.DataFrame
    universe: pl.DataFrame

    def rows(self, feature: str, planted: pl.DataFrame, horizon_d: int) -> pl.DataFrame:
        """Tradable rows with all three, days with enough names: session, code, horizon_d, ret_open, value, planted."""
        rows = (
            self.labels.filter(pl.col("horizon_d") == horizon_d)
            .join(self.universe.filter("is_tradable").select("session", "code"), on=["session", "code"])
            .join(self.features.select("session", "code", value=feature), on=["session", "code"])
            .join(planted.select("session", "code", planted="score"), on=["session", "code"])
            .drop_nulls(["ret_open", "value", "planted"])
        )
        return rows.filter(pl.len().over("session") >= MIN_NAMES)


def market_of(effect: Effect, seed: int) -> Market:
    dials = replace(Dials.only(effect.dial), overall=effect.strength)
    return generate_market(MarketConfig(effect.issues, effect.sessions, START, seed, dials))


def road(market: Market, wanted: Sequence[str], horizons: Sequence[int]) -> Road:
    """Everything from the simulator's answers to features and labels."""
    own = [name for name in wanted if name not in (LEAD_LAG, SKEW_BETA)]
    own += ["opt_skew_25d_30d"] if SKEW_BETA in wanted else []
    own += list(GRAPH_COLUMNS) if LEAD_LAG in wanted else []
    names = list(dict.fromkeys([*own, "beta_60d"]))
    days = market.sessions
    with TemporaryDirectory() as folder:
        library = Library(market, open_store(f"file://{folder}/data"))
        sources = dict.fromkeys(["daily_bars", "listed_issues", "topix", *state_tables(names)])
        tables = {name: library.table(name, days) for name in sources}
    bars, topix = tables["daily_bars"], tables["topix"]
    prices = stage_prices(bars, extra=tuple(EXTRA_COLUMNS))
    universe = build_universe(bars, tables["listed_issues"], days, UniverseConfig())
    inputs = FeatureInputs(prices, universe, topix, tables=tables, factors=factor_events(bars))
    features = compute(names, inputs, start=days[0], end=days[-1])
    if LEAD_LAG in wanted:
        returns = graph_returns(features.lazy(), features.lazy(), universe.lazy())
        nodes = compute_node_features(build_edges(returns, days, GRAPH), returns, days, GRAPH)
        features = features.join(nodes.select("session", "code", LEAD_LAG), on=["session", "code"], how="left")
    if SKEW_BETA in wanted:
        features = features.with_columns(_skew_times_beta(features).alias(SKEW_BETA))
    betas = features.select("session", "code", "beta_60d")
    labels = build_labels(prices, universe, topix, betas, tse_calendar(), horizons)
    return Road(market, features, labels, universe)


def _skew_times_beta(features: pl.DataFrame) -> pl.Series:
    """How steep the skew is against what it has been so far, times how far a stock's beta lies above the median's."""
    by_day = features.group_by("session").agg(pl.col("opt_skew_25d_30d").mean().alias("skew")).sort("session")
    so_far = pl.col("skew").cum_sum() / pl.col("skew").is_not_null().cum_sum()
    gaps = by_day.select("session", gap=pl.col("skew") - so_far)
    beta = pl.col("beta_60d") - pl.col("beta_60d").median().over("session")
    return features.join(gaps, on="session", how="left", maintain_order="left").select(pl.col("gap") * beta).to_series()


def without_effect(feature: str, horizon_d: int, made: Road) -> Interval:
    """RankIC of a feature in a market without its effect, with a 99.9 % interval."""
    rows = made.rows(feature, made.features.select("session", "code", score=feature), horizon_d)
    daily = daily_rank_ic(rows.select(*KEY, score="value"), rows.select(*KEY, "ret_open"))["rank_ic"]
    return stationary_bootstrap_ci(daily, horizon_d=horizon_d, level=0.999, resamples=10_000)


def recovered(name: str, effect: Effect, made: Road) -> list[Recovered]:
    """What each feature of an effect finds of it."""
    planted = made.market.oracle_scores(effect.horizon_d)
    lines = []
    for feature, sign in effect.signs.items():
        rows = made.rows(feature, planted, effect.horizon_d)
        label, truth = rows.select(*KEY, "ret_open"), rows.select(*KEY, ret_open="planted")
        value, score = rows.select(*KEY, score="value"), rows.select(*KEY, score="planted")
        daily, best, alike = (
            daily_rank_ic(*pair)["rank_ic"].to_numpy() for pair in ((value, label), (score, label), (value, truth))
        )
        found = stationary_bootstrap_ci(daily, horizon_d=effect.horizon_d)
        means = (float(np.nanmean(series)) for series in (best, alike, best * alike))
        lines.append(Recovered(name, feature, sign, *means, found))
    return lines


def table(names: Sequence[str], seed: int, sizes: Mapping[str, float]) -> list[Recovered]:
    """The lines of some effects; `sizes` replaces fields of each effect."""
    lines: list[Recovered] = []
    for name in names:
        effect = replace(EFFECTS[name], **sizes)
        lines += recovered(name, effect, road(market_of(effect, seed), list(effect.signs), [effect.horizon_d]))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="what features recover of each planted effect")
    parser.add_argument("effects", nargs="*", default=list(EFFECTS))
    parser.add_argument("--strength", type=float)
    parser.add_argument("--issues", type=int)
    parser.add_argument("--sessions", type=int)
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args()
    sizes = {name: value for name in ("strength", "issues", "sessions") if (value := getattr(given, name)) is not None}
    for name in given.effects:
        for line in table([name], given.seed, sizes):
            print(line.line(), flush=True)


if __name__ == "__main__":
    main()
