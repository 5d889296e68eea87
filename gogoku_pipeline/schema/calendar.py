"""The trading calendar. Source: J-Quants V2 /markets/calendar."""

import polars as pl

from gogoku_pipeline.schema.availability import CALENDAR_ANNOUNCED
from gogoku_pipeline.schema.columns import Column, SourceField
from gogoku_pipeline.schema.tables import AVAILABLE_AT, Source, Table

SOURCE = Source(
    name="calendar",
    path="/markets/calendar",
    fields=(SourceField("Date", "date"), SourceField("HolDiv", "text")),
    key=("Date",),
    starts="2008-01-01",
    words="Every calendar day and whether it is a business day.",
    axis="range",
)

TABLE = Table(
    name="core_jquants__calendar",
    description=(
        "One calendar day. Business days for shares are divisions 1 (full) and 2 (half-day, early years only); "
        "3 is a holiday on which only derivatives trade."
    ),
    columns=(
        Column("date", pl.Date, "Calendar day.", "", "Date"),
        Column(
            "holiday_division",
            pl.String,
            "0 closed, 1 open, 2 half day, 3 derivatives only.",
            "",
            "HolDiv",
            allowed=("0", "1", "2", "3"),
        ),
        Column("is_session", pl.Boolean, "Shares trade on that day."),
        AVAILABLE_AT,
    ),
    key=("date",),
    rule=CALENDAR_ANNOUNCED,
    partitioned=False,
)
