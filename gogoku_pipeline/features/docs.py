"""The catalogue page for people, from the registry.

Belongs here: Markdown of all features, counts, plans, sets, states, former names. Does not belong here: facts (they
are declared), the text about one feature (`description`).
`make docs` writes the page; a test keeps it current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from gogoku_pipeline.features.bridge import FORMER_NAMES
from gogoku_pipeline.features.codes import AVAILABILITY, NULLS, availability_code, null_codes
from gogoku_pipeline.features.description import bounds
from gogoku_pipeline.features.feature import FAMILIES, PLANS, Feature
from gogoku_pipeline.features.null_budget import CAPS
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.sets import RULES, names_of
from gogoku_pipeline.features.states.register import STATES

PLAN_WORDS = {
    "Free": (
        "prices, technicals, liquidity, sectors, size, statements, guidance, valuation, events, limits, calendar, "
        "graph. Two years ending 12 weeks ago: research only, never live. No TOPIX, hence no beta; breadth and the "
        "equal-weighted market remain. Windows of 250 sessions cost half the span: choose `short_term`"
    ),
    "Light": (
        "adds TOPIX, beta and residuals, investor flows, earnings surprises. The smallest set for live use; five years"
    ),
    "Standard": "adds margin balances and alerts, short ratio and positions, options, style indices",
    "Premium": "adds session halves, trade breakdown, dividend notices, futures",
}
"""Plan to what its features can and cannot say. Source: features.md 6."""

_INTRO = """
Generated from the registry by `make docs`; do not edit. `gogoku features` prints the same list with filters,
`gogoku describe NAME` everything about one feature.

**When.** The decision of session t is made at 19:00 JST, the entry is the open of t+1. A row of any source may be used
at t if and only if its `available_at` is earlier. Values are stored as Float32; what a plan cannot compute is absent,
never null.

**Windows.** `S n` the last n sessions including t; `E n` two end points, t and t-(n-1); `X n` since the listing,
printed from n observations on; `R n` the last n releases; `Q n` the last n fiscal quarters; `P` a state as of t; `C` a
function of the calendar. A session without a trade occupies a place and gives no observation; fewer than min_obs
observations give null.

**Letters.** c, o, h, l: prices on one basis; v: shares on it; m: last price within five sessions; M: TOPIX; U: the
session's universe.
"""


def render_features(registry: Registry | None = None) -> str:
    """The catalogue as Markdown: counts, plans, sets, one table per group, states, former names."""
    registry = registry or house()
    features = registry.public
    masks = sum(feature.role == "mask" for feature in features)
    groups = [group for group in FAMILIES if any(feature.group == group for feature in features)]
    lines = [
        "# Features",
        _INTRO,
        f"{len(features)} features in {len(groups)} groups: {len(features) - masks} and {masks} validity masks. "
        f"Registry hash `{registry.hash()}`.",
        "",
        *_counts(features, groups),
        *_plans(registry),
        *_sets(registry),
        *_codes(),
        *(line for group in groups for line in _group(group, registry)),
        *_states(registry),
        "## Names of the earlier system",
        "",
        *_table(("there", "here", "why"), FORMER_NAMES),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _counts(features: Sequence[Feature], groups: Sequence[str]) -> list[str]:
    def row(name: str, chosen: Sequence[Feature], *more: str) -> tuple[str, ...]:
        by_plan = [sum(feature.plan == plan for feature in chosen) for plan in PLANS]
        return (name, str(len(chosen)), *(str(count or "") for count in by_plan), *more)

    rows = [
        row(f"[{g}](#{g})", [f for f in features if f.group == g], f"`{FAMILIES[g]}`", f"{CAPS[g]:.1%}") for g in groups
    ]
    sums = [sum(feature.plan in PLANS[: place + 1] for feature in features) for place in range(len(PLANS))]
    totals = [row("**all**", features, "", ""), ("**cumulative**", "", *(str(count) for count in sums), "", "")]
    return [
        "By group: the plan a feature needs, its table, and the largest share of nulls its inputs do not explain "
        "(0/0, no variance).",
        "",
        *_table(("group", "features", *PLANS, "table", "excess nulls"), [*rows, *totals]),
        "",
    ]


def _plans(registry: Registry) -> list[str]:
    counts = {plan: len(names_of(plan.lower(), registry)) for plan in PLANS}
    rows = [(f"`{plan.lower()}`", str(counts[plan]), PLAN_WORDS[plan]) for plan in PLANS]
    return ["## Plans", "", *_table(("set", "features", "what it can and cannot say"), rows), ""]


def _sets(registry: Registry) -> list[str]:
    """Named sets besides the plans, each with its size per plan."""
    registers = {plan: registry.of_plan(plan) for plan in PLANS}
    rows = [
        (f"`{name}`", *(str(len(names_of(name, registers[plan]))) for plan in PLANS), rule)
        for name, rule in RULES.items()
        if name.capitalize() not in PLANS
    ]
    return [
        "## Sets",
        "",
        "Selections by closed rules; masks of the blocks in a set belong to it. `gogoku features --set NAME` lists "
        "one with its content hash, `gogoku export dataset --set NAME` writes it. `alpha158`, the 158 columns of qlib "
        "by qlib's names, stands outside the registry.",
        "",
        *_table(("set", *PLANS, "rule"), rows),
        "",
    ]


def _codes() -> list[str]:
    both = [*AVAILABILITY.items(), *NULLS.items()]
    return ["Codes in the tables below: " + "; ".join(f"**{code}** {words}" for code, words in both) + ".", ""]


def _group(group: str, registry: Registry) -> list[str]:
    members = [feature for feature in registry.public if feature.group == group]
    story = (sys.modules[members[0].module].__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    head = ("name", "role", "unit", "plan", "window / min_obs", "known", "null", "what it is: formula", "sources")
    rows = [
        (
            f"`{f.name}`",
            f.role,
            " ".join(part for part in (f.unit, bounds(f)) if part),
            f.plan,
            f"{f.window} / {f.min_obs}",
            availability_code(f, registry),
            null_codes(f, registry) or "-",
            f"{f.summary}: {f.formula}",
            "; ".join(f.sources),
        )
        for f in members
    ]
    return [f"## {group}", "", f"{story}" if story else "", "", *_table(head, rows), ""]


def _states(registry: Registry) -> list[str]:
    """What other sources say at the hour of decision: the leaves formulas are made of."""
    read = {alias for feature in registry.features for alias in feature.states}
    lines = [
        "## States",
        "",
        "What each source says at the hour of decision: the leaves that formulas read as `state.leaf`. A state that "
        "expires says nothing after that many sessions.",
        "",
    ]
    for state in (state for state in STATES.values() if state.alias in read):
        expiry = "" if state.expires_sessions is None else f"; expires after {state.expires_sessions} sessions"
        tables = ", ".join(state.tables) or "prices and the calendar"
        per = {"stock": "issue", "market": "session", "sector33": "sector"}.get(state.axis, "release")
        rows = [(f"`{state.alias}.{name}`", words) for name, words in state.columns.items()]
        lines += [f"### {state.alias}", "", f"From {tables}, one row per {per}{expiry}.", ""]
        lines += [*_table(("leaf", "meaning"), rows), ""]
    return lines


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    columns = list(head)
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|", *(f"| {' | '.join(row)} |" for row in cells)]
