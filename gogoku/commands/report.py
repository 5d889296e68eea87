"""`gogoku report`: write the page of an evening again, from what is stored."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console()


def report(
    session: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="session; empty: the newest list")
    ] = None,
    out: Annotated[Path, typer.Option(help="file to write")] = Path("report.html"),
) -> None:
    """Render the evening report of a session into one self-contained HTML file."""
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.monitoring.evening import evening_report
    from resources.truth import truth

    place = deployment()
    store, sizes = place.open_store(), sizes_of(place)
    page = evening_report(
        store,
        session.date() if session else None,
        generated_at=place.clock.now(),
        terms=sizes.terms,
        simulated=place.demo is not None,
        oracle=truth(store),
        plan=sizes.plan,
    )
    out.write_text(page)
    console.print(f"wrote {out} ({len(page) / 1024:.0f} kB)")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)
