"""The vocabulary of declarations: a field the publisher sends, a column we keep."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

JST_INSTANT = pl.Datetime("us", "Asia/Tokyo")
"""Type of every `_at` column: an aware instant, microseconds, shown in Tokyo time."""

FieldKind = Literal["text", "number", "date", "flag", "factor"]
"""How a raw value is read: `flag` is the text "0"/"1", `factor` a number that must be positive."""


@dataclass(frozen=True)
class SourceField:
    """One key of a response row.

    Attributes:
        name: the key exactly as the publisher writes it.
        kind: how the value is read.
        nullable: whether null is an honest value.
        plan: lowest plan on which the key is present.
    """

    name: str
    kind: FieldKind
    nullable: bool = False
    plan: Literal["free", "light", "standard", "premium"] = "free"


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
        at_least: smallest allowed value, None for no bound.
        allowed: closed list of values, empty for no list.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    description: str
    unit: str = ""
    source: str = ""
    nullable: bool = False
    at_least: float | None = None
    allowed: tuple[str, ...] = ()
