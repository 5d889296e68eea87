"""The audit holds on a sound market, and a part that cannot run fails.

Planted leaks, and the part each turns red: tests/laws/test_planted_defects.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.audit.leak_audit import PARTS, run_audit, sampled
from gogoku_pipeline.core.errors import LeakError
from tests.unit.audit.audited import FEW, GRAPH, audited_market


@pytest.fixture(scope="module")
def market():
    return audited_market()


def audit(market, **options):
    return run_audit(market, graph=GRAPH, **{"sample": 1, "names": FEW} | options)


def test_a_sound_market_passes_in_every_part(market):
    report = audit(market, sample=3, names=None)
    assert report.words.startswith("8 parts held")
    assert [finding.part for finding in report.findings] == list(PARTS)
    assert report.passed and all(finding.compared > 0 for finding in report.findings)


def test_the_later_half_of_the_market_holds_a_split_so_that_adjustment_is_audited(market):
    late = market.bars.filter(pl.col("session") > market.sessions[60])
    assert late.filter(pl.col("adjustment_factor") != 1.0).height > 0


def test_a_log_without_events_is_no_hole_and_balances_without_rows_are(market):
    for source, is_log in (("statements", True), ("margin_interest", False)):
        emptied = replace(market, tables={**market.tables, source: market.tables[source].clear()})
        assert ("availability" in audit(emptied, names=["ret_1d"]).failed) is not is_log


@pytest.mark.parametrize("source", ["bars", "listed", "topix"])
def test_one_row_without_an_instant_or_a_source_without_rows_is_found(market, source):
    frame = getattr(market, source)
    first = pl.int_range(pl.len()) == 0
    unknown = frame.with_columns(pl.when(first).then(None).otherwise(pl.col("available_at")).alias("available_at"))
    assert "availability" in audit(replace(market, **{source: unknown})).failed
    if source == "topix":
        assert "availability" in audit(replace(market, topix=frame.clear())).failed


def test_a_source_that_the_plan_lacks_is_named_and_the_others_are_audited(market):
    report = audit(replace(market, topix=market.topix.clear(), switched_off=frozenset({"topix"})))
    assert report.passed, report.words
    assert report.words.endswith("topix: not in the plan, switched off")


def test_a_row_known_only_later_may_not_have_been_used(market):
    """A correction arrives weeks after its session: values computed with it were not known then."""
    day = market.sessions[50]
    corrected = (pl.col("session") == day) & (pl.col("code") == market.bars["code"].max())
    later = pl.when(corrected).then(pl.col("available_at") + timedelta(days=200)).otherwise(pl.col("available_at"))
    failed = audit(replace(market, bars=market.bars.with_columns(later.alias("available_at")))).failed
    assert "truncation_of_prices" in failed
    assert "availability" not in failed


def test_a_decision_before_publication_has_nothing_to_decide_with(market):
    failed = audit(replace(market, cutoff=time(12, 0))).failed
    assert {"truncation_of_prices", "truncation_of_features", "truncation_of_graph"} <= set(failed)


@pytest.mark.parametrize(
    ("missing", "part"),
    [
        ({"labels": lambda market: market.labels.clear()}, "label_alignment"),
        ({"labels": lambda market: market.labels.with_columns(ret_open=pl.lit(None, pl.Float64))}, "label_alignment"),
    ],
)
def test_a_part_without_anything_to_compare_has_failed(market, missing, part):
    parts = {name: make(market) for name, make in missing.items()}
    assert part in audit(replace(market, **parts)).failed


def test_a_graph_without_any_edge_was_not_audited(market):
    report = run_audit(market, graph=replace(GRAPH, min_nodes=500), sample=1, names=FEW)
    assert report.failed == ("truncation_of_graph",)


@pytest.mark.parametrize(("sessions", "sample"), [(120, 0), (120, 60), (4, 2)])
def test_a_market_too_short_to_audit_is_refused(market, sessions, sample):
    last = market.sessions[sessions - 1]
    short = replace(market, listed=market.listed.filter(pl.col("session") <= last))
    with pytest.raises(LeakError, match="Audit a longer span"):
        run_audit(short, graph=GRAPH, sample=sample)


def test_an_audit_run_twice_answers_the_same(market):
    assert audit(market, seed=1) == audit(market, seed=1)


def test_sampled_sessions_lie_apart_in_the_later_half_and_have_later_ones(market):
    days = market.sessions
    for seed in range(20):
        early, middle, late = (days.index(day) for day in sampled(days, 3, seed))
        assert 60 <= early < 80 <= middle < 100 <= late < 119
    assert len({tuple(sampled(days, 3, seed)) for seed in range(20)}) > 10
