"""From the publisher's pages to the graph over a range of sessions; and what stops when a day is bad."""

from datetime import date

import polars as pl

from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.graph.catalogue import family_table as graph_table
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.simulator.faults import ChangedValue, DroppedRows, FaultPlan, When
from gogoku_pipeline.tables.universe import UNIVERSE

BARS = "core_jquants__daily_bars"
BY_DAY = {"ops": {"raw_jquants__daily_bars": {"config": {"bulk": False}}}}


def bad_day(session):
    return FaultPlan(DroppedRows(When(path="/equities/bars/daily", day=date.fromisoformat(session)), n_rows=8))


def test_a_range_of_sessions_goes_from_raw_to_graph_and_every_check_holds(walked):
    house, result = walked
    assert house.failed_checks(result) == []
    assert result.success
    assert house.materialized(result) == {(name, key) for name in house.road for key in house.keys[:20]}
    features = house.store.tables.scan(family_table("feat__prices")).collect()
    universe = house.store.tables.scan(UNIVERSE).collect()
    assert features["session"].n_unique() == 20
    assert features.height >= universe.filter("is_in_universe").height > 0
    one = house.run(house.road, house.keys[20])
    assert one.success
    assert house.materialized(one) == {(name, house.keys[20]) for name in house.road}


def test_a_session_computed_alone_equals_the_one_of_a_range(walked):
    house, _ = walked
    table, day = family_table("feat__prices"), date.fromisoformat(house.keys[14])
    ranged = house.store.tables.scan(table, start=day, end=day).collect()
    again = house.run(["feat__prices"], house.keys[14])
    assert again.success and house.materialized(again) == {("feat__prices", house.keys[14])}
    alone = house.store.tables.scan(table, start=day, end=day).collect()
    assert alone.height > 0 and alone.equals(ranged)


def test_a_bad_day_fails_by_name_in_a_range_and_nothing_downstream_runs(open_house, keys):
    house = open_house(bad_day(keys[3]))
    house.run(house.whole)
    result = house.run(house.road, house.keys[0], house.keys[9], run_config=BY_DAY)
    failed = house.failed_checks(result)
    assert [(asset, check, session) for asset, check, session, *_ in failed] == [
        (BARS, "coverage", house.keys[3]),
        (BARS, "coverage", None),
    ]
    assert "(and" not in failed[1][4]
    assert not result.success
    assert {name for name, _ in house.materialized(result)}.isdisjoint({"core__universe", "feat__prices"})
    assert house.store.tables.exists(daily_bars.TABLE)
    assert not house.store.tables.exists(UNIVERSE)


def test_a_bad_day_alone_carries_its_session(open_house, keys):
    house = open_house(bad_day(keys[0]))
    house.run(house.whole)
    result = house.run(house.road, house.keys[0])
    assert [(asset, check, session) for asset, check, session, *_ in house.failed_checks(result)] == [
        (BARS, "coverage", house.keys[0])
    ]
    assert not result.success


def test_a_backfill_of_one_session_is_a_range_of_one_and_names_it(open_house, keys):
    house = open_house(bad_day(keys[0]))
    house.run(house.whole)
    result = house.run(house.road, house.keys[0], house.keys[0])
    assert [session for *_, session, _, _ in house.failed_checks(result)] == [house.keys[0], None]


def test_holes_before_a_session_are_named_before_anything_is_computed(open_house):
    house = open_house()
    house.run(house.whole)
    house.run(house.road[:6], house.keys[0], house.keys[3])
    result = house.run(["feat__prices"], house.keys[6])
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    words = failure.event_specific_data.error_display_string
    assert "PartitionMissingError" in words
    assert f"{house.keys[4]}, {house.keys[5]}, {house.keys[6]}" in words


def test_fetching_again_costs_nothing_unless_asked(walked):
    house, _ = walked
    raw = ["raw_jquants__daily_bars"]

    def rows(result):
        (first, *_) = [
            event.step_materialization_data.materialization for event in result.get_asset_materialization_events()
        ]
        return first.metadata["rows_landed"].value

    assert rows(house.run(raw, house.keys[0], house.keys[4])) == 0
    again = {"ops": {"raw_jquants__daily_bars": {"config": {"refetch": True}}}}
    assert rows(house.run(raw, house.keys[0], house.keys[4], run_config=again)) > 5 * 20


def test_features_of_a_corrected_bar_are_known_from_the_correction(open_house, keys):
    day = date.fromisoformat(keys[9])
    wrong = ChangedValue(When(path="/equities/bars/daily", day=day), column="Va", value=9.9e9)
    house = open_house(FaultPlan(wrong))
    house.prepare(house.keys[0], house.keys[9])
    assert house.run(house.road, house.keys[0], house.keys[9]).success
    again = {"ops": {"raw_jquants__daily_bars": {"config": {"refetch": True}}}}
    assert house.run(house.road, house.keys[9], run_config=again).success
    bars = house.store.tables.scan(daily_bars.TABLE, start=day, end=day).collect()
    (corrected,) = bars.filter(pl.col("available_at") > pl.col("available_at").min()).iter_rows(named=True)
    for table in (family_table("feat__prices"), family_table("feat__market"), graph_table()):
        known = house.store.tables.scan(table, start=day, end=day).collect()
        late = known.filter(pl.col("available_at") > pl.col("available_at").min())
        assert late.select("code", "available_at").rows() == [(corrected["code"], corrected["available_at"])]
