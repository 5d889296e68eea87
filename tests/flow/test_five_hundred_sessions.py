"""Five hundred sessions of every feature family and of the graph, backfilled by Dagster's daemon in bounded runs.

The tables below are typed in this process; families and graph are a real backfill: GraphQL, daemon, one run per range.
Then a session in the middle and the newest one are backfilled again, alone. What counts is the content hash that each
materialisation recorded for its partition. Dagster's own data version of a partition filled in a range is that of the
range (it keeps one for all partitions of a run), so for these the test asks that nobody wrote it again.
"""

from datetime import date

import dagster as dg
import pytest

from gogoku_pipeline.features.family_tables import families
from gogoku_pipeline.graph.catalogue import family_table
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.checks import session_hashes
from resources.io_manager import DATA_VERSION
from tests.flow.served_house import folder_in_memory, serving
from tests.flow.small_house import GRAPH, RAW, small_house

pytestmark = pytest.mark.slow

SESSIONS, PER_RUN = 500, 250
MIDDLE, NEWEST, NEXT = 312, SESSIONS - 1, SESSIONS
MARKET = MarketConfig(n_issues=48, n_sessions=SESSIONS + 2)
FAMILIES = tuple(families())
ASSETS = (*FAMILIES, *GRAPH)
LOCATION = """
from datetime import date
from gogoku.definitions import build_definitions
from gogoku.deployment import deployment
from gogoku_pipeline.graph.config import GraphConfig
from resources.compute import Compute

place = deployment()
defs = build_definitions(
    settings=place.settings,
    end=date.fromisoformat("{end}"),
    compute=Compute(
        cache_dir=place.settings.cache_dir,
        first_session=place.settings.start_date,
        last_day=date.fromisoformat("{end}"),
        graph=GraphConfig(min_nodes=20),
        threads=1,
        partitions_per_run={per_run},
        is_simulated=True,
    ),
)
"""


def table_of(asset):
    return EDGES if asset == EDGES.name else family_table(asset)


class Filled:
    """A served house whose typed tables are complete, and what its instance has recorded."""

    def __init__(self, served, store, keys, say):
        self.served, self.store, self.keys, self.say = served, store, keys, say

    def backfill(self, keys, seconds):
        """Fill all families and the graph by a backfill of their assets; the sessions of each of its runs."""
        self.say(f"backfilling {len(keys)} sessions of {len(ASSETS)} assets")
        launched = self.served.backfill(list(ASSETS), list(keys))
        ended = self.served.finished(launched, seconds)
        assert ended == "COMPLETED_SUCCESS", self.served.failures(launched)
        spans = []
        for run in self.served.runs(launched):
            first, last = (run.tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
            first, last = first or run.tags["dagster/partition"], last or run.tags["dagster/partition"]
            spans.append(self.keys.index(last) - self.keys.index(first) + 1)
        self.say(f"{len(spans)} runs of {min(spans)} to {max(spans)} sessions")
        return spans

    def recorded(self):
        """(asset, session) to the content hash of its newest materialisation, and how often it was materialised."""
        found, times = {}, {}
        with dg.DagsterInstance.from_config(self.served.home) as instance:
            for asset in ASSETS:
                records = instance.fetch_materializations(dg.AssetKey(asset), limit=10 * len(self.keys)).records
                for record in records:
                    made = record.asset_materialization
                    place = (asset, made.partition)
                    found.setdefault(place, made.metadata[DATA_VERSION].value)
                    times[place] = times.get(place, 0) + 1
        return found, times

    def stored(self):
        """(asset, session) to the content hash of the rows that lie in the table."""
        found = {}
        for asset in ASSETS:
            table = table_of(asset)
            rows, sessions = self.store.tables.scan(table).collect(), self.store.tables.sessions(table)
            hashes = session_hashes(table, rows, sessions)
            found |= {(asset, session.isoformat()): value for session, value in hashes.items()}
        return found

    def versions(self):
        return {asset: self.store.tables.version(table_of(asset)) for asset in ASSETS}


@pytest.fixture
def house(tmp_path, capfd):
    def say(words):
        with capfd.disabled():
            print(f"  {words}", flush=True)

    market = generate_market(MARKET)
    with folder_in_memory(tmp_path) as folder:
        with small_house(market, folder) as below:
            say(f"typing {MARKET.n_sessions} sessions of {MARKET.n_issues} issues from every source")
            below.prepare(below.keys[0], below.keys[-1])
            assert below.run(RAW, below.keys[0], below.keys[-1]).success
            assert below.run(below.typed_by_session, below.keys[0], below.keys[-1]).success
        environment = {"GOGOKU_PLAN": "premium", "GOGOKU_START_DATE": below.keys[0]}
        with serving(folder, LOCATION.format(end=below.keys[-1], per_run=PER_RUN), environment) as served:
            yield Filled(served, open_store(f"file://{folder / 'data'}", probe=False), below.keys, say)


def test_running_a_session_again_leaves_every_data_version_as_it_was(house):
    filled = house.keys[:SESSIONS]
    assert max(house.backfill(filled, 2400)) <= PER_RUN
    first, times = house.recorded()
    assert set(first) == {(asset, key) for asset in ASSETS for key in filled}
    assert set(times.values()) == {1}
    assert house.stored() == first

    again, commits = [filled[MIDDLE], filled[NEWEST]], house.versions()
    assert max(house.backfill(again, 1200)) == 1
    second, times = house.recorded()
    assert [place for place in first if second[place] != first[place]] == []
    assert {place for place, number in times.items() if number > 1} == {
        (asset, key) for asset in ASSETS for key in again
    }
    assert house.stored() == first
    for asset, version in commits.items():
        rewritten = house.store.tables.rewritten_since(table_of(asset), version)
        assert rewritten == {date.fromisoformat(key) for key in again}
    house.say(f"{len(second)} data versions, equal after {len(again)} sessions were filled again")

    evening = [house.keys[NEXT]]
    house.backfill(evening, 1200)
    appended, _ = house.recorded()
    house.store.objects.delete(house.store.objects.list("carried"))
    house.backfill(evening, 1200)
    rebuilt, _ = house.recorded()
    assert rebuilt == appended
    assert {place: appended[place] for place in first} == first
    house.say("the session after them is the same from carried states and from its whole history")
