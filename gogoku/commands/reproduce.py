"""`gogoku reproduce`: lists of the past made again from recorded versions, bit for bit."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from gogoku_pipeline.registry.reproduce import Reproduction

console = Console(soft_wrap=True)
SHOWN = 10
ALWAYS = ("rank", "score")
"""Figures that are told of every place; the others where they differ."""


def reproduce(
    session: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="session of the list")],
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="every list from the session to this one")
    ] = None,
) -> None:
    """Make a list of the past again from the versions recorded with it, and compare every bit of every score."""
    from assets.dataset import house_panel
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.registry.reproduce import recorded_sessions
    from gogoku_pipeline.registry.reproduce import reproduce as made_again

    place = deployment()
    store = place.open_store()
    dials = sizes_of(place)
    first, last = session.date(), (until or session).date()
    differ = 0
    for day in recorded_sessions(store, first, last) if until else [first]:
        found = made_again(store, day, lambda versions: house_panel(store, dials, versions))
        _tell(found)
        differ += not found.is_equal
    if differ:
        raise typer.Exit(1)


def _tell(found: "Reproduction") -> None:
    """Whether one list came out again, and the first places that did not."""
    made_by = f"{found.lineage.model} {found.lineage.model_version}"
    if found.is_equal:
        console.print(f"[green]equal[/]  {found.session}: {found.rows} places by {made_by}, every score to the bit")
        return
    console.print(f"[red]differs[/]  {found.session}: {found.differences.height} of {found.rows} places by {made_by}")
    for row in found.differences.head(SHOWN).iter_rows(named=True):
        figures = [name.removesuffix("_again") for name in row if name.endswith("_again")]
        moved = [name for name in figures if name in ALWAYS or row[name] != row[f"{name}_again"]]
        told = "  ".join(f"{name} {row[name]} -> {row[f'{name}_again']}" for name in moved)
        console.print(f"  {row['code']}  {told}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reproduce)
