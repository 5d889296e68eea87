"""Features for people: the catalogue page and the text about one feature, both from the registry.

Belongs here: Markdown and plain text. Does not belong here: facts; they are declared.
`make docs` writes the page; a test keeps it current.
"""

from __future__ import annotations

from gogoku_pipeline.features.family_tables import families
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.null_budget import CAPS
from gogoku_pipeline.features.registry import Registry, house

_KINDS = {
    "S": "the last {n} sessions including t",
    "E": "two end points, the first and the last of {n} sessions ending at t",
    "X": "everything since the listing; printed from {n} observations on",
}
_AXES = {
    "stock": "each stock's own sessions",
    "day": "the members of a session against each other",
    "group": "one series per group",
    "market": "one series for the whole market",
    "external": "computed outside the feature engine",
}


FORMER_NAMES = (
    ("`returns_{n}d`, `ret_prev_{n}d`", "`ret_{n}d`", "always past; forward returns exist only as labels"),
    ("`dmi_*` (trend strength)", "`adx_14_score`", "the prefix also meant daily margin; it is gone"),
    ("`beta60_topix`", "`beta_60d`", "complete pairs for both moments"),
    ("`mkt_*`", "`mkt_ret_1d`, `mkt_ret_20d`, `mkt_vol_20d`", "never ranked or z-scored across stocks"),
    ("`sec_*`", "`rel_sec33_5d`", "leave-one-out; group series on their own table"),
    ("`is_halt_20201001`", "no feature", "a market halt is found in the data and gives no observation"),
)
"""(earlier name, name here, reason where they differ): for people who come from the earlier system."""


def render_features(registry: Registry | None = None) -> str:
    """The catalogue as Markdown: one table per group, in the order of the registry."""
    registry = registry or house()
    lines = [
        "# Features",
        "",
        "Generated from the registry by `make docs`; do not edit.",
        "",
        f"{len(registry.features)} features, registry hash `{registry.hash()}`.",
        "",
        "Windows: `S n` the last n sessions including t; `E n` two end points, t and t-(n-1); `X n` since the",
        "listing, printed from n observations on. A session without a trade occupies a place and gives no",
        "observation; fewer than min_obs observations give null. Every feature of session t is known at 16:30 JST",
        "of t (bars and TOPIX 16:30, listed issues 08:00) and stored as Float32. c, o, h, l: prices on one basis;",
        "m: last price within five sessions; M: TOPIX; U: the session's universe.",
        "",
    ]
    for family, members in families(registry).items():
        lines += [f"## {family}", ""]
        for group in dict.fromkeys(member.group for member in members):
            lines += [f"### {group}", ""]
            if group in CAPS:
                lines += [f"Undefined values: at most {CAPS[group]:.1%} of the cells that should have one.", ""]
            lines += [*_table(members, group), ""]
    former = [f"| {' | '.join(row)} |" for row in FORMER_NAMES]
    lines += ["## Names of the earlier system", "", "| there | here | why |", "| --- | --- | --- |", *former]
    return "\n".join(lines).rstrip() + "\n"


def _table(members: tuple[Feature, ...], group: str) -> list[str]:
    head = "| name | what it is | formula | role | unit | bounds | plan | window / min_obs | sources |"
    rows = [
        "| "
        + " | ".join(
            cell.replace("|", "\\|")
            for cell in (
                f"`{member.name}`",
                member.summary,
                member.formula,
                member.role,
                member.unit,
                _bounds(member),
                member.plan,
                f"{member.window} / {member.min_obs}",
                "; ".join(member.sources),
            )
        )
        + " |"
        for member in members
        if member.group == group
    ]
    return [head, "| --- " * 9 + "|", *rows]


def _bounds(feature: Feature) -> str:
    if feature.at_least is None and feature.at_most is None:
        return ""
    low = "" if feature.at_least is None else f"{feature.at_least:g}"
    high = "" if feature.at_most is None else f"{feature.at_most:g}"
    return f"{low}..{high}"


def describe(feature: Feature) -> str:
    """Everything declared about one feature, as a few lines of text."""
    window = _KINDS[feature.window.kind].format(n=feature.window.sessions)
    rows = {
        "formula": feature.formula,
        "table": f"{feature.family} (group {feature.group})",
        "computed on": _AXES[feature.axis],
        "role, unit": f"{feature.role}, {feature.unit}" + (f" in {_bounds(feature)}" if _bounds(feature) else ""),
        "window": f"{feature.window}: {window}; min_obs {feature.min_obs}",
        "sources": ", ".join(feature.sources),
        "plan": f"{feature.plan} and above",
    }
    return "\n".join(
        [feature.name, f"  {feature.summary}.", *(f"  {key + ':':13}{text}" for key, text in rows.items())]
    )
