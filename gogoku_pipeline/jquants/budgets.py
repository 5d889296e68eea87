"""One limiter per budget: what the plan allows, and what disclosures have for themselves.

A 429 closes the gate of its own budget only, so that a full statements minute does not stop prices. But the publisher's
five-minute block is for the key, whatever was asked: all gates close when a rejection asks for a pause of that length,
or when a second budget is rejected while the first still waits.
Source: J-Quants V2 rate-limit page, 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.jquants.endpoints import BUDGETS, Budget
from gogoku_pipeline.jquants.limiter import PAUSES_SECONDS, Pace, RateLimiter, Utilisation
from gogoku_pipeline.jquants.plans import Plan

BLOCK_SECONDS = PAUSES_SECONDS[-1]
"""Length of the block that a large overrun brings upon a key."""


class Budgets:
    """The limiters of one key."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._limiters = {budget: RateLimiter(plan.rate(budget), clock) for budget in BUDGETS}

    def __getitem__(self, budget: Budget) -> RateLimiter:
        return self._limiters[budget]

    def set_plan(self, plan: Plan) -> None:
        """Use the rates of a plan from now on."""
        for budget, limiter in self._limiters.items():
            limiter.set_rate(plan.rate(budget))

    def rejected(self, budget: Budget, sent_at: float) -> float:
        """Close the gate of a budget because the service said 429, or all gates; returns the pause in seconds."""
        pause = self._limiters[budget].rejected(sent_at)
        closed = [limiter.closed_seconds() for limiter in self._limiters.values() if limiter.closed_seconds() > 0]
        if pause >= BLOCK_SECONDS or len(closed) > 1:
            pause = max(closed)
            for limiter in self._limiters.values():
                limiter.hold(pause)
        return pause

    def utilisation(self) -> dict[str, Utilisation]:
        """What became of the allowed rate, by budget."""
        return {budget: limiter.utilisation() for budget, limiter in self._limiters.items()}

    def restart_report(self) -> None:
        """Count anew from here; pacing is not touched."""
        for limiter in self._limiters.values():
            limiter.restart_report()

    def pace(self) -> dict[str, Pace]:
        """Where every limiter stands; hand it to `resume` of the next process that uses the key."""
        return {budget: limiter.pace() for budget, limiter in self._limiters.items()}

    def resume(self, paces: Mapping[str, Pace]) -> None:
        """Go on where the process before stopped; where it left no word, wait one turn first."""
        for budget, limiter in self._limiters.items():
            if budget in paces:
                limiter.take_over(paces[budget])
            else:
                limiter.wait_one_turn()
