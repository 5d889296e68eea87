"""Staged prices, by example (features.md, golden examples G1 and G2)."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, STAGED_SCHEMA, factor_events, stage_prices

#      C     AdjFactor  Vo   F    c     v
G1 = [
    (1000, 1.0, 100, 1.0, 1000, 100),
    (1020, 1.0, 110, 1.0, 1020, 110),
    (510, 0.5, 240, 0.5, 1020, 120),
    (520, 1.0, 200, 0.5, 1040, 100),
    (515, 1.0, 210, 0.5, 1030, 105),
]


@pytest.fixture
def split(make_bars, sessions):
    return make_bars(
        *(
            {"session": session, "close_jpy": c, "adjustment_factor": f, "volume_shares": v}
            for session, (c, f, v, *_) in zip(sessions, G1, strict=False)
        )
    )


def test_g1_a_split_leaves_prices_and_volumes_on_one_basis(split):
    staged = stage_prices(split)
    assert staged.select("factor", "close", "volume").rows() == [(f, c, v) for *_, f, c, v in G1]
    returns = (staged["close"] / staged["close"].shift(1) - 1).to_list()
    assert returns == [None, *(pytest.approx(r, abs=5e-7) for r in (0.02, 0.0, 0.019608, -0.009615))]


def test_g1_rows_after_a_split_are_not_needed_before_it(split, sessions):
    whole = stage_prices(split).filter(pl.col("session") <= sessions[1])
    assert stage_prices(split.filter(pl.col("session") <= sessions[1])).equals(whole)


def test_g1_a_rights_issue_moves_prices_and_not_volumes(split):
    rights = split.with_columns(
        pl.when(pl.col("adjustment_factor") != 1).then(pl.lit("3")).otherwise(None).alias("ex_rights_type")
    )
    staged = stage_prices(rights)
    assert staged["close"].to_list() == [1000, 1020, 1020, 1040, 1030]
    assert staged["volume"].to_list() == [100, 110, 240, 200, 210]


def test_a_factor_on_a_day_without_trade_still_counts(make_bars, sessions):
    bars = make_bars(
        {"session": sessions[0], "close_jpy": 1000},
        {"session": sessions[1], "adjustment_factor": 0.5},
        {"session": sessions[2], "close_jpy": 505},
    )
    assert stage_prices(bars)["close"].to_list() == [1000, None, 1010]


G2 = {
    date(2020, 9, 28): (100, 100),
    date(2020, 9, 29): (101, 101),
    date(2020, 9, 30): (102, 102),
    date(2020, 10, 1): (None, 102),
    date(2020, 10, 2): (104, 104),
    date(2020, 10, 5): (105, 105),
    date(2020, 10, 6): (106, 106),
    date(2020, 10, 7): (107, 107),
    date(2020, 10, 8): (108, 108),
}


def test_g2_the_outage_is_a_session_with_a_mark_and_without_a_price(make_bars):
    staged = stage_prices(make_bars(*({"session": day, "close_jpy": close} for day, (close, _) in G2.items())))
    assert staged.select("session", "close", "mark").rows() == [(day, c, m) for day, (c, m) in G2.items()]
    assert staged.filter("is_market_halt")["session"].to_list() == [date(2020, 10, 1)]
    assert staged["listed_sessions"].to_list() == list(range(1, 10))
    five = (staged["mark"] / staged["mark"].shift(5) - 1).to_list()
    assert five[5:] == [pytest.approx(r, abs=5e-7) for r in (0.05, 0.049505, 0.049020, 0.058824)]


def test_a_mark_lives_five_sessions_and_no_longer(make_bars, sessions):
    bars = make_bars(
        {"session": sessions[0], "close_jpy": 50},
        *({"session": session} for session in sessions[1:7]),
        *({"session": session, "code": "20000", "close_jpy": 7} for session in sessions[:7]),
    )
    staged = stage_prices(bars).filter(pl.col("code") == "10000")
    assert staged["mark"].to_list() == [50, 50, 50, 50, 50, None, None]
    assert staged["is_market_halt"].sum() == 0


def test_a_missing_row_between_two_rows_becomes_a_gap_that_occupies_its_session(make_bars, sessions):
    bars = make_bars(
        {"session": sessions[0], "close_jpy": 10},
        {"session": sessions[3], "close_jpy": 13},
        *({"session": session, "code": "20000", "close_jpy": 7} for session in sessions[:5]),
    )
    staged = stage_prices(bars).filter(pl.col("code") == "10000")
    assert staged.select("close", "mark", "is_gap", "listed_sessions").rows() == [
        (10, 10, False, 1),
        (None, 10, True, 2),
        (None, 10, True, 3),
        (13, 13, False, 4),
    ]


@pytest.mark.parametrize(("silent", "is_halt"), [(98, False), (99, True), (100, True)])
def test_a_halt_needs_ninety_nine_of_a_hundred_issues_without_volume(make_bars, sessions, silent, is_halt):
    rows = [{"session": sessions[0], "code": f"{1000 + n}0", "volume_shares": 0.0} for n in range(silent)]
    rows += [{"session": sessions[0], "code": f"{1000 + n}0", "close_jpy": 5.0} for n in range(silent, 100)]
    assert stage_prices(make_bars(*rows))["is_market_halt"].unique().to_list() == [is_halt]


def test_a_chunk_with_the_factors_of_the_history_equals_the_whole(split, sessions):
    events = factor_events(split)
    assert events.select("session", "factor").rows() == [(sessions[0], 1.0), (sessions[2], 0.5)]
    whole = stage_prices(split).filter(pl.col("session") >= sessions[3])
    assert stage_prices(split.filter(pl.col("session") >= sessions[3]), events).equals(whole)


def test_no_bars_give_the_declared_columns_and_no_rows(make_bars):
    assert stage_prices(make_bars()).schema == STAGED_SCHEMA
    assert factor_events(make_bars()).height == 0


def test_repeated_keys_and_days_without_trading_are_refused(make_bars, sessions):
    with pytest.raises(SchemaError, match="1 repeated keys"):
        stage_prices(make_bars({"session": sessions[0]}, {"session": sessions[0]}))
    with pytest.raises(DataError, match="2024-01-06"):
        stage_prices(make_bars({"session": date(2024, 1, 6)}))


def test_extra_columns_come_on_request_and_change_no_other(split):
    staged = stage_prices(split, extra=("volume_factor", "open_raw_jpy", "am_open_jpy"))
    assert staged.columns == [*STAGED_SCHEMA, "volume_factor", "open_raw_jpy", "am_open_jpy"]
    assert staged.select(STAGED_SCHEMA.names()).equals(stage_prices(split))
    everything = stage_prices(split, extra=tuple(EXTRA_COLUMNS))
    assert set(everything.select(list(EXTRA_COLUMNS)).dtypes) == {pl.Float64}
    assert stage_prices(split.clear(), extra=tuple(EXTRA_COLUMNS)).schema == everything.schema


def test_raw_prices_and_the_days_factor_are_the_served_ones_and_the_volume_factor_brings_shares_to_one_basis(split):
    staged = stage_prices(split, extra=("adjustment_factor", "volume_factor", "low_raw_jpy"))
    assert staged["adjustment_factor"].to_list() == [1.0, 1.0, 0.5, 1.0, 1.0]
    assert staged["low_raw_jpy"].to_list() == staged["close_raw_jpy"].to_list() == [c for c, *_ in G1]
    assert (staged["volume_shares"] * staged["volume_factor"]).to_list() == staged["volume"].to_list()


def test_limits_are_ones_and_zeros_and_null_where_no_row_was_stored(make_bars, sessions):
    bars = make_bars(
        {"session": sessions[0], "close_jpy": 10, "is_limit_up": True},
        {"session": sessions[2], "close_jpy": 12, "morning_is_limit_down": True, "morning_open_jpy": 11.0},
    )
    staged = stage_prices(bars, extra=("is_limit_up", "is_limit_down", "am_limit_down", "am_open_jpy"))
    assert staged["session"].to_list() == list(sessions[:3])
    assert staged.select("is_limit_up", "is_limit_down", "am_limit_down", "am_open_jpy").rows() == [
        (1.0, 0.0, None, None),
        (None, None, None, None),
        (0.0, 0.0, 1.0, 11.0),
    ]


def test_halves_of_the_session_are_null_columns_where_the_plan_does_not_serve_them(split):
    halves = [name for name in EXTRA_COLUMNS if name.startswith(("am_", "pm_"))]
    served = split.select(pl.exclude("^(morning|afternoon)_.*$"))
    staged = stage_prices(served, extra=halves)
    assert staged.select(halves).null_count().row(0) == (staged.height,) * len(halves)
    assert staged.equals(stage_prices(split, extra=halves))


def test_an_extra_column_nobody_declared_is_refused(split):
    with pytest.raises(SchemaError, match="got noon_jpy"):
        stage_prices(split, extra=("noon_jpy",))
