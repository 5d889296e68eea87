"""Series that do not come from J-Quants: how one is declared, and one worked example.

Belongs here: what a user's file or an HTTP answer must hold, and when its rows may be used. Does not belong here:
fetching it (ingest), typing it (tables). A series without an honest publication rule cannot be declared.
"""

from dataclasses import dataclass
from datetime import time

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.availability import PublicationRule
from gogoku_pipeline.schema.columns import Column, SourceField
from gogoku_pipeline.schema.sources import Source
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Table

_KINDS: dict[type[pl.DataType], str] = {pl.Date: "date", pl.Float64: "number", pl.String: "text"}


@dataclass(frozen=True)
class ExternalSeries:
    """One series of dated values from outside.

    Attributes:
        name: short name; rows are landed as source `ext_<name>` and typed as table `ext__<name>`.
        columns: what a row holds besides `session` and `available_at`; `Column.source` is the name in the file.
        date_column: the column with the date of the value.
        rule: from when a row may be used, counted from its date.
        words: what the series is, where it comes from, and what is weak about it.
        starts: first date that is taken, ISO.
    """

    name: str
    columns: tuple[Column, ...]
    date_column: str
    rule: PublicationRule
    words: str
    starts: str = "2008-05-07"

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        names = [column.name for column in self.columns]
        if not self.name.isidentifier() or self.date_column not in names or self.rule.needs != (self.date_column,):
            raise SchemaError(
                f"external series {self.name!r}",
                got=f"date column {self.date_column!r}, rule on {self.rule.needs}",
                want="a short name, a date column among its columns, and a rule that is counted from it",
                remedy="Correct the declaration in schema/external.py.",
            )
        if unread := [column.name for column in self.columns if column.dtype not in _KINDS or not column.source]:
            raise SchemaError(
                f"external series {self.name!r}",
                got=f"columns {', '.join(unread)} without a file column or of another type",
                want="dates, numbers (Float64) and text, each with `source=`",
                remedy="Correct the declaration in schema/external.py.",
            )

    @property
    def source(self) -> Source:
        """What its file holds, in the words of every other source."""
        date_field = next(column.source for column in self.columns if column.name == self.date_column)
        return Source(
            name=f"ext_{self.name}",
            path="",
            fields=tuple(
                SourceField(column.source, _KINDS[column.dtype], nullable=column.nullable)  # type: ignore[arg-type, index]
                for column in self.columns
            ),
            key=(date_field,),
            starts=self.starts,
            words=self.words,
            event=date_field,
            empty="may",
        )

    @property
    def table(self) -> Table:
        """The table it is typed into: one row per date, in the partition of the first session on or after it."""
        return Table(
            name=f"ext__{self.name}",
            description=self.words,
            columns=(SESSION, *self.columns, AVAILABLE_AT),
            key=("session", self.date_column),
            rule=self.rule,
        )


NEXT_MORNING = PublicationRule(
    "next_morning",
    "07:00 JST of the calendar day after the date",
    time(7, 0),
    ("rate_date",),
    events="every_day",
    days_later=1,
)

USDJPY = ExternalSeries(
    name="usdjpy",
    columns=(
        Column("rate_date", pl.Date, "Day of the fixing.", "", "date"),
        Column("rate_jpy_per_usd", pl.Float64, "Yen for one US dollar.", "JPY per USD", "rate_jpy_per_usd", at_least=0),
    ),
    date_column="rate_date",
    rule=NEXT_MORNING,
    words=(
        "Daily fixing of the dollar in yen, from a file or an address that you name. It counts as known at 07:00 JST "
        "of the next calendar day, so that no time zone of a fixing can let tomorrow's rate into today; a fixing that "
        "your source publishes later than that needs a later rule. Revisions are new landings."
    ),
)

EXTERNAL: dict[str, ExternalSeries] = {series.name: series for series in (USDJPY,)}
"""Declared series by name."""
