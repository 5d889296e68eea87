"""The ranker can learn, treats stocks as a set, and uses everything it is given."""

import numpy as np
import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.apex_ranker import ApexRanker, RankerConfig
from gogoku_pipeline.models.layers.attention import SelfAttention
from gogoku_pipeline.models.layers.patch_embedding import PatchEmbedding, patch_count
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.terms import loss_terms
from gogoku_pipeline.models.network import DayInputs

FEATURES = 6


def network(seed=0, **changes):
    torch.manual_seed(seed)
    return ApexRanker(FEATURES, RankerConfig.of("tiny", **changes))


def one_day(values, valid):
    return DayInputs(values=values, valid=valid, day=torch.zeros(len(values), dtype=torch.int64))


def scored(model, values, valid):
    return model(one_day(values, valid)).scores[:, 0]


def day(stocks=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(stocks, 8, FEATURES, generator=generator)
    valid = (torch.rand(stocks, 8, FEATURES, generator=generator) > 0.05).float()
    return values * valid, valid


def test_one_batch_can_be_learnt_by_heart():
    model = network(d_model=32, heads=4, d_ff=64)
    values, valid = day()
    targets = torch.randn(1, 64, generator=torch.Generator().manual_seed(5))
    mask = torch.ones(1, 64, dtype=torch.bool)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(200):
        terms = loss_terms(scored(model, values, valid)[None], targets, mask, LossWeights(), min_names=3)
        optimiser.zero_grad()
        sum(terms.values()).backward()
        optimiser.step()
    assert rank_ic(scored(model, values, valid).detach().numpy(), targets[0].numpy()) > 0.95


def test_the_order_of_stocks_means_nothing():
    model = network().eval()
    values, valid = day()
    order = torch.from_numpy(np.random.default_rng(1).permutation(64))
    with torch.no_grad():
        assert torch.allclose(
            scored(model, values, valid)[order], scored(model, values[order], valid[order]), atol=1e-6
        )


def test_a_stock_scores_the_same_alone_as_among_others():
    model = network().eval()
    values, valid = day()
    with torch.no_grad():
        assert torch.allclose(scored(model, values, valid)[:1], scored(model, values[:1], valid[:1]), atol=1e-6)


def test_different_stocks_get_different_scores():
    model = network().eval()
    with torch.no_grad():
        scores = scored(model, *day()).numpy()
    assert len(np.unique(scores)) == 64
    assert scores.std() > 1e-6


def test_every_session_of_the_look_back_and_every_feature_matters():
    model = network().eval()
    values, valid = day()
    values.requires_grad_(True)
    scored(model, values, valid).sum().backward()
    assert (values.grad.abs().sum(dim=0) > 0).all()


def test_missing_is_told_apart_from_zero():
    model = network().eval()
    values, valid = torch.zeros(2, 8, FEATURES), torch.ones(2, 8, FEATURES)
    valid[1, :, 0] = 0
    with torch.no_grad():
        known, unknown = scored(model, values, valid)
    assert known != unknown


def test_a_value_behind_a_missing_bit_is_never_read():
    model = network().eval()
    values, valid = day()
    noise = torch.where(valid == 0, 99.0, values)
    with torch.no_grad():
        assert torch.equal(scored(model, values, valid), scored(model, noise, valid))


def test_gradient_flows_to_every_parameter():
    model = network(dropout=0.1)
    targets, mask = torch.randn(1, 64), torch.ones(1, 64, dtype=torch.bool)
    for weight in LossWeights(ic=1.0, listnet=0.0, huber=0.0), LossWeights():
        model.zero_grad()
        sum(loss_terms(scored(model, *day())[None], targets, mask, weight, min_names=3).values()).backward()
        dead = [name for name, part in model.named_parameters() if part.grad is None or not part.grad.abs().sum() > 0]
        # a constant added to every score changes no ranking, so only the scale anchor moves the head's bias
        assert set(dead) <= {"head.score.bias"} if weight.huber == 0 else dead == []


@pytest.mark.parametrize(("look_back", "patch", "stride"), [(8, 4, 4), (10, 4, 3), (9, 5, 2), (7, 7, 1)])
def test_the_last_patch_ends_at_the_decision_session(look_back, patch, stride):
    embed = PatchEmbedding(look_back, patch, stride, channels=3, d_model=8)
    assert embed.patches == patch_count(look_back, patch, stride)
    x = torch.randn(2, look_back, 3, requires_grad=True)
    embed(x)[:, -1].sum().backward()
    touched = x.grad.abs().sum(dim=(0, 2)) > 0
    assert touched[-patch:].all() and not touched[:-patch].any()


def test_overlapping_and_adjoining_patches_read_sessions_in_the_same_order():
    adjoining = PatchEmbedding(8, 4, 4, channels=3, d_model=8)
    overlapping = PatchEmbedding(8, 4, 2, channels=3, d_model=8)
    overlapping.mix.load_state_dict(adjoining.mix.state_dict())
    x = torch.randn(5, 8, 3)
    torch.nn.init.zeros_(adjoining.position)
    torch.nn.init.zeros_(overlapping.position)
    assert torch.allclose(adjoining(x)[:, 1:], overlapping(x)[:, 1::2], atol=1e-6)


def test_attention_equals_its_formula():
    torch.manual_seed(0)
    block = SelfAttention(12, 3)
    x = torch.randn(4, 5, 12)
    q, k, v = (part.view(4, 5, 3, 4).transpose(1, 2) for part in block.qkv(x).chunk(3, dim=-1))
    weights = torch.softmax(q @ k.transpose(-1, -2) / 2.0, dim=-1)
    wanted = block.out((weights @ v).transpose(1, 2).reshape(4, 5, 12))
    assert torch.allclose(block(x), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heads": 3}, "heads"),
        ({"patch": 99}, "patch over|patch 99"),
        ({"stride": 5}, "sessions are skipped"),
        ({"depth": 0}, "depth"),
        ({"dropout": 1.0}, "dropout"),
        ({"widht": 3}, "unknown fields"),
        ({"market_tokens": -1}, "market_tokens"),
        ({"horizons": (5, 5)}, "ascending"),
        ({"quantiles": (0.5, 0.5)}, "rising"),
    ],
)
def test_contradicting_shapes_are_refused_by_name(changes, words):
    with pytest.raises(ConfigError, match=words):
        RankerConfig.of("tiny", **changes)


