"""Every family's pandera model comes from the registry: columns, types, key, bounds by unit and whole numbers."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.features.family_tables import families
from gogoku_pipeline.features.feature import PLANS, UNITS
from gogoku_pipeline.graph.catalogue import family_table, registry
from gogoku_pipeline.schema.pandera_models import WHOLE_UNITS
from gogoku_pipeline.tables.quality import check_schema

FAMILIES = list(families(registry()))
DAY = date(2024, 5, 8)


def at_their_bounds(family):
    """Two rows: the first with every feature at its largest allowed value (0 without one), the second all null."""
    table = family_table(family)
    known = datetime(2024, 5, 8, 16, 30, tzinfo=JST)
    rows = [{"session": DAY, "code": code, "available_at": known} for code in ("13010", "72030")]
    rows[0] |= {c.name: c.at_most or 0.0 for c in table.columns if c.dtype == pl.Float32}
    rows[0] |= {c.name: c.at_least for c in table.columns if c.dtype == pl.Float32 and (c.at_least or 0.0) > 0.0}
    return table, pl.DataFrame(rows, schema=table.polars_schema)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_has_a_column_per_feature_with_its_unit_and_bounds(family):
    table = family_table(family)
    members = families(registry())[family]
    assert [c.name for c in table.columns] == ["session", "code", *(f.name for f in members), "available_at"]
    for feature in members:
        column, (low, high) = table.column(feature.name), UNITS[feature.unit]
        assert (column.unit, column.dtype, column.nullable) == (feature.unit, pl.Float32, True)
        assert (column.at_least, column.at_most) == (feature.at_least, feature.at_most)
        assert low is None or feature.at_least is not None
        assert high is None or feature.at_most is not None
        assert feature.formula in column.description


@pytest.mark.parametrize("family", FAMILIES)
def test_values_at_their_bounds_and_nulls_are_fine(family):
    table, frame = at_their_bounds(family)
    assert check_schema(table, frame).passed


@pytest.mark.parametrize("family", FAMILIES)
def test_one_step_beyond_a_bound_is_named(family):
    table, frame = at_their_bounds(family)
    bounded = next(c for c in table.columns if c.at_most is not None)
    beyond = pl.lit(bounded.at_most + max(1.0, abs(bounded.at_most)), dtype=pl.Float32).alias(bounded.name)
    found = check_schema(table, frame.with_columns(beyond))
    assert not found.passed
    assert set(found.sample["field"]) == {bounded.name}


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "feat__derivatives"])
def test_half_a_flag_is_no_flag(family):
    table, frame = at_their_bounds(family)
    whole = next(c for c in table.columns if c.unit in WHOLE_UNITS)
    half = pl.lit((whole.at_most or 1.0) - 0.5, dtype=pl.Float32).alias(whole.name)
    found = check_schema(table, frame.with_columns(half))
    assert set(found.sample["check"]) == {"whole number"}


@pytest.mark.parametrize("family", FAMILIES)
def test_infinite_values_a_second_row_and_a_foreign_column_are_refused(family):
    table, frame = at_their_bounds(family)
    free = next(c.name for c in table.columns if c.dtype == pl.Float32)
    assert not check_schema(table, frame.with_columns(pl.lit(float("inf"), dtype=pl.Float32).alias(free))).passed
    assert not check_schema(table, pl.concat([frame, frame.head(1)])).passed
    assert not check_schema(table, frame.with_columns(pl.lit(0.0).alias("above_the_plan"))).passed


def test_a_smaller_plan_has_fewer_columns_and_no_empty_ones():
    widths = [sum(len(family_table(name, plan).columns) for name in families(registry(plan))) for plan in PLANS]
    assert widths == sorted(widths) and len(set(widths)) == len(PLANS)
    assert "beta_60d" not in family_table("feat__market", "Free").polars_schema
