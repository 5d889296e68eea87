"""ATFT-GAT-FAN can learn, treats stocks as a set, uses all it is given, and refuses what cannot be meant."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.atft_gat_fan import AtftGatFan
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.terms import loss_terms
from gogoku_pipeline.models.network import DayInputs, Edges, NetworkOutput

NAMES = ("ret_1d", "ret_5d", "vol_20d", "mkt_ret_1d", "mkt_vol_20d", "is_new")
RAW = {"raw_channels": ("ret_1d", "ret_intraday")}
MARKET = {"market_features": ("mkt_ret_1d", "mkt_vol_20d")}
SHAPES = {
    "plain": {"selection": "none", "graph_heads": ()},
    "seed": {"horizons": (1, 5), "quantiles": (0.1, 0.5, 0.9), "quantile_gradient": True, "graph_heads": (2, 1)},
    "grouped": {"selection": "grouped", "encoder": "attention", "encoder_layers": 2, "neighbours": 2},
    "paper": {"selection": "per_variable", "selection_entropy": 0.01, "layer_scale": 0.0},
    "fan": {**RAW, "fan_top": 2, "frequency_dropout": 0.3},
    "san": {**RAW, "san_period": 4},
    "revin": {**RAW, "revin": True},
    "raw": RAW,
    "market": {**MARKET, "market_gate": 2.0, "regime_experts": 2},
}


def network(shape="seed", seed=0, **changes):
    torch.manual_seed(seed)
    return AtftGatFan(NAMES, AtftConfig.of("tiny", **{**SHAPES[shape], **changes}))


def days(*stocks, seed=0, look_back=8):
    """Some days; in each, stocks are tied in a ring except the last one, who is alone."""
    generator = torch.Generator().manual_seed(seed)
    total = sum(stocks)
    valid = (torch.rand(total, look_back, len(NAMES), generator=generator) > 0.05).float()
    valid[..., 3:5] = 1.0
    values = torch.randn(total, look_back, len(NAMES), generator=generator) * valid
    pairs, start = [], 0
    for count in stocks:
        values[start : start + count, :, 3:5] = values[start, :, 3:5]
        pairs += [(start + place, start + (place + 1) % (count - 1)) for place in range(count - 1)]
        start += count
    one_way = torch.tensor(pairs).T
    attributes = torch.randn(len(pairs), 4, generator=generator)
    return DayInputs(
        values=values,
        valid=valid,
        day=torch.repeat_interleave(torch.arange(len(stocks)), torch.tensor(stocks)),
        edges=Edges(torch.cat([one_way, one_way.flip(0)], dim=1), attributes.repeat(2, 1)),
        raw=0.02 * torch.randn(total, look_back, 2, generator=generator),
    )


def shuffled(inputs, order):
    """The same stocks in another order."""
    back = torch.argsort(order)
    edges = Edges(back[inputs.edges.index], inputs.edges.attributes)
    return DayInputs(
        values=inputs.values[order],
        valid=inputs.valid[order],
        day=inputs.day[order],
        edges=edges,
        raw=inputs.raw[order],
    )


def total_loss(said: NetworkOutput, targets):
    terms = loss_terms(
        said.scores[None, :, 0], targets, torch.ones_like(targets, dtype=torch.bool), LossWeights(), min_names=3
    )
    return sum(terms.values()) + sum(said.auxiliary.values())


@pytest.mark.parametrize("shape", ["seed", "fan"])
def test_one_batch_can_be_learnt_by_heart(shape):
    model, inputs = network(shape, hidden=32, frequency_dropout=0.0), days(64)
    targets = torch.randn(1, 64, generator=torch.Generator().manual_seed(5))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        total_loss(model(inputs), targets).backward()
        optimiser.step()
    with torch.no_grad():
        assert rank_ic(model.eval()(inputs).scores[:, 0].numpy(), targets[0].numpy()) > 0.95


@pytest.mark.parametrize("shape", SHAPES)
def test_the_order_of_stocks_means_nothing(shape):
    model, inputs = network(shape).eval(), days(20)
    order = torch.from_numpy(np.random.default_rng(1).permutation(20))
    with torch.no_grad():
        assert torch.allclose(model(inputs).scores[order], model(shuffled(inputs, order)).scores, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_day_scores_the_same_alone_as_beside_other_days(shape):
    model, both = network(shape).eval(), days(12, 9)
    edges = both.edges
    mine = edges.index[0] >= 12
    second = DayInputs(
        values=both.values[12:],
        valid=both.valid[12:],
        day=both.day[12:] - 1,
        edges=Edges(edges.index[:, mine] - 12, edges.attributes[mine]),
        raw=both.raw[12:],
    )
    with torch.no_grad():
        assert torch.allclose(model(both).scores[12:], model(second).scores, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_different_stocks_get_different_scores(shape):
    with torch.no_grad():
        scores = network(shape).eval()(days(64)).scores.numpy()
    assert all(len(np.unique(column)) == 64 and column.std() > 1e-6 for column in scores.T)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_flows_to_every_parameter(shape):
    model, inputs = network(shape).train(), days(32, 32)
    said = model(inputs)
    targets = torch.randn(1, 64, generator=torch.Generator().manual_seed(5))
    heads = 0.0 if said.quantiles is None else (said.quantiles - targets[0, :, None, None]).pow(2).mean()
    (total_loss(said, targets) + said.scores.pow(2).mean() + heads).backward()
    dead = [name for name, part in model.named_parameters() if part.grad is None or not part.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize("shape", ["fan", "san"])
def test_a_stock_twice_as_volatile_scores_differently(shape):
    model, inputs = network(shape).eval(), days(16)
    raw = inputs.raw.clone()
    raw[0] *= 2.0
    with torch.no_grad():
        before, after = model(inputs).scores, model(replace(inputs, raw=raw)).scores
    assert (before[0] - after[0]).abs().max() > 1e-4 and torch.equal(before[2:14], after[2:14])


@pytest.mark.parametrize("shape", ["fan", "san"])
def test_a_channel_that_never_changes_in_time_is_refused(shape):
    inputs = days(16)
    frozen = inputs.raw.clone()
    frozen[..., 1] = torch.randn(16, 1)  # copied along time, different between stocks
    with pytest.raises(DatasetError, match="ret_intraday.*same value in every session"):
        network(shape)(replace(inputs, raw=frozen))
    network("raw")(replace(inputs, raw=frozen))


@pytest.mark.parametrize("shape", SHAPES)
def test_three_stocks_are_a_day(shape):
    said = network(shape).train()(days(3))
    assert said.scores.shape == (3, len(network(shape).horizons)) and torch.isfinite(said.scores).all()


def test_an_empty_graph_and_an_isolated_stock_are_the_same_to_that_stock():
    model, inputs = network().eval(), days(20)
    nothing = Edges(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 4))
    with torch.no_grad():
        tied, free = model(inputs).scores, model(replace(inputs, edges=nothing)).scores
    assert torch.allclose(tied[-1], free[-1], atol=1e-6)
    assert ((tied[:-1] - free[:-1]).abs().amax(dim=1) > 1e-6).all()


def test_a_neighbours_look_back_changes_a_score_through_the_graph_alone():
    inputs = days(20)
    louder = inputs.values.clone()
    louder[1] += 1.0
    for shape, is_heard in (("seed", True), ("plain", False)):
        model = network(shape).eval()
        with torch.no_grad():
            moved = (model(inputs).scores - model(replace(inputs, values=louder)).scores).abs().amax(dim=1) > 1e-7
        assert moved[1] and bool(moved[0]) is is_heard and not moved[19]


def test_every_session_of_the_look_back_matters():
    model, inputs = network().eval(), days(16)
    values = inputs.values.clone().requires_grad_(True)
    model(replace(inputs, values=values)).scores.sum().backward()
    assert (values.grad.abs().sum(dim=(0, 2)) > 0).all()


def test_a_value_behind_a_missing_bit_is_never_read():
    inputs = days(16)
    noise = replace(inputs, values=torch.where(inputs.valid == 0, 99.0, inputs.values))
    for shape in SHAPES:
        model = network(shape).eval()
        with torch.no_grad():
            assert torch.equal(model(inputs).scores, model(noise).scores)


def test_quantiles_read_the_trunk_and_shape_it_only_when_asked():
    for asked in (False, True):
        model = network(quantile_gradient=asked)
        model(days(16)).quantiles.sum().backward()
        assert (model.decide.weight.grad is not None) is asked


def test_auxiliary_losses_are_named_and_exist_in_training_alone():
    inputs = days(16, 16)
    assert set(network("paper").train()(inputs).auxiliary) == {"selection_entropy"}
    assert set(network("market").train()(inputs).auxiliary) == {"regime_balance"}
    assert not network("market").eval()(inputs).auxiliary and not network("plain").train()(inputs).auxiliary


@pytest.mark.parametrize("shape", ["seed", "market", "plain"])
def test_what_was_looked_at_adds_to_one(shape):
    found = network(shape).eval().explain(days(10, 6))
    assert found["sessions"].shape == (16, 8)
    heard = {"pairs", "companions"} if shape != "plain" else set()
    assert set(found) - {"sessions"} - heard == {"seed": {"variables"}, "plain": set()}.get(
        shape, {"variables", "market_gate", "regimes"}
    )
    assert heard <= set(found)
    if heard:
        listens = torch.zeros(16).index_add(0, found.pop("pairs")[1], found.pop("companions"))
        assert torch.allclose(listens, torch.ones(16), atol=1e-5), "what a stock listens to, itself included"
    for name, weights in found.items():
        total = float(len(NAMES)) if name == "market_gate" else 1.0
        assert torch.allclose(weights.sum(dim=-1), torch.full(weights.shape[:-1], total), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fan_top": 2, "san_period": 4, **RAW}, "FAN .2., SAN .4., RevIN .False. at once"),
        ({"revin": True, "san_period": 4, **RAW}, "FAN .0., SAN .4., RevIN .True. at once"),
        ({"revin": True}, "revin and raw_channels"),
        ({"fan_top": 2}, "fan_top and raw_channels"),
        ({"frequency_dropout": 0.1}, "frequency_dropout and raw_channels"),
        ({"fan_top": 5, **RAW}, "some frequency left"),
        ({"san_period": 3, **RAW}, "divide the look-back"),
        ({"san_period": 1, **RAW}, "no spread"),
        ({"market_gate": 1.0}, "market_features"),
        (MARKET, "a block that reads them"),
        ({"regime_experts": 1, **MARKET}, "at least 2 experts"),
        ({"hidden": 15}, "heads divide hidden"),
        ({"graph_heads": (3,)}, "heads divide hidden"),
        ({"selection": "none", "selection_entropy": 0.1}, "entropy of no selection"),
        ({"selection": "best"}, "selection"),
        ({"encoder": "gru"}, "encoder"),
        ({"edge_attributes": 5}, "at most 4"),
        ({"quantiles": (0.9, 0.1)}, "rising"),
        ({"quantile_gradient": True}, "no quantile head"),
        ({"horizons": (5, 1)}, "ascending"),
        ({"horizons": ()}, "horizons"),
        ({"dropout": 1.0}, "dropout"),
        ({"neighbours": -1}, "neighbours"),
        ({"look_back": 0}, "look_back"),
        ({"graph_haeds": ()}, "unknown fields"),
    ],
)
def test_contradicting_shapes_are_refused_by_name(changes, words):
    with pytest.raises(ConfigError, match=words):
        AtftConfig.of("tiny", **changes)


def test_inputs_of_another_shape_are_refused_by_name():
    inputs = days(8)
    with pytest.raises(ConfigError, match="windows"):
        network()(days(8, look_back=9))
    with pytest.raises(ConfigError, match="the session's graph.*graph_heads"):
        network()(replace(inputs, edges=None))
    with pytest.raises(ConfigError, match="raw channels"):
        network("fan")(replace(inputs, raw=None))
    with pytest.raises(ConfigError, match="market_features"):
        network("market", market_features=("mkt_ret_1d", "weather"))
    network("plain")(replace(inputs, edges=None, raw=None))


def test_a_saved_shape_comes_back_the_same():
    config = AtftConfig.of("atft_seed")
    saved = {name: list(value) if isinstance(value, tuple) else value for name, value in config.as_dict().items()}
    assert AtftConfig.load(saved) == config


@pytest.mark.parametrize("shape", ["seed", "paper"])
def test_activations_computed_again_give_the_same_gradients(shape):
    found = []
    for again in (False, True):
        model = network(shape, dropout=0.1).train()
        model.checkpointing = again
        torch.manual_seed(3)
        model(days(16)).scores.pow(2).sum().backward()
        found.append([part.grad for part in model.parameters() if part.grad is not None])
    assert all(torch.equal(kept, again) for kept, again in zip(*found, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_trunk_in_half_precision_still_gives_whole_scores(shape):
    model, inputs = network(shape).eval(), days(32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        said = model(inputs)
    with torch.no_grad():
        whole = model(inputs).scores
    assert said.scores.dtype == torch.float32 and len(said.scores[:, 0].unique()) == 32
    assert torch.corrcoef(torch.stack([said.scores[:, 0], whole[:, 0]]))[0, 1] > 0.97
