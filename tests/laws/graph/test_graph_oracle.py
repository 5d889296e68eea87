"""The graph equals a slow, independent computation; planted defects do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges

DAYS = (44, 58, 59, 84, 100, 120, 149)


def differences(build, oracle, returns, days, config):
    """Sessions whose edges or values differ from the oracle's."""
    wrong = []
    for day in days:
        edges = build(returns, [day], config)
        got = dict(zip(edges.select("code_i", "code_j").iter_rows(), edges["weight"], strict=True))
        want = oracle(day, config)
        if got.keys() != want.keys() or any(abs(got[pair] - want[pair]) > 1e-6 for pair in want):
            wrong.append(day)
    return wrong


def test_edges_equal_those_of_a_direct_loop_over_pairs(returns, sessions, oracle, config):
    days = [sessions[place] for place in DAYS]
    assert build_edges(returns, days, config).height > 200
    assert differences(build_edges, oracle, returns, days, config) == []


def test_gaps_filled_with_zero_are_seen(returns, sessions, oracle, config):
    def zero_filled(frame, days, settings):
        return build_edges(frame.with_columns(pl.col("ret_1d").fill_null(0.0)), days, settings)

    days = [sessions[place] for place in DAYS]
    assert differences(zero_filled, oracle, returns, days, config) == days


def test_a_window_one_session_ahead_is_seen(returns, sessions, oracle, config):
    def ahead(frame, days, settings):
        shown = [sessions[sessions.index(day) + 1] for day in days]
        return build_edges(frame, shown, settings).with_columns(session=pl.lit(days[0]))

    days = [sessions[place] for place in DAYS[:-1]]
    assert differences(ahead, oracle, returns, days, config) == days


def test_own_means_instead_of_pairwise_means_are_seen(returns, sessions, oracle, config):
    """Centring each stock on its own sessions is the classic error: unweighted residuals filled with their mean, 0."""

    def own_means(frame, days, settings):
        filled = frame.with_columns(pl.col("ret_1d").fill_null(pl.col("ret_1d").mean().over("code")))
        return build_edges(filled, days, settings)

    days = [sessions[place] for place in DAYS]
    assert differences(own_means, oracle, returns, days, config) == days


@pytest.mark.parametrize("place", [60, 149])
def test_unweighted_complete_windows_equal_pandas(sessions, place):
    """Equal weights, no market move, no gap, no shrinkage: the textbook correlation matrix."""
    rng = np.random.default_rng(place)
    names = [f"{2000 + i}0" for i in range(40)]
    values = rng.normal(size=(len(sessions), 40)) + rng.normal(size=(len(sessions), 5))[:, np.arange(40) % 5]
    frame = pl.DataFrame(
        {"session": np.repeat(np.array(sessions, dtype="datetime64[D]"), 40), "code": names * len(sessions)}
    ).with_columns(
        pl.col("session").cast(pl.Date), ret_1d=values.ravel(), xs_ret_1d=pl.lit(0.0), is_in_universe=pl.lit(True)
    )
    config = GraphConfig(half_life=float("inf"), shrink=1.0, threshold=1e-9, k=39, min_nodes=2)
    edges = build_edges(frame, [sessions[place]], config)
    expected = pd.DataFrame(values, columns=names).iloc[place - 59 : place + 1].corr()
    assert edges.height == 40 * 39 / 2 and (edges["code_i"] < edges["code_j"]).all()
    for low, high, rho in edges.select("code_i", "code_j", "weight").iter_rows():
        assert rho == np.float32(expected.loc[low, high]) or abs(rho - expected.loc[low, high]) < 1e-7


def test_edges_equal_pandas_with_min_periods_when_stocks_have_gaps(returns, sessions):
    """Equal weights and no market move, gaps kept: `.corr(min_periods=40)`."""
    frame = returns.with_columns(xs_ret_1d=pl.lit(0.0))
    config = GraphConfig(half_life=float("inf"), shrink=1.0, threshold=1e-9, k=60, min_nodes=2)
    edges = build_edges(frame, [sessions[149]], config)
    wide = frame.to_pandas().pivot(index="session", columns="code", values="ret_1d").astype(float).tail(60)
    expected = wide.corr(min_periods=40)
    for low, high, rho in edges.select("code_i", "code_j", "weight").iter_rows():
        assert abs(rho - expected.loc[low, high]) < 1e-6
    nodes = sorted({*edges["code_i"], *edges["code_j"]})
    upper = np.triu(expected.loc[nodes, nodes].notna().to_numpy(), 1)
    assert edges.height == upper.sum()
