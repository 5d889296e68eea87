"""What pictures of features show is counted from the tables, and an old store leaves them out."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.evaluation.report import ReportInputs, render_report
from gogoku_pipeline.features.feature import FAMILIES
from gogoku_pipeline.graph.catalogue import family_table
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.monitoring import feature_pictures as pictures
from gogoku_pipeline.store import open_store
from tests.unit.dataset import stored_market as market

DAY = market.SESSIONS[-1]
TIES = [("13010", "72030", 0.8), ("13010", "99840", -0.4), ("72030", "99840", 0.5)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = open_store(f"file://{tmp_path_factory.mktemp('store')}")
    market.fill(opened)
    ties = pl.DataFrame(TIES, schema=["code_i", "code_j", "weight"], orient="row").with_columns(
        session=pl.lit(DAY), available_at=pl.lit(datetime(2024, 5, 31, 16, 30, tzinfo=JST))
    )
    rest = [pl.lit(1.0).alias(name) for name in EDGES.polars_schema.names() if name not in ties.columns]
    edges = ties.with_columns(rest).select(EDGES.polars_schema.names()).cast(dict(EDGES.polars_schema))
    opened.tables.write_sessions(EDGES, edges, [DAY], commit=market.COMMIT)
    return opened


def page_inputs():
    ranked = pl.DataFrame({"rank": [1, 2, 3], "code": ["99840", "13010", "72030"], "score": [0.3, 0.1, -0.2]})
    written = datetime(2024, 5, 31, 19, 5, tzinfo=JST)
    return ReportInputs(DAY, written, "m", "v", "it is the first", ranked)


def test_coverage_is_counted_on_the_last_session_of_each_month_group_by_group(store):
    found = pictures.coverage_by_group(store, "Premium", DAY)
    assert found["month"].unique().sort().to_list() == [date(2024, 4, 1), date(2024, 5, 1)]
    assert found["group"].unique(maintain_order=True).to_list() == list(FAMILIES)
    table = family_table("feat__prices")
    rows = store.tables.scan(table, start=DAY, end=DAY).collect()
    names = [f for f in ("cal_weekday_code", "cal_month_code") if f in rows.columns]
    of_calendar = [c.name for c in table.columns if c.name.startswith("cal_")]
    by_hand = sum(rows[name].count() for name in of_calendar) / (3 * len(of_calendar))
    shown = found.filter((pl.col("group") == "calendar") & (pl.col("month") == date(2024, 5, 1)))
    assert names and abs(shown["coverage"].item() - by_hand) < 0.2
    assert found["coverage"].is_between(0.5, 1.0).all()


def test_a_smaller_plan_shows_the_groups_it_has(tmp_path):
    opened = open_store(f"file://{tmp_path}")
    market.fill(opened, plan="Light")
    groups = set(pictures.coverage_by_group(opened, "Light", DAY)["group"])
    assert "flows" in groups and not {"margin", "futures", "breakdown"} & groups


def test_the_first_wanted_stock_with_enough_ties_stands_in_the_middle():
    edges = pl.DataFrame(
        [("a", "b", 0.5), ("a", "c", 0.5), ("a", "d", 0.5), ("b", "c", 0.4)],
        schema=["code_i", "code_j", "weight"],
        orient="row",
    )
    assert pictures.middle_of(edges, ["d", "a"]) == "a"
    assert pictures.middle_of(edges, ["d"]) == "a"
    assert pictures.middle_of(edges.clear(), ["d"]) == ""


def test_the_page_shows_coverage_degrees_and_a_neighbourhood(store):
    inputs = pictures.with_feature_pictures(page_inputs(), store, "Premium")
    assert inputs.middle in {"13010", "72030", "99840"}
    page = render_report(inputs)
    for words in ("each feature group", "neighbours stocks have", "Who moved with one stock"):
        assert words in page
    assert page.count("data:image/png") == 3


def test_tables_of_an_older_house_leave_the_pictures_out(tmp_path):
    opened = open_store(f"file://{tmp_path}")
    market.fill(opened, plan="Light")
    assert pictures.with_feature_pictures(page_inputs(), opened, "Premium").feature_coverage is None
