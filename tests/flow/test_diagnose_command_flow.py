"""`gogoku diagnose` as a person types it, on a finished demo: a kept run, a planted defect, a wrong name."""

import json

import pytest

from gogoku_pipeline.training.diagnosis_rungs import NAMES
from gogoku_pipeline.training.run_ledger import LEDGER
from tests.flow.command_line import gogoku

SHORT = ("--epochs", "1", "--days", "24", "--validation", "10")
RAW_LISTNET = ("loss.ic=0", "loss.huber=0", "loss.listnet=1", "loss.listnet_temperature=50")


@pytest.mark.slow
def test_a_kept_run_and_a_design_are_taken_apart_and_a_planted_defect_is_named(tiny):
    runs = sorted(ledger.parent for ledger in tiny.home.rglob(LEDGER) if "atft_gat_fan" in ledger.parts)
    said = gogoku(tiny.folder, "diagnose", str(runs[0]), *SHORT, "--json")
    told = json.loads(said.out)
    assert [rung["name"] for rung in told["rungs"]] == list(NAMES) and told["design"] == "atft_gat_fan"
    assert all(rung["status"] not in ("failed", "collapsed") for rung in told["rungs"]), told["rungs"]
    assert said.code == (1 if told["first"] else 0)

    dials = [word for dial in RAW_LISTNET for word in ("--set", dial)]
    planted = gogoku(tiny.folder, "diagnose", "apex_ranker", *SHORT, *dials)
    assert planted.code == 1 and "blind loss" in planted.out, planted.err
    assert "listnet rewards a perfect order" in planted.out and "the design's own losses" in planted.out

    wrong = gogoku(tiny.folder, "diagnose", "apex_rnaker")
    assert wrong.code == 1 and "apex_rnaker" in wrong.complaint[0] and "runs" in wrong.complaint[3]
