"""A diagnosis names the guilty thing: planted defects of data, blocks and losses, each at the rung that adds it."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl
import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import with_edges, with_raw
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.atft_gat_fan import AtftGatFan
from gogoku_pipeline.models.layers.frequency_stabiliser import split_frequencies
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.listnet import listnet_loss
from gogoku_pipeline.models.losses.masked import standardised
from gogoku_pipeline.models.networks import make_network
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.diagnosis import diagnose, first_failing
from gogoku_pipeline.training.diagnosis_findings import findings
from gogoku_pipeline.training.diagnosis_fits import Case, RungResult
from gogoku_pipeline.training.diagnosis_rungs import NAMES, SINGLE, Budget, rungs_of
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from tests.unit.dataset.planted import planted_market

LOOP = TrainConfig(epochs=9, days_per_step=4, learning_rate=2e-2, min_names=10, device="cpu")
RAW = ("ret_1d", "ret_5d")
SHAPE = AtftConfig.of("tiny", look_back=4, graph_heads=(1,), layer_scale=0.5, raw_channels=RAW, fan_top=1)
SIMPLE = RankerConfig.of("tiny", look_back=4, patch=2, stride=2)
BUDGET = Budget(epochs=2, train_days=20, validation_days=9)


@pytest.fixture(scope="module")
def market():
    return planted_market(n_stocks=24, n_sessions=66, n_features=8, strength=3.0)


@pytest.fixture(scope="module")
def days(market):
    return market.sessions[5:40], market.sessions[47:58]


@pytest.fixture(scope="module")
def tied_to(panel_of, market):
    """The panel with two raw channels and, on every session, ties inside groups of so many stocks."""
    bare = with_raw(panel_of(market), [market.features.lazy()], RAW, {"feat__returns": 1})

    def tied(size):
        groups = [market.codes[start : start + size] for start in range(0, len(market.codes), size)]
        pairs = [pair for group in groups for pair in combinations(group, 2)]
        known = {"weight": 0.6, "is_same_sector": True, "is_same_market": True, "weight_delta_20d": 0.0}
        told = [pl.lit(value, dtype=EDGES.polars_schema[name]).alias(name) for name, value in known.items()]
        one_day = pl.DataFrame(pairs, schema={"code_i": pl.String, "code_j": pl.String}, orient="row")
        edges = pl.DataFrame({"session": market.sessions}).join(one_day, how="cross").with_columns(told)
        return TrainingData(with_edges(bare, edges.lazy(), market.sessions, size), market.labels)

    return tied


@pytest.fixture(scope="module")
def data(tied_to):
    return tied_to(4)


@pytest.fixture(scope="module")
def asked(data, days):
    """Diagnoses a design, possibly with another network, other data or another loop."""

    def ask(shape=SHAPE, make=make_network, on=None, **loop):
        return diagnose(Case(NetworkRecipe(shape, replace(LOOP, **loop)), *days, 5, make=make), on or data, BUDGET)

    return ask


def of(diagnosis):
    return {rung.name: rung for rung in diagnosis.rungs}


@pytest.fixture(scope="module")
def healthy(asked):
    return asked()


def test_a_healthy_design_learns_on_every_rung(healthy):
    assert {rung.status for rung in healthy.rungs} == {"learns"} and healthy.first == ""
    assert tuple(rung.name for rung in healthy.rungs) == NAMES and "nothing collapses" in healthy.meaning
    for rung in healthy.rungs[1:]:
        assert rung.figures["rank_ic"] > 0.1 and rung.figures["gradient_norm"] > 0 and rung.figures["score_std"] > 0
        assert rung.figures["reward_ic"] == pytest.approx(1.0, abs=0.01)
        assert rung.figures["flat_days"] == 0 and rung.figures["unique_ratio"] == 1


class FannedCopies(AtftGatFan):
    """The old defect: the decision session's features copied along time, then FAN over time. Exactly zero."""

    def _variables(self, inputs, market):
        values, valid, removed = super()._variables(inputs, market)
        if not self.config.fan_top:
            return values, valid, removed
        copied = values[:, -1:].expand_as(values)
        left, _, _ = split_frequencies(copied, self.config.fan_top)
        return left, torch.ones_like(valid), torch.zeros_like(removed)


