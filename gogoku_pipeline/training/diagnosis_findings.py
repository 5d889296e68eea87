"""What a run's figures say of its network: scores without spread, dead parts, shut gates, losses that tell nothing.

Belongs here: reading learning curves (of a short run or of a stored one) and measuring what a loss can tell.
Does not belong here: training the rungs and naming the guilty one (`diagnosis`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.losses.masked import standardised
from gogoku_pipeline.models.losses.terms import loss_terms
from gogoku_pipeline.training.collapse import Spread
from gogoku_pipeline.training.days import DayBatch

DEAD_GRADIENT = 1e-6
"""Share of the whole gradient below which a part does not learn."""
SHUT_GATE = 0.01
"""Mean opening below which a gate lets nothing through."""
LEAST_REWARD = 0.01
"""What a perfect order must gain over constant scores in a loss (nats or units of correlation)."""
LEAST_SHARE = 0.01
"""Share of the gradient below which a loss term does nothing beside the others (lesson 21)."""
_SCALES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_ALONE = ("pinball", "sharpe")

Kind = Literal["collapsed", "dead", "blind", "faint"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: `collapsed` scores, a `dead` part, a `blind` loss term, a `faint` one. The last is a remark, no defect.
        what: which part or term; empty for the scores.
        words: in a sentence.
    """

    kind: Kind
    what: str
    words: str


def findings(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What the epochs of a run say, the gravest first; nothing for a healthy one.

    Args:
        rows: the learning curve, of the loop or of a run ledger. A part counts as dead when it was so in every epoch.
    """
    if not rows:
        return []
    return [*_collapsed(rows[-1]), *_silent(rows), *_untaught(rows), *_shut(rows), *_faint(rows)]


def _collapsed(row: Mapping[str, Any]) -> list[Finding]:
    if "score_std" not in row:
        return []
    alarm = Spread(*(_number(row.get(name)) for name in ("unique_ratio", "flat_days", "score_std"))).alarm
    return [Finding("collapsed", "", alarm)] if alarm else []


def _silent(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Parts that say the same of every stock."""
    worst = _least(rows, "activation_dead_")
    return [Finding("dead", part, f"{part} says the same of every stock") for part, dead in worst.items() if dead >= 1]


def _untaught(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Parts the gradient does not reach."""
    shares: list[dict[str, float]] = []
    for row in rows:
        norms = {name: _number(value) for name, value in row.items() if name.startswith("gradient_norm_")}
        total = math.sqrt(sum(norm**2 for norm in norms.values()))
        shares.append({name: norm / total if total else 0.0 for name, norm in norms.items()})
    most = _most(shares, "gradient_norm_")
    return [
        Finding("dead", part, f"no gradient reaches {part} ({share:.0e} of the whole)")
        for part, share in most.items()
        if share < DEAD_GRADIENT
    ]


def _shut(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Gates that let nothing through."""
    return [
        Finding("dead", part, f"the gate of {part} is shut: open {opened:.1%}")
        for part, opened in _most(rows, "gate_open_").items()
        if opened < SHUT_GATE
    ]


def _faint(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Loss terms that no weight feels; in the first epoch scores are nearly equal and a correlation drowns the rest."""
    return [
        Finding("faint", term, f"{term} has {share:.1%} of the gradient")
        for term, share in _most(rows[1:], "gradient_share_").items()
        if share < LEAST_SHARE
    ]


def _most(rows: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, float]:
    """Greatest value of each figure of a kind over the epochs, by the name of its part."""
    return _over(rows, prefix, max)


def _least(rows: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, float]:
    return _over(rows, prefix, min)


def _over(rows: Sequence[Mapping[str, Any]], prefix: str, chosen: Any) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if name.startswith(prefix):
                found.setdefault(name.removeprefix(prefix), []).append(_number(value))
    return {part: chosen(values) for part, values in found.items()}


def _number(value: Any) -> float:
    """A figure; what a file could not hold is NaN."""
    return math.nan if value is None else float(value)


def rewards(batch: DayBatch, column: int, weights: LossWeights, min_names: int) -> dict[str, float]:
    """What a perfect order gains over constant scores in each loss term of some days, the term's weight taken out.

    Of a term whose targets were not standardised next to nothing: raw returns of 2 % make ListNet's target uniform to
    2e-4 nats, so that constant scores are already as good as perfect ones (models.md 3, lesson 20). The perfect order
    is the target itself at the best of several scales. Terms that read more than scores (pinball, Sharpe) are left out.

    Args:
        batch: days with targets.
        column: horizon among the targets.
        weights: of the terms.
        min_names: fewest stocks of a day that is learnt from.
    """
    kept = [(name, weight) for name, weight in weights.items() if name not in _ALONE]
    if not kept:
        return {}
    plain = replace(weights, pinball=0.0, sharpe=0.0)
    targets, mask = batch.targets[..., column], batch.mask[..., column]

    def terms(scores: torch.Tensor) -> dict[str, float]:
        with torch.no_grad():
            told = loss_terms(scores, targets, mask, plain, min_names=min_names)
        return {name: float(value) for name, value in told.items()}

    perfect = standardised(targets.float(), mask.bool())
    flat = terms(torch.zeros_like(perfect))
    ranked = [terms(scale * perfect) for scale in _SCALES]
    return {name: (flat[name] - min(each[name] for each in ranked)) / weight for name, weight in kept if name in flat}


def blind(found: Mapping[str, float]) -> list[Finding]:
    """Loss terms in which a perfect order gains next to nothing."""
    return [
        Finding(
            "blind", term, f"{term} rewards a perfect order with {reward:.4f} over constant scores: it sees no scale"
        )
        for term, reward in found.items()
        if reward < LEAST_REWARD
    ]
