"""Codes that end and codes that begin: who may be whose successor. A hint for people, never a fact.

The source links nothing: a code change or a holding-company transfer appears as one code ending and another beginning.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, Table

NO_SECTOR = "9999"
"""What funds and similar issues have in place of a sector: on such codes only equal names are a hint."""

POSSIBLE_SUCCESSORS = Table(
    name="core__possible_successors",
    description=(
        "One pair of codes of which the first ended on a session and the second began on the next one, with the same "
        "33-sector and either the same name or, among that day's changes, no other candidate on either side. A guess "
        "from the listing alone: two unrelated companies can look like this, and a transfer with a pause between the "
        "codes is not found. No history is joined by it."
    ),
    columns=(
        Column("ended_code", pl.String, "Code that stopped appearing."),
        Column("began_code", pl.String, "Code that appeared on the next session."),
        Column("last_session", pl.Date, "Last session of the code that ended."),
        Column("first_session", pl.Date, "First session of the code that began."),
        Column("ended_name", pl.String, "Name under the code that ended."),
        Column("began_name", pl.String, "Name under the code that began."),
        Column("sector33_code", pl.String, "The sector both have."),
        Column("has_same_name", pl.Boolean, "Both have the same name; otherwise only sector and date agree."),
        AVAILABLE_AT,
    ),
    key=("ended_code", "began_code"),
    partitioned=False,
)


def possible_successors(master: pl.DataFrame, calendar: SessionCalendar | None = None) -> pl.DataFrame:
    """Pairs of codes that may be one company.

    Args:
        master: rows of `core_jquants__security_master`.
        calendar: the sessions; None for the exchange's own.

    Returns:
        POSSIBLE_SUCCESSORS, known from the first snapshot of the code that began.
    """
    known = calendar or tse_calendar()
    ordered = master.sort("code", "valid_from_date")
    last = ordered.group_by("code", maintain_order=True).last().filter(pl.col("valid_to_date").is_not_null())
    first = ordered.group_by("code", maintain_order=True).first()
    begins_at = first["valid_from_date"].min()
    ended = last.select(
        pl.col("code").alias("ended_code"),
        pl.col("valid_to_date").alias("last_session"),
        pl.col("name").alias("ended_name"),
        "sector33_code",
        "market_code",
    )
    next_session = [known.shift(day, 1) for day in ended["last_session"]]
    ended = ended.with_columns(pl.Series("first_session", next_session, dtype=pl.Date))
    began = first.filter(pl.col("valid_from_date") > begins_at).select(
        pl.col("code").alias("began_code"),
        pl.col("valid_from_date").alias("first_session"),
        pl.col("name").alias("began_name"),
        "sector33_code",
        "market_code",
        "available_at",
    )
    pairs = ended.join(began, on=["first_session", "sector33_code", "market_code"]).with_columns(
        (pl.col("ended_name") == pl.col("began_name")).alias("has_same_name")
    )
    alone = (pl.len().over("ended_code") == 1) & (pl.len().over("began_code") == 1)
    return (
        pairs.filter(pl.col("has_same_name") | (alone & (pl.col("sector33_code") != NO_SECTOR)))
        .select(POSSIBLE_SUCCESSORS.polars_schema.names())
        .cast(POSSIBLE_SUCCESSORS.polars_schema)
        .sort(POSSIBLE_SUCCESSORS.key)
    )
