"""Documentation made from declarations: one page for all tables, written by a command and never by hand."""

from collections.abc import Iterable

import polars as pl

from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.schema.warnings import WARNINGS

_HEAD = """# Tables

Generated from the declarations in the code by `make docs`; do not edit.
Every row of a partitioned table belongs to the trading session in its column `session`.
"""


def render_tables(tables: Iterable[Table]) -> str:
    """The page `docs/tables.md`: what each table holds, when it is known, what to beware of.

    Args:
        tables: tables in the order of the page.

    Returns:
        Markdown, ending in a newline.
    """
    chosen = list(tables)
    contents = "\n".join(f"- [`{table.name}`](#{table.name}): {_first_sentence(table)}" for table in chosen)
    return "\n".join([_HEAD, contents, *(render_table(table) for table in chosen)])


def render_table(table: Table) -> str:
    """One table as Markdown: description, key, availability, columns, warnings."""
    known = table.rule.words if table.rule else "inherited from the rows it is computed from"
    layout = "one partition per session" if table.partitioned else "one whole table"
    lines = [
        f"\n## {table.name}\n",
        f"{table.description}\n",
        f"- key: {', '.join(f'`{name}`' for name in table.key)}; {layout}",
        f"- available: {known}",
        *(f"- beware: {WARNINGS[code]}" for code in table.warnings),
        "\n| column | type | unit | meaning | source field |",
        "|---|---|---|---|---|",
        *(_column_line(column) for column in table.columns),
    ]
    return "\n".join(lines) + "\n"


def _column_line(column: Column) -> str:
    shown = "instant (JST)" if column.dtype == JST_INSTANT else str(_instance(column.dtype))
    kind = f"{shown}, may be null" if column.nullable else shown
    words = column.description + (f" One of {', '.join(column.allowed)}." if column.allowed else "")
    return f"| `{column.name}` | {kind} | {column.unit} | {words.replace('|', '/')} | {column.source} |"


def _instance(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def _first_sentence(table: Table) -> str:
    return table.description.split(". ")[0].rstrip(".") + "."
