"""The Sharpe ratio of the portfolio that scores stand for, after the cost of trading it: for fine-tuning only."""

from __future__ import annotations

import torch
from torch import Tensor

from gogoku_pipeline.models.losses.masked import EPS, standardised

MIN_DAYS = 32
"""Fewest days of a step: of fewer the deviation of the portfolio's return is noise."""


def portfolio(scores: Tensor, mask: Tensor) -> Tensor:
    """Weights [B, N] of each day: tanh of the standardised score, centred, so that sum w = 0 and sum |w| = 1."""
    lean = torch.tanh(standardised(scores, mask)) * mask
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    centred = (lean - lean.sum(dim=1, keepdim=True) / count) * mask
    return centred / (centred.abs().sum(dim=1, keepdim=True) + EPS)


def turnover(weights: Tensor, stock: Tensor) -> Tensor:
    """Half of sum |w_t - w_(t-1)| from each day to the next [B]; 0 on the first, where nothing was held before.

    Args:
        weights: [B, N], days in order.
        stock: int64 [B, N], who stands where; -1 in the padding.
    """
    places = int(stock.max()) + 2
    held = weights.new_zeros((len(weights), places)).scatter_add(1, stock + 1, weights)
    traded = 0.5 * (held[1:, 1:] - held[:-1, 1:]).abs().sum(dim=1)
    return torch.cat([weights.new_zeros(1), traded])


def sharpe_loss(scores: Tensor, returns: Tensor, mask: Tensor, stock: Tensor, cost: float = 0.0) -> Tensor:
    """-mean(r) / std(r) over the days of one step, a scalar; r_t = sum w_t return_t - cost x turnover_t.

    Args:
        scores: [B, N], consecutive days in order.
        returns: [B, N] return over the horizon relative to the market, 0 where there is none.
        mask: [B, N] bool.
        stock: int64 [B, N], place of the stock on the panel; -1 in the padding.
        cost: of turning the whole portfolio over once, as a share of its value.

    Source: Zhang, Zohren and Roberts (2020), "Deep learning for portfolio optimization"; models.md 3.
    """
    weights = portfolio(scores, mask)
    earned = (weights * returns * mask).sum(dim=1) - cost * turnover(weights, stock)
    return -earned.mean() / torch.sqrt(earned.var(unbiased=False) + 1e-12)
