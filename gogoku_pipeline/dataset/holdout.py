"""The frozen final hold-out: sessions nobody looks at, opened once for each design that was promoted.

Its start is a date in the configuration, never "the last months of today", so it does not creep forward. Every
opening is a line of a chained log: each line's hash covers the line before it, so none can be taken out unnoticed.
A line says how far it looked. A hold-out that was looked at may be followed by another one that starts later than
anything an opening has seen, never by one that starts earlier.
Source: evaluation.md 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.dataset.exits import LATE_EXIT_SESSIONS
from gogoku_pipeline.dataset.splits import ascending, label_span
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import Table

OPENINGS = Table(
    name="registry__openings",
    description="One opening of the frozen hold-out, for one promoted design. Append-only; each line seals the last.",
    columns=(
        Column("number", pl.Int32, "0, 1, 2 ... in the order of opening.", at_least=0),
        Column("design", pl.String, "Hash of the design: configuration, feature set, universe."),
        Column("holdout_start", pl.Date, "First session of the hold-out."),
        Column("read_through", pl.Date, "Last session that this opening looks at."),
        Column("opened_at", JST_INSTANT, "Instant of opening."),
        Column("seal", pl.String, "SHA-256 of this line and the seal before it."),
    ),
    key=("number",),
    partitioned=False,
)


@dataclass(frozen=True)
class Holdout:
    """The sessions from `start` on are not looked at.

    Attributes:
        start: first session of the hold-out.
    """

    start: date

    def before(self, sessions: Sequence[date], horizon_d: int) -> tuple[date, ...]:
        """Sessions that may be learnt from and judged: their labels, late exits too, end before the hold-out starts.

        Raises:
            DatasetError: no session is left, or sessions that are not ascending.
        """
        days = ascending(sessions)
        open_days = [day for day in days if day < self.start]
        if len(open_days) < len(days):
            open_days = open_days[: max(len(open_days) - label_span(horizon_d) - LATE_EXIT_SESSIONS, 0)]
        if not open_days:
            raise DatasetError(
                f"hold-out from {self.start}",
                got="no session before it",
                want="history to learn from",
                remedy="Load earlier sessions or set a later start in the configuration, once and for all.",
            )
        return tuple(open_days)

    def after(self, sessions: Sequence[date]) -> tuple[date, ...]:
        """Sessions of the hold-out itself; open it with `opening` first."""
        return tuple(day for day in ascending(sessions) if day >= self.start)


def opening(
    log: pl.DataFrame, holdout: Holdout, design: str, read_through: date, *, is_promoted: bool, opened_at: datetime
) -> pl.DataFrame:
    """The line that must be appended before the hold-out is looked at.

    Args:
        log: all lines of `OPENINGS`.
        holdout: what is opened.
        design: hash of the design.
        read_through: last session that is looked at.
        is_promoted: whether the gate promoted this design on the walk-forward folds.
        opened_at: aware instant.

    Raises:
        DatasetError: not promoted, opened before, a start that an opening has already seen, a broken log, a naive
            instant, nothing to look at.
    """
    check_openings(log)
    before = log.filter(design=design, holdout_start=holdout.start)
    seen = log.filter(pl.col("holdout_start") != holdout.start).filter(pl.col("read_through") >= holdout.start)
    problem = (
        "a design that was not promoted" if not is_promoted
        else f"a second opening; the first was at {before['opened_at'][0]}" if before.height
        else f"a start that was {seen['holdout_start'][0]} and has been read through {seen['read_through'].sort()[-1]}"
        if seen.height
        else f"nothing from its start to {read_through}" if read_through < holdout.start
        else "a naive instant" if opened_at.tzinfo is None
        else None
    )  # fmt: skip
    if problem:
        raise DatasetError(
            f"hold-out from {holdout.start} for design {design[:12]}",
            got=problem,
            want="one logged opening per promoted design, of sessions nobody has looked at",
            remedy="Judge by walk-forward folds; the hold-out answers once.",
        )
    row = {
        "number": log.height,
        "design": design,
        "holdout_start": holdout.start,
        "read_through": read_through,
        "opened_at": opened_at.astimezone(JST),
    }
    last = log.sort("number")["seal"][-1] if log.height else ""
    return pl.DataFrame([{**row, "seal": _seal(row, last)}], schema=OPENINGS.polars_schema)


def check_openings(log: pl.DataFrame) -> None:
    """Raise DatasetError unless every line's seal covers the line and the seal before it."""
    last = ""
    for number, row in enumerate(log.sort("number").iter_rows(named=True)):
        if row["number"] != number or row["seal"] != _seal(row, last):
            raise DatasetError(
                "log of hold-out openings",
                got=f"line {number} does not fit the one before it",
                want="an unbroken chain of seals",
                remedy="Restore the table; the hold-out cannot be trusted until then.",
            )
        last = row["seal"]


def _seal(row: dict[str, object], last: str) -> str:
    named = {name: str(row[name]) for name in ("number", "design", "holdout_start", "read_through")}
    instant = row["opened_at"]
    assert isinstance(instant, datetime)
    return sha256_json({**named, "opened_at": instant.astimezone(JST).isoformat(), "last": last})
