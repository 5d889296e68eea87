"""Publication rules: at which instant the service could first hand us a row. The only home of "when is it known".

Each rule is data: the event days it speaks of, an hour, and the way the hour is counted. Tables name their rule;
`available_at` is computed from it once, when a row is typed, and the single as-of join reads nothing else.
The cash close moved from 15:00 to 15:30 on 2024-11-05. The publisher's hours did not move with it: the daily files
were and are delivered at 16:30, so no rule below has a regime at that date.
Source: J-Quants API V2 "data update" page; the JPX calendar announcement.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema import event_days
from gogoku_pipeline.schema.delivery import INSTANTS, Delivery, at_hour, year_before


@dataclass(frozen=True)
class PublicationRule:
    """When rows with a given event date become available.

    Attributes:
        name: short name used in documents.
        words: the rule for people.
        at: hour in JST from which the answer for a day is complete.
        needs: typed columns the instant is computed from; the first is the event date.
        delivery: how the instant of a row is counted (schema.delivery).
        events: on which days there are events and in which partition they lie (schema.event_days).
        days_later: calendar days between the event day and `at`.
        first: hour of the event day at which a first, incomplete answer appears; None if there is none.
    """

    name: str
    words: str
    at: time
    needs: tuple[str, ...] = ("session",)
    delivery: Delivery = "at_hour"
    events: event_days.EventDays = "sessions"
    days_later: int = 0
    first: time | None = None

    def available_at(self, rows: pl.DataFrame) -> pl.Series:
        """Instant from which each row may be used.

        Args:
            rows: typed rows with the columns in `needs`.

        Returns:
            Series `available_at` of type Datetime("us", "Asia/Tokyo"); null where the event date is null.
        """
        if missing := [name for name in self.needs if name not in rows.columns]:
            raise SchemaError(
                f"publication rule {self.name}",
                got=f"rows without {', '.join(missing)}",
                want=f"columns {', '.join(self.needs)}",
                remedy="Type these columns before the rule is asked.",
            )
        return INSTANTS[self.delivery](rows, self.needs, self.at, self.days_later).alias("available_at")

    def instant(self, event: pl.Expr) -> pl.Expr:
        """`available_at` of each event date, for rules that need nothing but the date; others raise SchemaError."""
        if self.delivery == "at_hour":
            return at_hour(event, self.at, self.days_later)
        if self.delivery == "year_before":
            return year_before(event, self.at)
        raise SchemaError(
            f"publication rule {self.name}",
            got="an event date alone",
            want=f"rows with {', '.join(self.needs)}",
            remedy="Use `available_at(rows)`.",
        )

    def days_of(self, session: date) -> list[date]:
        """The event days asked for the partition of a session, ascending; may be empty."""
        return event_days.days_of(self.events, session)

    def session_of(self, day: date) -> date:
        """The partition an event day belongs to (defined for every day, also for days that have no events)."""
        return event_days.session_of(self.events, day)

    def has_events(self, day: date) -> bool:
        """Whether the source may have rows of that event day at all."""
        return day in self.days_of(self.session_of(day))

    def first_at(self, day: date) -> datetime:
        """Earliest instant at which an answer for an event day says anything."""
        return datetime.combine(day, self.first, tzinfo=JST) if self.first else self.final_at(day)

    def final_at(self, day: date) -> datetime:
        """Instant from which the answer for an event day is complete."""
        if self.delivery == "year_before":
            return datetime(day.year - 1, 3, 31, self.at.hour, self.at.minute, tzinfo=JST)
        if self.events in ("day_before", "margin"):
            day = self.session_of(day)
        return datetime.combine(day + timedelta(days=self.days_later), self.at, tzinfo=JST)


AFTER_CLOSE = PublicationRule("after_close", "16:30 JST of the session itself", time(16, 30))
MORNING_EDITION = PublicationRule(
    "morning_edition", "08:00 JST of the session (the final edition; the 17:30 preview is not used)", time(8, 0)
)
CALENDAR_ANNOUNCED = PublicationRule(
    "calendar_announced",
    "31 March of the year before",
    time(0, 0),
    ("date",),
    delivery="year_before",
    events="none",
)
EVENING = PublicationRule("evening", "18:00 JST of the session itself", time(18, 0))
AT_FETCH = PublicationRule(
    "at_fetch",
    "the instant of the fetch: only the present is served, what is not captured is gone",
    time(0, 0),
    ("fetched_at",),
    delivery="at_fetch",
    events="none",
)
FLOWS = PublicationRule(
    "flows_published",
    "18:00 JST of the publication date (normally Thursday after the week; newer pages say 16:30, the later one counts)",
    time(18, 0),
    ("published_date",),
    events="every_day",
)
DISCLOSURE = PublicationRule(
    "disclosure",
    "18:00 JST of the disclosure date (preliminary file) if disclosed by 17:30, else or without a time 24:30",
    time(0, 30),
    ("disclosed_date", "disclosed_time"),
    delivery="disclosure",
    events="every_day",
    days_later=1,
    first=time(18, 0),
)
DIVIDEND_NOTICE = PublicationRule(
    "dividend_notice",
    "the next full hour of 12:00..18:00 JST on the publication date; a notice at or after 18:00 or without a time: "
    "12:00 of the next session",
    time(19, 0),
    ("published_date", "published_time"),
    delivery="notice",
    events="every_day",
    first=time(12, 0),
)
DATE_NOTICE = PublicationRule(
    "date_notice",
    "10:05 JST of the first session after the publication date",
    time(10, 5),
    ("published_date",),
    delivery="next_session",
    events="day_before",
)
SHORT_REPORT = PublicationRule(
    "short_report", "17:30 JST of the disclosure date", time(17, 30), ("disclosed_date",), events="every_day"
)
ALERT = PublicationRule(
    "margin_alert", "16:30 JST of the publication date", time(16, 30), ("published_date",), events="every_day"
)
MARGIN = PublicationRule(
    "margin_balance",
    "application dates to 2026-09-24: 16:30 JST of the second session after; from 2026-09-25: 16:30 JST of the "
    "publication date, where it is null of the next session",
    time(16, 30),
    ("application_date", "published_date"),
    delivery="margin",
    events="margin",
)
NIGHT = PublicationRule(
    "night",
    "03:00 JST of the calendar day after the trade date",
    time(3, 0),
    ("trade_date",),
    events="weekdays",
    days_later=1,
)

RULES: dict[str, PublicationRule] = {
    "calendar": CALENDAR_ANNOUNCED,
    "listed_issues": MORNING_EDITION,
    "daily_bars": AFTER_CLOSE,
    "morning_bars": AT_FETCH,
    "valuation": AFTER_CLOSE,
    "investor_types": FLOWS,
    "earnings_calendar": AT_FETCH,
    "earnings_dates": DATE_NOTICE,
    "statements": DISCLOSURE,
    "statement_details": DISCLOSURE,
    "dividends": DIVIDEND_NOTICE,
    "indices": AFTER_CLOSE,
    "topix": AFTER_CLOSE,
    "short_ratio": AFTER_CLOSE,
    "short_positions": SHORT_REPORT,
    "margin_interest": MARGIN,
    "margin_alerts": ALERT,
    "breakdown": EVENING,
    "futures": NIGHT,
    "options": NIGHT,
    "index_options": NIGHT,
}
"""The publication rule of every source, by its name."""
