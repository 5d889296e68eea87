"""One feature in words: everything declared about it and about its place among the others.

Belongs here: plain text for `gogoku describe`. Does not belong here: the page of all features (`docs`).
"""

from __future__ import annotations

from gogoku_pipeline.features.availability import published_sources
from gogoku_pipeline.features.codes import AVAILABILITY, NULLS, availability_code, null_codes
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.null_budget import CAPS
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.sets import RULES, names_of, null_head
from gogoku_pipeline.schema.register import TABLE_OF

_KINDS = {
    "S": "the last {n} sessions including t",
    "E": "two end points, the first and the last of {n} sessions ending at t",
    "X": "everything since the listing; printed from {n} observations on",
    "R": "the last {n} releases",
    "Q": "the last {n} fiscal quarters by period end",
    "P": "a state as of t",
    "C": "a function of the calendar",
}
_AXES = {
    "stock": "each stock's own sessions",
    "day": "the members of a session against each other",
    "group": "one series per group",
    "market": "one series for the whole market",
    "release": "the releases of a source, the newest one read at each session",
    "external": "the graph of the session",
}
_NEVER = "never"


def description(feature: Feature, registry: Registry | None = None) -> dict[str, str]:
    """Heading to text, in the order of reading; headings without anything to say are left out.

    Args:
        feature: a feature of the registry that is no intermediate.
        registry: where it and everything around it is declared; None for the house registry.
    """
    registry = registry or house()
    unit = f"{feature.unit} in {bounds(feature)}" if bounds(feature) else feature.unit
    rows = {
        "what it is": f"{feature.summary}.",
        "formula": feature.formula,
        "table": f"{feature.family} (group {feature.group})",
        "computed on": _AXES[feature.axis],
        "role, unit": f"{feature.role}, {unit}",
        "plan": f"{feature.plan} and above",
        "window": f"{feature.window}: {_KINDS[feature.window.kind].format(n=feature.window.sessions)}",
        "null": null_rule(feature, registry),
        "known": known_words(feature, registry),
        "made of": ", ".join(source for source in feature.sources),
        "used by": ", ".join(used_by(feature, registry)),
        "in the sets": ", ".join(name for name in RULES if feature.name in names_of(name, registry)),
    }
    return {heading: text for heading, text in rows.items() if text}


def describe(feature: Feature, registry: Registry | None = None) -> str:
    """The same as a few lines of text."""
    rows = description(feature, registry)
    return "\n".join([feature.name, *(f"  {heading + ':':13}{text}" for heading, text in rows.items())])


def bounds(feature: Feature) -> str:
    """The closed range every value lies in, open where nothing is declared; empty without any bound."""
    if feature.at_least is None and feature.at_most is None:
        return ""
    low = "" if feature.at_least is None else f"{feature.at_least:g}"
    high = "" if feature.at_most is None else f"{feature.at_most:g}"
    return f"{low}..{high}"


def null_rule(feature: Feature, registry: Registry) -> str:
    """When a value is missing, in words."""
    codes = null_codes(feature, registry).split()
    if not codes:
        return _NEVER if feature.role == "mask" else "only where its source has no row"
    counted = [f"fewer than {feature.min_obs} observations in the window"] if feature.min_obs > 1 else []
    needs = [f"no {need.name}[t{f'-{need.newest}' if need.newest else ''}]" for need in feature.needs]
    shown = [words for words in (*counted, *needs) if "@_" not in words and "[" not in words.replace("[t", "")]
    reasons = "; ".join([*shown, *(NULLS[code] for code in codes)])
    head = null_head(feature, registry)
    first = f"; a history's first value comes on its session {head} at the earliest" if head > 1 else ""
    return f"{reasons}{first}; at most {CAPS[feature.group]:.1%} beyond what its inputs explain"


def known_words(feature: Feature, registry: Registry) -> str:
    """Availability code and the publication rule of every source below."""
    code = availability_code(feature, registry)
    rules = [(source, TABLE_OF[source].rule) for source in published_sources(feature, registry)]
    told = "; ".join(f"{source}: {rule.words}" for source, rule in rules if rule is not None)
    return f"{code}, {AVAILABILITY[code]}" + (f" ({told})" if told else "")


def used_by(feature: Feature, registry: Registry) -> tuple[str, ...]:
    """Features of the catalogue made of this one, seen through intermediates."""
    found: dict[str, None] = {}
    waiting = [feature.name]
    while waiting:
        name = waiting.pop()
        for other in registry.features:
            if name in other.depends_on and other.name not in found:
                found[other.name] = None
                waiting += [other.name] if other.is_internal else []
    return tuple(other.name for other in registry.public if other.name in found)
