"""Laws of the losses: per day, masked, and equal to their definitions."""

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.huber import huber_loss
from gogoku_pipeline.models.losses.ic import ic_loss
from gogoku_pipeline.models.losses.listnet import listnet_loss
from gogoku_pipeline.models.losses.masked import standardised, usable_days
from gogoku_pipeline.models.losses.terms import loss_terms

ALL = (ic_loss, listnet_loss, huber_loss)


def batch(days=4, names=30, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scores, targets = torch.randn(2, days, names, generator=generator)
    mask = torch.rand(days, names, generator=generator) > 0.2
    return scores, targets, mask


@pytest.mark.parametrize("loss", ALL)
def test_what_is_masked_is_never_read(loss):
    scores, targets, mask = batch()
    clean = loss(scores.masked_fill(~mask, 0.0), targets.masked_fill(~mask, 0.0), mask)
    wild = loss(scores.masked_fill(~mask, 77.0), targets.masked_fill(~mask, -55.0), mask)
    assert torch.allclose(clean, wild, atol=1e-4)


@pytest.mark.parametrize("loss", ALL)
def test_each_day_is_its_own(loss):
    scores, targets, mask = batch()
    together = loss(scores, targets, mask)
    alone = torch.cat([loss(scores[d : d + 1], targets[d : d + 1], mask[d : d + 1]) for d in range(4)])
    assert torch.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("loss", ALL)
def test_the_order_of_stocks_means_nothing(loss):
    scores, targets, mask = batch()
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(
        loss(scores, targets, mask), loss(scores[:, order], targets[:, order], mask[:, order]), atol=1e-5
    )


def test_ic_is_one_minus_pearson():
    scores, targets, mask = batch()
    for day, value in enumerate(ic_loss(scores, targets, mask)):
        inside = mask[day].numpy()
        wanted = 1 - pearsonr(scores[day].numpy()[inside], targets[day].numpy()[inside]).statistic
        assert value.item() == pytest.approx(wanted, abs=1e-5)


def test_listnet_is_the_divergence_of_top_one_probabilities_of_standardised_targets():
    scores, targets, mask = batch(days=1)
    inside = mask[0].numpy()
    z = targets[0].numpy()[inside]
    z = (z - z.mean()) / z.std()
    p = np.exp(z) / np.exp(z).sum()
    s = scores[0].numpy()[inside]
    q = np.exp(s) / np.exp(s).sum()
    assert listnet_loss(scores, targets, mask).item() == pytest.approx((p * np.log(p / q)).sum(), abs=1e-5)


def test_listnet_does_not_starve_on_small_returns():
    _, targets, mask = batch()
    flat = torch.zeros(4, 30, requires_grad=True)
    raw = torch.autograd.grad(listnet_loss(flat, 0.02 * targets, mask).sum(), flat)[0]
    scaled = torch.autograd.grad(listnet_loss(flat, targets, mask).sum(), flat)[0]
    assert torch.allclose(raw, scaled, atol=1e-4), "the unit of the target changes nothing"


def test_a_perfect_score_has_no_loss():
    _, targets, mask = batch()
    perfect = standardised(targets, mask)
    for loss in ALL:
        assert loss(perfect, targets, mask).abs().max() < 1e-4


def test_small_and_constant_days_are_dropped_and_the_rest_weigh_the_same():
    scores, targets, mask = batch()
    targets[1] = 0.3
    mask[2, 5:] = False
    assert usable_days(targets.masked_fill(~mask, 0.0), mask, 10).tolist() == [True, False, False, True]
    terms = loss_terms(scores, targets, mask, LossWeights(1.0, 0.0, 0.0), min_names=10)
    wanted = ic_loss(scores[[0, 3]], targets[[0, 3]], mask[[0, 3]]).mean()
    assert terms["ic"].item() == pytest.approx(wanted.item(), abs=1e-6)
    assert loss_terms(scores, targets, mask, LossWeights(), min_names=99) == {}


def test_gradients_stay_finite_at_constant_scores():
    _, targets, mask = batch()
    scores = torch.zeros(4, 30, requires_grad=True)
    sum(loss_terms(scores, targets, mask, LossWeights(), min_names=3).values()).backward()
    assert torch.isfinite(scores.grad).all()


def test_weights_that_make_no_loss_are_refused():
    for weights in ({"ic": -1.0}, {"ic": 0.0, "listnet": 0.0, "huber": 0.0}):
        with pytest.raises(ConfigError, match="LossWeights"):
            LossWeights(**weights)
