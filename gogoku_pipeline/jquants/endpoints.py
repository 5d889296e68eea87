"""The register of endpoints: what each one takes, which parameters exclude each other, whose rate it counts against.

Source: the specification pages of J-Quants API V2, one per endpoint. From which plan on an endpoint answers, and on
which axis it is walked, is said with its fields (schema).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from gogoku_pipeline.core.errors import RequestError
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.sources import Axis, Source

Budget = Literal["plan", "statements", "statement_details"]
"""Whose rate a request counts against: the plan's, or one of the two that disclosures have for themselves."""

BUDGETS: tuple[Budget, ...] = ("plan", "statements", "statement_details")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Attributes:
        source: what it sends (schema).
        parameters: query names it accepts.
        needs_one_of: at least one of these must be given; empty for no such rule.
        budget: whose rate it counts against.
        day_parameter: the query name under which a day is asked for; empty where no day can be asked for.
        has_bulk: whether its rows also come as monthly files.
        excludes: pairs of names of which only one may be given.
        requires: pairs (name, other): the first may be given only with the second.
    """

    source: Source
    parameters: tuple[str, ...]
    needs_one_of: tuple[str, ...] = ()
    budget: Budget = "plan"
    day_parameter: str = "date"
    has_bulk: bool = True
    excludes: tuple[tuple[str, str], ...] = ()
    requires: tuple[tuple[str, str], ...] = ()

    @property
    def lowest_plan(self) -> str:
        """First plan that includes it."""
        return self.source.lowest_plan

    @property
    def axis(self) -> Axis:
        """`day` is asked day by day, `range` with from/to in one call, `now` has only the present."""
        return self.source.axis

    def check(self, params: Mapping[str, str]) -> None:
        """Refuse a query the service would refuse, before it costs a call; raises RequestError."""
        if unknown := sorted(set(params) - set(self.parameters)):
            raise self._wrong(f"parameters {unknown}", f"some of {list(self.parameters)}")
        if self.needs_one_of and not any(name in params for name in self.needs_one_of):
            raise self._wrong(f"parameters {sorted(params)}", f"at least one of {list(self.needs_one_of)}")
        for one, other in self.excludes:
            if one in params and other in params:
                raise self._wrong(f"{one} and {other}", "one of them")
        for name, other in self.requires:
            if name in params and other not in params:
                raise self._wrong(f"{name} without {other}", f"{name} only with {other}")
        for name, value in params.items():
            if name in _DAYS_ASKED and not _is_real_day(value):
                raise self._wrong(f"{name}={value!r}", "a real date as YYYY-MM-DD or YYYYMMDD")

    def _wrong(self, got: str, want: str) -> RequestError:
        return RequestError(f"request for {self.source.name}", got=got, want=want, remedy="Correct the query.")


_DAYS_ASKED = frozenset(
    {
        *("date", "from", "to", "scheduled_date", "published_date"),
        *("disc_date", "disc_date_from", "disc_date_to", "calc_date"),
    }
)


def _is_real_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DAY.fullmatch(text) is not None


def _of(name: str, *parameters: str, needs: tuple[str, ...] = (), budget: Budget = "plan") -> Endpoint:
    return Endpoint(SOURCES[name], parameters, needs_one_of=needs, budget=budget)


def _range(name: str, *parameters: str) -> Endpoint:
    """Asked for a range, or for everything there is."""
    return Endpoint(SOURCES[name], (*parameters, "from", "to"), day_parameter="")


def _now(name: str, *parameters: str) -> Endpoint:
    """The present only: no date can be asked for, no files."""
    return Endpoint(SOURCES[name], parameters, day_parameter="", has_bulk=False)


def _by_code_or_day(name: str, code: str = "code") -> Endpoint:
    """All codes of a day, or one code with a day or a range; never all codes over a range."""
    return Endpoint(
        SOURCES[name],
        (code, "date", "from", "to"),
        needs_one_of=(code, "date"),
        excludes=(("date", "from"), ("date", "to")),
    )


def _disclosures(name: str, budget: Budget) -> Endpoint:
    """All documents of a day or of a code; a cursor asks for what came since."""
    return _of(name, "code", "date", "cursor", needs=("code", "date"), budget=budget)


def _earnings_dates() -> Endpoint:
    one = ("code", "date", "scheduled_date")
    pairs = (("code", "date"), ("code", "scheduled_date"), ("date", "scheduled_date"))
    return Endpoint(SOURCES["earnings_dates"], one, needs_one_of=one, excludes=pairs)


def _short_positions() -> Endpoint:
    dates = ("disc_date", "disc_date_from", "disc_date_to", "calc_date")
    return Endpoint(
        SOURCES["short_positions"],
        ("code", *dates),
        needs_one_of=("code", "disc_date", "calc_date"),
        day_parameter="disc_date",
        excludes=(
            *(("disc_date", other) for other in dates[1:]),
            *(("calc_date", other) for other in dates[1:3]),
        ),
    )


def _margin_interest() -> Endpoint:
    return Endpoint(
        SOURCES["margin_interest"],
        ("code", "date", "from", "to", "published_date"),
        needs_one_of=("code", "date", "published_date"),
        excludes=(
            *(("date", "from"), ("date", "to")),
            *(("published_date", other) for other in ("date", "from", "to")),
        ),
    )


def _options() -> Endpoint:
    """`code` names the underlying, and only share options (EQOP) have one."""
    return Endpoint(
        SOURCES["options"],
        ("date", "category", "contract_flag", "code"),
        needs_one_of=("date",),
        requires=(("code", "category"),),
    )


def _all() -> tuple[Endpoint, ...]:
    return (
        _range("calendar", "hol_div"),
        _of("listed_issues", "code", "date"),
        _by_code_or_day("daily_bars"),
        _now("morning_bars", "code"),
        _by_code_or_day("valuation"),
        _range("investor_types", "section"),
        _now("earnings_calendar"),
        _earnings_dates(),
        _disclosures("statements", "statements"),
        _disclosures("statement_details", "statement_details"),
        _by_code_or_day("dividends"),
        _by_code_or_day("indices"),
        _range("topix"),
        _by_code_or_day("short_ratio", code="s33"),
        _short_positions(),
        _margin_interest(),
        _by_code_or_day("margin_alerts"),
        _by_code_or_day("breakdown"),
        _of("futures", "date", "category", "contract_flag", needs=("date",)),
        _options(),
        _of("index_options", "date", needs=("date",)),
    )


ENDPOINTS: dict[str, Endpoint] = {item.source.name: item for item in _all()}
"""Endpoints by the name of their source."""


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
