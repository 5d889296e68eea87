"""A field and the column made of it, declared in one line, so that no field is typed twice or forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gogoku_pipeline.schema.columns import KEPT_TYPES, Column, FieldKind, PlanName, SourceField


@dataclass(frozen=True)
class Form:
    """In which forms a field's values come.

    Attributes:
        kind: how a value is read.
        nullable: whether null is an honest value.
        marks: texts that mean "no value".
        optional: the key may be absent from every row.
        plan: lowest plan on which the key is present.
        at_least: smallest allowed value, None for no bound.
    """

    kind: FieldKind
    nullable: bool = False
    marks: tuple[str, ...] = ()
    optional: bool = False
    plan: PlanName = "free"
    at_least: float | None = None


@dataclass(frozen=True)
class Kept:
    """One field of a response and our column of it."""

    field: SourceField
    column: Column

    def among(self, *values: str) -> "Kept":
        """The same with a closed list of values: what is outside is quarantined."""
        return replace(self, column=replace(self.column, allowed=values))

    def expecting(self, *values: str) -> "Kept":
        """The same with the values known so far: what is outside is kept and reported."""
        return replace(self, column=replace(self.column, expected=values))


def kept(name: str, column: str, form: Form, words: str, unit: str = "") -> Kept:
    """One field kept as one column.

    Args:
        name: the publisher's key.
        column: our column, with its unit as suffix.
        form: in which forms the values come.
        words: one sentence.
        unit: unit of schema.units, empty for text, dates and claims.
    """
    field = SourceField(name, form.kind, form.nullable, form.plan, form.marks, form.optional)
    nullable = field.may_be_empty
    typed = Column(column, KEPT_TYPES[form.kind], words, unit, name, nullable=nullable, at_least=form.at_least)
    return Kept(field, typed)


def fields_of(rows: Iterable[Kept]) -> tuple[SourceField, ...]:
    """The fields, in the publisher's order."""
    return tuple(row.field for row in rows)


def columns_of(rows: Iterable[Kept]) -> tuple[Column, ...]:
    """The columns, in the same order; Date and Code that a table names itself (`session`, `code`) are left out."""
    return tuple(row.column for row in rows if row.column.name not in ("session", "code"))


TEXT = Form("text")
DATE = Form("date")
NUMBER = Form("number")
AMOUNT = Form("number", at_least=0)
AMOUNT_OR_NULL = Form("number", nullable=True, at_least=0)
NUMBER_OR_NULL = Form("number", nullable=True)
DATE_OR_BLANK = Form("date", marks=("",))
TEXT_OR_BLANK = Form("text", marks=("",))

SESSION_DATE = kept("Date", "session", DATE, "Trading session the row belongs to.")
ISSUE_CODE = kept("Code", "code", TEXT, "Issue code, five characters.")
