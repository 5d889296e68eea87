"""Stores to test against: a folder, a moto server, and any server named by TEST_S3_ENDPOINT."""

import os
import uuid
from datetime import date, timedelta

import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.store.bucket import ensure_bucket

SERVERS = ["file", "moto", *(["endpoint"] if os.environ.get("TEST_S3_ENDPOINT") else [])]

PRICES = Table(
    name="test__prices",
    description="A table of the tests.",
    columns=(
        SESSION,
        CODE,
        Column("close_jpy", pl.Float64, "Close.", "JPY", nullable=True),
        Column("score", pl.Float32, "Any number.", nullable=True),
        Column("is_limit_up", pl.Boolean, "A claim."),
        AVAILABLE_AT,
    ),
    key=("session", "code"),
)
NOTES = Table(
    name="test__notes",
    description="A table without sessions.",
    columns=(Column("name", pl.String, "Name."), Column("value", pl.Int64, "Value.", nullable=True)),
    key=("name",),
    partitioned=False,
)


def pytest_terminal_summary(terminalreporter):
    """Say which servers stood behind the contract: nothing is skipped silently."""
    passed = [report.nodeid for report in terminalreporter.stats.get("passed", []) if "unit/store" in report.nodeid]
    ran = [server for server in SERVERS if any(f"[{server}" in name or f"-{server}" in name for name in passed)]
    if ran:
        other = "" if "endpoint" in SERVERS else "; TEST_S3_ENDPOINT is not set, no other S3 server was tried"
        terminalreporter.write_line(f"store contract ran on: {', '.join(ran)}{other}")


@pytest.fixture(scope="session")
def moto_endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _options(endpoint):
    return {
        "aws_endpoint_url": endpoint,
        "aws_access_key_id": os.environ.get("TEST_S3_ACCESS_KEY", "testkey"),
        "aws_secret_access_key": os.environ.get("TEST_S3_SECRET_KEY", "testsecret"),
        "aws_region": "us-east-1",
        **({"aws_allow_http": "true"} if endpoint.startswith("http://") else {}),
    }


@pytest.fixture(params=SERVERS)
def place(request, tmp_path):
    """URL and options of an empty store."""
    if request.param == "file":
        return f"file://{tmp_path}/data", {}
    endpoint = request.getfixturevalue("moto_endpoint") if request.param == "moto" else os.environ["TEST_S3_ENDPOINT"]
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
    return _rows


def _rows(days, codes=("72030", "67580", "130A0"), factor=1.0):
    """Rows in no particular order."""
    frame = pl.DataFrame({"session": list(days)}).join(pl.DataFrame({"code": list(codes)}), how="cross")
    number = (pl.col("session").dt.ordinal_day() + pl.col("code").str.slice(0, 2).cast(pl.Int64)) * factor
    return (
        frame.with_columns(
            close_jpy=number.cast(pl.Float64),
            score=(number / 7).cast(pl.Float32),
            is_limit_up=pl.col("code") == "72030",
            available_at=pl.col("session").dt.combine(pl.time(16, 30)).dt.replace_time_zone("Asia/Tokyo"),
        )
        .with_columns(pl.col("available_at").cast(pl.Datetime("us", "Asia/Tokyo")))
        .select(PRICES.polars_schema.names())
        .sample(fraction=1, shuffle=True, seed=1)
    )


@pytest.fixture
def days():
    return lambda n, start=date(2024, 4, 24): [start + timedelta(days=place) for place in range(n)]
