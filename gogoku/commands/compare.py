"""`gogoku compare A B`: is one model really better than the other, and if nobody can tell, how long would it take?"""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogoku.commands.evidence import day, wanted

if TYPE_CHECKING:
    from gogoku_pipeline.evaluation.comparison import Comparison
    from gogoku_pipeline.evaluation.verdict import GateConfig
    from gogoku_pipeline.registry.assessment import Luck

console = Console(soft_wrap=True)


def compare(
    first: Annotated[str, typer.Argument(help="recipe of the walk, `served` or `shadow:<model>`")],
    second: Annotated[str, typer.Argument(help="what it is compared with; empty: the bar of the gate's verdict")] = "",
    cutoff: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="cut-off of the walk; empty: the newest")
    ] = None,
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first session")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="last session")] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="sessions ahead; empty: the registered one")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Pair two models day by day on the same names: difference of RankIC, its uncertainty, what would settle it."""
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.registry.assessment import compared, luck
    from gogoku_pipeline.registry.evidence import Asked, bar_of
    from resources.truth import truth

    place = deployment()
    store, gate = place.open_store(), sizes_of(place).terms.gate
    oracle, terms = truth(store), replace(gate, horizon_d=horizon or gate.horizon_d)
    asked = Asked(day(cutoff), day(start), day(end))
    names = (first, second or bar_of(store, asked))
    wanted(store, list(names), asked, oracle)
    found = compared(store, names, asked, terms, oracle=oracle)
    chance = luck(store, first, asked, terms)
    if as_json:
        print(json.dumps({**plain(asdict(found)), "words": found.words, "luck": plain(asdict(chance))}, default=str))
        return
    console.print(table_of(found, terms))
    console.print(f"[bold]{escape(found.words)}[/]")
    for words in context(chance):
        console.print(f"[dim]{words}[/]")


def table_of(found: "Comparison", terms: "GateConfig") -> Table:
    """Every figure with what it means."""
    gap, weight, test = found.difference, found.newey_west, found.diebold_mariano
    table = Table(
        "figure", title=f"{escape(found.first.name)} against {escape(found.second.name)}, horizon {found.horizon_d}"
    )
    table.add_column("value", justify="right")
    table.add_column("beside it")
    lines = (
        ("paired days", str(found.n_days), f"{found.sessions[0]} .. {found.sessions[1]}, the same names on each; "
         f"{found.n_days_without} more without a ranking of one"),
        ("RankIC", f"{found.first.rank_ic:+.4f}", f"{found.second.name} {found.second.rank_ic:+.4f}"),
        ("RankICIR", f"{found.first.icir:+.3f}", f"{found.second.name} {found.second.icir:+.3f}"),
        ("difference", f"{gap.mean:+.4f}", f"{terms.level:.0%} interval [{gap.low:+.4f}, {gap.high:+.4f}], "
         f"stationary bootstrap, blocks of {gap.block:.0f}"),
        ("Newey-West", f"t {weight.t:+.2f}", f"p {weight.p_value:.3f}, lag {weight.lag}"),
        ("Diebold-Mariano-HLN", f"t {test.t:+.2f}", f"p {test.p_value:.3f}"),
        ("days won", f"{found.wins:.1%}", f"Wilson [{found.wins_interval[0]:.1%}, {found.wins_interval[1]:.1%}], as if "
         "days were independent"),
        ("correlation", f"{found.correlation:+.2f}", "of the two daily RankICs"),
        ("detectable", f"{found.detectable:.4f}", f"true difference these days find with {terms.power:.0%} power"),
        ("to settle", further(found.settles_observed), "for a true difference as large as this one"),
        ("", further(found.settles_registered), f"for the registered edge, {terms.edge_ratio - 1:.0%} of "
         f"{found.second.name}'s RankIC"),
    )  # fmt: skip
    for line in lines:
        table.add_row(*(escape(text) for text in line))
    return table


def further(sessions: int | None) -> str:
    """A number of sessions in words."""
    return "cannot be said" if sessions is None else "settled" if sessions == 0 else f"{sessions:,} more sessions"


def context(chance: "Luck") -> list[str]:
    """How many were tried, and what the best of so many shows by luck."""
    words = []
    if chance.overfitting is not None:
        words.append(
            f"choosing the best of the walk's {chance.overfitting.n_configurations} recipes: probability of backtest "
            f"overfitting {chance.overfitting.probability:.0%} (blind choice 50%)"
        )
    if chance.deflated is None:
        return [*words, "the trial ledger is empty: no deflation for luck"]
    held = chance.deflated
    return [
        *words,
        f"{held.n_trials} trials were ever logged: the best of so many without skill shows a Sharpe ratio of "
        f"{held.benchmark:.3f} per position (best minus worst tenth, no two overlapping); {chance.name} has "
        f"{held.sharpe:.3f} over {held.n} positions, skill with probability {held.probability:.0%}",
    ]


def plain(value: Any) -> Any:
    """Plain values for JSON: NaN and infinity are null, arrays are left out."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if not hasattr(one, "shape")}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)
