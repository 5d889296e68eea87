"""How complete is the data: rows, rejects, and how many of the listed stocks each source covers, per session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import DataError


def coverage_by_session(
    sources: Mapping[str, pl.DataFrame], listed: pl.DataFrame, sessions: Sequence[date]
) -> pl.DataFrame:
    """Rows and covered stocks of each source on each session.

    Args:
        sources: by table name, frames with `session` and `code` (a frame without `code` counts rows only). A row
            covers its stock when it has one key; nulls inside are the null budget's affair.
        listed: [session, code]: who should be there.
        sessions: sessions asked for; one without rows appears with 0.

    Returns:
        [source, session, rows, listed, covered, coverage] sorted; `coverage` = covered / listed, null where nobody is
        listed or the source has no codes.

    Raises:
        DataError: a frame without a session column.
    """
    frame = pl.DataFrame({"session": sorted(set(sessions))}, schema={"session": pl.Date})
    wanted = listed.select("session", "code").unique()
    counts = frame.join(
        wanted.group_by("session").agg(pl.len().cast(pl.Int64).alias("listed")), on="session", how="left"
    ).with_columns(pl.col("listed").fill_null(0))
    parts = [_of_source(name, rows, wanted, counts) for name, rows in sorted(sources.items())]
    schema = {"source": pl.String, "session": pl.Date, "rows": pl.Int64, "listed": pl.Int64, "covered": pl.Int64}
    empty = pl.DataFrame(schema={**schema, "coverage": pl.Float64})
    return pl.concat([empty, *parts]).sort("source", "session")


def _of_source(name: str, rows: pl.DataFrame, wanted: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    if "session" not in rows.columns:
        raise DataError(
            f"coverage of {name}", got=f"columns {rows.columns}", want="`session`", remedy="Pass a session table."
        )
    total = rows.group_by("session").agg(pl.len().cast(pl.Int64).alias("rows"))
    by_session = counts.join(total, on="session", how="left").with_columns(pl.col("rows").fill_null(0))
    if "code" not in rows.columns:
        none = [pl.lit(None, dtype=pl.Int64).alias("covered"), pl.lit(None, dtype=pl.Float64).alias("coverage")]
        return by_session.select(pl.lit(name).alias("source"), "session", "rows", "listed", *none)
    present = wanted.join(rows.select("session", "code").unique(), on=["session", "code"], how="semi")
    covered = present.group_by("session").agg(pl.len().cast(pl.Int64).alias("covered"))
    share = pl.when(pl.col("listed") > 0).then(pl.col("covered") / pl.col("listed")).alias("coverage")
    return (
        by_session.join(covered, on="session", how="left")
        .with_columns(pl.col("covered").fill_null(0))
        .select(pl.lit(name).alias("source"), "session", "rows", "listed", "covered", share)
    )
