"""A bad day of the publisher: it is named, nothing is built on it, its neighbours stand, and a correction heals it."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import ChangedValue, EmptyDay, FaultPlan, ForeignRows, MissingColumn, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.tables.universe import UNIVERSE
from tests.flow.small_house import RAW, REFETCH, TABLES, WHOLE, causes, failed_checks, materialised, small_house

BARS = "core_jquants__daily_bars"
PRICES = "feat__prices"
ROAD = (*RAW, *TABLES, PRICES)
BUILT = (daily_bars.TABLE, UNIVERSE, family_table(PRICES))
BAD, AFTER = 3, 6


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=24, n_sessions=30))


def once(market, fault, **damage):
    """The fault strikes the first answer for the bad day; the second is the publisher's correction."""
    return FaultPlan(fault(When(path="/equities/bars/daily", day=market.sessions[BAD]), **damage))


def days(house, table):
    return [day.isoformat() for day in house.store.tables.sessions(table)] if house.store.tables.exists(table) else []


def names(result):
    return {name for name, _ in materialised(result)}


def good_days_before_the_bad_one(house):
    assert house.run(WHOLE).success
    assert house.run(ROAD, house.keys[0], house.keys[BAD - 1]).success


@pytest.fixture(scope="module")
def untroubled(market, tmp_path_factory):
    """What a house holds that never had a bad day."""
    with small_house(market, tmp_path_factory.mktemp("good")) as house:
        assert house.run(WHOLE).success
        assert house.run(ROAD, house.keys[0], house.keys[AFTER]).success
        return {table.name: held(house, table) for table in BUILT}


def held(house, table):
    return house.store.tables.scan(table).sort(table.key).collect()


def healed(house, untroubled, bad):
    """The corrected house holds what one without a bad day holds; the correction is known since it came, not before."""
    for table in BUILT:
        assert held(house, table).drop("available_at").equals(untroubled[table.name].drop("available_at")), table.name
    due = pl.col("session").dt.combine(daily_bars.TABLE.rule.at).dt.replace_time_zone("Asia/Tokyo")
    late = held(house, daily_bars.TABLE).filter(pl.col("available_at") > due)["session"].unique().to_list()
    return set(late) <= {bad}


def test_a_missing_column_stops_the_day_by_name_and_a_correction_heals_it(market, untroubled, tmp_path):
    with small_house(market, tmp_path, faults=once(market, MissingColumn, column="C")) as house:
        good_days_before_the_bad_one(house)
        before = house.keys[:BAD]
        version = house.store.tables.version(daily_bars.TABLE)
        result = house.run(ROAD, house.keys[BAD])
        assert not result.success
        assert "SchemaError" in causes(result)[BARS] and "without C" in causes(result)[BARS]
        assert names(result).isdisjoint({BARS, UNIVERSE.name, PRICES})
        assert house.store.tables.version(daily_bars.TABLE) == version
        assert days(house, daily_bars.TABLE) == days(house, UNIVERSE) == days(house, family_table(PRICES)) == before
        assert house.store.raw.requests("daily_bars", market.sessions[BAD], market.sessions[BAD]).height == 1
        assert house.run(ROAD, house.keys[BAD], config=REFETCH).success
        assert house.run(ROAD, house.keys[BAD + 1], house.keys[AFTER]).success
        assert house.store.raw.requests("daily_bars", market.sessions[BAD], market.sessions[BAD]).height == 2
        assert healed(house, untroubled, market.sessions[BAD])


