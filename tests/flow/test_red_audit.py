"""A demo whose inputs know the future: it reaches its report, promotes nobody, says so and ends with 1, every time."""

import shutil

import dagster as dg
import polars as pl
import pytest

from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.registry.tables import CHAMPIONS, GATE
from gogoku_pipeline.store import CommitInfo, open_store
from tests.flow.command_line import gogoku

pytestmark = pytest.mark.slow

AFTER_THE_LABELS = (GATE.name, CHAMPIONS.name, "pred__daily", "pred__explained", "eval__backtest", "report__evening")


@pytest.fixture(scope="module")
def leaking(tiny, tmp_path_factory):
    """A copy of the demo whose returns belong to the session before, with everything from the gate on still to do."""
    folder = tmp_path_factory.mktemp("leaking")
    shutil.copytree(tiny.folder / ".gogoku", folder / ".gogoku")
    (home,) = (path for path in (folder / ".gogoku" / "demo").iterdir() if path.is_dir())
    tables = open_store(f"file://{home / 'data'}", probe=False).tables
    late = pl.col("ret_open").shift(1).over("code", "horizon_d", order_by="session")
    rows = tables.scan(LABELS).collect().with_columns(late).sort(LABELS.key)
    tables.write_whole(LABELS, rows, commit=CommitInfo(run_id="slipped", code_version="1"))
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        instance.wipe_assets([dg.AssetKey(name) for name in AFTER_THE_LABELS])
    return folder


def test_the_first_demo_and_the_next_reach_the_report_and_end_with_the_leak(leaking):
    for number in range(2):
        said = gogoku(leaking, "demo", "--size", "tiny")
        assert said.code == 1, said.out
        assert said.stages[-1][1] == "report" and len(said.stages) == 15
        assert all(words == "done" for words, _ in said.stages) == (number == 1)
        assert "REJECT" in said.out and "the leak audit found a leak" in said.out and "report  /" in said.out
        thing, got, _, remedy = said.complaint
        assert "leak audit found a leak" in thing and "gogoku audit" in remedy
        assert "apex_ranker and atft_gat_fan may be promoted" in got
