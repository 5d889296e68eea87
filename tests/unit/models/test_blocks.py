"""Every block is its formula: NumPy beside torch, the authors' own numbers where a fixture holds them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gogoku_pipeline.models.layers.frequency_dropout import FrequencyDropout
from gogoku_pipeline.models.layers.frequency_stabiliser import split_frequencies
from gogoku_pipeline.models.layers.gated_residual import GatedAddNorm, GatedResidual, StackedGatedResidual
from gogoku_pipeline.models.layers.interpretable_attention import InterpretableAttention
from gogoku_pipeline.models.layers.layer_scale import LayerScale
from gogoku_pipeline.models.layers.market_gate import MarketGate, day_means
from gogoku_pipeline.models.layers.market_tokens import MarketTokens
from gogoku_pipeline.models.layers.quantile_head import QuantileHead
from gogoku_pipeline.models.layers.regime_experts import RegimeExperts, load_balance
from gogoku_pipeline.models.layers.slice_stabiliser import split_slices
from gogoku_pipeline.models.layers.temporal_fusion import SessionLstm, SessionTransformer, TemporalFusion
from gogoku_pipeline.models.layers.variable_selection import (
    VariableSelection,
    grouped_by_first_word,
    selection_entropy,
)
from gogoku_pipeline.models.layers.window_stabiliser import WindowStabiliser

ORIGINALS = np.load(Path(__file__).parent / "originals.npz")
EPS = 1e-3


def original(name):
    return torch.from_numpy(ORIGINALS[name])


def arrays(module):
    return {name: part.detach().double().numpy() for name, part in module.named_parameters()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    grown = np.exp(x - x.max(axis=axis, keepdims=True))
    return grown / grown.sum(axis=axis, keepdims=True)


def normed(x, weight, bias, eps=EPS):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * weight + bias


def glu(x, weight, bias):
    value, gate = np.split(x @ weight.T + bias, 2, axis=-1)
    return value * sigmoid(gate)


def grn(a, w, c=None):
    inside = a @ w["enter.weight"].T + w["enter.bias"] + (0 if c is None else c @ w["context.weight"].T)
    inside = np.where(inside > 0, inside, np.expm1(inside)) @ w["leave.weight"].T + w["leave.bias"]
    skip = a @ w["skip.weight"].T + w["skip.bias"] if "skip.weight" in w else a
    gated = glu(inside, w["gate.both.weight"], w["gate.both.bias"])
    return normed(skip + gated, w["norm.weight"], w["norm.bias"])


def close(found, wanted, atol=2e-6):
    np.testing.assert_allclose(found.detach().numpy(), wanted, atol=atol, rtol=1e-5)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(("width", "out", "context"), [(6, 6, 0), (6, 4, 0), (6, 6, 3), (6, 5, 3)])
def test_a_gated_residual_network_equals_its_formula(width, out, context):
    block = GatedResidual(width, 7, out, 0.1, context).eval()
    a, c = torch.randn(5, 2, width), torch.randn(5, 1, context) if context else None
    close(block(a, c), grn(a.double().numpy(), arrays(block), None if c is None else c.double().numpy()))


def test_gated_add_and_norm_equals_its_formula():
    block = GatedAddNorm(6, 0.1).eval()
    x, branch, w = torch.randn(4, 6), torch.randn(4, 6), arrays(block)
    gated = glu(branch.double().numpy(), w["gate.both.weight"], w["gate.both.bias"])
    close(block(x, branch), normed(x.double().numpy() + gated, w["norm.weight"], w["norm.bias"]))


def test_stacked_networks_equal_one_network_per_variable():
    stacked, x = StackedGatedResidual(3, 4, 0.0), torch.randn(5, 2, 3, 4)
    for place in range(3):
        single = GatedResidual(4, 4, 4, 0.0)
        with torch.no_grad():
            single.enter.weight.copy_(stacked.enter[place].T)
            single.enter.bias.copy_(stacked.enter_bias[place])
            single.leave.weight.copy_(stacked.leave[place].T)
            single.leave.bias.copy_(stacked.leave_bias[place])
            single.gate.both.weight.copy_(stacked.gate[place].T)
            single.gate.both.bias.copy_(stacked.gate_bias[place])
        assert torch.allclose(stacked(x)[..., place, :], single(x[..., place, :]), atol=1e-6)


@pytest.mark.parametrize(("groups", "inner"), [([0, 1, 2, 3], 0), ([0, 0, 1, 1], 0), ([0, 1, 2, 3], 5)])
def test_selection_is_the_weighted_sum_over_variables(groups, inner):
    block = VariableSelection(groups, 6, 7, 0.0, inner).eval()
    values, valid = torch.randn(3, 2, 4), (torch.rand(3, 2, 4) > 0.2).float()
    found, weights = block(values * valid, valid)
    assert torch.allclose(weights.sum(dim=-1), torch.ones(3, 2), atol=1e-6) and (weights > 0).all()
    embedded = (values * valid)[..., None] * block.value + valid[..., None] * block.known
    each = embedded if block.own is None else block.own(embedded)
    total = sum((len(set(groups)) * weights[..., group, None] * each[..., j, :]) for j, group in enumerate(groups))
    assert torch.allclose(found, block.widen(total), atol=1e-5)
    asked = embedded.flatten(-2) if inner else block.narrow(torch.cat([values * valid, valid], dim=-1))
    selected = grn(asked.double().detach().numpy(), arrays(block.select))
    if not inner:
        selected = selected @ block.weigh.weight.detach().numpy().T + block.weigh.bias.detach().numpy()
    close(weights, softmax(selected))


def test_groups_are_the_first_words_of_names():
    assert grouped_by_first_word(["ret_1d", "vol_20d", "ret_5d", "is_new"]) == [0, 1, 0, 2]


def test_the_entropy_of_a_selection_is_0_for_one_variable_and_1_for_all_alike():
    assert selection_entropy(torch.eye(4)) == pytest.approx(0.0, abs=1e-6)
    assert selection_entropy(torch.full((3, 4), 0.25)) == pytest.approx(1.0)
    assert selection_entropy(torch.ones(3, 1)) == 0.0


def test_interpretable_attention_equals_its_formula_and_its_weights_are_the_mean_over_heads():
    block, told = InterpretableAttention(8, 2, 0.1).eval(), torch.randn(3, 5, 8)
    found, weights = block(told[:, -1:], told)
    w, x = arrays(block), told.double().numpy()
    q, k, v = (x @ w[f"{part}.weight"].T + w[f"{part}.bias"] for part in ("query", "key", "value"))
    heads = [softmax(q[:, -1:, s] @ k[:, :, s].transpose(0, 2, 1) / 2.0) for s in (slice(0, 4), slice(4, 8))]
    close(weights, np.mean(heads, axis=0))
    close(found, np.mean(heads, axis=0) @ v @ w["out.weight"].T + w["out.bias"])


@pytest.mark.parametrize("encode", [SessionLstm(8, 1, 0.0), SessionTransformer(8, 5, 2, 1, 0.0, 0.1)])
def test_temporal_fusion_equals_its_formula(encode):
    block = TemporalFusion(encode, 8, 2, 0.0).eval()
    x, decision = torch.randn(4, 5, 8), torch.randn(4, 8)
    found, weights = block(x, decision)
    read = block.local(x, encode(x))
    enriched = block.enrich(read, decision[:, None].expand(-1, 5, -1))
    whole, every = block.attention(enriched, enriched)
    assert torch.allclose(weights, every[:, -1], atol=1e-6)
    attended = block.attended(enriched[:, -1], whole[:, -1])
    assert torch.allclose(found, block.fused(read[:, -1], block.feed(attended)), atol=1e-6)


@pytest.mark.parametrize("top", [1, 4, 8])
def test_fan_takes_out_what_the_authors_code_takes_out(top):
    residual, main, amplitude = split_frequencies(original("fan_x"), top)
    assert torch.allclose(residual, original(f"fan_residual_k{top}"), atol=1e-5)
    assert torch.allclose(main, original(f"fan_main_k{top}"), atol=1e-5)
    loudest = np.sort(np.abs(np.fft.rfft(ORIGINALS["fan_x"], axis=1)), axis=1)[:, ::-1][:, :top]
    np.testing.assert_allclose(amplitude.numpy(), loudest, rtol=1e-4)


def test_fan_keeps_odd_look_backs():
    x = torch.randn(2, 7, 3)
    residual, main, _ = split_frequencies(x, 2)
    assert residual.shape == x.shape and torch.allclose(residual + main, x, atol=1e-6)


def test_san_normalises_like_the_authors_code():
    normalised, mean, std = split_slices(original("san_x"), 5)
    assert torch.allclose(normalised, original("san_norm"), atol=1e-5)
    assert torch.allclose(mean, original("san_slice_mean"), atol=1e-5)
    assert torch.allclose(std, original("san_slice_std"), atol=1e-5)


def test_the_market_gate_is_masters():
    gate = MarketGate(63, 16, 5.0)
    gate.map.load_state_dict({"weight": original("master_weight"), "bias": original("master_bias")})
    assert torch.allclose(gate(original("master_m")), original("master_gate"), atol=1e-5)


def test_the_market_vector_is_the_mean_of_what_a_days_stocks_know():
    x, valid = torch.tensor([[1.0], [3.0], [0.0], [5.0]]), torch.tensor([[1.0], [1.0], [0.0], [1.0]])
    assert day_means(x, valid, torch.tensor([0, 0, 0, 1])).tolist() == [[2.0], [5.0]]
    assert day_means(x[:1], 0 * valid[:1], torch.tensor([0])).tolist() == [[0.0]]


def test_experts_are_mixed_by_the_day():
    block = RegimeExperts(6, 3, 2, 4, 0.5, 0.0).eval()
    x, market, day = torch.randn(5, 6), torch.randn(2, 3), torch.tensor([0, 0, 1, 1, 1])
    scores, weights = block(x, market, day)
    w = arrays(block)
    pi = softmax((market.double().numpy() @ w["gate.weight"].T + w["gate.bias"]) / 0.5)
    close(weights, pi)
    said = np.stack([head(x).detach().numpy() for head in block.heads], axis=1)
    close(scores, np.einsum("mk,mkh->mh", pi[day], said))


def test_the_balance_penalty_is_least_where_experts_share_the_days():
    assert load_balance(torch.eye(4)) == pytest.approx(1.0)
    assert load_balance(torch.eye(4)[:1].expand(4, -1)) == pytest.approx(4.0)


def test_quantiles_rise_whatever_the_weights():
    head = QuantileHead(6, 3, 5, 0.0)
    start = head(torch.randn(4, 6))
    assert start.shape == (4, 3, 5) and start[..., 0].mean().item() == pytest.approx(-1.25, abs=0.2)
    nn.init.normal_(head.levels.weight, std=3.0)
    assert (head(torch.randn(500, 6)).diff(dim=-1) >= 0).all()
    assert QuantileHead(6, 1, 1, 0.0)(torch.randn(2, 6)).shape == (2, 1, 1)


def test_frequency_dropout_works_in_training_alone_and_on_some_stocks_alone():
    block, x = FrequencyDropout(0.5), torch.randn(400, 21, 2)
    changed = (block(x) - x).abs().amax(dim=(1, 2)) > 1e-4
    assert 0.4 < changed.float().mean() < 0.6
    lost = torch.fft.rfft(block(x), dim=1).abs()[..., 0] < 1e-4  # 11 frequencies, of which 5-20 % go
    assert set(lost.sum(dim=1).tolist()) <= {0, 1, 2, 3} and lost.any()
    assert torch.equal(block.eval()(x), x)
    assert torch.equal(FrequencyDropout(0.0).train()(x), x)


def test_layer_scale_multiplies_or_is_absent():
    x = torch.randn(3, 4)
    assert torch.allclose(LayerScale(4, 0.1)(x), 0.1 * x)
    assert LayerScale(4, 0.0)(x) is x and not list(LayerScale(4, 0.0).parameters())


def test_market_tokens_equal_their_formula_on_each_day_alone():
    block = MarketTokens(8, 3, 2, 0.0, 0.0).eval()
    x, day = torch.randn(7, 8), torch.tensor([0] * 4 + [1] * 3)
    w = arrays(block)

    def attend(q, k, v):
        return np.concatenate(
            [softmax(q[:, s] @ k[:, s].T / 2.0) @ v[:, s] for s in (slice(0, 4), slice(4, 8))], axis=1
        )

    wanted = []
    for stocks in (x[:4], x[4:]):
        one = normed(stocks.double().numpy(), w["norm.weight"], w["norm.bias"], 1e-5)
        key, value = np.split(one @ w["told.weight"].T + w["told.bias"], 2, axis=1)
        market = attend(w["tokens"], key, value)
        market = normed(market, w["market_norm.weight"], w["market_norm.bias"], 1e-5)
        key, value = np.split(market @ w["market.weight"].T + w["market.bias"], 2, axis=1)
        back = attend(one @ w["ask.weight"].T + w["ask.bias"], key, value)
        wanted.append(stocks.double().numpy() + back @ w["out.weight"].T + w["out.bias"])
    close(block(x, day), np.concatenate(wanted))


def test_revin_is_the_authors_and_tells_a_restless_stock_only_by_its_statistics():
    block = WindowStabiliser(4)
    close(block(original("revin_x")), ORIGINALS["revin_norm"])
    x = original("revin_x").double().requires_grad_()
    with torch.no_grad():
        block.double().gamma.copy_(torch.tensor([1.0, 2.0, 0.5, -1.0]))
        block.beta.fill_(0.25)
    centred = x.detach().numpy() - x.detach().numpy().mean(axis=1, keepdims=True)
    wanted = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) * np.array([1, 2, 0.5, -1]) + 0.25
    close(block(x), wanted)
    (gradient,) = torch.autograd.grad(block(x)[:, -1].sum(), x)
    assert not gradient[:, :-1].any(), "the statistics carry no gradient"
