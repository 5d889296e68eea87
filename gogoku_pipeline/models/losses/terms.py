"""Several losses as one objective: each horizon on its own days, each day once, weights as configured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.huber import huber_loss
from gogoku_pipeline.models.losses.ic import ic_loss
from gogoku_pipeline.models.losses.listnet import listnet_loss
from gogoku_pipeline.models.losses.masked import usable_days
from gogoku_pipeline.models.losses.pinball import pinball_loss
from gogoku_pipeline.models.losses.ranknet import ranknet_loss
from gogoku_pipeline.models.losses.sharpe import MIN_DAYS, sharpe_loss
from gogoku_pipeline.models.losses.spearman import spearman_loss

DayLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Said:
    """What a network said of padded days.

    Attributes:
        scores: [B, N, H].
        quantiles: [B, N, H, Q]; None without such heads.
        levels: Q probabilities.
    """

    scores: Tensor
    quantiles: Tensor | None = None
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outcomes:
    """What the stocks of padded days did.

    Attributes:
        targets: [B, N, H] normal scores, 0 where there is none.
        mask: [B, N, H] bool, where there is a target.
        returns: [B, N, H] relative to the market, 0 where there is none; None when no term asks for them.
        stock: int64 [B, N], place of the stock on the panel, -1 in the padding; None likewise.
    """

    targets: Tensor
    mask: Tensor
    returns: Tensor | None = None
    stock: Tensor | None = None


def days_of(mask: Tensor, targets: Tensor, min_names: int) -> tuple[int, ...]:
    """How many days of a step can be learnt from, per horizon; [B, N, H] twice."""
    counts = [usable_days(targets[..., h].float(), mask[..., h], min_names).sum() for h in range(mask.shape[2])]
    return tuple(torch.stack(counts).tolist())


def objective(
    said: Said, outcomes: Outcomes, weights: LossWeights, *, horizons: Sequence[float], days: Sequence[int], least: int
) -> dict[str, Tensor]:
    """Each weighted term of some days of a step; over all parts of the step they add up to the whole.

    A term is the weighted mean over horizons of its mean over the step's usable days of that horizon; horizons without
    any leave their weight to the others.

    Args:
        said: scores and quantiles.
        outcomes: targets and, for the Sharpe term, returns.
        weights: which terms, how much.
        horizons: weight of each horizon [H].
        days: `days_of` the whole step [H], of which these days may be a part.
        least: fewest names of a usable day.

    Returns:
        Name -> scalar; empty when no day can be learnt from.

    Raises:
        ConfigError: a term that needs what is not there (quantile heads, returns, enough consecutive days).
    """
    total = sum(weight for weight, count in zip(horizons, days, strict=True) if count)
    found: dict[str, list[Tensor]] = {}
    with torch.autocast(device_type=said.scores.device.type, enabled=False):
        for h, (share, count) in enumerate(zip(horizons, days, strict=True)):
            inside = outcomes.mask[..., h].bool()
            y = outcomes.targets[..., h].float().masked_fill(~inside, 0.0)
            keep = usable_days(y, inside, least)
            if share > 0 and bool(keep.any()):
                of_horizon = _of_horizon(said, outcomes, weights, h, keep, count)
                for name, value in of_horizon.items():
                    found.setdefault(name, []).append((share / total) * value)
    return {name: torch.stack(parts).sum() if len(parts) > 1 else parts[0] for name, parts in found.items()}


def _of_horizon(
    said: Said, outcomes: Outcomes, weights: LossWeights, h: int, keep: Tensor, count: int
) -> dict[str, Tensor]:
    """Each weighted term of the usable days of one horizon, as its part of the mean over `count` days."""
    inside = outcomes.mask[..., h].bool()[keep]
    s = said.scores[..., h].float()[keep].masked_fill(~inside, 0.0)
    y = outcomes.targets[..., h].float()[keep].masked_fill(~inside, 0.0)
    losses, found = _losses(weights), {}
    for name, weight in weights.items():
        if name == "sharpe":
            if count >= MIN_DAYS:
                found[name] = weight * _sharpe(s, inside, outcomes, h, keep, weights, count)
        elif name == "pinball":
            found[name] = weight * (pinball_loss(_quantiles(said, h)[keep], y, inside, said.levels).sum() / count)
        else:
            found[name] = weight * (losses[name](s, y, inside).sum() / count)
    return found


def loss_terms(
    scores: Tensor, targets: Tensor, mask: Tensor, weights: LossWeights, *, min_names: int
) -> Mapping[str, Tensor]:
    """Each weighted term of one horizon as the mean over usable days.

    Args:
        scores: [B, N]; anything outside the mask is ignored.
        targets: [B, N] normal scores.
        mask: [B, N] bool.
        weights: which terms, how much.
        min_names: fewest names of a usable day.

    Returns:
        Name -> scalar; empty when no day of the batch is usable.
    """
    targets, mask = targets[..., None], mask[..., None].bool()
    days = days_of(mask, targets.masked_fill(~mask, 0.0), min_names)
    said = Said(scores[..., None])
    return objective(said, Outcomes(targets, mask), weights, horizons=(1.0,), days=days, least=min_names)


def _losses(weights: LossWeights) -> dict[str, DayLoss]:
    """Losses of scores per day, with their dials."""
    return {
        "ic": ic_loss,
        "listnet": partial(listnet_loss, temperature=weights.listnet_temperature, top=weights.listnet_top),
        "huber": partial(huber_loss, delta=weights.huber_delta),
        "ranknet": partial(ranknet_loss, partners=weights.ranknet_partners),
        "spearman": partial(spearman_loss, tau=weights.spearman_tau),
    }


def _quantiles(said: Said, h: int) -> Tensor:
    """Quantiles of one horizon [B, N, Q]."""
    if said.quantiles is None or said.quantiles.shape[-1] != len(said.levels):
        raise _bad(
            "pinball",
            "no quantile heads" if said.quantiles is None else f"{said.quantiles.shape[-1]} heads",
            f"one quantile per level {said.levels}",
            "Switch the quantile heads on, or the pinball term off.",
        )
    return said.quantiles[:, :, h].float()


def _sharpe(
    s: Tensor, inside: Tensor, outcomes: Outcomes, h: int, keep: Tensor, weights: LossWeights, count: int
) -> Tensor:
    """The Sharpe term of a whole step; it cannot be put together from parts."""
    if outcomes.returns is None or outcomes.stock is None:
        raise _bad("sharpe", "a batch without returns", "returns and stocks", "Ask the day source for returns.")
    if len(s) != count:
        raise _bad("sharpe", f"{len(s)} of {count} days", "all days of the step at once", "Set days_per_pass to 0.")
    earned = outcomes.returns[keep][..., h].float()
    return sharpe_loss(s, earned, inside, outcomes.stock[keep], weights.sharpe_cost)


def _bad(thing: str, got: str, want: str, remedy: str) -> ConfigError:
    return ConfigError(f"loss term {thing}", got=got, want=want, remedy=remedy)
