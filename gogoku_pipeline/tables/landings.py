"""Which landings there are: complete fetches and files only, and the days each of them speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import groupby
from typing import Any

import polars as pl

from gogoku_pipeline.schema.availability import PublicationRule

_ANSWERED = 200
_OF_ONE_ISSUE = r"(^|&)code="


@dataclass(frozen=True)
class Walk:
    """One complete fetch of one request, or one file, as the index knows it.

    Attributes:
        source: our name of the endpoint.
        event_date: the date asked for; None for a range call and for a file.
        fetched_at: instant at which its last page was there.
        pages: index rows, first page first.
        covers: first and last event day inside a file; None otherwise.
        heard_until: instant of the last fetch that brought exactly the same; `fetched_at` if it came once.
    """

    source: str
    event_date: date | None
    fetched_at: datetime
    pages: tuple[Mapping[str, Any], ...]
    covers: tuple[date, date] | None
    heard_until: datetime

    @property
    def hashes(self) -> tuple[str, ...]:
        """Hashes of its pages; two walks with equal hashes say the same."""
        return tuple(str(page["sha256"]) for page in self.pages)

    @cached_property
    def said(self) -> str:
        """What was asked and what was answered, as one text."""
        return "|".join((str(self.pages[0]["request_key"]), *self.hashes))

    @property
    def written_at(self) -> datetime:
        """When the publisher wrote what it says: for a bulk file its last change, otherwise the fetch."""
        changed = self.pages[0].get("last_modified")
        return min(changed, self.fetched_at) if isinstance(changed, datetime) else self.fetched_at

    @property
    def row_count(self) -> int:
        """Rows of all its pages."""
        return sum(int(page["row_count"]) for page in self.pages)

    def days(self, wanted: Iterable[date]) -> list[date]:
        """Those of the wanted event days it was asked for; a range call names none beforehand."""
        if self.covers:
            first, last = self.covers
            return [day for day in wanted if first <= day <= last]
        return [day for day in wanted if day == self.event_date]


def complete_walks(requests: pl.DataFrame, known_at: datetime | None = None) -> list[Walk]:
    """Fetches whose pages run from 1 to one marked last, and files, oldest first.

    A landed refusal is no fetch (see `is_switched_off`).
    Calls for a single issue are left out too: they are not all there is about their date.

    Args:
        requests: rows of `raw_requests` of one source.
        known_at: leave out what was fetched later; None for everything.
    """
    return _ended(requests.filter(pl.col("status") == _ANSWERED), known_at)


def without_repeats(walks: Iterable[Walk]) -> list[Walk]:
    """Walks in order; one that says exactly what the walk before it said only prolongs that one's word."""
    kept: list[Walk] = []
    for walk in walks:
        if kept and kept[-1].said == walk.said:
            kept[-1] = replace(kept[-1], heard_until=walk.fetched_at)
        else:
            kept.append(walk)
    return kept


def walks_by_day(walks: Iterable[Walk], days: Iterable[date], rule: PublicationRule) -> dict[date, list[Walk]]:
    """For each event day its landings, oldest first, those fetched before its first hour left out.

    A bulk file that the publisher last changed before an earlier landing of the day was fetched has nothing to add to
    it and is left out too.

    Args:
        walks: complete walks, oldest first.
        days: event days wanted.
        rule: says from when an answer for a day means anything.
    """
    found: dict[date, list[Walk]] = {day: [] for day in days}
    ordered = sorted(found)
    first = {day: rule.first_at(day) for day in ordered}
    for walk in walks:
        places = [walk.event_date] if walk.event_date in found else walk.days(ordered) if walk.covers else []
        for day in places:
            if day is None or walk.fetched_at < first[day]:
                continue
            if not found[day] or walk.written_at >= found[day][-1].written_at:
                found[day].append(walk)
    return {day: without_repeats(several) for day, several in found.items()}


def is_switched_off(requests: pl.DataFrame, known_at: datetime | None = None) -> bool:
    """Whether the plan lacks a source: its newest complete landing is a refusal, and none ever had rows.

    Arguments as for `complete_walks`. A source whose plan was downgraded later keeps its rows and is not switched off.
    """
    if (requests["status"] == _ANSWERED).all():
        return False
    walks = _ended(requests, known_at)
    has_rows = any(walk.row_count > 0 for walk in walks)
    return bool(walks) and not has_rows and walks[-1].pages[-1]["status"] != _ANSWERED


def _ended(requests: pl.DataFrame, known_at: datetime | None) -> list[Walk]:
    """Complete fetches and landed refusals, oldest first."""
    ordered = requests.filter(~pl.col("request_key").str.contains(_OF_ONE_ISSUE)).sort(
        "request_key", "fetch_id", "page_number"
    )
    walks = []
    for _, group in groupby(ordered.iter_rows(named=True), key=lambda row: (row["request_key"], row["fetch_id"])):
        pages = tuple(group)
        finished = max(page["fetched_at"] for page in pages)
        numbers = [page["page_number"] for page in pages]
        is_complete = numbers == list(range(1, len(pages) + 1)) and pages[-1]["is_last_page"]
        if is_complete and (known_at is None or finished <= known_at):
            walks.append(_walk(pages, finished))
    return sorted(walks, key=lambda walk: walk.fetched_at)


def _walk(pages: tuple[Mapping[str, Any], ...], finished: datetime) -> Walk:
    first = pages[0]
    covers = (first["covers_from"], first["covers_to"]) if first.get("covers_from") else None
    return Walk(first["source"], first["event_date"], finished, pages, covers, finished)
