"""`gogoku ablate` as a person types it, on a finished demo: blocks of a network, groups of features of the trees."""

import json

import polars as pl
import pytest

from gogoku_pipeline.registry.ledgers import trial_ledger
from tests.flow.command_line import gogoku

SHORT = ("--epochs", "1", "--folds", "1")


@pytest.mark.slow
def test_blocks_and_groups_are_judged_and_a_second_run_finds_every_fit(tiny):
    before = trial_ledger(tiny.store).height
    asked = ("ablate", "atft_gat_fan", *SHORT, "--blocks", "graph", "--blocks", "fan", "--json")
    told = gogoku(tiny.folder, *asked).json
    assert [row["variant"] for row in told["variants"]] == [
        "reference",
        "without graph",
        "with raw_channels",
        "with fan",
    ]
    assert told["variants"][3]["against"] == "with raw_channels" and not told["left_out"]
    assert all(row["days"] >= 1 and row["cpu_seconds"] > 0 for row in told["variants"])
    assert trial_ledger(tiny.store).height == before + 12
    assert gogoku(tiny.folder, *asked).json == told, "fits are found again, with what they had cost"
    assert trial_ledger(tiny.store).height == before + 12

    groups = gogoku(tiny.folder, "ablate", "lightgbm", "--groups", "--blocks", "returns", "--folds", "1")
    assert groups.code == 0, groups.err
    assert "without returns" in groups.out and "the reference" in groups.out
    kept = pl.read_parquet(next(tiny.home.rglob("ablation/lightgbm-groups.parquet")))
    assert kept["variant"].to_list() == ["reference", "without returns"]
    wrong = gogoku(tiny.folder, "ablate", "atft_gat_fan", "--blocks", "grpah")
    assert wrong.code == 1 and "grpah" in wrong.complaint[0] and "graph" in wrong.complaint[2]
    assert json.loads(next(tiny.home.rglob("ablation/atft_gat_fan-blocks.json")).read_text()) == told
