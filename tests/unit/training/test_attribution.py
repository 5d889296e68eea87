"""Contributions add up to the score, equal brute-force Shapley values, and find what was planted."""

from itertools import combinations
from math import factorial

import lightgbm
import numpy as np
import polars as pl
import pytest
import torch

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import with_edges
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.models.apex_ranker import ApexRanker, RankerConfig
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.atft_gat_fan import AtftGatFan
from gogoku_pipeline.models.boosted import Boosted
from gogoku_pipeline.models.network import DayInputs, Edges, Network, NetworkOutput
from gogoku_pipeline.training.attribution import attributed
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.integrated_gradients import path_gradients
from gogoku_pipeline.training.predict import fits_of
from gogoku_pipeline.training.recipe_blend import BlendRecipe
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipe_network import NetworkRecipe

LOOP = TrainConfig(epochs=2, days_per_step=4, learning_rate=1e-2, min_names=10, smoothing=1, device="cpu")
SHAPE = AtftConfig.of("tiny", look_back=4, hidden=16, graph_heads=(1,), layer_scale=0.5)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    from gogoku_pipeline.store import open_store

    return open_store(f"file://{tmp_path_factory.mktemp('versions')}/store")


@pytest.fixture(scope="module")
def trees(place, data, boosted, market):
    version = train_version(boosted, data, market.sessions[-1], (1, 2), place, validation=15)
    return place.artefacts.load(version.model, version.version)


@pytest.fixture(scope="module")
def reader(place, data, market):
    shape = RankerConfig.of("tiny", look_back=5, patch=5, stride=5, d_model=24)
    version = train_version(NetworkRecipe(shape, LOOP), data, market.sessions[-1], (1,), place, validation=15)
    return place.artefacts.load(version.model, version.version)


@pytest.fixture(scope="module")
def tied(panel, market):
    """Stocks in groups of four, everybody tied to the other three, on every session."""
    groups = [market.codes[start : start + 4] for start in range(0, len(market.codes), 4)]
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    one_day = pl.DataFrame(pairs, schema=["code_i", "code_j"], orient="row")
    known = {"weight": 0.6, "is_same_sector": True, "is_same_market": True, "weight_delta_20d": 0.0}
    told = [pl.lit(value, dtype=EDGES.polars_schema[name]).alias(name) for name, value in known.items()]
    edges = pl.DataFrame({"session": market.sessions}).join(one_day, how="cross").with_columns(told)
    return TrainingData(with_edges(panel, edges.lazy(), market.sessions, 101), market.labels)


@pytest.fixture(scope="module")
def graph_reader(place, tied, market):
    version = train_version(NetworkRecipe(SHAPE, LOOP), tied, market.sessions[-1], (1,), place, validation=15)
    return place.artefacts.load(version.model, version.version)


def brute_force(booster, row):
    """Shapley values of a one-tree booster's path-dependent expectations, subset by subset."""
    root = booster.dump_model()["tree_info"][0]["tree_structure"]

    def expected(node, known):
        if "leaf_value" in node:
            return node["leaf_value"]
        left, right = node["left_child"], node["right_child"]
        if node["split_feature"] in known:
            return expected(left if row[node["split_feature"]] <= node["threshold"] else right, known)
        counts = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
        values = [expected(child, known) for child in (left, right)]
        return float(np.dot(counts, values) / sum(counts))

    n = len(row)
    values = np.zeros(n + 1)
    for j in range(n):
        others = [k for k in range(n) if k != j]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for known in combinations(others, size):
                values[j] += weight * (expected(root, {*known, j}) - expected(root, set(known)))
    values[n] = expected(root, set())
    return values


def test_tree_contributions_are_shapley_values_subset_by_subset():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + 0.5 * x[:, 2]
    settings = {"objective": "regression", "num_leaves": 7, "verbosity": -1, "learning_rate": 1.0, "num_threads": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y), num_boost_round=1)
    told = Boosted(booster, ()).contributions(x[:6])
    for row, found in zip(x[:6].astype(np.float64), told, strict=True):
        np.testing.assert_allclose(found, brute_force(booster, row), atol=1e-9)


def test_tree_contributions_of_every_stock_add_up_to_its_score(trees, data, market):
    table = data.table([market.sessions[-1]])
    for _, fitted in fits_of(trees):
        told = fitted.boosted.contributions(table.values)
        np.testing.assert_allclose(told.sum(axis=1), fitted.boosted.score(table.values), atol=1e-6)


def placed(kept, data, session, code):
    """A stock's distance from the day's mean in standard deviations, mean over seeds."""
    found = []
    for _, fitted in fits_of(kept):
        scores = fitted.score(data, [session])
        row = scores.filter(code=code)["score"][0]
        found.append((row - scores["score"].mean()) / scores["score"].std(ddof=0))
    return float(np.mean(found))


def summed(rows, code, parts):
    return rows.filter((pl.col("code") == code) & pl.col("part").is_in(parts))["contribution"].sum()


def test_a_stocks_place_is_the_sum_of_its_contributions_trees(trees, data, market):
    session, codes = market.sessions[-1], market.codes[:3]
    rows = attributed(trees, data, session, codes)
    for code in codes:
        assert summed(rows, code, ["feature", "baseline", "missed"]) == pytest.approx(
            placed(trees, data, session, code), abs=1e-6
        )
    assert rows.filter(part="feature").height == 3 * len(data.panel.names)