def test_fan_over_a_time_constant_tensor_is_named(asked):
    found = asked(make=lambda shape, names: FannedCopies(names, shape))
    rungs = of(found)
    assert found.first == "single_loss" and "input normalisers" in found.meaning and "fan_top=0" in found.remedy
    assert rungs["single_loss"].status == "collapsed" and rungs["without_normalisers"].status == "learns"
    assert "100% of days have constant scores" in found.meaning
    assert any("selection says the same of every stock" in remark for remark in rungs["single_loss"].remarks)


class StoodStill(AtftGatFan):
    """Raw channels that hold one value along time, as levels of a slow table would."""

    def forward(self, inputs):
        still = None if inputs.raw is None else inputs.raw[:, -1:].expand_as(inputs.raw)
        return super().forward(replace(inputs, raw=still))


def test_a_channel_the_stabiliser_refuses_is_that_rungs_answer(asked):
    found = asked(make=lambda shape, names: StoodStill(names, shape))
    assert found.first == "single_loss" and of(found)["single_loss"].status == "failed"
    assert "the same value in every session of every stock" in found.meaning


def test_listnet_on_raw_returns_is_listnet_at_the_temperature_of_their_scale():
    raw = 0.02 * standardised(torch.randn(3, 200, generator=torch.Generator().manual_seed(1)), torch.ones(3, 200) > 0)
    scores, mask = torch.randn(3, 200, generator=torch.Generator().manual_seed(2)), torch.ones(3, 200) > 0
    wanted = torch.softmax(raw, dim=1)
    naive = (wanted * (torch.log(wanted) - torch.log_softmax(scores, dim=1))).sum(dim=1)
    assert torch.allclose(naive, listnet_loss(scores, raw, mask, temperature=50.0), rtol=1e-4)


@pytest.mark.parametrize(("ic", "listnet"), [(0.0, 1.0), (1.0, 0.3)], ids=["alone", "beside others"])
def test_listnet_on_raw_returns_is_named(asked, ic, listnet):
    found = asked(SIMPLE, loss=LossWeights(ic=ic, listnet=listnet, huber=0.0, listnet_temperature=50.0))
    rung = of(found)["full"]
    assert found.first == "full" and rung.status == "blind loss" and "the design's own losses" in found.meaning
    assert rung.figures["reward_listnet"] < 1e-3, "a perfect order gains next to nothing"
    assert "listnet rewards a perfect order with 0.000" in found.meaning and "per day" in found.remedy


class ShutGate(AtftGatFan):
    """A graph whose gate never opens."""

    def __init__(self, names, config):
        super().__init__(names, config)
        if self.joined is not None:
            torch.nn.init.zeros_(self.joined.gate.both.weight[config.hidden :])
            torch.nn.init.constant_(self.joined.gate.both.bias[config.hidden :], -40.0)


def test_a_dead_graph_gate_is_named(asked):
    found = asked(replace(SHAPE, fan_top=0), make=lambda shape, names: ShutGate(names, shape))
    rung = of(found)["without_normalisers"]
    assert found.first == "without_normalisers" and rung.status == "dead part" and "companions" in found.meaning
    assert "no gradient reaches graph" in found.meaning and "the gate of joined is shut: open 0.0%" in found.meaning
    assert of(found)["without_graph"].status == "learns" and of(found)["single_loss"].status == "as below"


def test_a_graph_without_edges_is_named(asked, tied_to):
    found = asked(replace(SHAPE, fan_top=0), on=tied_to(1))
    assert found.first == "without_normalisers" and "graph says the same of every stock" in found.meaning


def test_labels_nothing_can_tell_are_the_datas_fault(asked, data, market):
    noise = np.random.default_rng(3).normal(size=market.labels.height)
    labels = market.labels.with_columns(pl.Series("gauss_open", noise))
    found = asked(SIMPLE, on=TrainingData(data.panel, labels))
    assert found.first == "baseline" and "in the data" in found.meaning and "more days" in found.remedy
    assert of(found)["baseline"].status == "learns nothing"


def test_too_few_days_are_refused_before_anything_is_trained(data, days):
    recipe = NetworkRecipe(SIMPLE, LOOP)
    with pytest.raises(DatasetError, match="7 validation days with a known label; want at least 8"):
        diagnose(Case(recipe, days[0], days[1][:7], 5), data, BUDGET)
    with pytest.raises(DatasetError, match="0 training days"):
        diagnose(Case(recipe, (), days[1], 5), data, BUDGET)
    with pytest.raises(ConfigError, match="train_days, validation_days: got 3 and 40; want at least 8"):
        Budget(train_days=3)
    with pytest.raises(ConfigError, match="epochs"):
        Budget(epochs=0)


