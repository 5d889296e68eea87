"""The index of everything that was fetched: what was asked, when, and under which hash the answer lies."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import polars as pl

from gogoku_pipeline.schema.columns import JST_INSTANT, Column, OlderRows
from gogoku_pipeline.schema.tables import Table

RAW_REQUESTS = Table(
    name="raw_requests",
    description=(
        "One page of one response. Append-only: a later fetch of the same request adds rows and removes none, so the "
        "index answers what was known when. A fetch is complete if its pages run from 1 to one marked last. A file "
        "(bulk, or handed in by a user) is one page that covers many days."
    ),
    columns=(
        Column("source", pl.String, "Our name of the endpoint."),
        Column("request_key", pl.String, "The query in canonical form, without pagination key and secrets."),
        Column("event_date", pl.Date, "The date asked for; null for calls over a range and for files.", nullable=True),
        Column("page_number", pl.Int32, "1 for the first page.", at_least=1),
        Column("pagination_key_next", pl.String, "Key of the next page; null on the last.", nullable=True),
        Column("is_last_page", pl.Boolean, "No page follows."),
        Column("url", pl.String, "Address without query."),
        Column("status", pl.Int32, "HTTP status."),
        Column("fetched_at", JST_INSTANT, "Instant of the answer."),
        Column("sha256", pl.String, "Hash of the exact bytes."),
        Column("object_key", pl.String, "Where they lie."),
        Column("row_count", pl.Int64, "Rows in the page.", "rows", at_least=0),
        Column("byte_count", pl.Int64, "Size of the page.", "bytes", at_least=0),
        Column("schema_fingerprint", pl.String, "Hash of the field names seen."),
        Column("fetch_id", pl.String, "The same for all pages of one walk; sorts by time."),
        Column("run_id", pl.String, "Run that fetched it."),
        Column(
            "media", pl.String, "Form of the bytes.", allowed=("json", "csv.gz", "parquet"), older=OlderRows("json")
        ),
        Column(
            "covers_from",
            pl.Date,
            "First day inside; null unless it is a file.",
            nullable=True,
            older=OlderRows(),
        ),
        Column("covers_to", pl.Date, "Last day inside; null unless it is a file.", nullable=True, older=OlderRows()),
        Column(
            "last_modified",
            JST_INSTANT,
            "When the publisher last changed the file.",
            nullable=True,
            older=OlderRows(),
        ),
    ),
    key=("source", "request_key", "fetch_id", "page_number"),
    partitioned=False,
)


def request_key(params: Mapping[str, str]) -> str:
    """Canonical form of a query: sorted and encoded, e.g. ``date=2024-05-08`` or ``bulk=equities/master/live/...``."""
    return urlencode(sorted(params.items()), safe="/")


def newest_complete(requests: pl.DataFrame) -> pl.DataFrame:
    """Keep, per request, the pages of its newest complete fetch.

    Args:
        requests: rows of `raw_requests`.

    Returns:
        The same columns, sorted by request and page. Requests without a complete fetch are left out.
    """
    walk = ["source", "request_key", "fetch_id"]
    complete = (
        requests.group_by(walk)
        .agg(
            pages=pl.col("page_number").n_unique(),
            newest_page=pl.col("page_number").max(),
            ends=pl.col("is_last_page").any(),
            finished_at=pl.col("fetched_at").max(),
        )
        .filter(pl.col("ends") & (pl.col("pages") == pl.col("newest_page")))
        .sort("finished_at", "fetch_id")
        .group_by(walk[:2], maintain_order=True)
        .last()
        .select(walk)
    )
    return requests.join(complete, on=walk, how="semi").sort("source", "request_key", "page_number")
