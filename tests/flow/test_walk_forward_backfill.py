"""Walking forward is a backfill of cut-offs: killed in the middle, it goes on with what is missing.

The tables below are typed in this process. Versions, gate and lists of twelve cut-offs are a real backfill: GraphQL,
daemon, one run per cut-off in the pool `train`. In the middle of a walk the daemon, its code server and the run's
worker are killed at once, as by a power cut. Nothing is done but to start another daemon. Then the lists of every
session since the first cut-off are filled, and each is made again from what was recorded with it.
"""

import os
import signal
from collections import Counter
from datetime import date

import dagster as dg
import pytest

from assets.dataset import house_panel
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.registry.reproduce import recorded_sessions, reproduce
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.universe import UniverseConfig
from resources.compute import Compute
from resources.run_launcher import is_alive, worker_process
from tests.flow.served_house import folder_in_memory, wait, web_serving
from tests.flow.small_house import GRAPH, RAW, small_house

pytestmark = pytest.mark.slow

MARKET = MarketConfig(n_issues=30, n_sessions=82)
CUTOFFS, AFTER = 12, 4
"""Retrained every evening for twelve sessions; the last version serves four more."""
MODELS = ("model__lightgbm", "model__apex_ranker", "model__atft_gat_fan")
WALKED = (*MODELS, "eval__gate", "pred__daily")
SEEDS = (1, 2)
KILLED_IN = 4
"""The cut-off, counted from one, in whose walk everything is killed."""

LOCATION = """
from gogoku.definitions import build_definitions
from gogoku.deployment import deployment
from tests.flow.test_walk_forward_backfill import sizes

place = deployment()
compute = sizes(place.settings.cache_dir, "{first}", "{last}")
defs = build_definitions(settings=place.settings, end=compute.last_day, compute=compute)
"""


def sizes(cache_dir, first, last):
    """The dials of the house: a walk of one fold, fits of a moment, a leak audit of few stocks."""
    return Compute(
        cache_dir=cache_dir,
        first_session=date.fromisoformat(first),
        last_day=date.fromisoformat(last),
        plan="Light",
        feature_set="core",
        device="cpu",
        universe=UniverseConfig(min_listed_sessions=5, min_median_turnover_jpy=0),
        graph=GraphConfig(window=10, min_sessions=5, min_common=5, min_nodes=3, half_life=5),
        threads=1,
        terms=Terms(
            gate=GateConfig(min_seeds=1, resamples=200, min_days=5),
            seeds=SEEDS,
            n_folds=1,
            embargo=5,
            min_train=20,
            validation=6,
        ),
        preset="tiny",
        training={"epochs": 1, "smoothing": 1, "min_names": 5},
        boosted={"rounds": 20},
        audit_sample=1,
        audit_stocks=8,
        is_simulated=True,
    )


def finished(folder, pattern):
    """What was finished below a folder, and when."""
    return {path.parent.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.glob(pattern)}


class Walk:
    """A served house whose typed tables, families and labels are complete, and what its walks leave behind."""

    def __init__(self, served, folder, keys, say):
        self.served, self.folder, self.keys, self.say = served, folder, keys, say
        self.store = open_store(f"file://{folder / 'data'}", probe=False)
        self.cutoffs = keys[-CUTOFFS - AFTER : -AFTER]

    def fits(self):
        """Finished fits of all walks."""
        return finished(self.folder / "cache" / "walks", "*/done.json")

    def versions(self):
        """Complete versions of both models."""
        return finished(self.folder / "data" / "models", "*/*/manifest.json")

    def materialised(self, asset):
        """Session to how often an asset was materialised for it."""
        with dg.DagsterInstance.from_config(self.served.home) as instance:
            records = instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        return dict(Counter(record.asset_materialization.partition for record in records))

    def workers(self, backfill):
        """Processes that said they execute a run of a backfill."""
        with dg.DagsterInstance.from_config(self.served.home) as instance:
            found = [worker_process(instance, run.run_id) for run in self.served.runs(backfill)]
        return {process for process in found if process is not None}

    def served_versions(self):
        """Session to the version that made its list."""
        rows = self.store.tables.scan(PREDICTIONS).select("session", "model_version").unique().collect()
        return dict(rows.sort("session").rows())

    def is_reproduced(self, session):
        """Whether the list of a session comes out again to the bit, as `gogoku reproduce` asks."""
        dials = sizes(self.folder / "cache", self.keys[0], self.keys[-1])
        found = reproduce(self.store, session, lambda versions: house_panel(self.store, dials, versions))
        return found.rows > 0 and found.is_equal


