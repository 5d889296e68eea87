"""ATFT-GAT-FAN on the road of every recipe: trained, walked forward, kept, served; and the graph it reads is used."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import with_edges, with_raw
from gogoku_pipeline.dataset.edge_map import DayEdges
from gogoku_pipeline.evaluation.gate import GateContext
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.trials import TRIALS
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.registry.contest import Contest
from gogoku_pipeline.registry.judging import judge
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.day_graphs import joined_graphs
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.predict import predict_session
from gogoku_pipeline.training.recipe_boosted import objectives
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.walk_forward import run_walk_forward

GROUP = 5
LOOP = TrainConfig(epochs=4, days_per_step=4, learning_rate=1e-2, min_names=10, smoothing=1, device="cpu")
SHAPE = AtftConfig.of("tiny", look_back=4, hidden=16, graph_heads=(1,), layer_scale=0.5)


@pytest.fixture(scope="module")
def edges(market):
    """Stocks in groups of five, everybody tied to the other four, on every session."""
    pairs = [
        (market.codes[start + i], market.codes[start + j])
        for start in range(0, len(market.codes), GROUP)
        for i, j in combinations(range(GROUP), 2)
    ]
    one_day = pl.DataFrame(pairs, schema=["code_i", "code_j"], orient="row")
    known = {"weight": 0.6, "is_same_sector": True, "is_same_market": True, "weight_delta_20d": 0.0}
    told = [pl.lit(value, dtype=EDGES.polars_schema[name]).alias(name) for name, value in known.items()]
    return pl.DataFrame({"session": market.sessions}).join(one_day, how="cross").with_columns(told)


@pytest.fixture(scope="module")
def followed(market):
    """Labels that follow the companions' last return, which no feature of the stock itself tells."""
    days, names = len(market.sessions), len(market.codes)
    ret = market.features["ret_1d"].fill_null(0.0).to_numpy().reshape(days, names // GROUP, GROUP)
    others = (ret.sum(axis=2, keepdims=True) - ret).reshape(days, names)
    noise = np.random.default_rng(4).normal(size=others.shape)
    signal = others / others.std() * 1.5 + noise
    order = signal.argsort(axis=1).argsort(axis=1)
    gauss = torch.special.ndtri(torch.from_numpy((order + 0.5) / names)).numpy()
    outcome = 0.02 * signal
    return market.labels.with_columns(
        pl.Series("ret_open", outcome.reshape(-1)),
        pl.Series("excess_open", (outcome - outcome.mean(axis=1, keepdims=True)).reshape(-1)),
        pl.Series("gauss_open", gauss.reshape(-1)),
    )


@pytest.fixture(scope="module")
def tied(panel, market, edges):
    held = with_edges(panel, edges.lazy(), market.sessions, 102)
    return with_raw(held, [market.features.lazy()], ("ret_1d", "ret_5d"), {"feat__returns": 1})


def mean_rank_ic(scores, labels):
    return daily_rank_ic(scores, labels, "gauss_open")["rank_ic"].mean()


def test_the_judge_finds_what_only_companions_know(tied, followed, market, boosted):
    terms = Terms(
        gate=GateConfig(resamples=200, min_days=10), seeds=(1,), n_folds=2, embargo=5, min_train=60, validation=15
    )
    bar = objectives(replace(boosted.config, rounds=6, patience=6))
    contest = Contest((NetworkRecipe(SHAPE, LOOP),), bar, (LadderRecipe("random"), LadderRecipe("reversal_1d")))
    context = GateContext(market.universe, True, None, True, TRIALS.empty())
    found = judge(contest, TrainingData(tied, followed), market.sessions[-8], terms, context, exposures=None)
    assert found.verdicts[0].challenger == "atft_gat_fan"
    value, low, _ = found.verdicts[0].edge
    assert value > 0.3 and low > 0.0, "the paired interval of the edge over LightGBM lies above zero"


def test_without_the_graph_nothing_of_it_is_found(tied, followed, folds):
    data, fold = TrainingData(tied, followed), folds[0]
    fitted = NetworkRecipe(replace(SHAPE, graph_heads=()), replace(LOOP, epochs=3)).fit(
        data, fold.train, fold.validation, 1, 5
    )
    assert abs(mean_rank_ic(fitted.score(data, fold.test), followed)) < 0.15


def test_it_walks_forward_is_kept_and_serves_the_same_list(tied, market, folds, store):
    recipe = NetworkRecipe(SHAPE, replace(LOOP, epochs=2))
    data = TrainingData(tied, market.labels)
    walked = run_walk_forward(recipe, data, folds[:1], (1,), 5)
    assert walked.scores["model"].unique().to_list() == ["atft_gat_fan"] and walked.scores["score"].is_finite().all()
    cutoff = market.sessions[140]
    version = train_version(recipe, data, cutoff, (1,), store, validation=15)
    assert version.manifest["table_versions"][EDGES.name] == 102 and tied.edges.key in version.manifest["panel_key"]
    once, again = (predict_session(store, "atft_gat_fan", version.version, tied, cutoff) for _ in range(2))
    assert once.equals(again) and once.height == len(market.codes)
    bare = replace(tied, edges=None)
    with pytest.raises(DatasetError, match="no graphs beside it"):
        predict_session(store, "atft_gat_fan", version.version, bare, cutoff)


def test_raw_channels_and_graph_come_with_every_day(tied, market, folds):
    shape = replace(SHAPE, raw_channels=("ret_5d", "ret_1d"), fan_top=1, frequency_dropout=0.1, horizons=(5,))
    data, fold = TrainingData(tied, market.labels), folds[0]
    recipe = NetworkRecipe(shape, replace(LOOP, epochs=2))
    fitted = recipe.fit(data, fold.train, fold.validation, 1, 5)
    assert np.isfinite(fitted.score(data, fold.test)["score"].to_numpy()).all()
    with pytest.raises(DatasetError, match="no raw channels beside it"):
        recipe.fit(TrainingData(replace(tied, raw=None), market.labels), fold.train, fold.validation, 1, 5)


def test_without_a_graph_no_graph_asset_is_needed(panel, market, folds):
    recipe = NetworkRecipe(replace(SHAPE, graph_heads=()), replace(LOOP, epochs=1))
    fitted = recipe.fit(TrainingData(panel, market.labels), folds[0].train, folds[0].validation, 1, 5)
    assert fitted.ledger


def test_the_judged_horizon_must_be_one_of_the_networks(tied, market, folds):
    recipe = NetworkRecipe(replace(SHAPE, horizons=(1, 10)), LOOP)
    with pytest.raises(ConfigError, match="judged over 5 sessions"):
        recipe.fit(TrainingData(tied, market.labels), folds[0].train, folds[0].validation, 1, 5)


def test_the_graph_of_another_session_or_of_other_stocks_is_refused(tied, market):
    data = TrainingData(tied, market.labels)
    window = data.day(market.sessions[50], 4)
    cpu = torch.device("cpu")
    mine = tied.edges.among(window.session, window.stocks)
    assert joined_graphs([window, window], [mine, mine], cpu).index.max() == 2 * len(window.stocks) - 1
    with pytest.raises(DatasetError, match=f"graph of {market.sessions[49]}"):
        joined_graphs([window], [tied.edges.among(market.sessions[49], window.stocks)], cpu)
    with pytest.raises(DatasetError, match="an edge to stock 99"):
        joined_graphs([window], [DayEdges(window.session, mine.index + 99 - mine.index.max(), mine.attributes)], cpu)


def test_shape_name_and_loop_decide_the_recipes_hash():
    base = NetworkRecipe(SHAPE, LOOP)
    others = [
        replace(base, model=replace(SHAPE, graph_heads=())),
        replace(base, name="atft_variant"),
        replace(base, train=replace(LOOP, epochs=2)),
    ]
    assert len({base.config_hash, *(other.config_hash for other in others)}) == 4
    assert NetworkRecipe().family == NetworkRecipe().name == "apex_ranker"
