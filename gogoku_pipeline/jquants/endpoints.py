"""The register of endpoints: what each one takes, on which axis it is walked, from which plan on it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gogoku_pipeline.core.errors import RequestError
from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Source

Axis = Literal["date", "range", "none"]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Attributes:
        source: what it sends (schema).
        parameters: query names it accepts.
        needs_one_of: at least one of these must be given; empty for no such rule.
        budget: whose rate it counts against.
        lowest_plan: first plan that includes it.
        axis: `date` is asked day by day, `range` with from/to in one call.
    """

    source: Source
    parameters: tuple[str, ...]
    needs_one_of: tuple[str, ...] = ()
    budget: str = "plan"
    lowest_plan: str = "free"
    axis: Axis = "date"

    def check(self, params: Mapping[str, str]) -> None:
        """Refuse a query the service would refuse, before it costs a call; raises RequestError."""
        if unknown := sorted(set(params) - set(self.parameters)):
            raise self._wrong(f"parameters {unknown}", f"some of {list(self.parameters)}")
        if self.needs_one_of and not any(name in params for name in self.needs_one_of):
            raise self._wrong(f"parameters {sorted(params)}", f"at least one of {list(self.needs_one_of)}")

    def _wrong(self, got: str, want: str) -> RequestError:
        return RequestError(f"request for {self.source.name}", got=got, want=want, remedy="Correct the query.")


ENDPOINTS: dict[str, Endpoint] = {
    item.source.name: item
    for item in (
        Endpoint(calendar.SOURCE, ("hol_div", "from", "to"), axis="range"),
        Endpoint(listed_issues.SOURCE, ("code", "date")),
        Endpoint(daily_bars.SOURCE, ("code", "date", "from", "to"), needs_one_of=("code", "date")),
        Endpoint(topix.SOURCE, ("from", "to"), lowest_plan="light", axis="range"),
    )
}


def endpoint(source_name: str) -> Endpoint:
    """An endpoint by the name of its source; raises RequestError."""
    try:
        return ENDPOINTS[source_name]
    except KeyError:
        raise RequestError(
            f"source {source_name!r}",
            got="an unknown name",
            want=f"one of {sorted(ENDPOINTS)}",
            remedy="Correct the name; jquants/endpoints.py is the register.",
        ) from None
