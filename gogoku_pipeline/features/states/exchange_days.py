"""Numbers of sessions on the exchange's own calendar, so that distances mean the same whatever range is computed.

Belongs here: day to session number, instant of availability to session number, and back to a range's sessions.
Does not belong here: what happens on those days (the states).

A number is the place of a session in `core.sessions.tse_calendar()`; as Float64 it is exact. The number of a day
beyond the calendar's end is the number after the last session, which every cap of the catalogue lies below.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from functools import cached_property, lru_cache

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.expressions import Whole

EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class ExchangeDays:
    """The sessions of the exchange as numbers.

    Attributes:
        sessions: every session, ascending.
    """

    sessions: tuple[date, ...]

    @cached_property
    def days(self) -> Whole:
        """[sessions] days since 1970."""
        return np.array([day.toordinal() - EPOCH for day in self.sessions], dtype=np.int64)

    def on_or_after(self, day: pl.Series) -> pl.Series:
        """Number of the first session on or after each day (Int64), null for null."""
        return self._found(day, "left", 0)

    def after(self, day: pl.Series) -> pl.Series:
        """Number of the first session after each day (Int64), null for null."""
        return self._found(day, "right", 0)

    def on_or_before(self, day: pl.Series) -> pl.Series:
        """Number of the last session on or before each day (Int64), -1 before the first one, null for null."""
        return self._found(day, "right", -1)

    def known(self, available_at: pl.Series, cutoff: time) -> pl.Series:
        """Number of the first session whose hour of decision lies strictly after each instant (Int64)."""
        local = available_at.dt.convert_time_zone("Asia/Tokyo")
        day = local.dt.date()
        in_time = local.dt.time() < cutoff
        return pl.select(pl.when(in_time).then(self.on_or_after(day)).otherwise(self.after(day))).to_series()

    def session(self, number: pl.Series) -> pl.Series:
        """Session of each number (Date), null beyond the calendar."""
        every = pl.DataFrame({"session": pl.Series(self.sessions, dtype=pl.Date)}).with_row_index("number")
        asked = pl.DataFrame({"number": number.cast(pl.Int64)})
        return asked.join(
            every.with_columns(pl.col("number").cast(pl.Int64)), on="number", how="left", maintain_order="left"
        )["session"]

    def _found(self, day: pl.Series, side: str, shift: int) -> pl.Series:
        asked = day.cast(pl.Date).to_physical()
        places = np.searchsorted(self.days, asked.fill_null(0).to_numpy(), side) + shift  # type: ignore[call-overload]
        return pl.select(pl.when(asked.is_not_null()).then(pl.Series(places.astype(np.int64)))).to_series()


@lru_cache(maxsize=1)
def exchange_days() -> ExchangeDays:
    """Every session the exchange has announced."""
    return ExchangeDays(tse_calendar().sessions)


def known_within(number: pl.Series, sessions: pl.Series) -> pl.Series:
    """Session of a range on which each numbered session's news counts: its own, or the first one of the range.

    News older than the range counts from the range's first session on; news after its last session is null.

    Args:
        number: numbers of sessions.
        sessions: the range, ascending.
    """
    day = exchange_days().session(number)
    first, last = sessions.min(), sessions.max()
    return pl.select(pl.when(day <= last).then(pl.max_horizontal(day, pl.lit(first, pl.Date)))).to_series()
