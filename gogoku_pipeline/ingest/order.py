"""One source ordered for some days: what was asked, how far it has come, and the report of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Required, TypedDict

from gogoku_pipeline.ingest.publication import event_days
from gogoku_pipeline.ingest.report import FetchReport, Progress
from gogoku_pipeline.ingest.walk import Walked
from gogoku_pipeline.jquants import JQuantsClient, Utilisation, endpoint

FILES_IN_FLIGHT = 2


@dataclass
class Lanes:
    """How much may be under way at once, shared by the sources of one budget.

    Attributes:
        requests: pages of answers.
        files: monthly files, which are large.
    """

    requests: asyncio.Semaphore
    files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES_IN_FLIGHT))


async def until_all_end(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run side by side; the first error stops the others and is raised."""
    tasks = [asyncio.create_task(piece) for piece in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Wanted(TypedDict, total=False):
    """What a caller may wish of a fetch; the fields of Wishes."""

    run_id: Required[str]
    progress: Progress | None
    refetch: bool
    bulk: bool


@dataclass(frozen=True)
class Wishes:
    """What holds for every source of a fetch.

    Attributes:
        run_id: noted with every landing.
        progress: told after every event day.
        refetch: ask again for complete days too (corrections are made in place).
        bulk: use monthly files where they save calls.
    """

    run_id: str
    progress: Progress | None = None
    refetch: bool = False
    bulk: bool = True

    def advance(self, source: str, day: date | str, n: int = 1) -> None:
        """Tell whoever watches."""
        if self.progress is not None and n:
            self.progress.advance(n, f"{source} {day}")


def used(client: JQuantsClient, source: str) -> Utilisation:
    """What became of the allowed rate of a source's budget."""
    return client.utilisation[endpoint(source).budget]


@dataclass
class Order:
    """One source by day.

    Attributes:
        source: our name of the endpoint.
        sessions: partitions asked for.
        days: event days they ask for.
        before_start: how many more lie before the publisher's first day.
        wishes: what holds for the whole fetch.
        window: days the plan is known to cover.
        uncovered: days outside it.
        lost: days without rows although they are due.
        empty: days without rows on which none are due.
        provisional: days answered before their final hour.
        walked: what each answer brought.
        file_rows: rows of each monthly file landed.
        warnings: what a person should know.
    """

    source: str
    sessions: list[date]
    days: list[date]
    before_start: int
    wishes: Wishes
    window: tuple[date, date] = (date.min, date.max)
    uncovered: list[date] = field(default_factory=list)
    lost: list[date] = field(default_factory=list)
    empty: list[date] = field(default_factory=list)
    provisional: list[date] = field(default_factory=list)
    walked: list[Walked] = field(default_factory=list)
    file_rows: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, source: str, sessions: Iterable[date], wishes: Wishes) -> Order:
        """The order for the event days that belong to some sessions."""
        partitions = sorted(set(sessions))
        days, before_start = event_days(source, partitions)
        return cls(source, partitions, days, before_start, wishes)

    @property
    def has_landed(self) -> bool:
        """Whether anything was landed yet."""
        return bool(self.walked or self.file_rows)

    def advance(self, day: date) -> None:
        """Another event day is done."""
        self.wishes.advance(self.source, day)

    def report(self, complete: int, not_yet: list[date], utilisation: Utilisation) -> FetchReport:
        """What was done, in numbers."""
        return FetchReport(
            self.source,
            len(self.sessions),
            fetched_pages=sum(walked.pages for walked in self.walked),
            resumed=sum(walked.resumed for walked in self.walked),
            skipped_complete=complete,
            skipped_uncovered=sorted(self.uncovered),
            rows=sum(walked.rows for walked in self.walked),
            empty=sorted(self.empty),
            utilisation=utilisation,
            bulk_files=len(self.file_rows),
            bulk_rows=sum(self.file_rows),
            not_yet=not_yet,
            provisional=sorted(self.provisional),
            before_start=self.before_start,
            warnings=list(self.warnings),
        )