@pytest.mark.parametrize("family", ["reader", "graph_reader"])
def test_a_stocks_place_is_the_sum_of_its_contributions_networks(family, request, data, tied, market):
    kept, session, codes = request.getfixturevalue(family), market.sessions[-1], market.codes[:2]
    held = tied if family == "graph_reader" else data
    rows = attributed(kept, held, session, codes)
    for code in codes:
        whole = summed(rows, code, ["feature", "companion", "baseline", "missed"])
        assert whole == pytest.approx(placed(kept, held, session, code), abs=1e-4)
        assert abs(summed(rows, code, ["missed"])) < 0.01, "the quadrature holds completeness"
        assert summed(rows, code, ["session"]) == pytest.approx(summed(rows, code, ["feature"]), abs=1e-9)


def test_the_planted_features_carry_the_scores_and_noise_does_not(trees, reader, data, market):
    for kept in (trees, reader):
        rows = attributed(kept, data, market.sessions[-1], market.codes).filter(part="feature")
        weight = rows.group_by("name").agg(pl.col("contribution").abs().mean())
        shares = dict(weight.iter_rows())
        planted = min(shares["ret_1d"], shares["ret_5d"])
        assert planted > 2 * max(shares["noise_0"], shares["noise_1"]), kept.name


def test_a_network_tells_where_it_looked(graph_reader, tied, market):
    code, group = market.codes[0], set(market.codes[1:4])
    rows = attributed(graph_reader, tied, market.sessions[-1], [code])
    looked = rows.filter(part="session")
    assert looked["attention"].sum() == pytest.approx(1.0, abs=1e-5)
    assert looked["name"].to_list() == [day.isoformat() for day in market.sessions[-4:]]
    heard = rows.filter(part="companion").drop_nulls("attention")
    assert set(heard["name"]) == group and 0 < heard["attention"].sum() < 1
    moved = rows.filter((pl.col("part") == "companion") & (pl.col("contribution").abs() > 1e-12))
    assert set(moved["name"]) == group, "nobody else can have moved the score"
    assert rows.filter(part="selection")["attention"].sum() == pytest.approx(1.0, abs=1e-5)


def test_a_blend_tells_its_parts_by_their_weights(place, data, market, boosted):
    halves = BlendRecipe((boosted, boosted), (0.5, 0.5), name="halves")
    version = train_version(halves, data, market.sessions[-1], (1,), place, validation=15)
    one = train_version(boosted, data, market.sessions[-1], (1,), place, validation=15)
    found, alone = (
        attributed(place.artefacts.load(each.model, each.version), data, market.sessions[-1], market.codes[:1])
        for each in (version, one)
    )
    both = found.join(alone, on=["code", "part", "name"], suffix="_alone")
    assert both.height == found.height
    np.testing.assert_allclose(both["contribution"], both["contribution_alone"], atol=1e-12)


def test_what_cannot_be_explained_is_named(trees, place, data, market):
    with pytest.raises(DatasetError, match="99990.*not scored"):
        attributed(trees, data, market.sessions[-1], ["99990"])
    rule = train_version(LadderRecipe("reversal_1d"), data, market.sessions[-1], (1,), place, validation=15)
    with pytest.raises(DatasetError, match="naive rule"):
        attributed(place.artefacts.load(rule.model, rule.version), data, market.sessions[-1], market.codes[:1])


def one_day(values, valid, edges=None):
    return DayInputs(values=values, valid=valid, day=torch.zeros(len(values), dtype=torch.int64), edges=edges)


class Quadratic(Network):
    """F = sum over sessions and features of w x^2 + the next stock's first feature: known integrals."""

    look_back, horizons = 2, (5,)

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.nn.Parameter(weights)

    def forward(self, inputs: DayInputs) -> NetworkOutput:
        values = inputs.values * inputs.valid
        own = (self.weights * values**2).sum(dim=(1, 2))
        return NetworkOutput((own + values.roll(-1, 0)[:, -1, 0])[:, None])


def test_the_path_of_a_quadratic_is_integrated_exactly_and_the_network_left_as_it_was():
    torch.manual_seed(0)
    network, values = Quadratic(torch.randn(2, 3)).train(), torch.randn(4, 2, 3)
    found = path_gradients(network, one_day(values, torch.ones_like(values)), [1], 0, nodes=3)
    middle = values.mean(dim=0)
    wanted = network.weights * (values[1] ** 2 - middle**2)
    np.testing.assert_allclose(found.own[0], wanted.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(found.others[0], [0, 0, float(values[2, -1, 0] - middle[-1, 0]), 0], atol=1e-6)
    assert np.abs(found.missed).max() < 1e-6
    assert network.training and network.weights.grad is None


@pytest.mark.parametrize("kind", ["ranker", "graph"])
def test_a_gap_counts_for_its_feature_and_the_market_for_nothing(kind):
    torch.manual_seed(1)
    names = [f"f_{place}" for place in range(5)]
    values = torch.randn(6, 4, 5)
    values[:, :, 4] = torch.randn(1, 4)  # the market's own: the same for every stock
    valid = torch.ones_like(values)
    valid[0, :, 2] = 0.0
    edges = Edges(torch.tensor([[0, 1], [1, 0]]), torch.rand(2, 4))
    if kind == "ranker":
        network: Network = ApexRanker(5, RankerConfig.of("tiny", look_back=4, patch=2, stride=2))
    else:
        network = AtftGatFan(names, SHAPE)
    found = path_gradients(network, one_day(values, valid, edges), [0], 0, nodes=48)
    assert np.abs(found.missed).max() < 1e-3 * max(1.0, np.abs(found.score - found.average).max())
    assert np.abs(found.own[0, :, 2]).max() > 0.0
    assert np.abs(found.own[0, :, 4]).max() < 1e-6, "what is the same for all cannot move a place among them"
