"""Pandera models made from declarations: what a table says about itself, turned into checks on its rows.

Validate collected frames only: on a LazyFrame pandera silently leaves the data checks out.
Source: pandera.polars; JPX issue-code rules (core.codes).
"""

import pandera.polars as pa
import polars as pl

from gogoku_pipeline.core.codes import CODE_PATTERN
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import Table

_CODES = ("code", "code_i", "code_j")
WHOLE_UNITS = frozenset({"flag", "category", "count"})
"""Units of values that are whole numbers, whatever type they are stored in."""


def pandera_model(table: Table) -> pa.DataFrameSchema:
    """The checks a table's declaration stands for: columns, order, types, nulls, ranges, lists, codes, unique key.

    Args:
        table: any table of the house.

    Returns:
        A strict, ordered model without coercion; call `.validate(frame, lazy=True)` on a collected DataFrame.
    """
    return pa.DataFrameSchema(
        {column.name: _model_column(column) for column in table.columns},
        strict=True,
        ordered=True,
        coerce=False,
        unique=list(table.key),
        name=table.name,
    )


def _model_column(column: Column) -> pa.Column:
    checks: list[pa.Check] = []
    if column.dtype in (pl.Float32, pl.Float64):
        checks.append(pa.Check(_is_finite, name="finite", error="finite"))
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least))
    if column.at_most is not None:
        checks.append(pa.Check.le(column.at_most))
    if column.unit in WHOLE_UNITS:
        checks.append(pa.Check(_is_whole, name="whole", error="whole number"))
    if column.allowed:
        checks.append(pa.Check.isin(list(column.allowed)))
    if column.name in _CODES:
        checks.append(pa.Check.str_matches(CODE_PATTERN))
    return pa.Column(column.dtype, checks=checks, nullable=column.nullable, description=column.description)


def _is_finite(data: pa.PolarsData) -> pl.LazyFrame:
    """Neither NaN nor infinite; null is judged by the column's own flag."""
    value = pl.col(data.key)
    return data.lazyframe.select(value.is_finite() | value.is_null())


def _is_whole(data: pa.PolarsData) -> pl.LazyFrame:
    """A whole number, or null."""
    value = pl.col(data.key)
    return data.lazyframe.select((value.round() == value) | value.is_null())
