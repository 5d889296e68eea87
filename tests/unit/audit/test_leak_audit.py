"""The audit holds on a sound market, and what cannot run fails.

Planted leaks, and the check that names each: tests/laws/audit.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.audit.case import Case, sampled
from gogoku_pipeline.audit.leak_audit import CHECKS, OF_A_PANEL, PARTS, run_audit
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.tables.corrections import superseded_rows
from tests.unit.audit.audited import GRAPH, ROAD


def failed(case, *parts):
    return set(run_audit(case, parts).failed)


def test_a_sound_market_passes_in_every_part_of_a_panel(market, tmp_path):
    report = run_audit(Case(market, ROAD, tmp_path, sample=1), OF_A_PANEL)
    assert report.passed, report.words
    assert report.parts == OF_A_PANEL
    assert [one.check for one in report.findings] == [one.name for one in CHECKS if one.part != "planted_market"]
    assert all(finding.compared > 0 and finding.seconds >= 0 for finding in report.findings)


def test_every_part_has_a_check_and_every_check_a_name_of_its_own():
    assert tuple(dict.fromkeys(check.part for check in CHECKS)) == PARTS
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_the_later_half_of_the_market_holds_a_split_so_that_adjustment_is_audited(market):
    late = market.bars.filter(pl.col("session") > market.sessions[60])
    assert late.filter(pl.col("adjustment_factor") != 1.0).height > 0


def test_a_part_is_asked_alone_by_name_and_an_unknown_one_is_refused(case):
    assert run_audit(case, ("scale",)).parts == ("scale",)
    for parts, name in ((("scales",), "scales"), ((), "no part")):
        with pytest.raises(LeakError, match=name):
            run_audit(case, parts)


def test_a_log_without_events_is_no_hole_and_balances_without_rows_are(case, spoilt):
    for source, is_log in (("statements", True), ("margin_interest", False)):
        tables = {**case.market.tables, source: case.market.tables[source].clear()}
        assert ("availability" in failed(spoilt(tables=tables), "truncation")) is not is_log


@pytest.mark.parametrize("source", ["bars", "listed", "topix"])
def test_one_row_without_an_instant_is_found(case, spoilt, source):
    first = pl.int_range(pl.len()) == 0
    unknown = pl.when(first).then(None).otherwise(pl.col("available_at")).alias("available_at")
    report = run_audit(spoilt(**{source: getattr(case.market, source).with_columns(unknown)}), ("truncation",))
    assert "availability" in report.failed
    assert (
        report.finding("availability")
        .guilty[0]
        .endswith(source.replace("bars", "daily_bars").replace("listed", "listed_issues"))
    )


def test_a_source_without_rows_is_a_hole_and_one_that_the_plan_lacks_is_named(case, spoilt):
    gone = case.market.topix.clear()
    assert "availability" in failed(spoilt(topix=gone), "truncation")
    report = run_audit(spoilt(topix=gone, switched_off=frozenset({"topix"})), ("truncation",))
    assert report.passed, report.words
    assert report.words.endswith("topix: not in the plan, switched off")


def test_a_decision_before_publication_has_nothing_to_decide_with(spoilt):
    seen = failed(spoilt(cutoff=time(12, 0)), "truncation")
    assert {"truncation_of_prices", "truncation_of_features", "truncation_of_graph", "truncation_of_scores"} <= seen


def test_a_check_without_anything_to_compare_has_failed(case, spoilt):
    for labels in (case.market.labels.clear(), case.market.labels.with_columns(ret_open=pl.lit(None, pl.Float64))):
        assert "label_alignment" in failed(spoilt(labels=labels), "label_alignment")


def test_an_error_of_the_house_fails_its_check_with_its_words_and_no_other(case):
    road = replace(case.road, graph=replace(GRAPH, min_nodes=500), horizon_d=3)
    report = run_audit(replace(case, road=road), ("truncation", "chunks"))
    assert {"truncation_of_scores", "truncation_of_graph"} <= set(report.failed)
    assert "could not run" in report.finding("truncation_of_scores").words
    assert report.finding("truncation_of_features").passed


@pytest.mark.parametrize(("sessions", "sample"), [(120, 0), (120, 60), (4, 2)])
def test_a_market_too_short_to_audit_is_refused(case, sessions, sample):
    last = case.market.sessions[sessions - 1]
    short = replace(case.market, listed=case.market.listed.filter(pl.col("session") <= last))
    with pytest.raises(LeakError, match="Audit a longer span"):
        replace(case, market=short, sample=sample)


def test_an_audit_run_twice_answers_the_same(case):
    answers = [
        [(one.check, one.violations, one.compared) for one in run_audit(replace(case), ("truncation",)).findings]
        for _ in range(2)
    ]
    assert answers[0] == answers[1]


def test_a_sample_of_stocks_is_a_market_of_its_own(case):
    few = case.market.of_stocks(20, seed=1)
    assert few.listed["code"].n_unique() <= 21
    assert case.market.of_stocks(0, seed=1) is case.market is case.market.of_stocks(4_000, seed=1)
    assert not few.is_whole
    report = run_audit(
        replace(case, market=few, road=replace(case.road, graph=replace(GRAPH, min_nodes=5))), ("truncation",)
    )
    assert report.passed, report.words


def test_sampled_sessions_lie_apart_in_the_later_half_and_have_later_ones(market):
    days = market.sessions
    for seed in range(20):
        early, middle, late = (days.index(day) for day in sampled(days, 3, seed))
        assert 60 <= early < 80 <= middle < 100 <= late < 119
    assert len({tuple(sampled(days, 3, seed)) for seed in range(20)}) > 10


@pytest.mark.parametrize("sample", [1, 2])
def test_a_small_sample_lies_where_there_is_history_to_train_on(sample):
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(120)]
    for seed in range(20):
        chosen = [days.index(day) for day in sampled(days, sample, seed)]
        assert len(chosen) == sample
        assert chosen == sorted(chosen)
        assert chosen[0] >= 60 + (3 - sample) * 19
    assert sampled(days[:3], 1, 0) == [days[1]]


def corrected(case):
    """The case in which one bar was corrected long after its session, and the note of it."""
    bars, table = case.market.bars, daily_bars.TABLE
    hit = (pl.col("session") == case.market.sessions[50]) & (pl.col("code") == bars["code"].max())
    since = pl.col("available_at") + timedelta(days=200)
    later = bars.with_columns(
        pl.when(hit).then(pl.col("close_jpy") + 1.0).otherwise("close_jpy").alias("close_jpy"),
        pl.when(hit).then(since).otherwise("available_at").alias("available_at"),
    )
    pairs = later.filter(hit).join(bars.filter(hit), on=table.key, suffix="__before")
    pairs = pairs.with_columns(known_from=pl.col("available_at__before"), superseded_at=pl.col("available_at"))
    return later, superseded_rows(table, "changed", pairs, ["close_jpy"])


def test_a_bar_corrected_later_is_read_as_it_stood_where_the_correction_is_noted(case, spoilt):
    later, noted = corrected(case)
    assert noted.height == 1
    assert failed(spoilt(bars=later, revisions=noted), "truncation") == set()
    assert "truncation_of_prices" in failed(spoilt(bars=later), "truncation")


def test_undoing_corrections_gives_the_rows_that_stood(case, spoilt):
    later, noted = corrected(case)
    market = spoilt(bars=later, revisions=noted).market
    before, after = market.sessions[60], market.sessions[-1]
    stood = case.market.bars.sort(daily_bars.TABLE.key)
    assert market.is_revised(before) and market.unrevised(before).bars.equals(stood)
    assert market.known_at(before).bars.equals(case.market.known_at(before).bars.sort(daily_bars.TABLE.key))
    codes = [code for code in stood["code"].unique().sort()][:3]
    assert not market.of_codes(codes).is_revised(before) and market.of_codes(codes).unrevised(after).bars.height


def test_a_row_brought_late_and_noted_was_not_there(case, spoilt):
    bars, table = case.market.bars, daily_bars.TABLE
    hit = (pl.col("session") == case.market.sessions[50]) & (pl.col("code") == bars["code"].max())
    since = pl.when(hit).then(pl.col("available_at") + timedelta(days=200)).otherwise("available_at")
    later = bars.with_columns(since.alias("available_at"))
    added = later.filter(hit).with_columns(superseded_at=pl.col("available_at"))
    market = spoilt(bars=later, revisions=superseded_rows(table, "added", added, [])).market
    assert market.unrevised(market.sessions[60]).bars.height == bars.height - 1


def test_a_row_known_only_later_may_not_have_been_used(case, spoilt):
    """A correction arrives weeks after its session: values computed with it were not known then."""
    bars = case.market.bars
    corrected = (pl.col("session") == case.market.sessions[50]) & (pl.col("code") == bars["code"].max())
    later = pl.when(corrected).then(pl.col("available_at") + timedelta(days=200)).otherwise(pl.col("available_at"))
    seen = failed(spoilt(bars=bars.with_columns(later.alias("available_at"))), "truncation")
    assert "truncation_of_prices" in seen
    assert "availability" not in seen
