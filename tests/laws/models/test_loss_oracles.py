"""Every loss equals its definition, computed by somebody else or by a plain loop."""

import math

import numpy as np
import pytest
import torch
from scipy.special import huber as scipy_huber
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import mean_pinball_loss

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.huber import huber_loss
from gogoku_pipeline.models.losses.listnet import listnet_loss
from gogoku_pipeline.models.losses.masked import average_ranks, standardised
from gogoku_pipeline.models.losses.pinball import pinball_loss
from gogoku_pipeline.models.losses.ranknet import ranknet_loss
from gogoku_pipeline.models.losses.sharpe import portfolio, sharpe_loss, turnover
from gogoku_pipeline.models.losses.spearman import SoftRank, spearman_loss
from gogoku_pipeline.models.losses.terms import Outcomes, Said, days_of, objective

LEVELS = (0.1, 0.5, 0.9)


def batch(days=4, names=30, seed=0, ties=False):
    generator = torch.Generator().manual_seed(seed)
    scores, targets = torch.randn(2, days, names, generator=generator)
    if ties:
        targets = torch.round(targets * 2) / 2
    mask = torch.rand(days, names, generator=generator) > 0.2
    return scores, targets, mask


def days_inside(*arrays, mask):
    for day in range(len(mask)):
        yield [array[day].numpy()[mask[day].numpy()].astype(np.float64) for array in arrays]


def test_ranks_are_scipys():
    _, targets, mask = batch(ties=True)
    for day, (mine, wanted) in enumerate(days_inside(average_ranks(targets, mask), targets, mask=mask)):
        assert np.array_equal(mine, rankdata(wanted)), day
    assert (average_ranks(targets, mask)[~mask] == 0).all()


def test_huber_is_scipys_on_standardised_targets():
    scores, targets, mask = batch()
    z = standardised(targets, mask)
    found = huber_loss(3 * scores, targets, mask, delta=0.7)
    for value, (s, y) in zip(found, days_inside(3 * scores, z, mask=mask), strict=True):
        assert value.item() == pytest.approx(scipy_huber(0.7, s - y).mean(), abs=1e-5)


def test_listnet_spreads_probability_over_the_highest_targets_only():
    scores, targets, mask = batch()
    found = listnet_loss(scores, targets, mask, temperature=0.5, top=5)
    for value, (s, y) in zip(found, days_inside(scores, targets, mask=mask), strict=True):
        z = (y - y.mean()) / y.std() / 0.5
        p = np.where(z >= np.sort(z)[-5], np.exp(z), 0.0)
        p = p / p.sum()
        q = np.exp(s) / np.exp(s).sum()
        inside = p > 0
        assert value.item() == pytest.approx((p[inside] * np.log(p[inside] / q[inside])).sum(), abs=1e-5)


def test_a_lower_temperature_looks_at_fewer_names():
    _, targets, mask = batch(days=1, names=400)
    flat = torch.zeros(1, 400)
    at = [listnet_loss(flat, targets, mask, temperature=t).item() for t in (2.0, 1.0, 0.5)]
    assert at == sorted(at), "the divergence from knowing nothing grows"


def test_ranknet_is_the_loop_over_all_pairs():
    scores, targets, mask = batch(ties=True)
    found = ranknet_loss(scores, targets, mask, partners=10_000)
    for value, (s, y) in zip(found, days_inside(scores, targets, mask=mask), strict=True):
        ranks, cost, weight = rankdata(y), 0.0, 0.0
        for i in range(len(s)):
            for j in range(len(s)):
                if y[i] > y[j]:
                    cost += (ranks[i] - ranks[j]) * math.log1p(math.exp(-(s[i] - s[j])))
                    weight += ranks[i] - ranks[j]
        assert value.item() == pytest.approx(cost / weight, rel=1e-5)


def test_ranknet_of_flat_scores_is_the_logarithm_of_two():
    _, targets, mask = batch()
    for partners in (3, 64):
        found = ranknet_loss(torch.zeros(4, 30), targets, mask, partners=partners)
        assert found.tolist() == pytest.approx([math.log(2)] * 4, rel=1e-5)


def test_sampled_partners_are_an_unbiased_and_repeatable_look_at_all_pairs():
    scores, targets, mask = batch(days=1, names=300)
    whole = ranknet_loss(scores, targets, mask, partners=10_000).item()
    torch.manual_seed(4)
    drawn = [ranknet_loss(scores, targets, mask, partners=30).item() for _ in range(60)]
    assert np.mean(drawn) == pytest.approx(whole, abs=3 * np.std(drawn) / math.sqrt(60) + 1e-4)
    assert np.std(drawn) < 0.05 * whole
    torch.manual_seed(4)
    assert ranknet_loss(scores, targets, mask, partners=30).item() == drawn[0]


def test_soft_spearman_tends_to_scipys_spearman():
    scores, targets, mask = batch(names=200, ties=True)
    for tau, error in ((0.001, 1e-3), (0.1, 1e-2)):
        found = spearman_loss(scores, targets, mask, tau=tau)
        for value, (s, y) in zip(found, days_inside(scores, targets, mask=mask), strict=True):
            assert 1 - value.item() == pytest.approx(spearmanr(s, y).statistic, abs=error)


def test_the_gradient_of_soft_ranks_is_that_of_their_formula():
    scores, _, mask = batch(days=2, names=9)
    scores = scores.double().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda s: SoftRank.apply(s, mask, 0.3), (scores,))


