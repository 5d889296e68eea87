"""Inputs and settings that cannot make a graph are refused by name."""

from __future__ import annotations

import threading
from datetime import date

import polars as pl
import pytest
from numba.core.dispatcher import Dispatcher

from gogoku_pipeline.core.errors import ConfigError, DataError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.graph import exact, sieve, strongest, structure
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges, edges_by_session
from gogoku_pipeline.graph.day_by_day import day_by_day
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.matrix import return_matrix

DAYS = list(tse_calendar(date(2024, 5, 1), date(2024, 5, 31)).sessions)


def rows(**changes) -> pl.DataFrame:
    columns = {
        "session": [DAYS[0], DAYS[0], DAYS[2]],
        "code": ["10020", "10010", "10010"],
        "ret_1d": [0.1, None, 0.3],
        "xs_ret_1d": [0.05, 0.05, None],
        "is_in_universe": [True, True, None],
    }
    return pl.DataFrame(columns | changes)


def test_a_table_becomes_a_matrix_ordered_by_session_and_code():
    matrix = return_matrix(rows())
    assert matrix.sessions == (DAYS[0], DAYS[2]) and matrix.codes.to_list() == ["10010", "10020"]
    assert matrix.returns[0, 1] == 0.1 and matrix.returns[1, 0] == 0.3
    assert matrix.is_listed.tolist() == [[True, True], [True, False]]
    assert matrix.is_in_universe.tolist() == [[True, True], [False, False]]


def test_the_three_tables_the_graph_reads_are_joined_row_by_row():
    key = {"session": [DAYS[1], DAYS[0]], "code": ["10010", "10020"]}
    prices = pl.DataFrame(key | {"ret_1d": [0.1, None], "vol_20d": [1.0, 2.0], "ret_5d": [0.5, 0.4]})
    market = pl.DataFrame(key | {"xs_ret_1d": [0.01, 0.02], "beta_60d": [1.0, 1.0]}).reverse()
    universe = pl.DataFrame({"session": [DAYS[1]], "code": ["10010"], "is_in_universe": [True], "is_tradable": [False]})
    found = graph_returns(prices.lazy(), market.lazy(), universe.lazy())
    assert found.columns == ["session", "code", "ret_1d", "xs_ret_1d", "is_in_universe", "ret_5d"]
    assert found.rows() == [(DAYS[0], "10020", None, 0.02, False, 0.4), (DAYS[1], "10010", 0.1, 0.01, True, 0.5)]
    more = universe.with_columns(market_code=pl.lit("0111"), sector33_code=pl.lit("3050"))
    richer = graph_returns(prices.lazy(), market.with_columns(mkt_ret_1d=0.03).lazy(), more.lazy())
    assert richer.columns[5:] == ["ret_5d", "mkt_ret_1d", "sector33_code", "market_code"]
    assert richer.rows()[1][5:] == (0.5, 0.03, "3050", "0111")


def test_a_calendar_keeps_a_place_for_sessions_without_rows():
    matrix = return_matrix(rows(), tse_calendar(date(2024, 5, 1), date(2024, 5, 31)))
    assert list(matrix.sessions) == DAYS[:3]
    assert not matrix.is_listed[1].any()


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (rows().drop("xs_ret_1d"), SchemaError, "xs_ret_1d"),
        (rows(code=["10010"] * 3), SchemaError, "repeated"),
        (rows(xs_ret_1d=[0.05, 0.06, None]), DataError, "two different xs_ret_1d"),
    ],
)
def test_bad_returns_are_refused(frame, error, words):
    with pytest.raises(error, match=words):
        return_matrix(frame)


def test_rows_on_a_day_that_is_no_session_are_refused():
    with pytest.raises(DataError, match="calendar"):
        return_matrix(rows(session=[date(2024, 5, 4), DAYS[0], DAYS[2]]), tse_calendar(DAYS[0], DAYS[-1]))


def test_a_session_without_returns_is_named():
    with pytest.raises(DataError, match=str(DAYS[1])):
        build_edges(rows(), [DAYS[1]], GraphConfig())


def test_no_sessions_give_an_empty_table():
    assert build_edges(rows(), [], GraphConfig()).height == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 2),
        ("min_common", 61),
        ("min_common", 2),
        ("min_sessions", 39),
        ("half_life", 0.0),
        ("shrink", 1.1),
        ("threshold", 0.0),
        ("k", 0),
        ("k", 65),
        ("residual", "nikkei"),
        ("hubs", "all"),
        ("min_nodes", 1),
    ],
)
def test_contradictory_settings_are_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=name):
        GraphConfig(**{name: value})


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"residual": "sector", "hubs": "index"}, "hubs"), ({"shrink": 0.5, "threshold": 0.6}, "threshold")],
)
def test_settings_that_contradict_each_other_are_refused_by_name(settings, name):
    with pytest.raises(ConfigError, match=name):
        GraphConfig(**settings)


def test_a_graph_reads_its_window_and_the_one_20_sessions_earlier():
    assert GraphConfig().lookback_sessions == 80


def test_edges_can_be_taken_one_session_at_a_time():
    frames = list(edges_by_session(return_matrix(rows()), [DAYS[2], DAYS[0]], GraphConfig()))
    assert [frame.height for frame in frames] == [0, 0]


@pytest.mark.parametrize("threads", [1, 3])
def test_days_come_back_in_order_each_once(threads):
    assert list(day_by_day(lambda day: day, [DAYS[3], DAYS[1], DAYS[3], DAYS[2]], threads)) == DAYS[1:4]


def test_only_a_few_days_wait_to_be_taken():
    started = []
    lock = threading.Lock()

    def work(day):
        with lock:
            started.append(day)
        return day

    answers = day_by_day(work, DAYS, 2)
    assert next(answers) == DAYS[0]
    assert len(started) <= 4 < len(DAYS)
    answers.close()


def test_compiled_functions_call_only_those_of_their_own_file():
    """The compiler's cache does not notice a change in another file, so stale code would decide."""
    kernels = 0
    for module in (exact, sieve, strongest, structure):
        for kernel in vars(module).values():
            if isinstance(kernel, Dispatcher) and kernel.py_func.__module__ == module.__name__:
                kernels += 1
                called = [kernel.py_func.__globals__.get(name) for name in kernel.py_func.__code__.co_names]
                assert all(c.py_func.__module__ == module.__name__ for c in called if isinstance(c, Dispatcher))
    assert kernels >= 10
