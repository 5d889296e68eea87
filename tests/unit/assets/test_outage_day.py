"""The day on which the exchange failed: sources without rows pass with a note, and the day is whole."""

from datetime import date

from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from tests.flow.small_house import failed_checks, small_house

OUTAGE = "2020-10-01"
ASSETS = (
    "raw_jquants__daily_bars",
    "raw_jquants__listed_issues",
    "raw_jquants__evening",
    "core_jquants__daily_bars",
    "core_jquants__listed_issues",
    "core_jquants__breakdown",
)


def test_a_day_without_a_single_trade_is_fetched_typed_and_judged(tmp_path):
    market = generate_market(MarketConfig(n_issues=24, n_sessions=30, start=date(2020, 9, 1)))
    with small_house(market, tmp_path) as house:
        assert OUTAGE in house.keys
        alone = house.run(ASSETS, OUTAGE)
        assert alone.success, failed_checks(alone)
        assert failed_checks(alone) == {}
        ranged = house.run(ASSETS, house.keys[0], house.keys[-1])
        assert ranged.success, failed_checks(ranged)
        assert {name for name, check, _ in failed_checks(ranged) if check == "coverage"} == set()
