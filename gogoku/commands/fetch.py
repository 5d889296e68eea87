"""`gogoku fetch`: land one source for some sessions, resuming where the last attempt stopped."""

import json
import uuid
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(stderr=True)

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="a date, e.g. 2024-05-08")]
LastDay = Annotated[datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="last date; empty: the same day")]


class Bar:
    """A progress bar in the shape ingest speaks to."""

    def __init__(self, progress: Progress, total: int, source: str) -> None:
        self._progress = progress
        self._task = progress.add_task(source, total=total)

    def advance(self, n: int, text: str) -> None:
        """Another n requests are done."""
        self._progress.update(self._task, advance=n, description=text)


def fetch(
    source: Annotated[str, typer.Argument(help="calendar, listed_issues, daily_bars or topix")],
    first: Day,
    last: LastDay = None,
    refetch: Annotated[bool, typer.Option(help="ask again for complete sessions: corrections")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Fetch and land a source for the sessions of a range."""
    from gogoku.deployment import deployment
    from gogoku_pipeline.core.errors import DataError
    from gogoku_pipeline.core.sessions import tse_calendar
    from gogoku_pipeline.ingest import FetchReport, fetch_range, fetch_sessions
    from gogoku_pipeline.jquants import endpoint
    from gogoku_pipeline.jquants.client import JQuantsClient
    from resources.jquants import JQuants

    place = deployment()
    start, end = first.date(), (last or first).date()
    by_range = endpoint(source).axis != "day"
    sessions: list[date] = tse_calendar().between(start, end)
    if not sessions and not by_range:
        raise DataError(
            f"{source} {start} .. {end}",
            got="days without trading",
            want="at least one session of the exchange",
            remedy="Choose a session; `gogoku doctor` prints the newest one.",
        )
    store = place.open_store()
    run_id = f"fetch-{uuid.uuid4().hex[:8]}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = Bar(progress, 1 if by_range else len(sessions), source)

        async def work(client: JQuantsClient) -> FetchReport:
            lock = place.settings.cache_dir
            if by_range:
                return await fetch_range(client, store, source, start, end, run_id=run_id, progress=bar, lock_dir=lock)
            return await fetch_sessions(
                client, store, source, sessions, run_id=run_id, progress=bar, refetch=refetch, lock_dir=lock
            )

        report = JQuants.from_settings(place.settings, place.clock).run(work)
    if as_json:
        print(json.dumps(asdict(report), default=str))
        return
    console.print(
        f"[bold]{source}[/] {start} .. {end}: {report.rows:,} rows in {report.fetched_pages} pages, "
        f"{report.skipped_complete} sessions were complete already, "
        f"{len(report.skipped_uncovered)} lie outside the plan."
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fetch)
