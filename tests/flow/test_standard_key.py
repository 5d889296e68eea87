"""The road of a Standard key: everything but session halves, orders, notices and futures is fetched and computed."""

import pytest

from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.sets import names_of
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from tests.flow.small_house import GRAPH, RAW, TABLES, causes, failed_checks, materialised, small_house

DAYS = 30
FAMILIES = {"prices", "market", "positions", "derivatives", "company", "interactions"}
NOT_ASKED = {SOURCES["morning_bars"].path}
"""Told about the present only, and fetched by nothing on this road."""


@pytest.mark.slow
def test_a_standard_key_fetches_its_sources_and_every_column_of_its_set_is_stored(tmp_path):
    market = generate_market(MarketConfig(n_issues=24, n_sessions=DAYS))
    with small_house(market, tmp_path, plan="standard") as house:
        house.prepare(house.keys[0], house.keys[-1])
        assert set(house.families) == {f"feat__{name}" for name in FAMILIES}
        road = (*RAW, *TABLES, *house.families, *GRAPH)
        result = house.run(road, house.keys[0], house.keys[-1])
        assert failed_checks(result) == {} and causes(result) == {}
        assert result.success
        assert materialised(result) == {(name, key) for name in road for key in house.keys}
        refused = {seen.path for seen in house.server.requests_seen if seen.status == 403}
        premium = {source.path for source in SOURCES.values() if source.lowest_plan == "premium"}
        assert refused == premium - NOT_ASKED
        book = registry("Standard")
        stored = {}
        for family in (*house.families, "feat__graph"):
            stored |= house.store.tables.scan(family_table(family, book)).collect().to_dict()
        assert set(names_of("standard", book)) == set(stored) - {"session", "code", "available_at"}
        for group in ("margin", "short", "options", "flows", "market", "graph"):
            assert any(stored[name].count() for name in names_of("standard", book) if book.feature(name).group == group)
        assert house.run(("data__labels",)).success
        assert house.run(("core_jquants__security_master", "data__panel")).success