def test_an_empty_session_stops_the_fetch_keeps_the_other_days_and_asks_again_only_for_itself(
    market, untroubled, tmp_path
):
    with small_house(market, tmp_path, faults=once(market, EmptyDay)) as house:
        assert house.run(WHOLE).success
        result = house.run(ROAD, house.keys[0], house.keys[AFTER])
        said = causes(result)["raw_jquants__daily_bars"]
        assert not result.success
        assert f"daily_bars {house.keys[BAD]}: got no rows" in said and "want rows, because it is a session" in said
        assert names(result).isdisjoint({"raw_jquants__daily_bars", BARS, UNIVERSE.name, PRICES})
        assert days(house, daily_bars.TABLE) == []
        asked = len(house.server.requests_seen)
        assert house.run(ROAD, house.keys[0], house.keys[AFTER]).success
        (again,) = house.server.requests_seen[asked:]
        assert again.params["date"] == house.keys[BAD]
        assert healed(house, untroubled, market.sessions[BAD])


def test_rows_of_another_date_fail_a_check_by_session_and_are_kept_with_their_reason(market, untroubled, tmp_path):
    foreign = once(market, ForeignRows, other_day=market.sessions[BAD - 1], n_rows=3)
    with small_house(market, tmp_path, faults=foreign) as house:
        good_days_before_the_bad_one(house)
        yesterday = house.store.tables.scan(daily_bars.TABLE, start=market.sessions[BAD - 1]).collect()
        result = house.run(ROAD, house.keys[BAD])
        assert not result.success
        assert set(failed_checks(result)) == {(BARS, "rejects_few", house.keys[BAD])}
        assert names(result).isdisjoint({UNIVERSE.name, PRICES})
        kept = house.store.tables.scan(daily_bars.TABLE, start=market.sessions[BAD - 1]).collect()
        assert kept.filter(session=market.sessions[BAD - 1]).equals(yesterday)
        assert house.run(ROAD, house.keys[BAD], config=REFETCH).success
        assert house.run(ROAD, house.keys[BAD + 1], house.keys[AFTER]).success
        assert healed(house, untroubled, market.sessions[BAD])


def test_a_bad_day_inside_a_range_stops_what_is_built_on_the_range_until_it_is_corrected(market, untroubled, tmp_path):
    text = once(market, ChangedValue, column="C", value="abc", n_rows=3)
    with small_house(market, tmp_path, faults=text) as house:
        assert house.run(WHOLE).success
        result = house.run(ROAD, house.keys[0], house.keys[AFTER])
        assert not result.success
        failed = failed_checks(result)
        assert {day for _, _, day in failed} == {house.keys[BAD], None}
        assert all(house.keys[BAD] in words for (_, _, day), words in failed.items() if day is None)
        assert names(result).isdisjoint({UNIVERSE.name, PRICES})
        assert days(house, UNIVERSE) == [] and days(house, family_table(PRICES)) == []
        assert house.run([*RAW, BARS], house.keys[BAD], config=REFETCH).success
        assert house.run(ROAD, house.keys[0], house.keys[AFTER]).success
        assert healed(house, untroubled, market.sessions[BAD])


def test_the_next_day_does_not_build_over_a_day_that_is_missing(market, tmp_path):
    with small_house(market, tmp_path, faults=once(market, MissingColumn, column="C")) as house:
        good_days_before_the_bad_one(house)
        assert not house.run(ROAD, house.keys[BAD]).success
        result = house.run(ROAD, house.keys[BAD + 1])
        assert not result.success
        assert {BARS, "raw_jquants__daily_bars"} <= names(result)
        assert names(result).isdisjoint({UNIVERSE.name, PRICES})
        (words,) = (said for step, said in causes(result).items() if step == UNIVERSE.name)
        assert "PartitionMissingError" in words and house.keys[BAD] in words
        assert date.fromisoformat(house.keys[BAD + 1]) in house.store.tables.sessions(daily_bars.TABLE)


def test_a_session_that_does_not_exist_is_refused_before_anything_runs(market, tmp_path):
    with small_house(market, tmp_path) as house:
        with pytest.raises(dg.DagsterUnknownPartitionError, match="2020-06-06"):
            house.run(["raw_jquants__daily_bars"], "2020-06-06")
        assert house.server.requests_seen == []
