"""The keys of the counter: which plan each has, how fast it may ask, and whether it is shut out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.simulator import rules
from gogoku_pipeline.simulator.throttle import Throttle

PLAN_BUDGET = ""


class Keyring:
    """API keys with their plans and rates; plans may change and keys be revoked while the server runs.

    Statements and their details have a budget of their own next to the plan's. Who is shut out of one budget is shut
    out of all.

    Args:
        keys: plan of each key.
        clock: rate clock.
        window: see Throttle.
        overrun: see Throttle.

    Raises:
        ConfigError: an unknown plan.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        clock: Clock,
        *,
        window: Literal["sliding", "fixed"] = "sliding",
        overrun: int | None = None,
    ) -> None:
        self._clock = clock
        self._window = window
        self._overrun = overrun
        self._plans: dict[str, rules.Plan] = {}
        self._throttles: dict[tuple[str, str], Throttle] = {}
        for key, plan in keys.items():
            self.set_plan(key, plan)

    def set_plan(self, key: str, plan: str) -> None:
        """Give a key a plan, with fresh budgets; raises ConfigError for an unknown plan."""
        if plan not in rules.PLANS:
            raise ConfigError(
                "simulated plan", got=repr(plan), want=f"one of {list(rules.PLANS)}", remedy="Correct the name."
            )
        self._plans[key] = rules.PLANS[plan]
        rate = rules.PLANS[plan].requests_per_minute
        for budget, own_rate in {PLAN_BUDGET: rate, **rules.OWN_BUDGET}.items():
            self._throttles[key, budget] = Throttle(
                min(rate, own_rate), self._clock, window=self._window, overrun=self._overrun
            )

    def revoke(self, key: str) -> None:
        """The key is unknown from now on."""
        self._plans.pop(key, None)

    def block(self, key: str) -> None:
        """Shut a known key out for five minutes."""
        if key in self._plans:
            self._throttles[key, PLAN_BUDGET].block()

    def plan_name(self, key: str) -> str:
        """Name of a key's plan, empty for an unknown key."""
        return self._plans[key].name if key in self._plans else ""

    def plan(self, key: str) -> rules.Plan:
        """The plan of a key; refuses an unknown or absent one with 403."""
        if not key:
            raise rules.no_key()
        if key not in self._plans:
            raise rules.bad_key()
        return self._plans[key]

    def charge(self, key: str, path: str) -> None:
        """Count a request of a known key against its budget; refuses with 429 what is beyond it."""
        budgets = (PLAN_BUDGET, *rules.OWN_BUDGET)
        own = path if path in rules.OWN_BUDGET else PLAN_BUDGET
        is_shut_out = any(self._throttles[key, budget].is_blocked for budget in budgets)
        if is_shut_out or not self._throttles[key, own].admit():
            raise rules.too_many()
