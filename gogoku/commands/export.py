"""`gogoku export`: data for work elsewhere, one plain file and a manifest."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from gogoku.deployment import Deployment
    from gogoku_pipeline.graph.config import GraphConfig

console = Console(stderr=True, soft_wrap=True)
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def dataset(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first date, e.g. 2024-05-01")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last date, included")],
    set_name: Annotated[
        str, typer.Option("--set", help="a plan, core, low_null, short_term or alpha158; empty: all of the plan")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="file to write; empty: named after set and dates")] = None,
    labels: Annotated[bool, typer.Option(help="join what happened afterwards, for every horizon")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print the manifest")] = False,
) -> None:
    """Write features, labels and masks of a range into one plain parquet file, with a manifest beside it."""
    from gogoku.deployment import deployment
    from gogoku_pipeline.dataset.export import Wanted, export_dataset, manifest_path
    from gogoku_pipeline.features.feature import PLANS

    place = deployment()
    plan = (place.settings.plan or PLANS[-1]).capitalize()
    chosen = set_name or plan.lower()
    wanted = Wanted(chosen, plan, first.date(), last.date(), _graph(place), labels)
    path = out or Path(f"{chosen}_{wanted.first}_{wanted.last}.parquet")
    with Progress(*COLUMNS, console=console) as progress:
        task = progress.add_task(f"{chosen}, sessions", total=None)
        manifest = export_dataset(
            place.open_store(),
            wanted,
            path,
            written_at=place.clock.now(),
            tell=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps(manifest, ensure_ascii=False))
    console.print(
        f"wrote {path}: {manifest['rows']:,} rows, {len(manifest['columns'])} columns, "
        f"{manifest['bytes'] / 1e6:.1f} MB; what they are: {manifest_path(path)}"
    )
    console.print(f"[dim]{manifest['terms']}[/]")


def _graph(place: "Deployment") -> "GraphConfig":
    """The dials the place's graph was drawn with: they are part of a set's hash."""
    from gogoku.sizes import sizes_of

    return sizes_of(place).graph


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(no_args_is_help=True, help="Write data into plain files for work elsewhere.")
    group.callback()(lambda: None)
    group.command("dataset")(dataset)
    app.add_typer(group, name="export")
