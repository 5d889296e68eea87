"""`gogoku reproduce`: a list of the past made again from recorded versions, bit for bit."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

console = Console(soft_wrap=True)
SHOWN = 10


def reproduce(
    session: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="session of the list")],
) -> None:
    """Make a list of the past again from the versions recorded with it, and compare every bit of every score."""
    from assets.dataset import house_panel
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.registry.reproduce import reproduce as made_again

    place = deployment()
    store = place.open_store()
    dials = sizes_of(place)
    found = made_again(store, session.date(), lambda versions: house_panel(store, dials, versions))
    made_by = f"{found.lineage.model} {found.lineage.model_version}"
    if found.is_equal:
        console.print(f"[green]equal[/]  {found.session}: {found.rows} places by {made_by}, every score to the bit")
        return
    console.print(f"[red]differs[/]  {found.session}: {found.differences.height} of {found.rows} places by {made_by}")
    for row in found.differences.head(SHOWN).iter_rows(named=True):
        console.print(
            f"  {row['code']}  rank {row['rank']} -> {row['rank_again']}  score {row['score']} -> {row['score_again']}"
        )
    raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reproduce)
