"""`gogoku predictions`: the ranking of an evening."""

import json
from datetime import date, datetime
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from gogoku_pipeline.core.errors import DataError, PartitionMissingError

console = Console()
INTERVAL = "80 % interval"


def predictions(
    session: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="session; empty: the newest one")
    ] = None,
    top: Annotated[int, typer.Option(help="how many rows")] = 20,
    code: Annotated[str, typer.Option(help="only this issue")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list")] = False,
) -> None:
    """Print the ranked list of a session, with the model that made it and why that one served."""
    from gogoku.deployment import deployment
    from gogoku_pipeline.core.codes import full_code
    from gogoku_pipeline.registry.tables import PREDICTIONS
    from gogoku_pipeline.schema.listed_issues import SNAPSHOT

    store = deployment().open_store()
    day = newest(store.tables.sessions(PREDICTIONS), session.date() if session else None)
    ranked = store.tables.scan(PREDICTIONS, start=day, end=day).collect().sort("rank")
    listed = store.tables.scan(SNAPSHOT, start=day, end=day).select("code", "name_english", "sector33_code").collect()
    shown = ranked.join(listed, on="code", how="left").sort("rank")
    shown = only(shown, full_code(code), day) if code else shown.head(top)
    if as_json:
        print(json.dumps(shown.to_dicts(), default=str, ensure_ascii=False))
        return
    head = ranked.row(0, named=True)
    table = Table(title=f"{day}: {ranked.height} issues by {head['model']} {head['model_version']}")
    for heading in ("rank", "code", "name", "sector", "score", INTERVAL):
        table.add_column(heading, justify="right" if heading in {"rank", "score", INTERVAL} else "left")
    for row in shown.iter_rows(named=True):
        told = (str(row["rank"]), row["code"], row["name_english"], row["sector33_code"], f"{row['score']:+.4f}")
        table.add_row(*told, interval(row))
    console.print(table)
    if (reason := head["interval_reason"]) is not None:
        console.print(f"[dim]no intervals: {reason}[/]")
    console.print(f"[dim]served because {head['served_because']}; features {head['feature_hash'][:12]}[/]")


def interval(row: dict[str, Any]) -> str:
    """Between which returns, relative to the universe's mean, four outcomes in five should lie; a dash for none."""
    if row["interval_low"] is None:
        return "-"
    return f"{row['interval_low']:+.1%} .. {row['interval_high']:+.1%}"


def only(ranked: pl.DataFrame, code: str, day: date) -> pl.DataFrame:
    """The rows of one issue; raises DataError for one that is not in the list."""
    found = ranked.filter(pl.col("code") == code)
    if found.is_empty():
        raise DataError(
            f"issue {code} on {day}",
            got=f"no place among the {ranked.height} ranked issues",
            want="an issue that could be traded on that session",
            remedy=f"See what is known about it: gogoku describe {code}",
        )
    return found


def newest(stored: list[date], wanted: date | None) -> date:
    """The session asked for, or the newest stored one; raises PartitionMissingError that names what there is."""
    if stored and (wanted is None or wanted in stored):
        return wanted or stored[-1]
    raise PartitionMissingError(
        f"predictions of {wanted or 'any session'}",
        got="none stored",
        want=f"a session in {stored[0]} .. {stored[-1]}" if stored else "at least one evening run",
        remedy="Run `gogoku demo`, or materialise pred__daily in the Dagster UI.",
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(predictions)
