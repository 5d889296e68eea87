"""Two short codes per feature for people: when its value of session t is known, and why it may be null.

Belongs here: codes derived from declarations. Does not belong here: the instants themselves (`availability`), the
count of nulls (`null_budget`). Source: features.md 1.7.
"""

from __future__ import annotations

from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.features.sets import DATES_AND_SHARES
from gogoku_pipeline.features.states.register import STATES

AVAILABILITY = {
    "A0": "row of t",
    "A1": "row of the session before t (published at 03:00)",
    "AR": "newest release",
    "AE": "newest document, notice or report",
    "AC": "known in advance",
}
"""Availability code to its meaning."""

NULLS = {
    "W": "warm-up: too few observations, or an end point before the history begins",
    "T": "no trade where one is needed",
    "Z": "undefined: 0/0, no variance, an excluded denominator, sources that contradict each other",
    "N": "not covered: before the source starts, or not reported",
    "E": "no such event yet",
    "S": "the state has expired",
    "M": "too few members in the group",
}
"""Null code to its meaning."""

_WHEN = {
    **dict.fromkeys(("summary", "earn_date", "dividend", "short_report"), "AE"),
    **dict.fromkeys(("investor", "margin", "alert"), "AR"),
    **dict.fromkeys(("opt225", "futures"), "A1"),
    "calendar": "AC",
}
_LATEST_FIRST = ("AE", "AR", "A1", "A0", "AC")
_EVENTS = frozenset({"summary", "earn_date", "dividend", "short_report"})
_NOT_ALL = frozenset(
    {"summary", "investor", "margin", "alert", "short_ratio", "short_report", "breakdown", "opt225", "futures"}
)
_UNTRADED = frozenset({"AdjFactor"})


def availability_code(feature: Feature, registry: Registry) -> str:
    """The slowest kind of source below a feature; a count of shares is a denominator and does not slow it down."""
    if feature.role == "mask":
        return "A0"
    below = [source for f in registry.in_order([feature.name]) for source in f.sources if not source.startswith("@")]
    fields = [source.partition(".") for source in below]
    found = {_WHEN.get(alias, "A0") for alias, _, field in fields if alias != "summary" or not _is_count(field)}
    return next((code for code in _LATEST_FIRST if code in found), "AE")


def null_codes(feature: Feature, registry: Registry) -> str:
    """Why a value may be missing, inputs of inputs included, in the order of NULLS; empty for a mask."""
    if feature.role == "mask":
        return ""
    found = set().union(*(_own_nulls(f) for f in registry.in_order([feature.name])))
    found -= set() if feature.role == "stock" else {"T"}
    return " ".join(code for code in NULLS if code in found)


def _own_nulls(feature: Feature) -> set[str]:
    fields = [source.partition(".") for source in feature.sources]
    aliases = {alias for alias, _, _ in fields}
    looks_back = feature.min_obs > 1 or any(need.oldest for need in feature.needs)
    trades = feature.role == "stock" and any(a == "bars" and field not in _UNTRADED for a, _, field in fields)
    claims = {
        "W": looks_back and feature.window.kind in "SEXRQ",
        "T": trades,
        "Z": feature.undefined is not None,
        "N": bool(aliases & _NOT_ALL),
        "E": any(alias in _EVENTS and not _is_count(field) for alias, _, field in fields),
        "S": any(STATES[alias].expires_sessions is not None for alias in feature.states),
        "M": feature.members > 1 or feature.role == "sector",
    }
    return {code for code, holds in claims.items() if holds}


def _is_count(field: str) -> bool:
    return field in DATES_AND_SHARES and field.startswith(("ShOut", "TrSh"))
