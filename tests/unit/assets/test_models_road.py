"""From the graph to the evening page: versions by cut-off, a gate that blocks, lists that do not wait for it."""

from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import dagster as dg
import polars as pl
import pytest

from assets.dataset import house_panel
from gogoku.definitions import build_definitions
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.registry import house as registry_of_features
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.jquants.client import JQuantsClient
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict
from gogoku_pipeline.registry.promotions import incumbent
from gogoku_pipeline.registry.reproduce import reproduce
from gogoku_pipeline.registry.tables import CHAMPIONS, GATE, PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.universe import UniverseConfig
from resources.compute import NETWORKS, Compute, NetworkDials
from resources.jquants import JQuants

pytestmark = pytest.mark.slow

TABLES = ("core", "features", "graph")
READ = frozenset(state_tables(registry_of_features().names))
TRAINED, FIRST_LIST = 120, 121
KEY = "simulator-premium-key"
OVERNIGHT = "raw_jquants__overnight"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Everything up to labels and panel, once."""
    folder = tmp_path_factory.mktemp("house")
    market = generate_market(MarketConfig.preset("tiny"))
    clock = VirtualClock(datetime.combine(market.sessions[-1], time(20), JST), rate_scale=1000)
    terms = Terms(
        gate=GateConfig(min_seeds=1, resamples=200, min_days=10),
        seeds=(1,),
        n_folds=1,
        embargo=5,
        min_train=40,
        validation=10,
    )
    with ExitStack() as stack:
        server = stack.enter_context(run_simulator_thread(market, clock))
        instance = stack.enter_context(dg.DagsterInstance.ephemeral(str(folder)))
        store = open_store(f"file://{folder}/data")
        compute = Compute(
            cache_dir=folder / "cache",
            first_session=market.sessions[0],
            universe=UniverseConfig(min_listed_sessions=20, min_median_turnover_jpy=0),
            graph=GraphConfig(min_nodes=20),
            terms=terms,
            preset="tiny",
            training={"epochs": 2, "smoothing": 1, "min_names": 5},
            boosted={"rounds": 20},
            audit_sample=1,
            is_simulated=True,
        )

        def definitions(**changes):
            return build_definitions(
                settings=Settings(),
                start=market.sessions[0],
                end=market.sessions[-1],
                store=store,
                clock=clock,
                client=JQuants(
                    lambda: JQuantsClient(server.base_url, "simulator-premium-key", plan="premium", clock=clock)
                ),
                compute=replace(compute, **changes),
            )

        made = Bench(definitions(), instance, store, clock, [session.isoformat() for session in market.sessions])
        first, last = made.keys[0], made.keys[-1]
        assert made.run(["raw_jquants__topix", "raw_jquants__calendar", "raw_jquants__investor_types"]).success
        by_day = [name for name in made.tables("raw", on_sessions=True) if name != OVERNIGHT]
        assert made.run(by_day, first, last).success
        assert made.run([OVERNIGHT], first, made.keys[-2]).success  # the last night is to come
        assert made.run(made.event_tables()).success
        assert made.run([name for room in TABLES for name in made.tables(room, on_sessions=True)], first, last).success
        assert made.run(["core_jquants__security_master", "data__labels", "data__panel"]).success
        made.compute = compute
        made.of = lambda **changes: Bench(definitions(**changes), instance, store, clock, made.keys)
        yield made


class Bench:
    """Runs of one house."""

    def __init__(self, definitions, instance, store, clock, keys):
        self.definitions, self.instance, self.store, self.clock, self.keys = definitions, instance, store, clock, keys

    def tables(self, room, on_sessions):
        graph = self.definitions.resolve_asset_graph()
        nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
        chosen = [n for n in nodes if n.group_name == room and (n.partitions_def is not None) == on_sessions]
        return [node.key.to_user_string() for node in chosen]

    def event_tables(self):
        """Sources typed whole, which features read as of an hour."""
        return [name for name in self.tables("core", on_sessions=False) if name.removeprefix("core_jquants__") in READ]

    def run(self, names, first=None, last=None):
        job = self.definitions.resolve_implicit_global_asset_job_def()
        bounds = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=None if last else first,
            tags=bounds if last else {},
            raise_on_error=False,
        )

    def job(self, name, key):
        return self.definitions.resolve_job_def(name).execute_in_process(
            instance=self.instance, partition_key=key, raise_on_error=False
        )


def metadata(result, name):
    found = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    (one,) = [made for made in found if made.asset_key.to_user_string() == name]
    return one.metadata


def test_a_version_is_trained_per_cut_off_and_shows_its_learning_curve(house):
    result = house.run(["model__lightgbm", "model__apex_ranker", "model__atft_gat_fan"], house.keys[TRAINED])
    assert result.success
    shown = metadata(result, "model__apex_ranker")
    assert shown["version"].value.startswith(house.keys[TRAINED].replace("-", ""))
    assert "data:image/png" in shown["learning_curves"].value
    again = metadata(house.run(["model__lightgbm"], house.keys[TRAINED]), "model__lightgbm")
    assert again["version"].value == metadata(result, "model__lightgbm")["version"].value


def test_lists_are_made_by_the_baseline_while_nobody_is_promoted(house):
    assert house.run(["model__lightgbm"], house.keys[TRAINED]).success
    result = house.run(["pred__daily", "report__evening"], house.keys[FIRST_LIST], house.keys[FIRST_LIST + 4])
    assert result.success
    lists = house.store.tables.scan(PREDICTIONS).collect()
    assert set(lists["model"]) == {"lightgbm"}
    assert lists.group_by("session").agg(pl.col("rank").min(), pl.len()).filter(pl.col("rank") == 1).height == 5
    page = metadata(result, "report__evening")["url"].value
    assert page.endswith(".html")
    assert house.store.objects.get(page.removeprefix(house.store.url + "/")).startswith(b"<!")


def test_a_session_before_any_version_cannot_be_served_and_says_so(house):
    assert house.run(["model__lightgbm"], house.keys[TRAINED]).success
    result = house.run(["pred__daily"], house.keys[60])
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert (
        "Materialise model__lightgbm for a cut-off up to that session"
        in failure.event_specific_data.error_display_string
    )


def test_the_gate_writes_its_reasons_and_blocks_what_is_downstream(house):
    result = house.run(["eval__gate", "registry__champions"], house.keys[-1])
    rows = house.store.tables.scan(GATE, start=date.fromisoformat(house.keys[-1])).collect()
    decisions = set(rows["decision"])
    checks = [
        event.event_specific_data for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"
    ]
    (promotes,) = [one for one in checks if one.check_name == "promotes"]
    ran = {event.step_key for event in result.all_events if event.event_type_value == "STEP_SUCCESS"}
    assert promotes.blocking
    assert promotes.passed == ("promote" in decisions) == ("registry__champions" in ran) == result.success
    shown = metadata(result, "eval__gate")
    assert all("data:image/png" in shown[name].value for name in ("rank_ic", "quantiles", "horizons", "months"))
    assert {"lightgbm", *NETWORKS} <= {record.data["model"] for record in shown["models"].records}
    assert all(shown[name].records for name in ("by_horizon", "by_size", "by_sector", "by_month"))
    assert rows["criterion"].n_unique() > 8


def test_the_evening_job_goes_from_the_publisher_to_the_page_in_one_run(house):
    assert house.run(["model__lightgbm"], house.keys[TRAINED]).success
    result = house.job("evening", house.keys[-1])
    assert result.success
    ran = {event.step_key for event in result.all_events if event.event_type_value == "STEP_SUCCESS"}
    assert {"raw_jquants__daily_bars", "feat__graph", "pred__daily", "report__evening"} <= ran
    assert date.fromisoformat(house.keys[-1]) in house.store.tables.sessions(PREDICTIONS)


def test_the_morning_job_asks_again_and_changes_nothing_that_was_not_corrected(house):
    before = house.store.tables.scan(PREDICTIONS).collect()
    last = date.fromisoformat(house.keys[-1])
    house.clock.advance_to(datetime.combine(last + timedelta(days=1), time(5, 30), JST))
    assert house.job("morning", house.keys[-1]).success
    assert house.store.tables.scan(PREDICTIONS).collect().equals(before)


def test_verdicts_are_written_down_once(house):
    assert house.run(["registry__champions"]).success
    first = house.store.tables.scan(CHAMPIONS).collect()
    assert house.run(["registry__champions"]).success
    assert house.store.tables.scan(CHAMPIONS).collect().equals(first)


def test_the_graph_network_beside_the_ranker_walks_the_same_road(house):
    dials = {"atft_gat_fan": NetworkDials(shape={"raw_channels": ("ret_1d",), "fan_top": 1, "graph_heads": (2,)})}
    other = house.of(networks=dials)
    made = metadata(other.run(["data__panel"]), "data__panel")
    assert EDGES.name in made["table_versions"].value
    cutoff, evening = other.keys[TRAINED], other.keys[FIRST_LIST]
    result = other.run([f"model__{name}" for name in ("lightgbm", *NETWORKS)], cutoff)
    for name in NETWORKS:
        version = metadata(result, f"model__{name}")
        assert "learning_curves" in version and version["manifest"].value["family"] == name
    kept = house.store.artefacts.load("atft_gat_fan", version["version"].value).manifest
    assert EDGES.name in kept["table_versions"] and "-edges-" in kept["panel_key"] and "-raw-" in kept["panel_key"]
    judged = other.run(["eval__gate"], other.keys[-1])
    rows = house.store.tables.scan(GATE, start=date.fromisoformat(other.keys[-1])).collect()
    assert set(rows["challenger"]) == set(NETWORKS) and rows["baseline"].n_unique() == 1
    counts = rows.group_by("challenger").agg(pl.col("criterion").n_unique())
    assert counts["criterion"].min() > 8
    assert (rows["decision"] == "promote").sum() <= counts["criterion"].max(), "one promotion at most"
    shown = metadata(judged, "eval__gate")
    assert {*NETWORKS, "lightgbm"} <= {record.data["model"] for record in shown["models"].records}
    assert all(f"{name} against " in shown["verdict"].value for name in NETWORKS)
    assert other.run(["pred__daily"], evening).success


def test_a_champion_that_reads_the_graph_serves_and_its_list_comes_out_again_to_the_bit(house):
    cutoff, evening = (date.fromisoformat(house.keys[place]) for place in (TRAINED, FIRST_LIST + 6))
    assert house.run(["data__panel", "model__lightgbm", "model__atft_gat_fan"], cutoff.isoformat()).success
    found = metadata(house.run(["model__atft_gat_fan"], cutoff.isoformat()), "model__atft_gat_fan")
    manifest = found["manifest"].value
    record = VerdictRecord(
        cutoff, house.clock.now(), "atft_gat_fan", found["version"].value, "promote", ("by hand",), cutoff, "hash",
        str(manifest["feature_hash"]), str(manifest["config_hash"]),
    )  # fmt: skip
    assert record_verdict(house.store, record, commit=CommitInfo("test", "1"))
    assert house.run(["pred__daily"], evening.isoformat()).success
    lists = house.store.tables.scan(PREDICTIONS, start=evening, end=evening).collect()
    assert set(lists["model"]) == {"atft_gat_fan"}, lists["served_because"][0]
    again = reproduce(house.store, evening, lambda versions: house_panel(house.store, house.compute, versions))
    assert again.rows == lists.height > 0 and again.is_equal
    assert incumbent(house.store, evening) == "atft_gat_fan"
    house.run(["eval__gate"], house.keys[-1])
    rows = house.store.tables.scan(GATE, start=date.fromisoformat(house.keys[-1])).collect()
    asked = dict(rows.filter(criterion="incumbent").select("challenger", "is_passed").rows())
    assert asked["atft_gat_fan"] is None and asked["apex_ranker"] is not None
