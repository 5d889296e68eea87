"""`gogoku export dataset` on a small store of one's own."""

from __future__ import annotations

import json
from contextlib import chdir

import polars as pl
import pytest
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.graph.catalogue import feature_set
from gogoku_pipeline.store import open_store
from tests.unit.dataset import stored_market as market


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    url = f"file://{folder / 'data'}"
    market.fill(open_store(url), plan="Light")
    return {"GOGOKU_DATA_URL": url, "GOGOKU_PLAN": "light", "COLUMNS": "200"}


def run(environment, *arguments):
    return CliRunner().invoke(build_app(), ["export", "dataset", *arguments], env=environment)


def test_a_range_becomes_one_file_and_a_manifest(environment, tmp_path):
    out = tmp_path / "light.parquet"
    asked = ("--from", "2024-05-01", "--to", "2024-05-31", "--set", "core", "--out", str(out), "--json")
    shown = run(environment, *asked)
    assert shown.exit_code == 0, shown.output
    manifest = json.loads(shown.stdout)
    assert (manifest["set"], manifest["plan"]) == ("core", "Light")
    assert set(feature_set("core", "Light")) < set(pl.read_parquet(out).columns)
    assert "wrote" in shown.stderr and "light.manifest.json" in shown.stderr and "personal use" in shown.stderr


def test_without_a_set_it_is_all_of_the_plan(environment, tmp_path):
    with chdir(tmp_path):
        shown = run(environment, "--from", "2024-05-28", "--to", "2024-05-31", "--no-labels")
    assert shown.exit_code == 0, shown.output
    columns = pl.read_parquet(tmp_path / "light_2024-05-28_2024-05-31.parquet").columns
    assert tuple(columns[5:]) == feature_set("light", "Light")


def test_sessions_that_were_never_computed_are_named(environment, tmp_path):
    shown = run(environment, "--from", "2024-05-28", "--to", "2024-06-04", "--out", str(tmp_path / "x.parquet"))
    assert isinstance(shown.exception, PartitionMissingError)
    assert "2024-06-03" in str(shown.exception)


def test_both_dates_are_asked_for(environment):
    assert run(environment, "--from", "2024-05-28").exit_code == 2
