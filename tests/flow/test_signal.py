"""What must be found is found, and nothing is found where nothing is: the road on two markets with known truth.

Both markets are fetched over HTTP, typed, staged, turned into features and graphs, learnt and judged by the same
code; they differ in one dial, which stands at twice the house's strength where something is planted: at once its
strength the interval of 132 days need not leave zero. Seeds are fixed.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, time

import polars as pl
import pytest

from benchmarks.features import NAMES
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.labels import build_labels
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gate import GateContext
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.significance import stationary_bootstrap_ci
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.graph.catalogue import Catalogue, catalogue
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.ingest import fetch_range, fetch_sessions
from gogoku_pipeline.jquants.client import JQuantsClient
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.registry.contest import Contest
from gogoku_pipeline.registry.judging import Judgement, exposures_of, judge
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import Store, open_store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.typed import typed_sessions
from gogoku_pipeline.tables.universe import build_universe
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.recipe_boosted import objectives
from gogoku_pipeline.training.recipe_ladder import ladder
from gogoku_pipeline.training.recipe_network import NetworkRecipe

ISSUES, SESSIONS, SEED, HORIZON_D = 200, 400, 11, 5
TERMS = Terms(seeds=(1, 2, 3), n_folds=1, embargo=10, min_train=200, validation=30)
GRAPH = GraphConfig(min_nodes=60)


@dataclass(frozen=True)
class Trial:
    """One market, judged."""

    market: Market
    judgement: Judgement
    labels: pl.DataFrame
    universe: pl.DataFrame

    def daily(self, scores: pl.DataFrame) -> pl.Series:
        """RankIC of every judged day."""
        judged = self.judgement.daily_ic.select("session").unique()
        aligned = align(scores.join(judged, on="session"), self.labels, universe=self.universe)
        return rank_ic_by_day(aligned)["rank_ic"]

    def of(self, model: str) -> pl.Series:
        """RankIC of every judged day of a model."""
        return self.judgement.daily_ic.filter(pl.col("model") == model)["rank_ic"]


def fetched(market: Market, store: Store) -> None:
    clock = VirtualClock(datetime.combine(market.sessions[-1], time(19, 5), JST), rate_scale=5000)

    async def fetch(address: str) -> None:
        async with JQuantsClient(address, "simulator-premium-key", plan="premium", clock=clock) as client:
            for source in ("daily_bars", "listed_issues"):
                await fetch_sessions(client, store, source, market.sessions, run_id="signal")
            await fetch_range(client, store, "topix", market.sessions[0], market.sessions[-1], run_id="signal")

    with run_simulator_thread(market, clock) as server:
        asyncio.run(fetch(server.base_url))


def trial(folder, signal: float) -> Trial:
    market = generate_market(MarketConfig(ISSUES, SESSIONS, seed=SEED, dials=Dials(overall=signal)))
    store = open_store(f"file://{folder}/data")
    fetched(market, store)
    days = market.sessions
    bars, topix = typed_sessions(store, "daily_bars", days).frame, typed_sessions(store, "topix", days).frame
    prices, universe = (
        stage_prices(bars),
        build_universe(bars, typed_sessions(store, "listed_issues", days).frame, days),
    )
    features = compute(NAMES, FeatureInputs(prices, universe, topix), start=days[0], end=days[-1])
    returns = graph_returns(features.lazy(), features.lazy(), universe.lazy())
    nodes = compute_node_features(build_edges(returns, days, GRAPH), returns, days, GRAPH)
    whole = catalogue(GRAPH)
    members = tuple(member for member in whole.features if member.name in NAMES or member.family == "feat__graph")
    known = Catalogue(members, whole.hash)
    betas = features.select("session", "code", "beta_60d")
    labels = build_labels(prices, universe, topix, betas, tse_calendar())
    panel = build_panel([features, nodes], universe, known, Normaliser(known), folder / "cache", {}, sessions=days)
    ranker = NetworkRecipe(RankerConfig.of("small"), TrainConfig(epochs=4, threads=1))
    judgement = judge(
        Contest((ranker,), objectives(BoostedConfig()), tuple(ladder(panel.names))),
        TrainingData(panel, labels),
        days[-1],
        TERMS,
        GateContext(universe, audit_passed=True, simulated=True),
        exposures=exposures_of(features, features, universe),
    )
    return Trial(market, judgement, labels, universe)


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Trial:
    return trial(tmp_path_factory.mktemp("planted"), signal=2.0)


@pytest.fixture(scope="module")
def silent(tmp_path_factory) -> Trial:
    return trial(tmp_path_factory.mktemp("silent"), signal=0.0)


def test_the_oracle_sees_what_was_planted(planted: Trial) -> None:
    found = stationary_bootstrap_ci(planted.daily(planted.market.oracle_scores(HORIZON_D)), horizon_d=HORIZON_D)
    assert found.low > 0.05, found


@pytest.mark.parametrize("model", ["lightgbm", "lightgbm_lambdarank", "apex_ranker"])
def test_the_planted_truth_is_found_and_never_exceeds_the_oracle(planted: Trial, model: str) -> None:
    oracle = planted.daily(planted.market.oracle_scores(HORIZON_D)).mean()
    found = stationary_bootstrap_ci(planted.of(model), horizon_d=HORIZON_D)
    assert found.low > 0, f"{model}: RankIC {found.mean:.4f} [{found.low:.4f}, {found.high:.4f}]"
    assert found.mean < oracle, f"{model}: RankIC {found.mean:.4f} above the oracle's {oracle:.4f}"


@pytest.mark.parametrize(
    "model",
    [
        "lightgbm",
        "lightgbm_lambdarank",
        "apex_ranker",
        "ridge",
        "random",
        "reversal_1d",
        "reversal_5d",
        "low_volatility",
    ],
)
def test_nothing_is_found_where_nothing_is_planted(silent: Trial, model: str) -> None:
    found = stationary_bootstrap_ci(silent.of(model), horizon_d=HORIZON_D, level=0.999, resamples=10_000)
    assert found.low <= 0 <= found.high, f"{model}: RankIC {found.mean:.4f} [{found.low:.4f}, {found.high:.4f}]"


def test_the_gate_does_not_promote_where_nothing_is_planted(silent: Trial) -> None:
    assert silent.judgement.promoted is None, silent.judgement.verdicts[0].text()
