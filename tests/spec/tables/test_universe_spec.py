"""The universe, by example (features.md 2.2, evaluation.md 1)."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.core.errors import ConfigError, DataError
from gogoku_pipeline.tables.prices import factor_events
from gogoku_pipeline.tables.universe import UNIVERSE, UniverseConfig, build_universe

SMALL = UniverseConfig(min_listed_sessions=3, min_median_turnover_jpy=1000, turnover_window=4)


def built(make_bars, make_listed, sessions, closes, listing=None, config=SMALL, code="10000"):
    """Universe rows of one issue whose yen traded are 100 x close on each session."""
    bars = make_bars(
        *({"session": s, "close_jpy": c, "code": code} for s, c in zip(sessions, closes, strict=False)),
        *({"session": s, "close_jpy": 50, "code": "20000"} for s in sessions[: len(closes)]),
    )
    rows = [{"session": s, "code": code} | (listing or {}) for s in sessions[: len(closes)]]
    return build_universe(bars, make_listed(*rows), sessions[: len(closes)], config)


def test_an_issue_joins_after_enough_sessions_and_trades_above_the_floor(make_bars, make_listed, sessions):
    universe = built(make_bars, make_listed, sessions, [5, 20, 30, 8, 5, 5])
    assert universe.select("listed_sessions", "median_turnover_20d_jpy", "is_in_universe", "is_tradable").rows() == [
        (1, None, False, False),
        (2, 1250.0, False, False),
        (3, 2000.0, True, True),
        (4, 1400.0, True, True),
        (5, 1400.0, True, True),
        (6, 650.0, True, False),
    ]


def test_a_session_without_a_trade_is_zero_yen(make_bars, make_listed, sessions):
    universe = built(make_bars, make_listed, sessions, [20, 20, None, None])
    assert universe["median_turnover_20d_jpy"].to_list() == [None, 2000, 2000, 1000]


def test_a_market_halt_says_nothing_about_turnover(make_bars, make_listed, sessions):
    bars = make_bars(*({"session": s, "close_jpy": c} for s, c in zip(sessions, [20, 20, None, 20], strict=False)))
    listed = make_listed(*({"session": s} for s in sessions[:4]))
    universe = build_universe(bars, listed, sessions[:4], SMALL)
    assert universe["median_turnover_20d_jpy"].to_list() == [None, 2000, 2000, 2000]


@pytest.mark.parametrize(
    ("listing", "code", "belongs"),
    [
        ({}, "10000", True),
        ({"market_code": "0101"}, "10000", True),
        ({"market_code": "0105"}, "10000", False),
        ({"market_code": "0109", "product_category": "014"}, "10000", False),
        ({"product_category": "013"}, "10000", False),
        ({"product_category": None}, "10000", True),
        ({"product_category": None, "sector33_code": "9999"}, "10000", False),
        ({}, "10005", False),
    ],
)
def test_membership_is_domestic_ordinary_shares(make_bars, make_listed, sessions, listing, code, belongs):
    universe = built(make_bars, make_listed, sessions, [20] * 4, listing, code=code)
    assert universe["is_in_universe"].to_list()[-1] is belongs
    assert universe["is_tradable"].to_list()[-1] is belongs


def test_a_row_is_available_when_the_later_of_its_sources_is(make_bars, make_listed, sessions):
    bars = make_bars({"session": sessions[0], "close_jpy": 20})
    listed = make_listed({"session": sessions[0]}, {"session": sessions[0], "code": "30000"})
    universe = build_universe(bars, listed, sessions[:1], SMALL)
    hours = universe.select("code", pl.col("available_at").dt.hour()).rows()
    assert hours == [("10000", 16), ("30000", 8)]
    assert universe["listed_sessions"].to_list() == [1, 0]


def test_a_chunk_with_the_history_equals_the_whole(make_bars, make_listed, sessions):
    bars = make_bars(*({"session": s, "close_jpy": c} for s, c in zip(sessions, range(10, 20), strict=False)))
    listed = make_listed(*({"session": s} for s in sessions[:10]))
    whole = build_universe(bars, listed, sessions[:10], SMALL)
    part = bars.filter(pl.col("session") >= sessions[6 - SMALL.lookback])
    chunk = build_universe(part, listed, sessions[6:10], SMALL, history=factor_events(bars))
    assert chunk.equals(whole.filter(pl.col("session") >= sessions[6]))


def test_a_session_without_a_listing_is_refused_and_no_sessions_give_no_rows(make_bars, make_listed, sessions):
    with pytest.raises(DataError, match="no listed issues on 1 sessions"):
        build_universe(make_bars(), make_listed(), sessions[:1])
    assert build_universe(make_bars(), make_listed(), []).equals(UNIVERSE.empty())


def test_windows_of_no_session_are_refused():
    with pytest.raises(ConfigError, match="at least one session"):
        UniverseConfig(turnover_window=0)
