"""A session appended alone is the session of a rebuild: three hundred of them, bit for bit."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.graph import laws
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.node_features import compute_node_features

N_CODES, DRAWN = 26, 300
CONFIG = GraphConfig(min_nodes=10, k=3)
DAYS = list(tse_calendar(date(2019, 1, 4), date(2020, 12, 30)).sessions[: CONFIG.lookback_sessions + DRAWN])


@pytest.fixture(scope="module")
def market():
    """Two years of 26 stocks with gaps, entries and exits."""
    rng = np.random.default_rng(300)
    shape = (len(DAYS), N_CODES)
    values = rng.normal(0, 0.01, (shape[0], 1)) + rng.normal(0, 0.012, (shape[0], 4))[:, np.arange(N_CODES) % 4]
    values = values + rng.normal(0, 0.012, shape)
    values[(rng.random(shape) < 0.1) & (np.arange(N_CODES) % 2 == 0)] = np.nan
    member = np.cumsum(rng.random(shape) < 0.004, axis=0) % 2 == 0
    return pl.DataFrame(
        {
            "session": np.repeat(np.array(DAYS, dtype="datetime64[D]"), N_CODES),
            "code": [f"{1300 + i}0" for i in range(N_CODES)] * shape[0],
            "ret_1d": values.ravel(),
            "ret_5d": np.roll(values, 1, axis=1).ravel(),
            "xs_ret_1d": np.repeat(np.nanmean(values, axis=1), N_CODES),
            "is_in_universe": member.ravel(),
        }
    ).with_columns(pl.col("session").cast(pl.Date), pl.col("ret_1d", "ret_5d").fill_nan(None))


@pytest.fixture(scope="module")
def rebuilt(market):
    """Edges of all sessions, and the features of the last three hundred."""
    edges = build_edges(market, DAYS, CONFIG)
    return edges, compute_node_features(edges, market, DAYS[-DRAWN:], CONFIG)


def test_three_hundred_sessions_one_after_the_other_equal_the_rebuild(market, rebuilt):
    """Each from its declared lookback alone; its stored edges and those of 20 sessions before at hand, as in a run."""
    edges, features = rebuilt
    by_day = edges.partition_by("session", as_dict=True)
    drawn, told = [], []
    for place in range(len(DAYS) - DRAWN, len(DAYS)):
        day, first = DAYS[place], DAYS[place - CONFIG.lookback_sessions]
        window = market.filter(pl.col("session").is_between(first, day))
        mine = build_edges(window, [day], CONFIG)
        stored = pl.concat([mine, by_day.get((DAYS[place - 20],), mine.clear())])
        drawn.append(mine)
        told.append(compute_node_features(stored, window, [day], CONFIG))
    whole = edges.filter(pl.col("session") >= DAYS[-DRAWN])
    assert laws.compare("append", (whole, features), (pl.concat(drawn), pl.concat(told))) == []
    assert whole["weight_delta_20d"].count() > 1000 and features["g_degree_chg_20d_count"].count() > 1000


def test_a_session_20_earlier_that_is_not_at_hand_is_drawn_again_to_the_same_count(market, rebuilt):
    edges, features = rebuilt
    wanted = DAYS[-DRAWN::15]
    alone = compute_node_features(edges.filter(pl.col("session").is_in(wanted)), market, wanted, CONFIG)
    assert alone.equals(features.filter(pl.col("session").is_in(wanted)), null_equal=True)


def test_the_change_of_the_degree_is_that_of_the_two_counts(rebuilt):
    _, features = rebuilt
    counts = features.select("session", "code", "g_degree_count")
    place = {day: DAYS[at + 20] for at, day in enumerate(DAYS[:-20])}
    before = counts.with_columns(pl.col("session").replace_strict(place, default=None)).drop_nulls("session")
    joined = features.join(before, on=["session", "code"], how="inner", suffix="_before", validate="1:1")
    assert joined.height == (DRAWN - 20) * N_CODES
    expected = joined["g_degree_count"] - joined["g_degree_count_before"]
    assert joined["g_degree_chg_20d_count"].equals(expected, null_equal=True)
    assert 0 < expected.null_count() < expected.len() / 2 and expected.drop_nulls().n_unique() > 4
