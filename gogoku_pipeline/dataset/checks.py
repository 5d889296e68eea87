"""What a label table must look like before anybody learns from it. Each check says what it found, good or bad."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.dataset.exits import DELISTED, LATE_EXIT, LATE_EXIT_SESSIONS, NOT_YET

_RETURNS = ("ret_open", "excess_open", "residual_open", "ret_close")


@dataclass(frozen=True)
class LabelCheck:
    """One finding about a label table.

    Attributes:
        name: short name, stable.
        passed: whether the labels may be used.
        words: what was found, for people.
        value: the figure behind it.
    """

    name: str
    passed: bool
    words: str
    value: float


def check_labels(labels: pl.DataFrame, calendar: SessionCalendar, *, max_reason_share: float = 0.1) -> list[LabelCheck]:
    """Judge a label table: values, sessions of entry and exit, reasons, ranks.

    Args:
        labels: rows of `data__labels`.
        calendar: covers the labels' sessions and exits.
        max_reason_share: largest tolerated share of decided labels that are no ordinary trade.
    """
    return [
        _values_are_returns(labels),
        _ranks_are_standard(labels),
        _sessions_follow_the_calendar(labels, calendar),
        _null_exactly_with_reason(labels),
        _reasons_are_rare(labels, max_reason_share),
        _known_after_exit(labels),
    ]


def _values_are_returns(labels: pl.DataFrame) -> LabelCheck:
    """No infinite or NaN value, and no return of -100 % or below."""
    bad = labels.filter(
        pl.any_horizontal(pl.col(name).is_not_null() & ~pl.col(name).is_finite() for name in (*_RETURNS, "gauss_open"))
        | (pl.col("ret_open") <= -1.0)
    ).height
    return LabelCheck("values_are_returns", bad == 0, f"{bad} labels are infinite, NaN or at most -100 %", float(bad))


def _ranks_are_standard(labels: pl.DataFrame) -> LabelCheck:
    """Normal scores of a day have mean 0 (exact without ties) and a spread near 1."""
    days = labels.group_by("session", "horizon_d").agg(
        pl.col("gauss_open").mean().alias("mean"), pl.col("gauss_open").count().alias("n")
    )
    worst = days.filter(pl.col("n") > 1).select(pl.col("mean").abs().max().fill_null(0.0)).item()
    return LabelCheck("ranks_are_standard", worst < 0.25, f"largest |mean| of a day's normal scores {worst:.3f}", worst)


def _sessions_follow_the_calendar(labels: pl.DataFrame, calendar: SessionCalendar) -> LabelCheck:
    """Entry is the next session; exit is h sessions later, at most 5 more when late, earlier only when delisted."""
    places = pl.DataFrame({"day": calendar.sessions}, schema={"day": pl.Date}).with_row_index("place")

    def placed(frame: pl.DataFrame, column: str) -> pl.DataFrame:
        renamed = places.rename({"day": column, "place": f"_{column}"})
        return frame.join(renamed, on=column, how="left")

    frame = labels.filter(pl.col("exit_session").is_not_null())
    for column in ("session", "entry_session", "exit_session"):
        frame = placed(frame, column)
    at, enter, leave = (
        pl.col(f"_{name}").cast(pl.Int64, strict=False) for name in ("session", "entry_session", "exit_session")
    )
    beyond = leave - at - 1 - pl.col("horizon_d")
    late = pl.col("reason").eq_missing(pl.lit(LATE_EXIT))
    gone = pl.col("reason").eq_missing(pl.lit(DELISTED))
    allowed = (
        pl.when(late)
        .then(beyond.is_between(1, LATE_EXIT_SESSIONS))
        .when(gone)
        .then((beyond <= LATE_EXIT_SESSIONS) & (leave > at))
        .otherwise(beyond == 0)
    )
    bad = frame.filter(~((enter == at + 1) & allowed).fill_null(False)).height
    return LabelCheck("sessions_follow_the_calendar", bad == 0, f"{bad} labels enter or leave elsewhere", float(bad))


def _null_exactly_with_reason(labels: pl.DataFrame) -> LabelCheck:
    """A missing return names its reason; a present one has none, or left late or delisted."""
    explained = pl.col("reason").is_in([LATE_EXIT, DELISTED]) | pl.col("reason").is_null()
    bad = labels.filter(pl.col("ret_open").is_null() == explained.fill_null(True)).height
    return LabelCheck("null_exactly_with_reason", bad == 0, f"{bad} labels contradict their reason", float(bad))


def _reasons_are_rare(labels: pl.DataFrame, limit: float) -> LabelCheck:
    """Most decided labels are ordinary trades; many exceptions mean that prices are missing."""
    decided = labels.filter(~pl.col("reason").eq_missing(pl.lit(NOT_YET)))
    share = 1.0 - decided["reason"].null_count() / decided.height if decided.height else 1.0
    counts = decided.drop_nulls("reason").group_by("reason").len().sort("reason")
    words = ", ".join(f"{reason} {count}" for reason, count in counts.iter_rows()) or "none"
    return LabelCheck("reasons_are_rare", share <= limit, f"{share:.2%} of labels carry a reason ({words})", share)


def _known_after_exit(labels: pl.DataFrame) -> LabelCheck:
    """A label is never known before the session of its exit."""
    bad = labels.filter(
        pl.col("ret_open").is_not_null()
        & (pl.col("available_at").is_null() | (pl.col("available_at").dt.date() < pl.col("exit_session")))
    ).height
    return LabelCheck("known_after_exit", bad == 0, f"{bad} labels are known before their exit", float(bad))