def test_what_the_design_does_not_have_is_not_trained_again(asked):
    statuses = {rung.name: rung.status for rung in asked(SIMPLE).rungs}
    assert [name for name, status in statuses.items() if status == "as below"] == ["without_normalisers", "single_loss"]


def test_every_rung_adds_one_thing():
    shape = replace(SHAPE, quantiles=(0.1, 0.9), selection_entropy=0.01, frequency_dropout=0.1)
    loss = LossWeights(pinball=1.0)
    _, minimal, alone, tied, whole, full = rungs_of(NetworkRecipe(shape, replace(LOOP, loss=loss)), BUDGET)
    assert [rung.is_new for rung in (minimal, alone, tied, whole, full)] == [True] * 5
    assert {rung.train.loss for rung in (minimal, alone, tied, whole)} == {SINGLE} and full.train.loss == loss
    assert alone.shape == replace(tied.shape, graph_heads=())
    assert tied.shape == replace(whole.shape, fan_top=0, frequency_dropout=0.0)
    assert whole.shape == replace(full.shape, quantiles=(), selection_entropy=0.0, regime_balance=0.0)
    assert full.shape == shape
    tokens = RankerConfig.of("tiny", market_tokens=4)
    shapes = [rung.shape for rung in rungs_of(NetworkRecipe(tokens, LOOP), BUDGET)]
    assert shapes[2:] == [replace(tokens, market_tokens=0), tokens, tokens, tokens]


def result(name, status, t=0.0):
    return RungResult(name, status, "", {"t": t})


@pytest.mark.parametrize(
    ("statuses", "first"),
    [
        ("learns learns learns learns learns learns", None),
        ("nothing nothing nothing nothing nothing nothing", "baseline"),
        ("learns nothing nothing nothing nothing nothing", "minimal"),
        ("learns learns learns nothing nothing nothing", "without_normalisers"),
        ("learns nothing nothing learns learns learns", None),
        ("nothing nothing nothing found found found", None),
        ("learns learns dead learns learns learns", "without_graph"),
        ("learns learns learns nothing collapsed collapsed", "without_normalisers"),
        ("learns learns learns below below collapsed", "full"),
        ("failed failed failed failed failed failed", "baseline"),
        ("nothing nothing learns learns learns collapsed", "full"),
        ("nothing found found found found dead", "full"),
    ],
)
def test_the_first_rung_that_fails_is_named(statuses, first):
    words = {
        "learns": ("learns", 1.0),
        "found": ("learns", 3.0),
        "nothing": ("learns nothing", 0.0),
        "dead": ("dead part", 1.0),
        "below": ("as below", 0.0),
        "collapsed": ("collapsed", 0.0),
        "failed": ("failed", 0.0),
    }
    rungs = [result(name, *words[status]) for name, status in zip(NAMES, statuses.split(), strict=True)]
    found = first_failing(rungs)
    assert (found.name if found else None) == first


HEALTHY_ROW = {
    "score_std": 0.1,
    "unique_ratio": 1.0,
    "flat_days": 0.0,
    "activation_dead_graph": 0.0,
    "gradient_norm_graph": 0.1,
    "gradient_norm_head": 1.0,
    "gate_open_graph": 0.5,
    "gradient_share_ic": 0.9,
    "gradient_share_huber": 0.1,
}


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        ({"flat_days": 0.5}, "collapsed", "50% of days have constant scores"),
        ({"unique_ratio": 0.4}, "collapsed", "only 40% of a day's scores are distinct"),
        ({"activation_dead_graph": 1.0}, "dead", "graph says the same of every stock"),
        ({"gradient_norm_graph": 1e-9}, "dead", "no gradient reaches graph"),
        ({"gate_open_graph": 0.001}, "dead", "the gate of graph is shut: open 0.1%"),
        ({"gradient_share_huber": 0.002}, "faint", "huber has 0.2% of the gradient"),
    ],
)
def test_the_figures_of_a_run_say_what_is_wrong(bad, kind, words):
    found = findings([HEALTHY_ROW | bad] * 2)
    assert [each.kind for each in found] == [kind] and words in found[0].words
    once = findings([HEALTHY_ROW | bad, HEALTHY_ROW])
    assert once == [], "a part that came to life, scores that came apart"


def test_a_healthy_run_an_empty_one_and_figures_that_are_missing_say_nothing():
    assert findings([HEALTHY_ROW] * 3) == findings([]) == []
    assert findings([{"epoch": 1, "score_std": None, "unique_ratio": None, "flat_days": None, "loss": None}]) == []
