"""What the index says about earlier fetches: which days are complete, where a walk stopped, what the plan refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from gogoku_pipeline.ingest.publication import are_rows_due, is_believable, rule_of
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.raw_requests import newest_complete

RESUME_WITHIN = timedelta(hours=12)
"""An older interruption starts again: between its pages the publisher may have changed the data."""

REFUSAL_HOLDS = timedelta(days=7)
"""How long a plan that lacks a source is believed before it is asked again."""

ANSWERED = 200


@dataclass(frozen=True)
class Interrupted:
    """A walk that stopped before its last page.

    Attributes:
        fetch_id: id shared by its pages.
        page_number: number of the next page.
        pagination_key: its key.
        stopped_at: when its last page came.
    """

    fetch_id: str
    page_number: int
    pagination_key: str
    stopped_at: datetime


def complete_days(index: pl.DataFrame, source: str, days: Sequence[date]) -> set[date]:
    """Event days that need no further call: answered completely at or after their final hour.

    A file that covers a day counts like an answer for it. An empty answer never counts where rows are due, and where
    none are it counts only some minutes after the hour, because clocks differ.

    Args:
        index: rows of `raw_requests` of the source.
        source: our name of the endpoint.
        days: event days asked about.
    """
    answered = index.filter(pl.col("status") == ANSWERED)
    whole_days = pl.col("event_date").is_not_null() & ~pl.col("request_key").str.contains("&|code=")
    return _by_day(answered.filter(whole_days), source, set(days)) | _by_file(answered, source, days)


def _by_day(index: pl.DataFrame, source: str, days: set[date]) -> set[date]:
    done = (
        newest_complete(index)
        .group_by("event_date")
        .agg(began_at=pl.col("fetched_at").min(), rows=pl.col("row_count").sum())
    )
    rule, declared = rule_of(source), SOURCES[source]
    return {
        day
        for day, began_at, rows in done.iter_rows()
        if day in days
        and is_believable(rows, began_at, rule.final_at(day))
        and (rows > 0 or not are_rows_due(declared, day))
    }


def _by_file(index: pl.DataFrame, source: str, days: Sequence[date]) -> set[date]:
    rule = rule_of(source)
    files = index.filter(pl.col("covers_from").is_not_null()).select("covers_from", "covers_to", "fetched_at")
    return {
        day
        for first, last, fetched_at in files.iter_rows()
        for day in days
        if first <= day <= last and fetched_at >= rule.final_at(day)
    }


def interrupted_walks(index: pl.DataFrame, now: datetime) -> dict[str, Interrupted]:
    """By request: the newest walk, if it stopped in the middle not long ago."""
    index = index.sort("fetch_id", "page_number")
    newest = index.group_by("request_key", maintain_order=True).agg(pl.all().last()).filter(~pl.col("is_last_page"))
    walks: dict[str, Interrupted] = {}
    for row in newest.iter_rows(named=True):
        pages = index.filter(pl.col("fetch_id") == row["fetch_id"])["page_number"].to_list()
        is_unbroken = pages == list(range(1, row["page_number"] + 1))
        is_recent = now - row["fetched_at"] <= RESUME_WITHIN
        if is_unbroken and is_recent:
            next_page = (row["page_number"] + 1, row["pagination_key_next"])
            walks[row["request_key"]] = Interrupted(row["fetch_id"], *next_page, row["fetched_at"])
    return walks


def is_refused(store: Store, index: pl.DataFrame, plan: str, now: datetime) -> bool:
    """Whether the newest landing is a refusal of this plan that is not yet too old to be believed."""
    newest = index.sort("fetched_at", "fetch_id").tail(1)
    if newest.is_empty() or newest["status"][0] == ANSWERED or now - newest["fetched_at"][0] > REFUSAL_HOLDS:
        return False
    row = newest.row(0, named=True)
    said = json.loads(store.raw.payload(str(row["source"]), row))
    return bool(said.get("plan") == plan)
