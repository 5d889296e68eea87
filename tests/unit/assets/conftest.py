"""A small house on a small simulated market: real server, real store, real Dagster, nothing else."""

from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from gogoku.definitions import build_definitions
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.jquants.client import JQuantsClient
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.universe import UniverseConfig
from resources.compute import Compute
from resources.jquants import JQuants

SMALL_GRAPH = GraphConfig(window=10, min_sessions=5, min_common=5, min_nodes=3, half_life=5)
WHOLE = ("raw_jquants__topix", "raw_jquants__calendar", "core_jquants__calendar")
RAW_GROUPS = ("raw_jquants__after_close", "raw_jquants__evening", "raw_jquants__statements")
EVENTS = ("core_jquants__statements", "core_jquants__indices")
ROAD = (
    "raw_jquants__daily_bars",
    "raw_jquants__listed_issues",
    "core_jquants__daily_bars",
    "core_jquants__listed_issues",
    "core_jquants__topix",
    "core__universe",
    "feat__prices",
    "feat__market",
    "graph__correlation",
    "feat__graph",
)


class SmallHouse:
    """Definitions, an instance that forgets, and what to ask of them."""

    road = ROAD
    whole = WHOLE

    def __init__(self, market, folder, base_url, clock, instance):
        self.keys = [session.isoformat() for session in market.sessions]
        self.store = open_store(f"file://{folder / 'data'}")
        self.instance = instance
        self.definitions = build_definitions(
            settings=Settings(),
            start=market.sessions[0],
            end=market.sessions[-1],
            store=self.store,
            clock=clock,
            client=JQuants(lambda: JQuantsClient(base_url, "simulator-premium-key", plan="premium", clock=clock)),
            compute=Compute(
                cache_dir=folder / "cache",
                first_session=market.sessions[0],
                universe=UniverseConfig(min_listed_sessions=5, min_median_turnover_jpy=0),
                graph=SMALL_GRAPH,
                threads=1,
                is_simulated=True,
            ),
        )

    def prepare(self, first, last):
        """What the road stands on: whole series, and the statements and indices that market features read."""
        assert self.run(WHOLE).success
        assert self.run(RAW_GROUPS, first, last).success
        assert self.run(EVENTS).success

    def run(self, names, first=None, last=None, **more):
        """Materialise some assets with their checks: a session, a range, or whole tables."""
        tags = {}
        if last is not None:
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=first if last is None else None,
            tags=tags,
            raise_on_error=False,
            **more,
        )

    @staticmethod
    def materialized(result):
        """(asset, partition) of every materialisation of a run."""
        made = (event.step_materialization_data.materialization for event in result.get_asset_materialization_events())
        return {(one.asset_key.to_user_string(), one.partition) for one in made}

    @staticmethod
    def failed_checks(result):
        """(asset, check, partition, severity, words) of every failed evaluation of a run, in order."""
        events = [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
        return [
            (one.asset_key.to_user_string(), one.check_name, one.partition, one.severity.value, one.description)
            for one in (event.event_specific_data for event in events)
            if not one.passed
        ]


@pytest.fixture(scope="session")
def small_market():
    return generate_market(MarketConfig(n_issues=24, n_sessions=30))


@pytest.fixture(scope="session")
def keys(small_market):
    """Every session of the small market as a partition key."""
    return [session.isoformat() for session in small_market.sessions]


@contextmanager
def houses(market):
    """Opens houses on a market, each in its folder, until the end; `faults` is what goes wrong on the wire."""
    with ExitStack() as stack:

        def opened(folder: Path, faults=None):
            clock = VirtualClock(datetime(2021, 6, 1, 20, tzinfo=JST), rate_scale=1000)
            server = stack.enter_context(run_simulator_thread(market, clock, faults=faults))
            instance = stack.enter_context(dg.DagsterInstance.ephemeral(str(folder)))
            return SmallHouse(market, folder, server.base_url, clock, instance)

        yield opened


@pytest.fixture
def open_house(small_market, tmp_path):
    """Opens houses of one test; the argument is what goes wrong on the wire."""
    with houses(small_market) as opened:
        yield lambda faults=None: opened(tmp_path, faults)


@pytest.fixture(scope="module")
def walked(small_market, tmp_path_factory):
    """A house that has gone the whole road over twenty sessions, and what the run said; sessions may be run again."""
    with houses(small_market) as opened:
        house = opened(tmp_path_factory.mktemp("walked"))
        house.prepare(house.keys[0], house.keys[20])
        yield house, house.run(house.road, house.keys[0], house.keys[19])