def test_pinball_is_sklearns():
    generator = torch.Generator().manual_seed(3)
    _, targets, mask = batch()
    quantiles = torch.randn(4, 30, 3, generator=generator).cumsum(dim=2)
    found = pinball_loss(quantiles, targets, mask, LEVELS)
    for day, value in enumerate(found):
        inside = mask[day].numpy()
        y, said = targets[day].numpy()[inside], quantiles[day].numpy()[inside]
        wanted = np.mean([mean_pinball_loss(y, said[:, k], alpha=q) for k, q in enumerate(LEVELS)])
        assert value.item() == pytest.approx(wanted, abs=1e-6)


def test_a_portfolio_is_as_long_as_it_is_short_and_fully_invested():
    scores, _, mask = batch()
    weights = portfolio(scores, mask)
    assert weights.sum(dim=1).abs().max() < 1e-6
    assert weights.abs().sum(dim=1).tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    assert (weights[~mask] == 0).all()


def test_turnover_counts_who_left_and_who_came_by_name_and_not_by_place():
    held = torch.tensor([[0.5, -0.5, 0.0], [-0.5, 0.5, 0.0], [0.5, -0.5, 0.0]])
    stock = torch.tensor([[3, 7, -1], [7, 3, -1], [3, 9, -1]])
    assert turnover(held, stock).tolist() == pytest.approx([0.0, 0.0, 0.5])


def test_sharpe_is_mean_over_deviation_of_what_the_portfolio_earned_after_costs():
    scores, returns, mask = batch(days=40)
    stock = torch.where(mask, torch.arange(30).expand(40, 30), -1)
    weights = portfolio(scores, mask).double().numpy()
    earned = (weights * returns.numpy() * mask.numpy()).sum(axis=1)
    traded = np.concatenate([[0.0], 0.5 * np.abs(np.diff(weights, axis=0)).sum(axis=1)])
    for cost in (0.0, 0.01):
        r = earned - cost * traded
        found = sharpe_loss(scores, returns, mask, stock, cost).item()
        assert found == pytest.approx(-r.mean() / r.std(), rel=1e-4)


def test_more_than_four_terms_are_refused_by_name():
    with pytest.raises(ConfigError, match="5 terms: ic, listnet, huber, ranknet, spearman.*at most 4"):
        LossWeights(ranknet=0.1, spearman=0.1)
    assert len(LossWeights(ranknet=0.1).items()) == 4


@pytest.mark.parametrize("dial", ["listnet_temperature", "spearman_tau", "huber_delta", "ranknet_partners"])
def test_dials_out_of_range_are_refused_by_name(dial):
    with pytest.raises(ConfigError, match=dial):
        LossWeights(**{dial: 0})


def outcomes(days=6, names=30, horizons=2):
    generator = torch.Generator().manual_seed(9)
    scores, targets = torch.randn(2, days, names, horizons, generator=generator)
    return scores, targets, torch.rand(days, names, horizons, generator=generator) > 0.2


def test_the_parts_of_a_step_add_up_to_the_whole():
    scores, targets, mask = outcomes()
    targets[1, :, 0] = 0.5  # a day without a ranking at one horizon
    weights = LossWeights(ic=1.0, listnet=0.3, huber=0.1, spearman=0.2)
    days = days_of(mask, targets, 5)
    assert days == (5, 6)

    def terms(part):
        shown = Outcomes(targets[part], mask[part])
        return objective(Said(scores[part]), shown, weights, horizons=(1.0, 0.5), days=days, least=5)

    whole, parts = terms(slice(None)), [terms(slice(0, 1)), terms(slice(1, 2)), terms(slice(2, 6))]
    for name, value in whole.items():
        assert value.item() == pytest.approx(sum(part[name].item() for part in parts if name in part), rel=1e-5)


def test_a_horizon_without_a_usable_day_leaves_its_weight_to_the_others():
    scores, targets, mask = outcomes()
    only = LossWeights(1.0, 0.0, 0.0)
    mask[..., 1] = False
    both = objective(
        Said(scores), Outcomes(targets, mask), only, horizons=(1.0, 3.0), days=days_of(mask, targets, 5), least=5
    )
    one = objective(
        Said(scores[..., :1]), Outcomes(targets[..., :1], mask[..., :1]), only, horizons=(1.0,), days=(6,), least=5
    )
    assert both["ic"].item() == pytest.approx(one["ic"].item(), rel=1e-6)


def test_losses_are_float32_inside_autocast():
    scores, targets, mask = outcomes(horizons=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = objective(
            Said(scores.bfloat16()), Outcomes(targets, mask), LossWeights(), horizons=(1.0,), days=(6,), least=5
        )
    assert {value.dtype for value in found.values()} == {torch.float32}


def test_terms_that_need_what_is_not_there_are_refused_by_name():
    scores, targets, mask = outcomes(days=40, horizons=1)
    for weights, words in (
        (LossWeights(pinball=1.0), "no quantile heads"),
        (LossWeights(sharpe=1.0), "without returns"),
    ):
        with pytest.raises(ConfigError, match=words):
            objective(Said(scores), Outcomes(targets, mask), weights, horizons=(1.0,), days=(40,), least=5)


def test_the_sharpe_term_is_silent_on_short_steps_and_refuses_parts():
    scores, targets, mask = outcomes(days=40, horizons=1)
    stock = torch.arange(30).expand(40, 30)
    weights = LossWeights(sharpe=1.0)

    def terms(days, count):
        shown = Outcomes(targets[:days], mask[:days], 0.01 * targets[:days], stock[:days])
        return objective(Said(scores[:days]), shown, weights, horizons=(1.0,), days=(count,), least=5)

    assert "sharpe" in terms(40, 40)
    assert "sharpe" not in terms(8, 8)
    with pytest.raises(ConfigError, match="20 of 40 days"):
        terms(20, 40)
