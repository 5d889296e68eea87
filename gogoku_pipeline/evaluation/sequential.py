"""Is the champion still what it was? A test that may be looked at every evening, for decline and for recovery.

A confidence interval that is read every evening is wrong sooner or later; an e-process is not. With x the daily
RankIC, known sigma (what the gate saw) and a bet b, exp(b (m - x) - b^2 sigma^2 / 2) is at most 1 on average as long
as the mean of x is at least m. Products of such factors measure evidence against that.

The sum of the products that start on each day (a Shiryaev-Roberts e-detector: Shin, Ramdas and Rinaldo 2022) reaches
a threshold c after c days on average, or later, as long as nothing has changed. Two such detectors take turns: decline,
"the mean is at least retained x claimed" refuted, and recovery, "the mean is at most 0" refuted.
Labels of h sessions overlap, so every h-th day makes a series of its own and the h series are averaged, as are three
bets (half, once and twice the bet that is best where the mean is 0, for recovery where it is what was claimed).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import ConfigError, EvaluationError

State = Literal["serves", "suspended"]
FloatArray = npt.NDArray[np.float64]

BETS = np.array([0.5, 1.0, 2.0])


@dataclass(frozen=True)
class LiveTerms:
    """When a champion steps back, and when it returns; registered with the gate's terms."""

    retained: float = 0.5
    """A live RankIC below this share of what the gate saw is a decline."""
    false_alarm_every: int = 1225
    """Sessions that pass on average before a champion at exactly that share is suspended (5 years)."""
    false_return_every: int = 490
    """Sessions that pass on average before a suspended champion without any RankIC returns (2 years)."""

    def __post_init__(self) -> None:
        """Refuse terms that would never, or always, fire."""
        if not (0 < self.retained < 1 and min(self.false_alarm_every, self.false_return_every) >= 20):
            raise ConfigError(
                "LiveTerms",
                got=f"retained {self.retained}, every {self.false_alarm_every} and {self.false_return_every} sessions",
                want="retained in (0, 1), a false alarm and a false return at most every 20 sessions",
                remedy="Correct the terms before the champion serves.",
            )


@dataclass(frozen=True)
class Claim:
    """What the gate saw of a recipe when it promoted it.

    Attributes:
        mean, deviation: of its daily RankIC out of sample.
        horizon_d: sessions a label spans.
    """

    mean: float
    deviation: float
    horizon_d: int

    def __post_init__(self) -> None:
        """Refuse a claim nothing can decline from."""
        if not (self.mean > 0 and 0 < self.deviation < math.inf and self.horizon_d >= 1):
            raise EvaluationError(
                "claim of a champion",
                got=f"mean {self.mean}, deviation {self.deviation}, horizon {self.horizon_d}",
                want="a positive mean and deviation",
                remedy="Only promoted recipes are watched; read the verdict that promoted this one.",
            )


class Standing(NamedTuple):
    """What an evening knows of its champion.

    Attributes:
        state: whether it may serve.
        evidence: of decline while it serves, of recovery while it is suspended; it turns at `threshold`.
        threshold: where.
        days: RankICs the evidence is made of.
        mean: of those.
        turn_days: RankICs the last turn was decided by, 0 before the first.
        turn_mean: of those.
    """

    state: State
    evidence: float
    threshold: float
    days: int
    mean: float
    turn_days: int = 0
    turn_mean: float = math.nan


def standings(
    live: Sequence[float], place: Sequence[int], known_at: Sequence[int], evenings: int, claim: Claim, terms: LiveTerms
) -> list[Standing]:
    """The champion's standing on every evening since its promotion.

    Args:
        live: its daily RankIC, NaN for none, in time order, shape [T].
        place: number of the session of each decision, counted from the promotion, ascending, shape [T].
        known_at: number of the evening on which each RankIC is known, ascending, shape [T].
        evenings: how many evenings are asked for: 0 .. evenings-1.
        claim: what the gate saw.
        terms: registered beforehand.

    Returns:
        One standing per evening. An evening uses what is known on it, and after a suspension (or a return) only
        decisions made later.

    Raises:
        EvaluationError: sequences of different lengths or out of order.
    """
    _refuse_disorder(live, place, known_at)
    watch = _Watch(claim, terms)
    found: list[Standing] = []
    at = 0
    for evening in range(evenings):
        while at < len(live) and known_at[at] <= evening:
            if math.isfinite(live[at]):
                watch.learn(float(live[at]), place[at])
            at += 1
        watch.decide(evening)
        found.append(watch.standing())
    return found


class _Watch:
    """Evidence as it grows: `grown` [h, bets], one row per interleaved series."""

    def __init__(self, claim: Claim, terms: LiveTerms) -> None:
        self.claim, self.terms = claim, terms
        self.state: State = "serves"
        self.since, self.turn_days, self.turn_mean = -1, 0, math.nan
        self._start()

    def _start(self) -> None:
        self.grown: FloatArray = np.zeros((self.claim.horizon_d, BETS.size))
        self.seen: list[float] = []

    @property
    def threshold(self) -> float:
        terms = self.terms
        every = terms.false_alarm_every if self.state == "serves" else terms.false_return_every
        return every / self.claim.horizon_d

    def learn(self, rank_ic: float, place: int) -> None:
        """Take in one day; decisions made before the last turn belong to the story before it."""
        if place <= self.since:
            return
        self.seen.append(rank_ic)
        variance = self.claim.deviation**2
        floor = self.terms.retained * self.claim.mean
        bet = BETS * (floor if self.state == "serves" else self.claim.mean) / variance
        gain = floor - rank_ic if self.state == "serves" else rank_ic
        series = place % self.claim.horizon_d
        self.grown[series] = (self.grown[series] + 1.0) * np.exp(bet * gain - bet**2 * variance / 2)

    def decide(self, evening: int) -> None:
        """Turn when the evidence is there."""
        if self.evidence < self.threshold:
            return
        self.state = "suspended" if self.state == "serves" else "serves"
        self.since, self.turn_days, self.turn_mean = evening, len(self.seen), self.mean
        self._start()

    @property
    def evidence(self) -> float:
        return float(self.grown.mean())

    @property
    def mean(self) -> float:
        return float(np.mean(self.seen)) if self.seen else math.nan

    def standing(self) -> Standing:
        shown = (self.state, self.evidence, self.threshold, len(self.seen), self.mean)
        return Standing(*shown, self.turn_days, self.turn_mean)


def _refuse_disorder(live: Sequence[float], place: Sequence[int], known_at: Sequence[int]) -> None:
    ordered = all(list(row) == sorted(row) for row in (place, known_at))
    if not (len(live) == len(place) == len(known_at)) or not ordered:
        raise EvaluationError(
            "live RankIC",
            got=f"{len(live)} values, {len(place)} places, {len(known_at)} evenings, ordered: {ordered}",
            want="one of each per day, in time order",
            remedy="Sort by session before asking for standings.",
        )
