"""The same road with its data in a bucket: everything equal, to the bit, to the road on local files."""

import re
from contextlib import contextmanager

import pytest

from gogoku_pipeline.core.clocks import RealClock
from gogoku_pipeline.core.fingerprints import sha256_frame
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.features import registry
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.graph.catalogue import family_table as graph_table
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.bucket import bucket_exists, ensure_bucket
from gogoku_pipeline.tables.universe import UNIVERSE
from tests.flow.command_line import gogoku
from tests.flow.small_house import GRAPH, RAW, causes, failed_checks, small_house
from tests.servers.moto_gateway import KEY, SECRET, moto_gateway

pytestmark = pytest.mark.s3

HELD = (
    daily_bars.TABLE,
    listed_issues.SNAPSHOT,
    listed_issues.MASTER,
    topix.TABLE,
    UNIVERSE,
    EDGES,
    graph_table(),
    LABELS,
    PREDICTIONS,
)
SERVED = (
    ("core_jquants__calendar", "core_jquants__security_master", "data__labels"),
    ("data__panel",),
    ("model__lightgbm",),
    ("pred__daily",),
    ("report__evening",),
)


@pytest.fixture(scope="module")
def server():
    """An S3 server of this test's own: its environment and its options."""
    with moto_gateway() as address:
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }


def options(server):
    return {name.lower(): value for name, value in server.items()} | {"aws_allow_http": "true"}


def contents(store, plan="Premium", tables=HELD):
    """Content hash of every table, those of a plan's feature families among them."""
    book = registry.house(plan)
    tables = (*tables, *(family_table(family, book) for family in families(book)))
    return {table.name: sha256_frame(store.tables.scan(table).sort(table.key).collect()) for table in tables}


@contextmanager
def walked(market, folder, plan, place=None):
    """A small house after its road, baseline trained, last session ranked and reported."""
    with small_house(market, folder, plan=plan.lower(), place=place) as house:
        house.prepare(house.keys[0], house.keys[-1])
        result = house.run((*RAW, *house.typed_by_session, *house.families, *GRAPH), house.keys[0], house.keys[-1])
        assert result.success, failed_checks(result)
        for names in SERVED:
            result = house.run(names, house.keys[-1])
            assert result.success, causes(result)
        yield house


@pytest.mark.parametrize("plan", ["Light", pytest.param("Premium", marks=pytest.mark.slow)])
def test_a_road_in_a_bucket_equals_the_road_on_files(server, tmp_path, plan):
    market = generate_market(MarketConfig(n_issues=40, n_sessions=60, seed=3))
    place = (f"s3://gogoku-flow/{plan.lower()}", options(server))
    ensure_bucket(*place)
    in_files, in_bucket = tmp_path / "files", tmp_path / "bucket"
    with walked(market, in_files, plan) as files, walked(market, in_bucket, plan, place) as bucket:
        assert contents(bucket.store, plan) == contents(files.store, plan)
        ours, theirs = (house.store.tables.scan(PREDICTIONS).sort("rank").collect() for house in (bucket, files))
        assert ours.height > 10 and ours.equals(theirs)
        assert bucket.store.artefacts.versions("lightgbm") == files.store.artefacts.versions("lightgbm") != []
        assert len(bucket.store.objects.list("reports/")) == 1
        assert not (in_bucket / "data").exists()


def test_a_person_with_a_bucket_is_told_makes_it_and_fetches_into_it(server, tmp_path):
    market = generate_market(MarketConfig(n_issues=24, n_sessions=30))
    first, last = market.sessions[0].isoformat(), market.sessions[2].isoformat()
    url = "s3://gogoku-own/prefix"
    with run_simulator_thread(market, RealClock()) as service:
        ours = {
            **server,
            "GOGOKU_DATA_URL": url,
            "GOGOKU_API_URL": service.base_url,
            "GOGOKU_PLAN": "premium",
            "JQUANTS_API_KEY": "simulator-premium-key",
        }
        missing = gogoku(tmp_path, "doctor", "--json", **ours)
        assert missing.code == 1 and '"broken"' in missing.out and "testsecret" not in missing.out + missing.err
        assert "bucket created" in gogoku(tmp_path, "doctor", "--fix", "--json", **ours).out
        assert bucket_exists(url, options(server))
        assert gogoku(tmp_path, "fetch", "daily_bars", first, last, "--json", **ours).json["fetched_pages"] == 3
        assert gogoku(tmp_path, "fetch", "daily_bars", first, last, "--json", **ours).json["skipped_complete"] == 3
    assert open_store(url, options(server)).raw.requests("daily_bars").height == 3


@pytest.mark.slow
def test_the_demo_in_a_bucket_ends_like_the_demo_on_files(server, tiny, tmp_path):
    url = "s3://gogoku-flow/demo"
    ensure_bucket(url, options(server))
    said = gogoku(tmp_path, "demo", "--size", "tiny", "--data-url", url, **server)
    assert said.code == 0, said.err
    assert re.search(rf"report  {url}/reports/\S+\.html", said.out)
    bucket = open_store(url, options(server))
    assert contents(bucket, tables=(*HELD, GATE)) == contents(tiny.store, tables=(*HELD, GATE))
    again = gogoku(tmp_path, "demo", "--size", "tiny", "--data-url", url, **server)
    assert [words for words, _ in again.stages] == ["done"] * len(tiny.said.stages)
    ranked = gogoku(tmp_path, "predictions", "--json", **server).json
    assert [row["score"] for row in ranked] == [
        row["score"] for row in gogoku(tiny.folder, "predictions", "--json").json
    ]
