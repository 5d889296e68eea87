"""Each law turns red for the defect it is there for, planted in a throw-away registry."""

from __future__ import annotations

import numpy as np
import pytest

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.expressions import Expr, P, is_missing, where
from gogoku_pipeline.features.operators.cross_section import members_mean
from gogoku_pipeline.features.operators.windows import lag, mean, window
from gogoku_pipeline.features.registry import Registry
from tests.laws.features.small_market import NEWCOMER, SESSIONS

PLAIN = {"group": "returns", "unit": "ratio", "sources": ("bars.C", "bars.AdjFactor")}


def planted(formula: str, made: Expr, axis=per_stock, **settings) -> Registry:
    registry = Registry("throw-away")

    def defect() -> Expr:
        return made

    defect.__doc__ = f"A planted defect: {formula}"
    axis("defect", registry=registry, **{**PLAIN, **settings})(defect)
    return registry.freeze()


def broken(found) -> set[str]:
    assert all(violation.feature == "defect" for violation in found)
    return {violation.law for violation in found}


def test_a_look_ahead_breaks_truncation(inputs):
    ahead = window("peek", lambda x, starts, begin, n: np.append(x[n:], np.full(n, np.nan)), P.close, n=1)
    registry = planted("c[t+1] / c[t] - 1", ahead / P.close - 1)
    assert "truncation" in broken(laws.truncation(registry, ["defect"], inputs, SESSIONS[180]))
    assert "truncation (scrambled future)" in broken(laws.truncation(registry, ["defect"], inputs, SESSIONS[180]))


def test_a_window_across_stocks_breaks_isolation(inputs):
    def across(x, starts, begin, n):
        return np.convolve(np.nan_to_num(x), np.full(n, 1.0 / n))[: x.size]

    registry = planted("c / mean_20(c)", P.close / window("across", across, P.listed * P.mark, n=20), window="S20")
    assert broken(laws.isolation(registry, ["defect"], inputs, "10050")) == {"isolation"}


def test_ranking_ties_by_row_breaks_the_law_of_names(inputs):
    def by_row(x, first, group, groups):
        return np.concatenate([np.argsort(np.argsort(part, stable=True)) for part in np.split(x, first[1:-1])]) * 1.0

    ranked = Expr("by_row", "cross", (P.listed,), ("session",), by_row)
    registry = planted("rank of a constant", ranked, axis=per_day)
    assert broken(laws.names_of_stocks(registry, ["defect"], inputs)) == {"names of stocks"}


def test_a_statistic_of_the_whole_history_breaks_late_listing_and_truncation(inputs):
    def against_history(x, first, group, groups):
        return x - np.nanmean(x)

    whole = Expr("against_history", "cross", (P.close / P.open,), ("session",), against_history)
    registry = planted("c/o less its mean over everything", whole, axis=per_day)
    assert broken(laws.late_listing(registry, ["defect"], inputs, NEWCOMER)) == {"late listing"}
    assert "truncation" in broken(laws.truncation(registry, ["defect"], inputs, SESSIONS[180]))


def test_a_formula_that_looks_further_back_than_declared_is_refused():
    with pytest.raises(FeatureError, match="reads 59 sessions back; want at most 19"):
        planted("m / mean_60(c) - 1", P.mark / mean(P.close, 60) - 1, window="S20", min_obs=15)


def test_an_operator_that_hides_how_far_it_looks_breaks_the_law_of_chunks(inputs):
    def hidden(x, starts, begin, n):
        return mean(P.close, 60).kernel(x, starts, begin, 60)

    registry = planted(
        "m / mean_60(c) - 1", P.mark / window("hidden", hidden, P.close, n=20) - 1, window="S20", min_obs=15
    )
    assert broken(laws.chunks(registry, ["defect"], inputs, SESSIONS[165])) == {"chunks"}


def test_a_price_level_breaks_rebasing(inputs):
    registry = planted("c - c[t-1]", P.close - lag(P.close, 1), window="S2")
    assert broken(laws.rebasing(registry, ["defect"], inputs, 2.0)) == {"re-basing x2"}
    assert broken(laws.rebasing(registry, ["defect"], inputs, 7.0)) == {"re-basing x7"}


def test_a_filled_null_breaks_the_budget(inputs):
    change = P.close / lag(P.close, 1) - 1
    filled = where(is_missing(change), 0.0, change)
    registry = planted("ret_1d or 0", filled, window="E2", min_obs=2, needs=("close[t]", "close[t-1]"))
    assert broken(laws.budget_of_nulls(registry, ["defect"], inputs)) == {"null budget"}


def test_a_cold_start_breaks_the_budget(inputs):
    late = mean(P.close, 20) + 0.0 * lag(P.mark, 60)
    registry = planted("mean_20(c) with 60 sessions lost", P.mark / late, window="S61", min_obs=15, observes=("close",))
    assert broken(laws.budget_of_nulls(registry, ["defect"], inputs)) == {"null budget"}


def test_a_value_outside_its_unit_breaks_the_bounds(inputs):
    registry = planted("o / c - 1, called a volatility", P.open / P.close - 1, unit="ann_vol")
    assert broken(laws.bounds(registry, ["defect"], inputs)) == {"bounds"}


def test_a_stock_value_called_market_wide_breaks_the_bounds(inputs):
    registry = planted("c / o - 1, called a market series", P.close / P.open - 1, role="market")
    assert broken(laws.bounds(registry, ["defect"], inputs)) == {"bounds"}


def test_a_value_that_changes_from_call_to_call_breaks_the_law_of_row_order(inputs):
    calls = []

    def restless(x, starts, begin, n):
        calls.append(n)
        return x * len(calls)

    registry = planted("mark, times the calls so far", window("restless", restless, P.mark, n=1))
    assert broken(laws.row_order(registry, ["defect"], inputs)) == {"row order"}


def test_a_reduction_inside_a_stock_formula_is_refused_rather_than_computed(inputs):
    registry = planted("c less the members' mean", P.close - members_mean(P.close))
    try:
        laws.bounds(registry, ["defect"], inputs)
    except laws.FeatureError as refusal:
        assert "reduction" in str(refusal)
    else:
        raise AssertionError("a reduction over members was evaluated inside one stock's formula")
