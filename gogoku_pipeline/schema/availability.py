"""Publication rules: at which instant the service could first hand us a row. The only home of "when is it known".

Each rule is data (day offset in sessions or calendar days, hour) plus the words for people. Tables name their rule;
`available_at` is computed from it once, when a row is typed, and the single as-of join reads nothing else.
Source: J-Quants API V2 "data update" page; the JPX calendar announcement.
"""

from dataclasses import dataclass
from datetime import time
from typing import Literal

import polars as pl

from gogoku_pipeline.schema.columns import JST_INSTANT


@dataclass(frozen=True)
class PublicationRule:
    """When rows with a given event date become available.

    Attributes:
        name: short name used in documents.
        at: hour in JST.
        on: `same_day` as the event, or `announced_year_before` (31 March of the year before the event).
        words: the rule for people.
    """

    name: str
    at: time
    on: Literal["same_day", "announced_year_before"]
    words: str

    def instant(self, event: pl.Expr) -> pl.Expr:
        """`available_at` of each event date.

        Args:
            event: expression of type Date.

        Returns:
            Expression of type Datetime("us", "Asia/Tokyo").
        """
        day = event if self.on == "same_day" else pl.date(event.dt.year() - 1, 3, 31)
        hour = pl.time(self.at.hour, self.at.minute)
        return day.dt.combine(hour).dt.replace_time_zone("Asia/Tokyo").cast(JST_INSTANT).alias("available_at")


AFTER_CLOSE = PublicationRule("after_close", time(16, 30), "same_day", "16:30 JST of the session itself")
MORNING_EDITION = PublicationRule(
    "morning_edition",
    time(8, 0),
    "same_day",
    "08:00 JST of the session (the final edition; the 17:30 preview is not used)",
)
CALENDAR_ANNOUNCED = PublicationRule(
    "calendar_announced", time(0, 0), "announced_year_before", "31 March of the year before"
)
