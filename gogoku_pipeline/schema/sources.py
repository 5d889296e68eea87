"""What an endpoint sends: its fields, its key, its plan, and how it is asked."""

from dataclasses import dataclass
from typing import Literal

from gogoku_pipeline.schema.columns import PLANS, PlanName, SourceField

Axis = Literal["day", "range", "now"]
Emptiness = Literal["never", "on_halt", "may"]
Versions = Literal["overwritten", "appended"]


@dataclass(frozen=True)
class Source:
    """What one endpoint sends.

    Attributes:
        name: our name of the source, e.g. `daily_bars`.
        path: path below the base URL.
        fields: response keys in the publisher's order.
        key: response keys that identify a row.
        starts: first date the publisher has, ISO.
        words: one sentence.
        untyped: keys that are documented (on some plans) and stay in the raw landing.
        lowest_plan: first plan that includes the endpoint.
        axis: `day` is asked per calendar date, `range` with from/to in one call, `now` has only the present.
        event: response key holding the date that is asked for.
        empty: may a published session be without rows: `never`, `on_halt` (only 2020-10-01) or `may` (event logs).
            Days on which shares do not trade may always be without rows.
        versions: `overwritten` in place by corrections, or every correction `appended` under a key of its own.
    """

    name: str
    path: str
    fields: tuple[SourceField, ...]
    key: tuple[str, ...]
    starts: str
    words: str
    untyped: tuple[str, ...] = ()
    lowest_plan: PlanName = "free"
    axis: Axis = "day"
    event: str = "Date"
    empty: Emptiness = "never"
    versions: Versions = "overwritten"

    def fields_for(self, plan: str) -> tuple[SourceField, ...]:
        """Fields present on a plan."""
        return tuple(field for field in self.fields if PLANS.index(field.plan) <= PLANS.index(plan))

    def field(self, name: str) -> SourceField:
        """One field by the publisher's name; raises KeyError for an unknown one."""
        return {field.name: field for field in self.fields}[name]
