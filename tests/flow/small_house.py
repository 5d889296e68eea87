"""A small house: few issues, few sessions, real server, real store, real Dagster in this process."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

import dagster as dg

from gogoku.definitions import build_definitions
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.jquants.client import JQuantsClient
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import Store, open_store
from gogoku_pipeline.tables.universe import UniverseConfig
from resources.compute import Compute
from resources.jquants import JQuants

WHOLE = ("raw_jquants__topix", "raw_jquants__calendar", "core_jquants__calendar")
RAW_GROUPS = ("raw_jquants__after_close", "raw_jquants__evening", "raw_jquants__statements")
OVERNIGHT = ("raw_jquants__overnight",)
RAW = ("raw_jquants__daily_bars", "raw_jquants__listed_issues")
TABLES = ("core_jquants__daily_bars", "core_jquants__listed_issues", "core_jquants__topix", "core__universe")
MORE_WHOLE = ("raw_jquants__investor_types",)
GRAPH = ("graph__correlation", "feat__graph")
ORDERS = ("core_jquants__breakdown",)
FEATURES = ("feat__prices", "feat__market", *GRAPH)
ROAD = (*RAW, *TABLES, *FEATURES)
START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
REFETCH = {"ops": {name: {"config": {"refetch": True}} for name in RAW}}


@dataclass
class SmallHouse:
    """Definitions, what keeps their data, the service they ask, an instance that forgets."""

    definitions: dg.Definitions
    store: Store
    server: Any
    instance: dg.DagsterInstance
    keys: list[str]

    @property
    def families(self):
        """Feature families of the house's plan."""
        graph = self.definitions.resolve_asset_graph()
        found = [graph.get(key) for key in graph.get_all_asset_keys()]
        return tuple(sorted(node.key.to_user_string() for node in found if node.group_name == "features"))

    @property
    def typed_by_session(self):
        """Typed tables and universe that live on sessions."""
        graph = self.definitions.resolve_asset_graph()
        found = [graph.get(key) for key in graph.get_all_asset_keys()]
        return tuple(sorted(n.key.to_user_string() for n in found if n.group_name == "core" and n.partitions_def))

    def prepare(self, first, last):
        """Everything the families read beside prices: the raw groups of a range, and the tables typed whole."""
        graph = self.definitions.resolve_asset_graph()
        found = [graph.get(key) for key in graph.get_all_asset_keys()]
        typed = [node.key.to_user_string() for node in found if node.group_name == "core" and not node.partitions_def]
        assert self.run((*WHOLE, *MORE_WHOLE)).success
        assert self.run(RAW_GROUPS, first, last).success
        assert self.run(OVERNIGHT, first, self.keys[self.keys.index(last) - 1]).success  # the last night is to come
        logs = {TABLE_OF[name].name for name, source in SOURCES.items() if source.axis != "now"}
        assert self.run([name for name in typed if name in logs]).success

    def run(self, names, first=None, last=None, config=None):
        """Materialise assets with their checks: a session, a range, or whole tables."""
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_config=QUIET | (config or {}),
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in names],
            partition_key=first if last is None else None,
            tags={} if last is None else {START: first, END: last},
            raise_on_error=False,
        )


@contextmanager
def small_house(
    market,
    folder,
    *,
    plan="premium",
    is_plan_known=True,
    faults=None,
    place=None,
    days_later=0,
    rate_scale=2_000,
    sizes=None,
    notifier=None,
):
    """Open a house on the evening of the market's last session.

    Args:
        market: what the service knows.
        folder: caches, and the data unless a place is given.
        plan: of the key.
        is_plan_known: whether the house is told the plan or has to find out.
        faults: what goes wrong on the wire.
        place: (URL, options) of another store.
        days_later: evenings after that of the last session; a Free key sees sessions twelve weeks late.
        rate_scale: how much faster than real a minute of the rate passes; slow plans need room for jitter.
        sizes: fields of `Compute` that differ from those of a small house.
        notifier: who is told; None only logs.
    """
    evening = datetime.combine(market.sessions[-1], time(20), JST) + timedelta(days=days_later)
    clock = VirtualClock(evening, rate_scale=rate_scale)
    folder.mkdir(parents=True, exist_ok=True)
    compute = Compute(
        cache_dir=folder / "cache",
        first_session=market.sessions[0],
        plan=plan.capitalize(),
        device="cpu",
        universe=UniverseConfig(min_listed_sessions=5, min_median_turnover_jpy=0),
        graph=GraphConfig(window=10, min_sessions=5, min_common=5, min_nodes=3, half_life=5),
        threads=1,
        terms=Terms(seeds=(1, 2, 3), n_folds=1, embargo=2, min_train=25, validation=8),
        boosted={"lambda_l2": 0.1, "feature_fraction": 1.0},
        is_simulated=True,
    )
    store = open_store(*(place or (f"file://{folder / 'data'}",)))
    key, known = f"simulator-{plan}-key", plan if is_plan_known else None
    with (
        run_simulator_thread(market, clock, faults=faults) as server,
        dg.DagsterInstance.ephemeral(str(folder)) as instance,
    ):
        definitions = build_definitions(
            settings=Settings(),
            start=market.sessions[0],
            end=market.sessions[-1],
            store=store,
            clock=clock,
            client=JQuants(lambda: JQuantsClient(server.base_url, key, plan=known, clock=clock)),
            compute=replace(compute, **(sizes or {})),
            notifier=notifier,
        )
        keys = [session.isoformat() for session in market.sessions]
        yield SmallHouse(definitions, store, server, instance, keys)


def materialised(result):
    """(asset, partition) of every materialisation of a run."""
    made = (event.step_materialization_data.materialization for event in result.get_asset_materialization_events())
    return {(one.asset_key.to_user_string(), one.partition) for one in made}


def failed_checks(result):
    """(asset, check, partition) of every failed evaluation of a run, and their words."""
    events = [event for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"]
    found = [event.event_specific_data for event in events if not event.event_specific_data.passed]
    return {(one.asset_key.to_user_string(), one.check_name, one.partition): one.description for one in found}


def causes(result):
    """Failed step and the words of its first cause."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            error = event.event_specific_data.error
            while error.cause is not None:
                error = error.cause
            found[event.step_key] = error.message
    return found
