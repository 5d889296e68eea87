"""The one as-of join of the house: what was knowable before the hour of decision, and nothing else.

No room shifts time by hand. A lag exists only because a row's `available_at` says so, and only this join reads it.
Source: features.md 1.1; evaluation.md 1 (strict: delivered at the cutoff is too late).
"""

from __future__ import annotations

from datetime import time

import polars as pl

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.tables import Table

_CUTOFF, _EVENT, _KNOWN_FROM = "__cutoff", "__event", "__known_from"


def cutoff_at(session: pl.Expr, cutoff: time) -> pl.Expr:
    """The instant at which a session's decision is made: that session's date at the cutoff hour in Tokyo.

    Args:
        session: expression of type Date.
        cutoff: hour in JST, e.g. time(19, 0).

    Returns:
        Expression `cutoff_at` of type JST_INSTANT.
    """
    hour = pl.time(cutoff.hour, cutoff.minute, cutoff.second)
    return session.dt.combine(hour).dt.replace_time_zone("Asia/Tokyo").cast(JST_INSTANT).alias("cutoff_at")


def join_as_of(
    left: pl.DataFrame,
    right: pl.DataFrame,
    *,
    right_table: Table,
    on_code: bool,
    cutoff: pl.Expr | str = "cutoff_at",
    suffix: str = "_known",
) -> pl.DataFrame:
    """For each left row, the newest right row whose `available_at` lies strictly before the left row's cutoff.

    Newest means the latest event (the right key's date), not the latest arrival: a late correction of an old row
    does not hide a newer one.

    Args:
        left: rows that ask; any order; unchanged in number and order.
        right: rows of `right_table`, with `available_at` and the table's key.
        right_table: declaration of the right side; its key is one date, plus `code` when `on_code`.
        on_code: whether only rows of the same issue answer.
        cutoff: column or expression of the left side, type JST_INSTANT.
        suffix: put behind right columns whose name the left side already has.

    Returns:
        `left` plus the right columns (null where nothing was known yet).

    Raises:
        SchemaError: no `available_at`, an instant that is not JST, or a key of another shape.
        DataError: `available_at` is null somewhere, or the right key is not unique.
    """
    event = _event_column(right_table, on_code=on_code)
    by = ["code"] if on_code else []
    _require_available(right, right_table, event)
    _require_unique(right, right_table, [*by, event])
    asked = left.with_columns((pl.col(cutoff) if isinstance(cutoff, str) else cutoff).alias(_CUTOFF)).with_row_index(
        "__row"
    )
    _require_instant(asked)
    known = _newest_event_known(right, event, by)
    found = asked.sort(_CUTOFF).join_asof(
        known,
        left_on=_CUTOFF,
        right_on=_KNOWN_FROM,
        by=by or None,
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    answers = right.rename(
        {name: f"{name}{suffix}" for name in right.columns if name in left.columns and name not in by}
    )
    answers = answers.with_columns(right[event].alias(_EVENT))
    joined = found.join(answers, on=[*by, _EVENT], how="left", maintain_order="left").sort("__row")
    return _conserved(left, joined, right_table).drop("__row", _CUTOFF, _EVENT, _KNOWN_FROM, strict=False)


def _newest_event_known(right: pl.DataFrame, event: str, by: list[str]) -> pl.DataFrame:
    """(code, instant, newest event known from that instant on), sorted by instant."""
    arrivals = right.select(*by, pl.col("available_at").alias(_KNOWN_FROM), pl.col(event).alias(_EVENT)).sort(
        _KNOWN_FROM
    )
    newest = pl.col(_EVENT).cum_max()
    return (
        arrivals.with_columns(newest.over(by) if by else newest)
        .group_by(*by, _KNOWN_FROM, maintain_order=True)
        .agg(pl.col(_EVENT).max())
        .sort(_KNOWN_FROM)
    )


def _event_column(table: Table, *, on_code: bool) -> str:
    dates = [name for name in table.key if table.column(name).dtype == pl.Date]
    rest = [name for name in table.key if name not in dates]
    if len(dates) != 1 or rest != (["code"] if on_code else []):
        raise SchemaError(
            f"as-of join with {table.name}",
            got=f"the key {list(table.key)}",
            want="one date" + (" and `code`" if on_code else ""),
            remedy="Choose on_code to match the table, or reduce the table to one row per date first.",
        )
    return dates[0]


def _require_available(right: pl.DataFrame, table: Table, event: str) -> None:
    dtype = right.schema.get("available_at")
    if dtype != JST_INSTANT or event not in right.columns:
        raise SchemaError(
            f"as-of join with {table.name}",
            got="no column `available_at`"
            if dtype is None
            else f"`available_at` of type {dtype}, columns {right.columns}",
            want=f"`{event}` and `available_at` of type {JST_INSTANT}",
            remedy="Join typed tables only; a table without availability cannot be used point-in-time.",
        )
    if unknown := right["available_at"].null_count():
        raise DataError(
            f"as-of join with {table.name}",
            got=f"{unknown} rows without `available_at`",
            want="an instant on every row",
            remedy="Type the rows again; the publication rule gives every row its instant.",
        )


def _require_unique(right: pl.DataFrame, table: Table, key: list[str]) -> None:
    if right.select(key).is_duplicated().any():
        raise DataError(
            f"as-of join with {table.name}",
            got="several rows with the same key",
            want="at most one match per row (m:1)",
            remedy="Check the table's key; write through the store, which refuses repeated keys.",
        )


def _require_instant(asked: pl.DataFrame) -> None:
    if asked.schema[_CUTOFF] != JST_INSTANT:
        raise SchemaError(
            "cutoff of an as-of join",
            got=str(asked.schema[_CUTOFF]),
            want=str(JST_INSTANT),
            remedy="Use tables.asof.cutoff_at(session, hour).",
        )


def _conserved(left: pl.DataFrame, joined: pl.DataFrame, table: Table) -> pl.DataFrame:
    if joined.height != left.height:
        raise DataError(
            f"as-of join with {table.name}",
            got=f"{joined.height} rows out of {left.height}",
            want="as many rows as before",
            remedy="The right key is not unique; check how the table was written.",
        )
    return joined
