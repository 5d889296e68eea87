"""`gogoku doctor`: what works, what the key allows, and what a backfill would cost."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogoku_pipeline.core.errors import GogokuError

if TYPE_CHECKING:
    from gogoku.deployment import Deployment
    from gogoku_pipeline.jquants import Plan

console = Console()
SILENCE = timedelta(minutes=10)
"""The alert sensor ticks twice a minute; silence of this length is worth a look."""


@dataclass(frozen=True)
class Answer:
    """One question of the doctor: `state` is ok, note or broken."""

    question: str
    state: str
    words: str


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list")] = False,
    fix: Annotated[bool, typer.Option(help="create a missing bucket, keep it well")] = False,
    store_only: Annotated[bool, typer.Option("--store-only", help="ask the store alone")] = False,
) -> None:
    """Examine store, key, plan, freshness, alerts and disk; exit code 1 when something is broken."""
    from gogoku.deployment import deployment

    place = deployment()
    answers = [
        Answer("place", "note" if place.demo else "ok", "the demo's data" if place.demo else "your own data"),
        asked("store", lambda: _store(place.settings.store_url, fix=fix)),
        *bucket_habits(place.settings.store_url, fix=fix),
    ]
    if not store_only:
        answers += [*_service(place), *data(place), *watch(place), _disk()]
    if as_json:
        print(json.dumps([asdict(answer) for answer in answers]))
    else:
        table = Table(show_header=False, box=None, padding=(0, 1))
        colours = {"ok": "green", "note": "yellow", "broken": "red"}
        for answer in answers:
            table.add_row(
                f"[{colours[answer.state]}]{answer.state}[/]", f"[bold]{answer.question}[/]", escape(answer.words)
            )
        console.print(table)
    if any(answer.state == "broken" for answer in answers):
        sys.exit(1)


def asked(question: str, work: Callable[[], str]) -> Answer:
    """The answer to one question; a house error is an answer too."""
    try:
        return Answer(question, "ok", work())
    except GogokuError as problem:
        return Answer(question, "broken", str(problem))


def _store(url: str, *, fix: bool) -> str:
    from gogoku_pipeline.core.settings import object_store_options
    from gogoku_pipeline.store import open_store
    from gogoku_pipeline.store.bucket import ensure_bucket

    made = fix and url.startswith("s3://") and ensure_bucket(url, object_store_options())
    open_store(url, object_store_options())
    return f"{url} keeps its promises (create-only writes are honoured){'; bucket created' if made else ''}"


def bucket_habits(url: str, *, fix: bool) -> list[Answer]:
    """How the bucket is kept; a missing habit is a note, since another tool may see to it."""
    from gogoku_pipeline.core.settings import object_store_options
    from gogoku_pipeline.store.bucket_care import inspect_bucket, keep_bucket

    options = object_store_options()
    try:
        habits = keep_bucket(url, options) if fix else inspect_bucket(url, options)
    except GogokuError as problem:
        return [Answer("bucket", "note", str(problem))]
    off = "off" if fix else "off (`gogoku doctor --fix` switches it on where the server allows it)"
    return [
        Answer(habit.name, "ok" if habit.is_kept else "note", f"{'on' if habit.is_kept else off}: {habit.words}")
        for habit in habits
    ]


def _service(place: "Deployment") -> list[Answer]:
    from gogoku_pipeline.jquants import Plan
    from resources.jquants import JQuants

    settings = place.settings
    if place.demo:
        return [Answer("service", "note", "simulated; it answers while `gogoku demo` or `gogoku ui` runs")]
    if settings.jquants_api_key is None:
        return [Answer("key", "broken", "JQUANTS_API_KEY is not set; get a key from the J-Quants dashboard")]
    found: list[Plan] = []

    def detect() -> str:
        plan = JQuants.from_settings(settings, place.clock).run(lambda client: client.plan())
        found.append(plan)
        return f"{plan.name} at {settings.api_url}: {plan.requests_per_minute} requests a minute"

    answers = [asked("plan", detect)]
    if found:
        answers += _costs(found[0], place.clock.now().date(), settings.start_date)
    return answers


def _costs(plan: "Plan", today: date, start: date | None) -> list[Answer]:
    from gogoku_pipeline.core.sessions import tse_calendar
    from gogoku_pipeline.ingest import estimate_calls
    from gogoku_pipeline.jquants import endpoint
    from gogoku_pipeline.schema.register import SOURCES

    first, last = plan.window(today)
    sessions = tse_calendar().between(first, last or today)
    off = [name for name in SOURCES if not plan.covers(endpoint(name).lowest_plan)]
    cost = estimate_calls(plan, list(SOURCES), sessions, today=today, bulk=True)
    answers = [
        Answer("history", "ok", f"{first} .. {last or 'today'}, {len(sessions)} sessions (the service decides)"),
        Answer("backfill", "ok", f"about {cost.calls:,} calls, {cost.minutes:.0f} minutes at the plan's rate"),
    ]
    if start is None or start < sessions[0]:
        words = f"set GOGOKU_START_DATE={sessions[0]} and GOGOKU_PLAN={plan.name}: partitions then begin with the plan"
        answers.append(Answer("start", "note", words))
    if off:
        answers.append(Answer("switched off", "note", f"{', '.join(off)}: not in the {plan.name} plan"))
    return answers


def data(place: "Deployment") -> list[Answer]:
    """How far the bars reach; nothing where the store does not open, whose own answer says why."""
    from gogoku_pipeline.core.sessions import tse_calendar
    from gogoku_pipeline.monitoring.freshness import freshness
    from gogoku_pipeline.schema.daily_bars import TABLE

    try:
        held = place.open_store().tables.sessions(TABLE)
    except GogokuError:
        return []
    rule = TABLE.rule
    assert rule is not None
    found = freshness(TABLE.name, held, tse_calendar(), now=place.clock.now(), published_at=rule.at)
    if not held:
        return [Answer("data", "ok", f"nothing typed yet; the newest session due is {found.expected}")]
    return [Answer("data", "ok" if found.is_fresh else "note", found.words)]


def watch(place: "Deployment") -> list[Answer]:
    """When the alert sensor last ticked; a demo's clock stands still and says nothing about it."""
    from resources.alerting import last_heartbeat

    if place.demo is not None:
        return []
    seen = last_heartbeat(place.settings.cache_dir)
    if seen is None:
        return [Answer("alerts", "ok", "never watched yet; they are while `gogoku ui` runs")]
    is_recent = place.clock.now() - seen < SILENCE
    return [Answer("alerts", "ok" if is_recent else "note", f"the sensor last looked at {seen:%Y-%m-%d %H:%M} JST")]


def _disk() -> Answer:
    free = shutil.disk_usage(Path()).free / 2**30
    return Answer("disk", "ok" if free > 5 else "broken", f"{free:.0f} GiB free here, a ten-year history needs about 5")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)
