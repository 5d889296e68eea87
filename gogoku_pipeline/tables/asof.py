"""The hour of decision, and the as-of join by it: what was knowable before, and nothing else.

No room shifts time by hand: a lag exists only because a row's `available_at` says so. Features ask for the hour alone
(`features/states` places releases on sessions); the join is for whoever brings a table to instants of their own.
Both sides are walked once in the order of time, with the newest answer of every issue at hand: no sorted copy, no hash
per row. Source: features.md 1.1; evaluation.md 1 (strict: delivered at the cutoff is too late).
"""

from __future__ import annotations

from datetime import time

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.tables import Table

Whole = npt.NDArray[np.int64]


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
    asked = left.select(pl.col(cutoff) if isinstance(cutoff, str) else cutoff).to_series()
    _require_instant(asked)
    asks, tells, issues = _issues(left, right) if by else _one_issue(left, right)
    known_from, events, cutoffs = _whole(right["available_at"]), _whole(right[event]), _whole(asked)
    if _is_repeated(events, _in_order(events), tells, issues):
        raise _repeated(right_table)
    found = _newest_known(cutoffs, _in_order(cutoffs), asks, known_from, _in_order(known_from), tells, events, issues)
    rows = pl.Series(found).replace(-1, None)
    answers = right.drop(by).select(pl.all().gather(rows))
    answers = answers.rename({name: f"{name}{suffix}" for name in answers.columns if name in left.columns})
    return pl.concat([left, answers], how="horizontal")


@compiled
def _newest_known(
    asked: Whole, askers: Whole, asks: Whole, arrived: Whole, arrivals: Whole, tells: Whole, event: Whole, size: int
) -> Whole:
    """[left rows] the right row with the latest event among those that arrived before; -1 for none.

    `askers` and `arrivals` are the rows of either side in order of time, `asks` and `tells` their issues below `size`
    (-1: nobody tells of it).
    """
    newest = np.full(size, -1, np.int64)
    out = np.full(asked.size, -1, np.int64)
    at = 0
    for i in askers:
        while at < arrivals.size and arrived[arrivals[at]] < asked[i]:
            row = arrivals[at]
            held = newest[tells[row]]
            if held < 0 or event[row] > event[held]:
                newest[tells[row]] = row
            at += 1
        if asks[i] >= 0:
            out[i] = newest[asks[i]]
    return out


@compiled
def _is_repeated(event: Whole, by_event: Whole, tells: Whole, size: int) -> bool:
    """Whether an issue has two rows of one event; `by_event` is the rows in order of events."""
    newest = np.full(size, -1, np.int64)
    for row in by_event:
        held = newest[tells[row]]
        if held >= 0 and event[held] == event[row]:
            return True
        newest[tells[row]] = row
    return False


def _issues(left: pl.DataFrame, right: pl.DataFrame) -> tuple[Whole, Whole, int]:
    """Issues of either side as places among the codes of the right side, -1 for one it lacks; how many there are."""
    known = right.schema["code"]
    if not isinstance(known, pl.Enum):
        known = pl.Enum(right["code"].unique().sort())
    asks, tells = (_whole(frame["code"].cast(known, strict=False)) for frame in (left, right))
    return asks, tells, len(known.categories)


def _one_issue(left: pl.DataFrame, right: pl.DataFrame) -> tuple[Whole, Whole, int]:
    return np.zeros(left.height, np.int64), np.zeros(right.height, np.int64), 1


def _whole(values: pl.Series) -> Whole:
    """Integers of dates, instants and places; -1 for null."""
    return values.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def _in_order(instants: Whole) -> Whole:
    """Rows by time; rows of one instant stay in their order."""
    if np.all(instants[1:] >= instants[:-1]):
        return np.arange(instants.size)
    return np.argsort(instants, kind="stable")


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


def _repeated(table: Table) -> DataError:
    return DataError(
        f"as-of join with {table.name}",
        got="several rows with the same key",
        want="at most one match per row (m:1)",
        remedy="Check the table's key; write through the store, which refuses repeated keys.",
    )


def _require_instant(asked: pl.Series) -> None:
    if asked.dtype != JST_INSTANT:
        raise SchemaError(
            "cutoff of an as-of join",
            got=str(asked.dtype),
            want=str(JST_INSTANT),
            remedy="Use tables.asof.cutoff_at(session, hour).",
        )
