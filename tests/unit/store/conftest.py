"""Stores to test against: a folder, moto, Ceph's gateway (slow part), and any server named by TEST_S3_ENDPOINT."""

import os
import uuid
from datetime import date, timedelta

import pytest

from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.store.bucket import ensure_bucket
from tests.servers import ceph_gateway
from tests.servers.moto_gateway import moto_gateway
from tests.unit.store.price_rows import NOTES, PRICES, price_rows

SERVERS = ["file", "moto", "ceph", *(["endpoint"] if os.environ.get("TEST_S3_ENDPOINT") else [])]
PARAMS = [pytest.param(name, marks=pytest.mark.slow if name == "ceph" else ()) for name in SERVERS]


def pytest_terminal_summary(terminalreporter):
    """Say which servers stood behind the contract: nothing is skipped silently."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", []) if "unit/store" in report.nodeid]
    ran = [server for server in SERVERS if any(f"[{server}" in name or f"-{server}" in name for name in passed)]
    if ran:
        named = "" if "endpoint" in SERVERS else "; TEST_S3_ENDPOINT is not set"
        other = named if "ceph" in ran else f"; not on Ceph (`make test-s3`){named}"
        terminalreporter.write_line(f"store contract ran on: {', '.join(ran)}{other}")


@pytest.fixture(scope="session")
def moto_endpoint():
    with moto_gateway() as address:
        yield address


def _options(endpoint):
    return {
        "aws_endpoint_url": endpoint,
        "aws_access_key_id": os.environ.get("TEST_S3_ACCESS_KEY", "testkey"),
        "aws_secret_access_key": os.environ.get("TEST_S3_SECRET_KEY", "testsecret"),
        "aws_region": "us-east-1",
        **({"aws_allow_http": "true"} if endpoint.startswith("http://") else {}),
    }


@pytest.fixture(scope="session")
def ceph_endpoint():
    if not ceph_gateway.is_installed():
        pytest.skip("radosgw is not installed: `make test-s3` installs and uses it")
    with ceph_gateway.ceph_gateway() as endpoint:
        yield endpoint


@pytest.fixture(params=PARAMS)
def place(request, tmp_path):
    """URL and options of an empty store."""
    if request.param == "file":
        return f"file://{tmp_path}/data", {}
    named = request.param == "endpoint"
    endpoint = os.environ["TEST_S3_ENDPOINT"] if named else request.getfixturevalue(f"{request.param}_endpoint")
    url = f"s3://gogoku-test/{uuid.uuid4().hex}"
    ensure_bucket(url, _options(endpoint))
    return url, _options(endpoint)


@pytest.fixture
def store(place):
    return open_store(*place)


@pytest.fixture
def local(tmp_path):
    return open_store(f"file://{tmp_path}/data")


@pytest.fixture
def prices():
    return PRICES


@pytest.fixture
def notes():
    return NOTES


@pytest.fixture
def commit():
    return CommitInfo(run_id="run-1", code_version="abc1234")


@pytest.fixture
def rows():
    return price_rows


@pytest.fixture
def days():
    return lambda n, start=date(2024, 4, 24): [start + timedelta(days=place) for place in range(n)]
