"""`gogoku features`: the catalogue for people, scripts or docs/features.md; `--stale` names features that have died."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import polars as pl

    from gogoku_pipeline.features.feature import Feature

console = Console()
PLANS = ("free", "light", "standard", "premium")


def features(
    plan: Annotated[
        str, typer.Option(help="only what this plan can compute: free, light, standard, premium")
    ] = "premium",
    set_name: Annotated[str, typer.Option("--set", help="only a named set, e.g. core; empty: all of the plan")] = "",
    group: Annotated[str, typer.Option(help="only one group, e.g. volatility")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list")] = False,
    write: Annotated[Path | None, typer.Option(help="write the documentation page instead")] = None,
    stale: Annotated[
        bool, typer.Option(help="what the models' features show lately: gone, stopped, silent ...")
    ] = False,
) -> None:
    """List every feature of the catalogue: what it is, its unit, its window, its formula."""
    from gogoku_pipeline.graph.catalogue import catalogue, registry

    if stale:
        report_stale(as_json=as_json)
        return
    if write is not None:
        from gogoku_pipeline.features.docs import render_features

        write.write_text(render_features(registry()))
        console.print(f"wrote {write}")
        return
    if plan.lower() not in PLANS:
        raise typer.BadParameter(f"{plan!r} is no plan; choose one of {', '.join(PLANS)}")
    book = catalogue(plan=plan.capitalize(), set_name=set_name.lower())
    chosen = [feature for feature in book.features if not group or feature.group == group]
    if not chosen:
        groups = ", ".join(dict.fromkeys(f.group for f in book.features))
        raise typer.BadParameter(f"no feature in group {group!r}; groups: {groups}")
    if as_json:
        fields = ("name", "group", "family", "role", "unit", "plan", "min_obs", "summary", "formula")
        print(json.dumps([{key: getattr(f, key) for key in fields} | {"window": str(f.window)} for f in chosen]))
        return
    console.print(_listed(chosen, f"{len(chosen)} features of set {book.set_name}, hash {book.hash[:12]}"))


def report_stale(*, as_json: bool) -> None:
    """Tell which features of this place's models have died or fallen silent."""
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.monitoring.stale_report import stale_report

    place = deployment()
    compute = sizes_of(place)
    terms = compute.terms
    found = stale_report(
        place.open_store(),
        compute.plan,
        compute.feature_set,
        horizon_d=terms.gate.horizon_d,
        holdout=terms.holdout,
    )
    if as_json:
        print(found.write_json())
        return
    console.print(stale_table(found))


def stale_table(found: "pl.DataFrame") -> Table:
    """A `stale_report` without its living features, the dead first."""
    from gogoku_pipeline.monitoring.stale_features import ORDER

    counts = dict(found["verdict"].value_counts().iter_rows())
    told = ", ".join(f"{counts[name]} {name}" for name in ORDER if name in counts)
    table = Table(title=f"{found.height} features: {told}", row_styles=["", "dim"])
    for heading in ("verdict", "feature", "table", "last moved", "missing", "PSI", "RankIC", "importance", "why"):
        table.add_column(heading, overflow="fold")
    for row in found.filter(found["verdict"] != "alive").iter_rows(named=True):
        figures = (
            _figure(row[name], form) for name, form in (("psi", ".2f"), ("rank_ic", "+.4f"), ("importance", "+.4f"))
        )
        moved, missing = str(row["last_move_on"] or "-"), _figure(row["null_share"], ".0%")
        table.add_row(row["verdict"], row["feature"], row["table"], moved, missing, *figures, escape(row["words"]))
    return table


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _listed(chosen: "list[Feature]", title: str) -> Table:
    table = Table(title=title, row_styles=["", "dim"])
    for heading in ("name", "group", "role", "unit", "plan", "window", "what it is"):
        table.add_column(heading, overflow="fold")
    for f in chosen:
        words = escape(f"{f.summary}: {f.formula}")
        table.add_row(f.name, f.group, f.role, f.unit, f.plan, f"{f.window} / {f.min_obs}", words)
    return table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(features)
