"""Documentation made from declarations: one page for all tables, written by a command and never by hand."""

from collections.abc import Iterable

import polars as pl

from gogoku_pipeline.schema.columns import JST_INSTANT, PLANS, Column, SourceField
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.schema.rules_page import render_rules
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.schema.warnings import WARNINGS

_HEAD = """# Tables

Generated from the declarations in the code by `make docs`; do not edit.
Every row of a partitioned table belongs to the trading session in its column `session`.
A column of a source names the publisher's field, and in brackets what may honestly stand there instead of a value
and from which plan on the field is sent; anything else is quarantined in `core__rejects`.
"""

_SOURCE_OF = {table.name: SOURCES[name] for name, table in TABLE_OF.items()}
_MOST_SHOWN = 12
_ASKED = {"day": "asked day by day", "range": "asked for a range in one call", "now": "only the present is served"}


def render_tables(tables: Iterable[Table]) -> str:
    """The page `docs/tables.md`: what each table holds, when it is known, what to beware of.

    Args:
        tables: tables in the order of the page.

    Returns:
        Markdown, ending in a newline.
    """
    chosen = list(tables)
    contents = "\n".join(f"- [`{table.name}`](#{table.name}): {_first_sentence(table)}" for table in chosen)
    return "\n".join([_HEAD, contents, render_rules(), *(render_table(table) for table in chosen)])


def render_table(table: Table) -> str:
    """One table as Markdown: description, source, key, availability, columns, warnings."""
    known = table.rule.words if table.rule else "inherited from the rows it is computed from"
    layout = "one partition per session" if table.partitioned else "one whole table"
    source = _SOURCE_OF.get(table.name)
    lines = [
        f"\n## {table.name}\n",
        f"{table.description}\n",
        *([_source_line(source)] if source else []),
        f"- key: {', '.join(f'`{name}`' for name in table.key)}; {layout}",
        f"- available: {known}",
        *(f"- beware: {WARNINGS[code]}" for code in table.warnings),
        "\n| column | type | unit | meaning | source field |",
        "|---|---|---|---|---|",
        *(_column_line(column, source) for column in table.columns),
    ]
    return "\n".join(lines) + "\n"


def _source_line(source: Source) -> str:
    since = "" if source.axis == "now" else f"from {source.starts}, "
    words = f"- source: `{source.path}`, {source.lowest_plan} plan, {since}{_ASKED[source.axis]}"
    unkept = [field.name for field in source.fields if field.name not in _kept(source)]
    spare = [*unkept, *source.untyped]
    return words + (f"; left in the raw landing: {', '.join(f'`{name}`' for name in spare)}" if spare else "")


def _kept(source: Source) -> set[str]:
    """Fields that have a column, under their own name or as `session` and `code`."""
    return {column.source for column in TABLE_OF[source.name].columns} | {"Date", "Code"}


def _column_line(column: Column, source: Source | None) -> str:
    shown = "instant (JST)" if column.dtype == JST_INSTANT else str(_instance(column.dtype))
    kind = f"{shown}, may be null" if column.nullable else shown
    words = column.description + _values(column) + _older_rows(column)
    told = column.inside or _field(column, source)
    return f"| `{column.name}` | {kind} | {column.unit} | {words.replace('|', '/')} | {told} |"


def _values(column: Column) -> str:
    if column.allowed:
        return f" One of {', '.join(column.allowed)}."
    if not column.expected:
        return ""
    more = len(column.expected) - _MOST_SHOWN
    listed = ", ".join(column.expected[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f" Documented: {listed}; others are kept and reported."


def _older_rows(column: Column) -> str:
    if column.older is None:
        return ""
    value = "null" if column.older.value is None else f"`{column.older.value}`"
    return f" Rows from before the column was declared read {value}."


def _field(column: Column, source: Source | None) -> str:
    if source is None:
        return column.source
    named = column.source or {"session": "Date", "code": "Code"}.get(column.name, "")
    fields = {field.name: field for field in source.fields}
    taken = named in fields and not (column.name == "session" and _has_own_date(source))
    return f"{named}{_forms(fields[named], source)}" if taken else ""


def _has_own_date(source: Source) -> bool:
    return any(column.source == "Date" for column in TABLE_OF[source.name].columns)


def _forms(field: SourceField, source: Source) -> str:
    marks = [repr(mark).replace("'", '"') for mark in field.marks]
    notes = [*(["null"] if field.nullable else []), *marks, *(["no key"] if field.optional else [])]
    if PLANS.index(field.plan) > PLANS.index(source.lowest_plan):
        notes.append(f"{field.plan} plan")
    return f" ({', '.join(notes)})" if notes else ""


def _instance(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def _first_sentence(table: Table) -> str:
    return table.description.split(". ")[0].rstrip(".") + "."
