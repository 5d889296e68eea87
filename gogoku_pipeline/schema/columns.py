"""The vocabulary of declarations: a field the publisher sends, a column we keep."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

JST_INSTANT = pl.Datetime("us", "Asia/Tokyo")
"""Type of every `_at` column: an aware instant, microseconds, shown in Tokyo time."""

PLANS = ("free", "light", "standard", "premium")
"""Plans of the service, smallest first."""

PlanName = Literal["free", "light", "standard", "premium"]

FieldKind = Literal["text", "number", "text_number", "factor", "date", "time", "flag", "truth", "object"]
"""How a raw value is read.

`text`: a JSON string. `number`: a JSON number. `text_number`: a JSON string holding a decimal number. `factor`: a
JSON number that must be positive. `date`: "YYYY-MM-DD". `time`: "HH:MM" or "HH:MM:SS". `flag`: the text "0" or "1".
`truth`: the text "true" or "false". `object`: a JSON object, kept as JSON text.
"""

DTYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "number": pl.Float64(),
    "text_number": pl.Float64(),
    "factor": pl.Float64(),
    "date": pl.Date(),
    "time": pl.Time(),
    "flag": pl.Boolean(),
    "truth": pl.Boolean(),
    "object": pl.String(),
}
"""Polars type a field of each kind is read as."""

KEPT_TYPES: dict[str, pl.DataType] = DTYPES | {"time": pl.String()}
"""Polars type of the column made of it: Delta tables know no time of day, so a time is kept as text "HH:MM:SS"."""


@dataclass(frozen=True)
class SourceField:
    """One key of a response row.

    Attributes:
        name: the key exactly as the publisher writes it.
        kind: how the value is read.
        nullable: whether null is an honest value.
        plan: lowest plan on which the key is present.
        marks: texts that honestly mean "no value" here ("", "-", "*"); any other foreign form is quarantined.
        optional: the key may be absent from every row (added later by the publisher); absent reads as null.
    """

    name: str
    kind: FieldKind
    nullable: bool = False
    plan: PlanName = "free"
    marks: tuple[str, ...] = ()
    optional: bool = False

    @property
    def may_be_empty(self) -> bool:
        """Whether a row may honestly have no value here: null, a mark, or no key."""
        return self.nullable or bool(self.marks) or self.optional


@dataclass(frozen=True)
class OlderRows:
    """What rows read as in a column that was declared after they were written.

    Attributes:
        value: the honest answer for all of them; None where nothing was known, which the column must allow.
    """

    value: str | float | bool | None = None


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: snake case with its unit as suffix (`_jpy`, `_shares`, `_date`, `_at`) or claim as prefix (`is_`).
        dtype: Polars type.
        description: one sentence a trader would understand.
        unit: e.g. `JPY`, `shares`, `ratio`; empty for text, dates and claims.
        source: the publisher's field, empty for what we compute.
        nullable: whether null is an honest value.
        at_least: smallest allowed value, None for no bound; at_most: the largest.
        allowed: closed list of values, empty for no list; a value outside it is quarantined.
        expected: open list of values documented so far; a value outside it is kept and reported as a warning.
        inside: for a column taken from inside a JSON object, the key within `source`; empty otherwise.
        older: what rows read as that were written before the column was declared; None for a column without which
            stored rows cannot be read: they are made again.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    description: str
    unit: str = ""
    source: str = ""
    nullable: bool = False
    at_least: float | None = None
    allowed: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    inside: str = ""
    at_most: float | None = None
    older: OlderRows | None = None