def test_unknown_sizes_and_windows_of_another_shape_are_refused():
    with pytest.raises(ConfigError, match="size"):
        RankerConfig.of("huge")
    with pytest.raises(ConfigError, match="windows"):
        scored(network(), torch.zeros(2, 9, FEATURES), torch.zeros(2, 9, FEATURES))


def test_presets_grow():
    sizes = [
        sum(p.numel() for p in ApexRanker(45, RankerConfig.presets[name]).parameters())
        for name in ("tiny", "small", "base")
    ]
    assert sizes == sorted(sizes) and len(set(sizes)) == 3


def test_market_tokens_let_stocks_of_a_day_hear_each_other_and_nobody_else():
    model = network(market_tokens=4, layer_scale=0.1).eval()
    values, valid = day()
    louder = values.clone()
    louder[1] += 1.0
    order = torch.from_numpy(np.random.default_rng(1).permutation(64))
    with torch.no_grad():
        before = scored(model, values, valid)
        assert ((before - scored(model, louder, valid)).abs() > 1e-9).all()
        assert torch.allclose(before[order], scored(model, values[order], valid[order]), atol=1e-6)
        two = DayInputs(values=values, valid=valid, day=torch.tensor([0] * 40 + [1] * 24))
        assert torch.allclose(model(two).scores[40:, 0], scored(model, values[40:], valid[40:]), atol=1e-6)


def test_one_batch_can_be_learnt_by_heart_through_market_tokens_too():
    model = network(d_model=32, heads=4, d_ff=64, market_tokens=4, quantiles=(0.1, 0.5, 0.9), horizons=(1, 5))
    values, valid = day(48)
    targets = torch.randn(1, 48, 2, generator=torch.Generator().manual_seed(5))
    mask = torch.ones(1, 48, dtype=torch.bool)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(150):
        said = model(one_day(values, valid))
        terms = [
            loss
            for place in (0, 1)
            for loss in loss_terms(
                said.scores[None, :, place], targets[..., place], mask, LossWeights(), min_names=3
            ).values()
        ]
        optimiser.zero_grad()
        sum(terms).backward()
        optimiser.step()
    with torch.no_grad():
        said = model(one_day(values, valid))
    assert said.quantiles.shape == (48, 2, 3) and (said.quantiles.diff(dim=-1) > 0).all()
    for place in (0, 1):
        assert rank_ic(said.scores[:, place].numpy(), targets[0, :, place].numpy()) > 0.95


def test_gradient_flows_to_every_parameter_of_every_option():
    model = network(market_tokens=4, layer_scale=0.1, quantiles=(0.1, 0.5, 0.9), quantile_gradient=True).train()
    said = model(one_day(*day()))
    (said.scores.pow(2).mean() + said.quantiles.pow(2).mean()).backward()
    dead = [name for name, part in model.named_parameters() if part.grad is None or not part.grad.abs().sum() > 0]
    assert dead == []
