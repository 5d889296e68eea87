"""The study of null markets: it goes on where it stopped, says what it found; one market walks the real road."""

import json

import pytest

from tests.flow.null_markets import in_words, judged, study, summary

ROW = {
    "seed": 1,
    "size": "tiny",
    "plan": "light",
    "decision": "reject",
    "days": 17,
    "edge": [-0.04, -0.28, 0.22],
    "detectable": 0.26,
    "failed": ["enough_days", "edge_ratio", "direction"],
    "rank_ic": {"apex_ranker": -0.02, "lightgbm": 0.02},
    "seconds": 60.0,
    "cpu_seconds": 60.0,
}


@pytest.fixture
def file(tmp_path):
    rows = [ROW, ROW | {"seed": 2, "decision": "inconclusive", "failed": ["enough_days"]}, ROW | {"plan": "premium"}]
    path = tmp_path / "null.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_markets_that_were_judged_are_not_judged_again(file):
    before = file.read_bytes()
    found = study([1, 2], "tiny", "light", file)
    assert found["seed"].to_list() == [1, 2]
    assert file.read_bytes() == before


def test_the_summary_bounds_the_share_promoted_and_tells_whom_the_days_alone_held_back(file):
    said = summary(study([1, 2], "tiny", "light", file))
    assert said.startswith("2 null markets: 0 promoted (Clopper-Pearson, 95 %: at most 84.2%), 1 promoted but for")
    assert "1 reject" in said and "1 inconclusive" in said
    assert "RankIC apex_ranker -0.020  lightgbm +0.020" in in_words(ROW)


@pytest.mark.slow
def test_a_market_without_an_edge_promotes_nobody():
    found = judged(101, "tiny", "light")
    assert found["decision"] in {"reject", "inconclusive"}
    assert found["days"] > 0 and found["failed"]
    assert {"apex_ranker", "lightgbm", "ridge", "random", "reversal_1d"} <= set(found["rank_ic"])
    assert "leak_audit" not in found["failed"]
