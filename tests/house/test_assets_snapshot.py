"""The list of assets is a decision: adding, moving or partitioning one shows here."""

from datetime import date

import dagster as dg
import pytest

from assets.raw import BY_RANGE, BY_SESSION, OF_NOW, raw_asset_of
from gogoku.definitions import build_definitions
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from resources.compute import NETWORKS

PARTITIONED = {
    "raw_jquants__daily_bars",
    "raw_jquants__listed_issues",
    "raw_jquants__after_close",
    "raw_jquants__evening",
    "raw_jquants__statements",
    "raw_jquants__overnight",
    "core_jquants__daily_bars",
    "core_jquants__listed_issues",
    "core_jquants__topix",
    "core_jquants__valuation",
    "core_jquants__breakdown",
    "core__universe",
    "feat__prices",
    "feat__market",
    "feat__positions",
    "feat__derivatives",
    "feat__company",
    "feat__interactions",
    "feat__graph",
    "graph__correlation",
    "model__lightgbm",
    "model__apex_ranker",
    "model__atft_gat_fan",
    "eval__gate",
    "pred__daily",
}
WHOLE = {
    "raw_jquants__calendar",
    "raw_jquants__topix",
    "raw_jquants__investor_types",
    "raw_jquants__snapshots",
    "core_jquants__calendar",
    "core_jquants__dividends",
    "core_jquants__earnings_calendar",
    "core_jquants__earnings_dates",
    "core_jquants__futures",
    "core_jquants__index_options",
    "core_jquants__indices",
    "core_jquants__investor_types",
    "core_jquants__margin_alerts",
    "core_jquants__margin_interest",
    "core_jquants__morning_bars",
    "core_jquants__options",
    "core_jquants__security_master",
    "core_jquants__short_positions",
    "core_jquants__short_ratio",
    "core_jquants__statement_details",
    "core_jquants__statements",
    "core__possible_successors",
    "ext__usdjpy",
    "data__labels",
    "data__panel",
    "pred__explained",
    "registry__champions",
    "report__evening",
    "eval__backtest",
}
GROUPS = {
    "raw": 10,
    "core": 25,
    "features": 6,
    "graph": 2,
    "models": 7,
    "operations": 4,
}


@pytest.fixture(scope="module")
def definitions():
    return build_definitions(settings=Settings(), start=date(2024, 4, 1), end=date(2024, 5, 31))


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.resolve_asset_graph()


def names(keys):
    return {key.to_user_string() for key in keys}


def test_the_assets_are_these(graph):
    assert names(graph.get_all_asset_keys()) == PARTITIONED | WHOLE


def test_at_most_twenty_four_assets_and_one_per_further_network_live_on_sessions_and_share_one_axis(graph):
    on_axis = {
        key: graph.get(key).partitions_def for key in graph.get_all_asset_keys() if graph.get(key).partitions_def
    }
    assert names(on_axis) == PARTITIONED
    assert len(on_axis) <= 24 + len(NETWORKS[1:]), "versions of a further network live on chosen cut-offs only"
    assert len({id(axis) for axis in on_axis.values()}) == 1


def test_groups_are_few(graph):
    found = [graph.get(key).group_name for key in graph.get_all_asset_keys()]
    assert {group: found.count(group) for group in found} == GROUPS


def test_every_asset_says_who_and_what(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert len(node.description) > 20, key
        assert node.owners == ["team:gogoku"], key
        assert node.kinds, key
        assert node.code_version, key


def test_session_tables_show_their_columns(graph):
    bytes_only = {"data__panel", "registry__champions", "report__evening"}
    for name in PARTITIONED | WHOLE:
        if name.startswith(("raw_", "model__")) or name in bytes_only:
            continue
        assert "dagster/column_schema" in graph.get(dg.AssetKey(name)).metadata, name


def test_backfills_run_in_bounded_pieces(graph):
    for name in PARTITIONED:
        policy = graph.get(dg.AssetKey(name)).backfill_policy
        single = name.startswith(("model__", "eval__"))
        assert policy.max_partitions_per_run == (1 if single else 250), name


def test_every_source_is_fetched_by_one_asset_and_typed_by_one(graph):
    fetched = [source for group in (*BY_SESSION, OF_NOW) for source in group.sources] + [name for name, _ in BY_RANGE]
    assert sorted(fetched) == sorted(SOURCES)
    for source, table in TABLE_OF.items():
        parents = names(graph.get(dg.AssetKey(table.name)).parent_keys)
        assert parents == {raw_asset_of(source)} <= names(graph.get_all_asset_keys())


def test_every_typed_table_is_asked_about_keys_and_conservation(graph):
    asked = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    for table in TABLE_OF.values():
        assert (table.name, "schema_and_keys") in asked
        assert not table.partitioned or (table.name, "rows_conserved") in asked


def test_one_writer_per_table_one_fetch_per_key_one_training(graph):
    pools = {key.to_user_string(): graph.get(key).pools for key in graph.get_all_asset_keys()}
    assert {name for name, pool in pools.items() if pool == {"jquants"}} == {
        name for name in pools if name.startswith("raw_")
    }
    assert {name for name, pool in pools.items() if pool == {"train"}} == {
        "model__lightgbm",
        "model__apex_ranker",
        "model__atft_gat_fan",
        "eval__gate",
    }
    rest = {name: pool for name, pool in pools.items() if pool not in ({"jquants"}, {"train"})}
    assert all(pool == {name} for name, pool in rest.items())


def test_error_checks_block_and_warnings_do_not(graph):
    blocking = {}
    for key in graph.asset_check_keys:
        blocking[f"{key.asset_key.to_user_string()}:{key.name}"] = graph.get(key).blocking
    assert blocking["eval__gate:promotes"]
    assert blocking["eval__gate:leak_audit"]
    assert blocking["core_jquants__daily_bars:schema_and_keys"]
    assert not blocking["core_jquants__daily_bars:jumps_within_limits"]
    assert sum(blocking.values()) >= 20


def test_every_feature_family_has_a_blocking_schema_and_warnings_about_its_health(graph):
    families = [name for name in PARTITIONED if name.startswith("feat__")]
    assert len(families) == 7
    blocking = {(key.asset_key.to_user_string(), key.name): graph.get(key).blocking for key in graph.asset_check_keys}
    for name in families:
        assert blocking[name, "schema_and_keys"]
        for warning in ("values_in_unit_range", "values_vary", "drift", "moved_on"):
            assert blocking[name, warning] is False


def test_tonights_list_waits_for_every_feature_family(graph):
    parents = names(graph.get(dg.AssetKey("pred__daily")).parent_keys)
    assert {name for name in PARTITIONED if name.startswith("feat__")} | {"core__universe"} <= parents


def test_predictions_do_not_wait_for_the_gate(graph):
    above = {dg.AssetKey("pred__daily")}
    while True:
        more = above | {parent for key in above for parent in graph.get(key).parent_keys}
        if more == above:
            break
        above = more
    assert not {"eval__gate", "registry__champions"} & names(above)


def test_definitions_load_and_jobs_select_something(definitions):
    dg.Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {
        "evening",
        "morning",
        "retraining",
        "weekly_gate",
        "maintenance",
    }
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "evening_schedule",
        "morning_schedule",
        "retraining_schedule",
        "weekly_gate_schedule",
        "maintenance_schedule",
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {"alerts", "retyping"}
