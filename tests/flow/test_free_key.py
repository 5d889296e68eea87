"""The road of a Free key: the index is outside the plan, and everything else is computed."""

import pytest

from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.registry import all_features
from gogoku_pipeline.features.registry import house as house_registry
from gogoku_pipeline.schema import topix
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from tests.flow.small_house import GRAPH, RAW, TABLES, WHOLE, failed_checks, materialised, small_house

TOPIX = topix.TABLE.name
NOTICE = "topix: not in the plan, switched off"
DAYS = 30


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=24, n_sessions=DAYS))


def metadata(result, asset):
    """Metadata of an asset's materialisations in a run."""
    made = (event.step_materialization_data.materialization for event in result.get_asset_materialization_events())
    return [one.metadata for one in made if one.asset_key.to_user_string() == asset]


def severities(result):
    """Asset to the severities of its failed checks."""
    events = [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
    failed = [event.event_specific_data for event in events if not event.event_specific_data.passed]
    return {(one.asset_key.to_user_string(), one.severity.value) for one in failed}


def notes(result, asset):
    """What the checks of an asset said although they passed."""
    events = [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
    said = [event.event_specific_data for event in events]
    return {one.description for one in said if one.passed and one.asset_key.to_user_string() == asset}


def test_the_index_is_switched_off_with_a_notice_and_the_rest_of_the_road_runs(market, tmp_path):
    with small_house(market, tmp_path, plan="free", days_later=100, rate_scale=300) as house:
        whole = house.run(WHOLE)
        assert whole.success
        (raw,) = metadata(whole, "raw_jquants__topix")
        assert NOTICE in raw["notices"].value
        house.prepare(house.keys[0], house.keys[-1])
        road = (*RAW, *TABLES, *house.families, *GRAPH)
        assert set(house.families) == {"feat__prices", "feat__market", "feat__company", "feat__interactions"}
        result = house.run(road, house.keys[0], house.keys[-1])
        assert result.success
        assert materialised(result) == {(name, key) for name in road for key in house.keys}
        assert failed_checks(result) == {}
        assert notes(result, TOPIX) == {NOTICE}
        assert any(NOTICE in str(said["warnings"].value) for said in metadata(result, TOPIX) if "warnings" in said)
        assert house.store.tables.scan(topix.TABLE).collect().is_empty()
        later = house.run(("data__labels",))
        assert later.success and severities(later) <= {("data__labels", "WARN")}
        assert house.run(("core_jquants__security_master", "data__panel")).success
        book = house_registry("Free")
        frames = {name: house.store.tables.scan(family_table(name, book)).collect() for name in house.families}
        values = {name: frame[name].count() for frame in frames.values() for name in frame.columns}
        for group in ("returns", "trend", "volatility", "liquidity"):
            assert any(values[feature.name] for feature in all_features() if feature.group == group), group
        assert values["session"] > 0 and values.keys().isdisjoint({"mkt_ret_1d", "beta_60d"})
