"""The table of laws and features is complete, and shows what is broken."""

from __future__ import annotations

from datetime import date

import pytest

from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.node_features import MEASURES
from tests.laws.table import FEATURE_LAWS, GRAPH_LAWS, LawTable, law_table, small_subject


@pytest.mark.slow
def test_every_law_holds_for_every_feature_and_the_graph(pytestconfig):
    subject = small_subject(pytestconfig.cache.mkdir("small_market"))
    table = law_table(subject)
    matrix = table.matrix()
    assert matrix["feature"].to_list() == [*house().names, *MEASURES]
    assert set(table.laws) == {*FEATURE_LAWS, *GRAPH_LAWS}
    features = matrix[: len(house().names)]
    partly = {"isolation": len(subject.own), "re-basing": len(subject.public)}
    for law in FEATURE_LAWS:
        assert features[law].drop_nulls().len() == partly.get(law, features.height), law
    assert partly["isolation"] > 200
    for law in GRAPH_LAWS:
        assert matrix[len(house().names) :][law].null_count() == 0, law
    assert table.words == []


def test_a_broken_law_is_counted_and_told():
    table = LawTable()
    broken = Violation("bounds", "ret_1d", date(2024, 1, 4), "10000", "1 cells, first 7.0")
    table.add("bounds", ["ret_1d", "ret_5d"], [broken], 0.5)
    table.add("chunks", ["ret_5d"], [], 0.25)
    assert table.matrix().rows() == [("returns", "ret_1d", 1, None), ("returns", "ret_5d", 0, 0)]
    lines = table.lines()
    assert lines[1].split() == ["returns", "1/2", "1/1"]
    assert "2 laws, 2 features, 3 verdicts, 1 violations" in lines
    assert lines[-1] == "bounds: ret_1d 2024-01-04 10000: 1 cells, first 7.0"
