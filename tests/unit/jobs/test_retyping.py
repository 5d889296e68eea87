"""A correction landed after a session was typed brings one run that types it again; nothing else does."""

from datetime import date

import dagster as dg

from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.simulator.faults import ChangedValue, FaultPlan, When
from gogoku_pipeline.tables.corrections import CORRECTIONS
from jobs.retyping import changed, retyping_sensor
from tests.flow.small_house import small_house

RAW, CORE = "raw_jquants__daily_bars", "core_jquants__daily_bars"
LISTINGS = ["raw_jquants__listed_issues", "core_jquants__listed_issues"]


def config(**chosen):
    return {"ops": {RAW: {"config": {"bulk": False, **chosen}}}}


def test_only_a_typed_session_whose_landings_moved_is_asked_for_and_only_once(market, tmp_path):
    day = market.sessions[2]
    wrong = ChangedValue(When(path="/equities/bars/daily", day=day), column="Va", value=123456.0)
    with small_house(market, tmp_path, faults=FaultPlan(wrong)) as house:
        keys = house.keys[:5]
        assert house.run(LISTINGS, keys[0], keys[4]).success
        assert house.run([RAW], keys[0], keys[4], config()).success
        assert list(changed(house.store, "daily_bars")) == []  # landed, never typed: that is somebody's choice
        assert house.run([CORE], keys[0], keys[3]).success
        assert list(changed(house.store, "daily_bars")) == []
        assert house.run([RAW], keys[0], keys[4], config(refetch=True)).success
        (request,) = changed(house.store, "daily_bars")
        assert request.partition_key == day.isoformat()
        assert request.asset_selection == [dg.AssetKey(CORE)]
        assert next(changed(house.store, "daily_bars")).run_key == request.run_key
        done = house.run([CORE], request.partition_key)
        assert done.success
        warned = [e.event_specific_data for e in done.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        (correction,) = [one for one in warned if one.check_name == "corrections"]
        assert not correction.passed and "corrected, 1 rows" in correction.description
        assert list(changed(house.store, "daily_bars")) == []
        (kept,) = house.store.tables.scan(CORRECTIONS).collect().iter_rows(named=True)
        assert (kept["table"], kept["session"]) == (daily_bars.TABLE.name, date.fromisoformat(keys[2]))


def test_the_sensor_says_why_it_does_nothing(market, tmp_path):
    with small_house(market, tmp_path) as house:
        sensor = retyping_sensor(dg.DefaultSensorStatus.STOPPED)
        context = dg.build_sensor_context(
            instance=house.instance, resources={"store": house.definitions.resources["store"]}
        )
        answer = sensor(context)
        assert isinstance(answer, dg.SkipReason)
        assert "every typed session" in answer.skip_message
