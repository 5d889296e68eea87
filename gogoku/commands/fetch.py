"""`gogoku fetch`: land sources for some sessions, resuming where it stopped before; or files you already have."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gogoku_pipeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from gogoku.deployment import Deployment
    from gogoku_pipeline.ingest import FetchReport, LandedFile
    from gogoku_pipeline.jquants.client import JQuantsClient

console = Console(stderr=True)
ALL = "all"
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

Name = Annotated[str | None, typer.Argument(help="a source, several joined by commas, or `all`")]
Day = Annotated[datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="a date, e.g. 2024-05-08")]
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
    source: Name = None,
    first: Day = None,
    last: LastDay = None,
    refetch: Annotated[bool, typer.Option(help="ask again for complete sessions: corrections")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the reports as JSON")] = False,
    from_files: Annotated[Path | None, typer.Option(help="land the bulk files of a folder instead of asking")] = None,
    given: Annotated[str | None, typer.Option("--source", help="what the files hold; empty: recognise each")] = None,
    external: Annotated[str | None, typer.Option(help="land a declared outside series: usdjpy PATH-or-URL")] = None,
) -> None:
    """Fetch and land sources for the sessions of a range, or land files (--from-files DIR, --external usdjpy PATH)."""
    from gogoku.deployment import deployment

    if from_files is not None:
        _files(deployment(), from_files, given, as_json)
    elif external is not None:
        _external(deployment(), external, source, as_json)
    elif source is None or first is None:
        raise typer.BadParameter("name a source and a date, or --from-files DIR, or --external NAME PATH")
    else:
        _from_service(deployment(), source, (first.date(), (last or first).date()), refetch, as_json)


def _from_service(place: "Deployment", asked: str, span: tuple[date, date], refetch: bool, as_json: bool) -> None:
    from gogoku_pipeline.core.sessions import tse_calendar
    from gogoku_pipeline.ingest import SourcesFailedError

    names, sessions = _sources(asked), tse_calendar().between(*span)
    if not sessions and any(_axis(name) != "range" for name in names):
        raise DataError(
            f"{asked} {span[0]} .. {span[1]}",
            got="days without trading",
            want="at least one session of the exchange",
            remedy="Choose a session; `gogoku doctor` prints the newest one.",
        )
    try:
        reports = _fetched(place, names, sessions, span, refetch)
    except SourcesFailedError as problem:
        _show(problem.reports, f"{asked} {span[0]} .. {span[1]}", as_json)
        raise
    _show(reports, f"{asked} {span[0]} .. {span[1]}", as_json)


def _fetched(
    place: "Deployment", names: list[str], sessions: list[date], span: tuple[date, date], refetch: bool
) -> "Sequence[FetchReport]":
    """One source with its own rules about what is an error, several as a group."""
    from gogoku_pipeline.ingest import fetch_group, fetch_now, fetch_range, fetch_sessions, steps
    from resources.jquants import JQuants

    store, lock, run_id = place.open_store(), place.settings.cache_dir, f"fetch-{uuid.uuid4().hex[:8]}"
    total = sum(steps(name, sessions) for name in names)
    with Progress(*COLUMNS, console=console) as progress:
        bar = Bar(progress, total, ", ".join(names[:3]))

        async def work(client: "JQuantsClient") -> "Sequence[FetchReport]":
            name, axis = names[0], _axis(names[0])
            if len(names) > 1:
                return await fetch_group(
                    client, store, names, sessions, run_id=run_id, progress=bar, refetch=refetch, lock_dir=lock
                )
            if axis == "range":
                return [await fetch_range(client, store, name, *span, run_id=run_id, progress=bar, lock_dir=lock)]
            if axis == "now":
                return await fetch_now(client, store, [name], run_id=run_id, lock_dir=lock)
            return [
                await fetch_sessions(
                    client, store, name, sessions, run_id=run_id, progress=bar, refetch=refetch, lock_dir=lock
                )
            ]

        return JQuants.from_settings(place.settings, place.clock).run(work)


def _sources(asked: str) -> list[str]:
    from gogoku_pipeline.jquants import ENDPOINTS, endpoint

    return list(ENDPOINTS) if asked == ALL else [endpoint(name.strip()).source.name for name in asked.split(",")]


def _axis(name: str) -> str:
    from gogoku_pipeline.jquants import endpoint

    return endpoint(name).axis


def _show(reports: "Sequence[FetchReport]", title: str, as_json: bool) -> None:
    if as_json:
        shown = [asdict(report) for report in reports]
        print(json.dumps(shown[0] if len(shown) == 1 else shown, default=str))
        return
    table = Table(title=title)
    for heading in ("source", "rows", "pages", "files", "complete before", "notes", "rate used"):
        table.add_column(
            heading, justify="left" if heading in ("source", "notes") else "right", no_wrap=heading == "source"
        )
    for report in reports:
        table.add_row(
            report.source,
            f"{report.rows + report.bulk_rows:,}",
            f"{report.fetched_pages:,}",
            f"{report.bulk_files:,}",
            f"{report.skipped_complete:,}",
            escape("; ".join(_notes(report))),
            f"{report.utilisation.share:.0%}" if report.utilisation.requests > 1 else "",
        )
    console.print(table)


def _notes(report: "FetchReport") -> list[str]:
    """What is not simply landed, in words."""
    if report.not_in_plan:
        return ["not in the plan"]
    counted = (
        (len(report.skipped_uncovered), "outside the plan's dates"),
        (len(report.not_yet), "not yet published"),
        (len(report.provisional), "provisional"),
        (len(report.empty), "empty by right"),
        (report.before_start, "before the first date there is"),
    )
    words = [f"{n} {text}" for n, text in counted if n]
    return [*words, *(["not available now"] if report.is_unavailable else []), *report.warnings]


def _files(place: "Deployment", folder: Path, source: str | None, as_json: bool) -> None:
    from gogoku_pipeline.ingest import land_files

    run_id = f"files-{uuid.uuid4().hex[:8]}"
    with Progress(*COLUMNS, console=console) as progress:
        total = sum(path.is_file() for path in folder.rglob("*")) if folder.is_dir() else 0
        bar = Bar(progress, total, str(folder))
        outcomes = land_files(place.open_store(), folder, source=source, run_id=run_id, clock=place.clock, progress=bar)
    _show_files(outcomes, as_json)


def _external(place: "Deployment", name: str, where: str | None, as_json: bool) -> None:
    from gogoku_pipeline.ingest import land_external, series_named

    series = series_named(name)
    if where is None:
        raise ConfigError(
            f"external series {name}",
            got="no file",
            want="a path or an https address",
            remedy=f"`gogoku fetch --external {name} PATH`.",
        )
    run_id = f"external-{uuid.uuid4().hex[:8]}"
    _show_files([land_external(place.open_store(), series, where, clock=place.clock, run_id=run_id)], as_json)


def _show_files(outcomes: "Sequence[LandedFile]", as_json: bool) -> None:
    """The table of outcomes; a refused file makes the command fail, after all others were landed."""
    if as_json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], default=str))
    else:
        table = Table("file", "source", "outcome", "rows", "days", "problem")
        for item in outcomes:
            days = f"{item.first} .. {item.last}" if item.first else ""
            table.add_row(item.name, item.source, item.outcome, f"{item.rows:,}", days, escape(item.problem))
        console.print(table)
    refused = [item for item in outcomes if item.outcome == "refused"]
    if refused:
        raise DataError(
            f"{len(refused)} of {len(outcomes)} files",
            got="; ".join(item.problem for item in refused[:3]),
            want="whole files of the publisher's form",
            remedy="Correct or remove these files and run again; the others are landed.",
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fetch)
