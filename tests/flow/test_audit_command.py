"""`gogoku audit` as a person runs it: on the demo everything holds; with labels a session late it does not."""

import shutil

import polars as pl
import pytest

from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.store import CommitInfo, open_store
from tests.flow.command_line import gogoku

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slipped(tiny, tmp_path_factory):
    """A copy of the demo whose returns belong to the session before."""
    folder = tmp_path_factory.mktemp("slipped")
    shutil.copytree(tiny.folder / ".gogoku", folder / ".gogoku")
    (home,) = (path for path in (folder / ".gogoku" / "demo").iterdir() if path.is_dir())
    tables = open_store(f"file://{home / 'data'}", probe=False).tables
    late = pl.col("ret_open").shift(1).over("code", "horizon_d", order_by="session")
    rows = tables.scan(LABELS).collect().with_columns(late).sort(LABELS.key)
    tables.write_whole(LABELS, rows, commit=CommitInfo(run_id="slipped", code_version="1"))
    return folder


def test_all_eight_parts_hold_on_the_demo(tiny):
    said = gogoku(tiny.folder, "audit")
    assert said.code == 0, said.out
    assert "8 parts, 32 checks" in said.out and "nothing knows the future" in said.out
    assert "LEAK" not in said.out and "did not run" not in said.out


def test_a_part_can_be_asked_alone_and_answers_in_json(tiny):
    rows = gogoku(tiny.folder, "audit", "--part", "scale", "--sample", "1", "--json").json
    assert [row["check"] for row in rows] == ["rebasing", "inserted_split", "split_scores"]
    assert all(row["passed"] and row["values"] > 0 and row["guilty"] == [] for row in rows)


def test_labels_that_slipped_end_with_one_and_are_named_in_words(slipped):
    said = gogoku(slipped, "audit", "--part", "label_alignment")
    assert said.code == 1
    assert "LEAK" in said.out and "do not trade on this" in said.out
    assert "label_windows" in said.out and "shifted by -1 sessions" in said.out


def test_an_unknown_part_is_a_wrong_use(tiny):
    said = gogoku(tiny.folder, "audit", "--part", "truncations")
    assert said.code == 2 and "'truncations' is no part" in said.err
