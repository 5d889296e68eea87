"""Several challengers of one cut-off, written down: every verdict, at most one promotion, and who served before."""

from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.evaluation.choice import ONE_PROMOTION, one_promotion
from gogoku_pipeline.evaluation.verdict import Criterion, Verdict
from gogoku_pipeline.registry.champions import VerdictRecord, champion, history, record_verdict
from gogoku_pipeline.registry.predictions import gate_rows
from gogoku_pipeline.registry.promotions import incumbent, last_verdicts, record_verdicts
from gogoku_pipeline.registry.tables import CHAMPIONS, GATE
from gogoku_pipeline.store import CommitInfo, open_store

EARLY, LATE, NEXT = date(2024, 5, 8), date(2024, 5, 15), date(2024, 5, 22)
AT, WHO = datetime(2024, 6, 3, 19, 0, tzinfo=JST), CommitInfo("run", "code")
APEX, ATFT = "apex_ranker", "atft_gat_fan"


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}")


def verdict(name, decision, low=0.004):
    answer = Criterion("paired_interval", low, 0.0, decision == "promote", "the interval")
    return Verdict(decision, (answer,), ("because",), name, "lightgbm", 250, (low + 0.01, low, low + 0.02), 0.01, 0,
                   False, "hash")  # fmt: skip


def judged(store, cutoff, *verdicts):
    rows = pl.concat(gate_rows(one, cutoff, available_at=AT) for one in verdicts).sort(GATE.key)
    store.tables.write_sessions(GATE, rows, [cutoff], commit=WHO)


def trained(store, *names, cutoff):
    for name in names:
        manifest = {"cutoff": cutoff.isoformat(), "feature_hash": "f", "config_hash": "c"}
        store.artefacts.save(name, f"{cutoff:%Y%m%d}-{name}", {"weights": b"w"}, manifest)


def test_every_challenger_is_written_down_and_one_of_those_that_pass_is_champion(store):
    trained(store, APEX, ATFT, cutoff=EARLY)
    both = one_promotion((verdict(APEX, "promote", 0.004), verdict(ATFT, "promote", 0.007)))
    judged(store, EARLY, *both)
    assert record_verdicts(store, recorded_at=AT, commit=WHO) == 2
    assert record_verdicts(store, recorded_at=AT, commit=WHO) == 0
    said = dict(history(store).select("model", "decision").rows())
    assert said == {APEX: "passed_over", ATFT: "promote"}
    assert CHAMPIONS.column("decision").allowed == GATE.column("decision").allowed
    assert "would also pass" in history(store).filter(model=APEX)["reasons"][0]
    assert champion(store, EARLY).model == ATFT


def test_the_newest_verdicts_come_back_whole_who_is_promoted_first(store):
    assert last_verdicts(store) == ()
    judged(store, EARLY, verdict(APEX, "reject"))
    passing = one_promotion((verdict(APEX, "promote", 0.004), verdict(ATFT, "promote", 0.007)))
    judged(store, LATE, *passing)
    assert [one.challenger for one in last_verdicts(store, EARLY)] == [APEX]
    found = last_verdicts(store)
    assert [(one.challenger, one.decision) for one in found] == [(ATFT, "promote"), (APEX, "passed_over")]
    assert repr(sorted(found, key=lambda one: one.challenger)) == repr(list(passing))
    assert found[1].criterion(ONE_PROMOTION).passed is False
    judged(store, NEXT, verdict(APEX, "reject", -0.01), verdict(ATFT, "inconclusive", -0.002))
    assert [one.challenger for one in last_verdicts(store)] == [ATFT, APEX], "without a promotion the surer edge first"


def test_the_incumbent_of_a_cut_off_was_promoted_before_it_written_into_the_history_or_not(store):
    assert incumbent(store, LATE) is None
    judged(store, EARLY, verdict(APEX, "promote"), verdict(ATFT, "reject"))
    judged(store, LATE, verdict(APEX, "inconclusive"), verdict(ATFT, "promote"))
    assert [incumbent(store, day) for day in (EARLY, LATE, NEXT)] == [None, APEX, ATFT]
    trained(store, APEX, ATFT, cutoff=EARLY)
    trained(store, APEX, ATFT, cutoff=LATE)
    record_verdicts(store, recorded_at=AT, commit=WHO)
    assert [incumbent(store, day) for day in (EARLY, LATE, NEXT)] == [None, APEX, ATFT]


def test_a_promotion_of_which_only_the_history_knows_counts_too(store):
    record = VerdictRecord(EARLY, AT, APEX, "v1", "promote", ("by hand",), EARLY, "hash", "f")
    assert record_verdict(store, record, commit=WHO)
    assert incumbent(store, LATE) == APEX
