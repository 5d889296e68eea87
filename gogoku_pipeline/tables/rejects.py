"""Rows that could not be typed, and the count that proves nothing was lost on the way.

Every raw row ends in exactly one place: the table, the rejects, or the pile of identical repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, Table
from gogoku_pipeline.tables.corrections import CORRECTIONS

REJECTS = Table(
    name="core__rejects",
    description=(
        "One raw row that could not be typed, with the reason and the row itself. Append-only and shared by all "
        "sources; typing the same landing again finds the same rejects, so only unseen ones are appended. The payload "
        "in the raw landing stays untouched."
    ),
    columns=(
        Column("session", pl.Date, "Session of the row; without a readable date the first session of its landing."),
        Column("source", pl.String, "Our name of the endpoint."),
        Column("reason", pl.String, "What is wrong, field by field."),
        Column("field", pl.String, "The fields that are wrong, comma separated."),
        Column("row_json", pl.String, "The row as it came."),
        Column("sha256", pl.String, "Hash of the landed page or file."),
        Column("row_number", pl.Int32, "Place of the row in that page, from 0.", at_least=0),
        AVAILABLE_AT,
    ),
    key=("session", "source", "sha256", "row_number"),
    partitioned=False,
)


@dataclass(frozen=True)
class Conservation:
    """Where the raw rows of one session went; constructing it is the assertion that none was lost.

    Attributes:
        source: our name of the endpoint.
        session: the session (for a whole table without sessions, the day of its newest fetch).
        raw_rows: rows of the newest landing of each of its event days.
        table_rows: rows of the table.
        rejected: rows in REJECTS.
        duplicates: identical repetitions left out.
        carried: rows of the table that only an earlier landing has (appended sources, range calls).
        early: rows that were not final when they were fetched and wait for a later landing (range calls).
        superseded: versions of rows that later landings replaced.
        landings_hash: what was landed for it; another hash means that typing again may give another result.
    """

    source: str
    session: date
    raw_rows: int
    table_rows: int
    rejected: int
    duplicates: int
    carried: int = 0
    early: int = 0
    superseded: int = 0
    landings_hash: str = ""

    def __post_init__(self) -> None:
        """Raise DataError if the sum is not the whole."""
        if self.raw_rows + self.carried != self.table_rows + self.rejected + self.duplicates + self.early:
            raise DataError(
                f"{self.source} {self.session}",
                got=f"{self.table_rows} typed + {self.rejected} rejected + {self.duplicates} repeated + "
                f"{self.early} early rows",
                want=f"{self.raw_rows} raw rows + {self.carried} carried on",
                remedy="A row was lost while typing; report it with the landing's hash.",
            )


@dataclass(frozen=True)
class Typed:
    """What typing made of the landings.

    Attributes:
        frame: rows of the table in force, sorted by its key.
        rejects: rows of REJECTS.
        counts: one Conservation per session.
        warnings: sentences a person should read, e.g. fields nobody declared (they stay in the raw landing).
        superseded: rows of CORRECTIONS (without run): the versions that later landings replaced.
    """

    frame: pl.DataFrame
    rejects: pl.DataFrame
    counts: tuple[Conservation, ...]
    warnings: tuple[str, ...]
    superseded: pl.DataFrame = field(default_factory=CORRECTIONS.empty)


def unseen_rejects(found: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """The rejects that are not in the table yet: what to append.

    Args:
        found: REJECTS rows of a typing.
        kept: REJECTS rows already stored.

    Returns:
        Rows of `found` whose key `kept` lacks, each key once.
    """
    return (
        found.unique(subset=list(REJECTS.key), keep="first")
        .join(kept, on=list(REJECTS.key), how="anti")
        .sort(REJECTS.key)
    )
