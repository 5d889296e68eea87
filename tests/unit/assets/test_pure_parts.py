"""Small pure parts that assets stand on: the graph's input, a verdict read back from its rows."""

from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.evaluation.verdict import Criterion, Verdict
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.registry.predictions import gate_rows
from gogoku_pipeline.registry.promotions import verdict_of
from gogoku_pipeline.registry.tables import GATE

DAY = date(2024, 5, 8)
NAN = float("nan")


def test_the_graph_reads_returns_of_stock_and_market_and_a_stock_without_a_universe_row_is_no_member():
    prices = pl.LazyFrame({"session": [DAY, DAY], "code": ["72030", "13010"], "ret_1d": [0.01, -0.02]})
    market = pl.LazyFrame({"session": [DAY, DAY], "code": ["13010", "72030"], "xs_ret_1d": [0.5, 0.5]})
    universe = pl.LazyFrame({"session": [DAY], "code": ["72030"], "is_in_universe": [True]})
    assert graph_returns(prices, market, universe).rows() == [
        (DAY, "13010", -0.02, 0.5, False),
        (DAY, "72030", 0.01, 0.5, True),
    ]


def test_a_verdict_read_back_from_its_rows_says_the_same():
    criteria = (
        Criterion("edge", 1.2, 1.1, True, "enough", "inconclusive"),
        Criterion("audit", NAN, NAN, False, "did not run", "reject"),
        Criterion("incumbent", NAN, NAN, None, "none serves", "inconclusive"),
    )
    made = Verdict("reject", criteria, ("audit: did not run",), "a", "b", 77, (0.1, 0.0, 0.2), 0.01, 5, False, "hash")
    rows = gate_rows(made, DAY, available_at=datetime(2024, 5, 8, 19, tzinfo=JST))
    assert rows.schema == GATE.polars_schema
    found = verdict_of(rows)
    assert (found.decision, found.challenger, found.baseline, found.n_days) == ("reject", "a", "b", 77)
    assert found.reasons == ("audit: did not run",)
    assert {c.name: (c.passed, c.words, c.on_failure) for c in found.criteria} == {
        c.name: (c.passed, c.words, c.on_failure) for c in criteria
    }
