"""A table: its columns, its key, its publication rule and its honest story; and the register of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.availability import PublicationRule
from gogoku_pipeline.schema.columns import JST_INSTANT, Column, SourceField
from gogoku_pipeline.schema.warnings import WARNINGS


@dataclass(frozen=True)
class Table:
    """One table of the house.

    Attributes:
        name: `layer_source__what`, the same for table, asset and file.
        description: first sentence what a row is, then lag and defects.
        columns: in order.
        key: columns that identify a row.
        rule: when rows become knowable; None for tables we compute from others (`available_at` is inherited).
        partitioned: True if every row belongs to the session named in column `session`.
        warnings: codes of schema.warnings.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rule: PublicationRule | None = None
    partitioned: bool = True
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise _bad(self.name, f"columns {names}", "unique column names")
        if missing := [name for name in self.key if name not in names]:
            raise _bad(self.name, f"key columns {missing} that are not declared", "a key of declared columns")
        if self.partitioned and "session" not in names:
            raise _bad(self.name, "no column `session`", "one, because the table is partitioned by session")
        if unknown := [code for code in self.warnings if code not in WARNINGS]:
            raise _bad(self.name, f"warning codes {unknown}", f"codes among {sorted(WARNINGS)}")

    @property
    def polars_schema(self) -> pl.Schema:
        """Column names and types, in order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """A frame with the declared columns and no rows."""
        return pl.DataFrame(schema=self.polars_schema)

    def column(self, name: str) -> Column:
        """One column by name; raises SchemaError for an unknown one."""
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaError(
            f"{self.name}.{name}",
            got="an unknown column",
            want=f"one of {[column.name for column in self.columns]}",
            remedy=f"See `gogoku describe {self.name}`.",
        )


def _bad(name: str, got: str, want: str) -> SchemaError:
    return SchemaError(f"declaration of {name}", got=got, want=want, remedy="Correct it in schema/.")


SESSION = Column("session", pl.Date, "Trading session the row belongs to.")
CODE = Column("code", pl.String, "Issue code, five characters.")
AVAILABLE_AT = Column("available_at", JST_INSTANT, "Instant from which the row may be used.")


@dataclass(frozen=True)
class Source:
    """What one endpoint sends.

    Attributes:
        name: our name of the source, e.g. `daily_bars`.
        path: path below the base URL.
        fields: response keys in the publisher's order.
        key: response keys that identify a row.
        starts: first date the publisher has, ISO.
        words: one sentence.
        untyped: keys that are documented (on some plans) and stay in the raw landing.
    """

    name: str
    path: str
    fields: tuple[SourceField, ...]
    key: tuple[str, ...]
    starts: str
    words: str
    untyped: tuple[str, ...] = ()

    def fields_for(self, plan: str) -> tuple[SourceField, ...]:
        """Fields present on a plan."""
        order = ("free", "light", "standard", "premium")
        return tuple(field for field in self.fields if order.index(field.plan) <= order.index(plan))


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """A register of tables; a name declared twice raises SchemaError."""
    register: dict[str, Table] = {}
    for table in tables:
        if table.name in register:
            raise _bad(table.name, "two declarations", "one")
        register[table.name] = table
    return register