@pytest.fixture
def walk(tmp_path, capfd):
    def say(words):
        with capfd.disabled():
            print(f"  {words}", flush=True)

    market = generate_market(MARKET)
    with folder_in_memory(tmp_path) as folder:
        with small_house(market, folder, plan="light") as below:
            keys = below.keys
            say(f"{len(keys)} sessions of {MARKET.n_issues} issues: tables, families, labels")
            below.prepare(keys[0], keys[-1])
            for names in (RAW, below.typed_by_session, (*below.families, *GRAPH)):
                assert below.run(names, keys[0], keys[-1]).success
            assert below.run(("core_jquants__security_master", "data__labels")).success
        environment = {"GOGOKU_PLAN": "light", "GOGOKU_START_DATE": keys[0]}
        with web_serving(folder, LOCATION.format(first=keys[0], last=keys[-1]), environment) as served:
            yield Walk(served, folder, keys, say)


def test_a_walk_that_was_killed_goes_on_with_what_is_missing_and_every_list_comes_out_again(walk):
    backfill = walk.served.backfill(list(WALKED), walk.cutoffs)
    with walk.served.daemon() as doomed:
        wait(lambda: len(walk.materialised("eval__gate")) == KILLED_IN - 1, 1200, "the first walks")
        walked = len(walk.fits())
        wait(lambda: len(walk.fits()) > walked, 300, "the first fit of the next walk", every=0.005)
        os.killpg(doomed.pid, signal.SIGKILL)
        doomed.wait(timeout=30)
    wait(lambda: not any(map(is_alive, walk.workers(backfill))), 30, "the worker to be gone")
    fits, versions, per_walk = walk.fits(), walk.versions(), walked // (KILLED_IN - 1)
    walk.say(f"killed with {len(fits)} fits of {per_walk} a walk and {len(versions)} versions")
    assert 0 < len(fits) % per_walk < per_walk

    with walk.served.daemon():
        ended = walk.served.finished(backfill, 1800)
        assert ended == "COMPLETED_SUCCESS", walk.served.failures(backfill)
        walk.say(f"resumed to {len(walk.fits())} fits and {len(walk.versions())} versions")
        once = dict.fromkeys(walk.cutoffs, 1)
        assert {asset: walk.materialised(asset) for asset in WALKED} == dict.fromkeys(WALKED, once)
        assert len(walk.fits()) == CUTOFFS * per_walk and len(walk.versions()) == CUTOFFS * len(MODELS)
        assert walk.fits() | fits == walk.fits() and walk.versions() | versions == walk.versions()

        since = walk.keys[walk.keys.index(walk.cutoffs[0]) :]
        lists = walk.served.backfill(["pred__daily"], since)
        assert walk.served.finished(lists, 600) == "COMPLETED_SUCCESS", walk.served.failures(lists)
    made_by = walk.served_versions()
    days = [date.fromisoformat(key) for key in since]
    assert list(made_by) == recorded_sessions(walk.store, days[0], days[-1]) == days
    for day, version in made_by.items():
        assert version[:8] == max(cutoff for cutoff in walk.cutoffs if cutoff <= day.isoformat()).replace("-", "")
    assert [day for day in made_by if not walk.is_reproduced(day)] == []
    walk.say(f"{len(made_by)} lists made again, equal to the bit")
