"""ListNet: the probability of being the best of the day, as scores and as targets see it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gogoku_pipeline.models.losses.masked import standardised


def listnet_loss(scores: Tensor, targets: Tensor, mask: Tensor, temperature: float = 1.0, top: int = 0) -> Tensor:
    """Divergence of the top-one probabilities: sum p (log p - log softmax(s)) with p = softmax(z(y) / T) per day [B].

    The entropy of p is subtracted from the cross-entropy, so that a perfect model has 0 and days of different size
    compare. Targets are standardised per day first: of raw returns of 2 % the softmax is uniform to 2e-4 nats and has
    almost no gradient. With `top`, p is spread over the `top` highest targets only (the others still compete).

    Args:
        scores: [B, N].
        targets: [B, N].
        mask: [B, N] bool.
        temperature: T; 1 spreads p over about 38 % of the names, 0.5 over about 6 %.
        top: highest targets that carry probability; 0 for all.

    Source: Cao et al. (ICML 2007), "Learning to rank: from pairwise approach to listwise approach"; models.md 3.
    """
    hidden = ~mask
    lowest = torch.finfo(scores.dtype).min
    wanted_logits = (standardised(targets, mask) / temperature).masked_fill(hidden, lowest)
    if 0 < top < targets.shape[1]:
        least = wanted_logits.topk(top, dim=1).values[:, -1:]
        wanted_logits = wanted_logits.masked_fill(wanted_logits < least, lowest)
    wanted = functional.softmax(wanted_logits, dim=1)
    log_wanted = torch.log(wanted.clamp(min=1e-30))
    log_said = functional.log_softmax(scores.masked_fill(hidden, lowest), dim=1).masked_fill(hidden, 0.0)
    return (wanted * (log_wanted - log_said) * mask).sum(dim=1)
