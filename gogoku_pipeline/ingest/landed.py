"""What the index says about earlier fetches: which requests are complete, and where an interrupted one stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from gogoku_pipeline.ingest.publication import is_session, published_at
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.raw_requests import newest_complete

RESUME_WITHIN = timedelta(hours=12)
"""An older interruption starts again: between its pages the publisher may have changed the data."""


@dataclass(frozen=True)
class Interrupted:
    """A walk that stopped before its last page.

    Attributes:
        fetch_id: id shared by its pages.
        page_number: number of the next page.
        pagination_key: its key.
    """

    fetch_id: str
    page_number: int
    pagination_key: str


def complete_days(store: Store, source: str, days: list[date]) -> set[date]:
    """Days that need no further call: fetched completely after their publication, with rows if rows are due.

    An empty answer on a session never counts, nor does one from before the hour at which rows become final.
    """
    index = store.raw.requests(source, days[0], days[-1]).filter(~pl.col("request_key").str.contains("code="))
    done = (
        newest_complete(index)
        .group_by("event_date")
        .agg(finished_at=pl.col("fetched_at").max(), rows=pl.col("row_count").sum())
    )
    return {
        day
        for day, finished_at, rows in done.iter_rows()
        if finished_at >= published_at(source, day) and (rows > 0 or not is_session(day))
    }


def interrupted_walks(store: Store, source: str, now: datetime) -> dict[str, Interrupted]:
    """By request: the newest walk, if it stopped in the middle not long ago."""
    index = store.raw.requests(source).sort("fetch_id", "page_number")
    newest = index.group_by("request_key", maintain_order=True).agg(pl.all().last()).filter(~pl.col("is_last_page"))
    walks: dict[str, Interrupted] = {}
    for row in newest.iter_rows(named=True):
        pages = index.filter(pl.col("fetch_id") == row["fetch_id"])["page_number"].to_list()
        is_unbroken = pages == list(range(1, row["page_number"] + 1))
        is_recent = now - row["fetched_at"] <= RESUME_WITHIN
        if is_unbroken and is_recent:
            walks[row["request_key"]] = Interrupted(row["fetch_id"], row["page_number"] + 1, row["pagination_key_next"])
    return walks
