"""The audit holds on a sound market and turns a named part red for every leak planted in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.audit.leak_audit import PARTS, run_audit
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.dataset.normaliser import NormalisedFrame, Normaliser
from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.expressions import Expr, P
from gogoku_pipeline.features.operators.windows import lag, window
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.tables.prices import stage_prices
from tests.unit.audit.audited import GRAPH, audited_market


@pytest.fixture(scope="module")
def market():
    return audited_market()


def audit(market, **options):
    options.setdefault("sample", 1)
    return run_audit(market, graph=GRAPH, **options)


def planted(made: Expr, axis=per_stock) -> Registry:
    """A throw-away registry with one feature."""
    registry = Registry("throw-away")

    def defect() -> Expr:
        return made

    defect.__doc__ = "A planted defect: see the test."
    axis("defect", registry=registry, group="returns", unit="ratio", sources=("bars.C", "bars.AdjFactor"))(defect)
    return registry.freeze()


def test_a_sound_market_passes_in_every_part(market):
    report = audit(market, sample=3)
    assert report.words.startswith("8 parts held")
    assert [finding.part for finding in report.findings] == list(PARTS)
    assert report.passed and all(finding.compared > 0 for finding in report.findings)


def test_the_later_half_of_the_market_holds_a_split_so_that_adjustment_is_audited(market):
    late = market.bars.filter(pl.col("session") > market.sessions[60])
    assert late.filter(pl.col("adjustment_factor") != 1.0).height > 0


@pytest.mark.parametrize("source", ["bars", "listed", "topix"])
def test_an_instant_one_day_early_in_one_source_is_found(market, source):
    early = getattr(market, source).with_columns(pl.col("available_at") - timedelta(days=1))
    report = audit(replace(market, **{source: early}))
    assert "availability" in report.failed
    finding = report.findings[0]
    assert [violation.words.startswith(f"{early.height} rows too early") for violation in finding.violations] == [True]


@pytest.mark.parametrize("source", ["bars", "listed", "topix"])
def test_one_row_without_an_instant_or_a_source_without_rows_is_found(market, source):
    frame = getattr(market, source)
    first = pl.int_range(pl.len()) == 0
    unknown = frame.with_columns(pl.when(first).then(None).otherwise(pl.col("available_at")).alias("available_at"))
    assert "availability" in audit(replace(market, **{source: unknown})).failed
    if source == "topix":
        assert "availability" in audit(replace(market, topix=frame.clear())).failed


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


def test_a_feature_that_looks_ahead_is_found(market):
    ahead = window("peek", lambda x, starts, n: np.append(x[n:], np.full(n, np.nan)), P.close, n=1)
    failed = audit(market, registry=planted(ahead / P.close - 1)).failed
    assert "truncation_of_features" in failed
    assert "truncation_of_prices" not in failed


def test_a_window_across_stocks_is_found(market):
    def across(x, starts, n):
        return np.convolve(np.nan_to_num(x), np.full(n, 1.0 / n))[: x.size]

    made = P.close / window("across", across, P.listed * P.mark, n=20)
    assert "isolation" in audit(market, registry=planted(made)).failed


def test_a_rank_that_breaks_ties_by_row_is_found(market):
    def by_row(x, member, cell, cells):
        order = np.lexsort((np.arange(x.size), x, cell))
        out = np.empty(x.size)
        out[order] = np.arange(x.size) - np.searchsorted(cell[order], cell[order])
        return out

    ranked = Expr("by_row", "cross", (P.listed,), ("session",), by_row)
    assert "row_order" in audit(market, registry=planted(ranked, per_day)).failed


def test_a_sound_feature_in_a_throw_away_register_passes(market):
    report = audit(market, registry=planted(P.mark / lag(P.mark, 1) - 1))
    assert report.passed, report.words


def test_prices_adjusted_with_later_factors_are_found(market):
    def as_of_today(bars):
        """The publisher's form: every past price on today's basis."""
        staged = stage_prices(bars)
        last = pl.col("factor").last().over("code", order_by="session")
        prices = ("open", "high", "low", "close", "mark")
        return staged.with_columns(*(pl.col(name) * last for name in prices), pl.col("volume") / last)

    assert "truncation_of_prices" in audit(replace(market, stage=as_of_today)).failed


def test_prices_staged_in_the_order_rows_arrive_are_found(market):
    def by_arrival(bars):
        place = bars.select("session", "code").with_row_index("arrival")
        staged = stage_prices(bars).join(place, on=["session", "code"], how="left", maintain_order="left")
        return staged.with_columns(volume=pl.col("volume") + pl.col("arrival").fill_null(0)).drop("arrival")

    assert "row_order" in audit(replace(market, stage=by_arrival)).failed


class FittedOnEverything(Normaliser):
    """A scaler whose mean and spread come from the whole span it is handed, and that does not say so."""

    def transform(self, features, universe, market=None):
        done = super().transform(features, universe, market)
        values = pl.col(self.names)
        fitted = features.sort("session", "code").with_columns((values - values.mean()) / values.std())
        return NormalisedFrame(fitted, done.key, None)


def test_a_scaler_fitted_over_the_whole_span_is_found(market):
    failed = audit(market, scaler=FittedOnEverything).failed
    assert failed == ("truncation_of_scaler",)


def shifted(name):
    return pl.col(name).shift(1).over("code", "horizon_d", order_by="session")


@pytest.mark.parametrize(
    ("damage", "column"),
    [
        ((shifted("ret_open"),), "ret_open"),
        ((shifted("gauss_open"),), "gauss_open"),
        ((pl.col("session").alias("entry_session"),), "available_at"),
        ((shifted("entry_session"), shifted("exit_session")), "sessions_follow_the_calendar"),
        ((pl.col("available_at") - timedelta(days=1),), "known_after_exit"),
        ((pl.col("available_at") - timedelta(hours=2),), "available_at"),
        ((pl.lit(None).cast(pl.Datetime("us", "Asia/Tokyo")).alias("available_at"),), "available_at"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_labels_shifted_in_time_are_found(market, damage, column):
    report = audit(replace(market, labels=market.labels.with_columns(*damage)))
    assert report.failed == ("label_alignment",)
    assert column in {violation.feature for violation in report.findings[-1].violations}


def test_labels_that_are_past_returns_are_found(market):
    """The targets of the earlier system: the return up to the decision instead of the one after it."""
    past = pl.col("ret_open").shift(6).over("code", "horizon_d", order_by="session")
    assert audit(replace(market, labels=market.labels.with_columns(past))).failed == ("label_alignment",)


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
    report = run_audit(market, graph=replace(GRAPH, min_nodes=500), sample=1)
    assert report.failed == ("truncation_of_graph",)


@pytest.mark.parametrize(("sessions", "sample"), [(120, 0), (120, 60), (4, 2)])
def test_a_market_too_short_to_audit_is_refused(market, sessions, sample):
    last = market.sessions[sessions - 1]
    short = replace(market, listed=market.listed.filter(pl.col("session") <= last))
    with pytest.raises(LeakError, match="Audit a longer span"):
        run_audit(short, graph=GRAPH, sample=sample)


def test_an_audit_run_twice_answers_the_same(market):
    assert audit(market, seed=1) == audit(market, seed=1)
