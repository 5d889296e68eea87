"""Sector edges and the combined, typed list."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.graph.sector import TYPED_EDGES, sector_edges
from gogoku_pipeline.graph.typed import typed_edges

DAY, NEXT = date(2024, 5, 8), date(2024, 5, 9)


def universe() -> pl.DataFrame:
    return pl.DataFrame(
        [
            (DAY, "10010", "3050", True),
            (DAY, "10020", "3050", True),
            (DAY, "10030", "3050", False),
            (DAY, "10040", "3100", True),
            (DAY, "10050", "9999", True),
            (DAY, "10060", "9999", True),
            (DAY, "10070", None, True),
            (NEXT, "10010", "3050", True),
            (NEXT, "10030", "3050", True),
        ],
        schema={"session": pl.Date, "code": pl.String, "sector33_code": pl.String, "is_in_universe": pl.Boolean},
        orient="row",
    )


def test_members_of_one_sector_are_joined_on_each_session():
    edges = sector_edges(universe())
    assert edges.rows() == [(DAY, "10010", "10020", "sector", 1.0), (NEXT, "10010", "10030", "sector", 1.0)]
    assert edges.schema == TYPED_EDGES


def test_the_combined_list_keeps_both_kinds_of_a_pair():
    row = {"session": DAY, "code_i": "10010", "code_j": "10020", "weight": -0.5}
    correlation = pl.DataFrame([row], schema=EDGES.polars_schema)
    combined = typed_edges(correlation, universe(), [DAY, NEXT], GraphConfig(sector_edges=True))
    assert combined.rows()[:2] == [(DAY, "10010", "10020", "correlation", -0.5), (DAY, "10010", "10020", "sector", 1.0)]
    assert combined.height == 3 and combined.schema == TYPED_EDGES


def test_a_universe_without_sectors_is_refused():
    with pytest.raises(SchemaError, match="sector33_code"):
        sector_edges(universe().drop("sector33_code"))
