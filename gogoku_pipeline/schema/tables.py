"""A table: its columns, its key, its publication rule and its honest story; and the register of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.availability import PublicationRule
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.sources import Source
from gogoku_pipeline.schema.warnings import WARNINGS

__all__ = ["AVAILABLE_AT", "CODE", "SESSION", "Source", "Table", "by_name"]


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
        for column in self.columns:
            _check_older_rows(self, column)

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


def _check_older_rows(table: Table, column: Column) -> None:
    """Refuse a column whose older rows would read as something no row may hold, or as one that cannot be told apart."""
    if column.older is None:
        return
    where, value = f"{table.name}.{column.name}", column.older.value
    if column.name in table.key:
        raise _bad(where, "a key column that older rows lack", "keys that every row has")
    if column.nullable != (value is None):
        want = "null, or a column that is not nullable" if column.nullable else "a value, or a nullable column"
        raise _bad(where, f"{value!r} for older rows", want)
    try:
        pl.Series([value], dtype=column.dtype, strict=True)
    except TypeError:
        raise _bad(where, f"{value!r} for older rows", f"a value of type {column.dtype}") from None


def _bad(name: str, got: str, want: str) -> SchemaError:
    return SchemaError(f"declaration of {name}", got=got, want=want, remedy="Correct it in schema/.")


SESSION = Column("session", pl.Date, "Trading session the row belongs to.")
CODE = Column("code", pl.String, "Issue code, five characters.")
AVAILABLE_AT = Column("available_at", JST_INSTANT, "Instant from which the row may be used.")


def by_name(tables: Iterable[Table]) -> dict[str, Table]:
    """A register of tables; a name declared twice raises SchemaError."""
    register: dict[str, Table] = {}
    for table in tables:
        if table.name in register:
            raise _bad(table.name, "two declarations", "one")
        register[table.name] = table
    return register
