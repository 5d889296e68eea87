"""What Dagster's pages show about a table: its column schema from our declaration, pictures as Markdown."""

import base64

import dagster as dg

from gogoku_pipeline.schema.tables import Table

PNG_LIMIT_BYTES = 200_000
"""Metadata lives in the event row: a larger picture belongs into a report."""


def column_schema(table: Table) -> dg.TableSchema:
    """Names, types, units and descriptions of a table's columns."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.dtype),
                description=" ".join(part for part in (column.description, column.unit and f"[{column.unit}]") if part),
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=table.key == (column.name,)),
            )
            for column in table.columns
        ]
    )


def picture(png: bytes, words: str) -> dg.MarkdownMetadataValue:
    """A small PNG shown inline on an asset's page.

    Args:
        png: the file's bytes; above 200 kB only the words are kept.
        words: what a person sees in it.
    """
    if len(png) > PNG_LIMIT_BYTES:
        return dg.MetadataValue.md(f"{words} (picture of {len(png):,} bytes left out)")
    return dg.MetadataValue.md(f"![{words}](data:image/png;base64,{base64.b64encode(png).decode()})")
