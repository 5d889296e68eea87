"""The security master: daily listings folded into intervals, with a number for each issue that never changes.

Source: J-Quants V2 /equities/master, which has no listing or delisting dates: an issue that is gone stops appearing.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from gogoku_pipeline.schema.listed_issues import MASTER, SNAPSHOT
from gogoku_pipeline.store import Store

ATTRIBUTES = tuple(column.name for column in SNAPSHOT.columns if column.name not in (*SNAPSHOT.key, "available_at"))
"""What is compared from snapshot to snapshot."""


def build_security_master(
    snapshots: pl.DataFrame,
    previous: pl.DataFrame | None = None,
    *,
    ids_from: pl.DataFrame | None = None,
    calendar: SessionCalendar | None = None,
) -> pl.DataFrame:
    """Each issue's history as intervals in which nothing about it changed.

    An interval ends on the session before the first snapshot that lacks the issue or shows another attribute. An
    interval is available from the moment its first snapshot was. A code that returns after an absence keeps its
    `stock_id`. Feeding snapshots piece by piece gives the same table as feeding them at once.

    Args:
        snapshots: rows of `core_jquants__listed_issues`; with `previous`, only sessions after those it was built from.
        previous: the master built from the sessions before; None to build from nothing.
        ids_from: a stored master whose numbers are kept: pass it when rebuilding, because snapshots of older sessions
            that were backfilled in between would otherwise renumber every issue.
        calendar: the sessions; None for the exchange's own.

    Returns:
        MASTER sorted by (code, valid_from_date).

    Raises:
        DataError: snapshots that are not newer than what `previous` already knows.
    """
    before = MASTER.empty() if previous is None else previous
    sessions = snapshots["session"].unique().sort()
    if sessions.is_empty():
        return before.sort("code", "valid_from_date")
    _refuse_older(sessions[0], before)
    known = calendar or tse_calendar()
    is_open = pl.col("valid_to_date").is_null()
    intervals = _intervals(_observations(snapshots, before.filter(is_open), sessions))
    closing = sessions if before.height else sessions[1:]
    ends = pl.DataFrame(
        {
            "last_place": range(len(sessions) - len(closing) - 1, len(sessions) - 1),
            "valid_to_date": [known.shift(session, -1) for session in closing],
        },
        schema={"last_place": pl.Int64, "valid_to_date": pl.Date},
    )
    touched = intervals.join(ends, on="last_place", how="left")
    ids = _stock_ids(snapshots, [before] if ids_from is None else [before, ids_from])
    return (
        pl.concat([before.filter(~is_open).drop("stock_id"), touched.select(_without_id())])
        .join(ids, on="code", how="left")
        .select(MASTER.polars_schema.names())
        .cast(MASTER.polars_schema)
        .sort("code", "valid_from_date")
    )


def rebuilt_master(store: Store, calendar: SessionCalendar | None = None) -> pl.DataFrame:
    """The master made anew from every stored snapshot, year by year; every number of the stored master is kept."""
    sessions = store.tables.sessions(SNAPSHOT)
    kept = store.tables.scan(MASTER).collect()
    master = MASTER.empty()
    for year in sorted({session.year for session in sessions}):
        rows = store.tables.scan(SNAPSHOT, start=date(year, 1, 1), end=date(year, 12, 31)).collect()
        master = build_security_master(rows, master, ids_from=kept, calendar=calendar)
    return master


def listed_on(master: pl.DataFrame, session: date) -> pl.DataFrame:
    """The issues listed on a session with what was true of them then.

    Args:
        master: rows of MASTER.
        session: the session that asks.

    Returns:
        One row per code, without `valid_to_date`: the end of an interval is known only after it, and reading it
        earlier would tell who is about to be delisted.
    """
    is_valid = (pl.col("valid_from_date") <= session) & (
        pl.col("valid_to_date").is_null() | (pl.col("valid_to_date") >= session)
    )
    return master.filter(is_valid).drop("valid_to_date").sort("code")


def _without_id() -> list[str]:
    return [name for name in MASTER.polars_schema.names() if name != "stock_id"]


def _observations(snapshots: pl.DataFrame, still_open: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """Open intervals as one earlier observation each (place -1), then one per snapshot row (place 0, 1, ...)."""
    places = pl.DataFrame({"session": sessions}).with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    fresh = snapshots.join(places, on="session", how="left").rename({"session": "valid_from_date"})
    columns = ["code", "place", "valid_from_date", *ATTRIBUTES, "available_at"]
    carried = still_open.with_columns(pl.lit(-1, pl.Int64).alias("place"))
    return pl.concat([carried.select(columns), fresh.select(columns)]).sort("code", "place")


def _intervals(observations: pl.DataFrame) -> pl.DataFrame:
    """Runs of adjoining observations of one code with equal attributes."""
    begins = pl.any_horizontal(
        pl.col("code").ne_missing(pl.col("code").shift(1)),
        pl.col("place") != pl.col("place").shift(1) + 1,
        *(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ATTRIBUTES),
    )
    return (
        observations.with_columns(begins.cum_sum().alias("run"))
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("code", "valid_from_date", *ATTRIBUTES, "available_at").first(),
            pl.col("place").last().alias("last_place"),
        )
    )


def _stock_ids(snapshots: pl.DataFrame, masters: list[pl.DataFrame]) -> pl.DataFrame:
    """(code, stock_id): known ids kept, new codes numbered on in order of first appearance, then of code."""
    kept = pl.concat([master.select("code", "stock_id") for master in masters]).unique()
    if kept["code"].is_duplicated().any() or kept["stock_id"].is_duplicated().any():
        raise DataError(
            f"stock_id of {MASTER.name}",
            got="codes with two numbers, or numbers with two codes",
            want="one number per code, for ever",
            remedy="Restore the master from an older version of its table.",
        )
    highest = kept["stock_id"].max()
    start = highest + 1 if isinstance(highest, int) else 0
    fresh = (
        snapshots.join(kept, on="code", how="anti")
        .group_by("code")
        .agg(pl.col("session").min())
        .sort("session", "code")
        .select("code", (pl.int_range(pl.len()) + start).cast(pl.Int32).alias("stock_id"))
    )
    return pl.concat([kept, fresh])


def _refuse_older(first: date, before: pl.DataFrame) -> None:
    reached = before.select(pl.max_horizontal(pl.col("valid_from_date").max(), pl.col("valid_to_date").max())).item()
    if reached is not None and first <= reached:
        raise DataError(
            f"{MASTER.name} from the snapshot of {first}",
            got=f"a previous master that already reaches {reached}",
            want="snapshots newer than it",
            remedy="Rebuild it from all snapshots: build_security_master(snapshots, None).",
        )
