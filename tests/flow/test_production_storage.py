"""What docker-compose.yml would start, started by hand: its very commands, Dagster on PostgreSQL, the data on Ceph.

No container engine is needed: each service's command is read from the compose file and run here, with this machine's
ports in place of the containers' names. Secrets are canaries, looked for everywhere afterwards.
"""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from gogoku_pipeline.core.clocks import RealClock
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from tests.flow.served_house import ROOT, Pages, process, wait
from tests.servers import ceph_gateway, postgres
from tests.servers.free_ports import free_port, is_listening

pytestmark = [pytest.mark.slow, pytest.mark.s3]

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CANARY = "canary-premium-key-5f1c"
SESSIONS = 8
ASSETS = [
    "raw_jquants__daily_bars",
    "raw_jquants__listed_issues",
    "core_jquants__daily_bars",
    "core_jquants__listed_issues",
    "core__universe",
]


def command(service, **places):
    """A service's command with this machine's places in it."""
    here = {"0.0.0.0": "127.0.0.1", "/opt/gogoku/deploy/workspace.yaml": str(places["workspace"])}
    words = [here.get(word, word) for word in SERVICES[service]["command"]]
    return [str(places.get(word, word)) for word in words]


def healthy(service, environment, **ports):
    """Whether the service's own health check holds."""
    words = [
        re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{ports.get(found[1], found[1])}", word)
        for word in SERVICES[service]["healthcheck"]["test"][1:]
    ]
    words = [str(ports.get(word, word)) for word in words]
    programme = str(Path(sys.executable).parent / words[0])
    return subprocess.run([programme, *words[1:]], env=environment, capture_output=True, timeout=120).returncode == 0


@pytest.fixture(scope="module")
def servers():
    """The two servers, both required: this test is what `make test-s3` is for."""
    absent = [name for name, part in (("radosgw", ceph_gateway), ("postgresql", postgres)) if not part.is_installed()]
    if absent:
        pytest.skip(f"{', '.join(absent)} not installed: `make test-s3` installs and uses them")
    with postgres.postgres() as database, ceph_gateway.ceph_gateway() as objects:
        yield database, objects


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig.preset("tiny"))


@pytest.fixture
def environment(servers, market, tmp_path):
    database, objects = servers
    with run_simulator_thread(market, RealClock(), api_keys={CANARY: "premium"}) as service:
        yield {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(tmp_path / "home"),
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
            "GOGOKU_DATA_URL": "s3://gogoku-compose/data",
            "GOGOKU_CACHE_DIR": str(tmp_path / "cache"),
            "GOGOKU_API_URL": service.base_url,
            "GOGOKU_PLAN": "premium",
            "GOGOKU_START_DATE": market.sessions[0].isoformat(),
            "GOGOKU_DAGSTER_DB_URL": database,
            "JQUANTS_API_KEY": CANARY,
            "AWS_ENDPOINT_URL": objects,
            "AWS_ACCESS_KEY_ID": ceph_gateway.KEY,
            "AWS_SECRET_ACCESS_KEY": ceph_gateway.SECRET,
            "AWS_REGION": "us-east-1",
            "CODE_HOST": "127.0.0.1",
        }


@pytest.fixture
def house(environment, tmp_path):
    """Bucket made, code location, web pages and daemon up and well."""
    code, web = free_port(), free_port()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text((ROOT / "deploy/dagster.yaml").read_text())
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text((ROOT / "deploy/workspace.yaml").read_text().replace("4000", str(code)))
    places = {"workspace": workspace, "4000": code, "3000": web}
    made = subprocess.run(
        [str(Path(sys.executable).parent / SERVICES["bucket"]["command"][0]), *SERVICES["bucket"]["command"][1:]],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    with ExitStack() as stack:
        for name in ("code", "webserver", "daemon"):
            stack.enter_context(process(name, command(name, **places), environment, tmp_path))
            wait(lambda name=name: healthy(name, environment, **places), 600, f"{name} to be well", every=3.0)
        served = Pages(web, tmp_path / "home")
        wait(served.is_loaded, 600, "the code location")
        yield served
    assert not is_listening(code) and not is_listening(web)


def test_the_services_of_the_compose_file_fetch_into_ceph_and_remember_in_postgres(
    house, environment, market, tmp_path
):
    keys = [session.isoformat() for session in market.sessions[:SESSIONS]]
    backfill = house.backfill(ASSETS, keys)
    assert house.finished(backfill, 1800) == "COMPLETED_SUCCESS"
    options = {name.lower(): value for name, value in environment.items() if name.startswith("AWS_")}
    store = open_store(environment["GOGOKU_DATA_URL"], options | {"aws_allow_http": "true"})
    assert [str(day) for day in store.tables.sessions(daily_bars.TABLE)] == keys
    assert store.tables.scan(TABLE_OF["listed_issues"]).collect().height > SESSIONS * 40
    assert not list(tmp_path.glob("**/*.db")), "Dagster kept something in files"
    dump = subprocess.run(
        [postgres.binaries() / "pg_dump", environment["GOGOKU_DAGSTER_DB_URL"]], capture_output=True, timeout=120
    ).stdout
    assert b"ASSET_MATERIALIZATION" in dump and keys[-1].encode() in dump
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for secret in (CANARY, ceph_gateway.SECRET):
        assert secret.encode() not in dump
        assert [path.name for path, text in written.items() if secret.encode() in text] == []
