"""Bad input ends in a named error, or in nulls that the null budget owes; it never ends in a number.

Each kind of bad bar is put into a sound market. Every feature made of prices, listing and index alone must then stay
finite and inside its bounds, have exactly the nulls its inputs owe, and leave the other stocks' own values alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError, FeatureError, PartitionMissingError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, P
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.operators.windows import lag, mean, window
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.states.register import STATES
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, stage_prices
from gogoku_pipeline.tables.values import check_bounds, read_values
from tests.laws.features.small_market import SESSIONS, inputs_of, market_bars

CODE, DAY = "10110", 200
"""The stock that is spoilt, and the place of the session on which it is."""

RAW = ("open_jpy", "high_jpy", "low_jpy", "close_jpy")
SPAN = {"start": SESSIONS[0], "end": SESSIONS[-1]}
HIT = (pl.col("code") == CODE) & (pl.col("session") == SESSIONS[DAY])


def reads_tables(name: str) -> set[str]:
    """Sources below a feature, beside prices, listing and index."""
    below = house().in_order([name])
    return {source for member in below for alias in member.states for source in STATES[alias].tables}


NAMES = [name for name in house().names if not reads_tables(name)]
OWN = [name for name in NAMES if not laws.uses_universe(house(), name)]


def where_hit(value: pl.Expr, *columns: str) -> list[pl.Expr]:
    return [pl.when(HIT).then(value).otherwise(pl.col(name)).alias(name) for name in columns]


def of_code(value: pl.Expr, *columns: str) -> list[pl.Expr]:
    return [pl.when(pl.col("code") == CODE).then(value).otherwise(pl.col(name)).alias(name) for name in columns]


def not_code_or(kept: pl.Expr) -> pl.Expr:
    return (pl.col("code") != CODE) | kept


NOTHING = pl.lit(None, dtype=pl.Float64)

BAD_BARS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "one row": lambda bars: bars.filter(not_code_or(pl.col("session") == SESSIONS[DAY])),
    "one row on the last session": lambda bars: bars.filter(not_code_or(pl.col("session") == SESSIONS[-1])),
    "two rows with everything between them missing": lambda bars: bars.filter(
        not_code_or(pl.col("session").is_in([SESSIONS[0], SESSIONS[-1]]))
    ),
    "never a price": lambda bars: bars.with_columns(of_code(NOTHING, *RAW)),
    "never a high": lambda bars: bars.with_columns(of_code(NOTHING, "high_jpy")),
    "never a volume": lambda bars: bars.with_columns(of_code(NOTHING, "volume_shares")),
    "never a turnover": lambda bars: bars.with_columns(of_code(NOTHING, "turnover_jpy")),
    "a close of zero": lambda bars: bars.with_columns(where_hit(pl.lit(0.0), "close_jpy")),
    "a low of zero": lambda bars: bars.with_columns(where_hit(pl.lit(0.0), "low_jpy")),
    "every price of zero": lambda bars: bars.with_columns(where_hit(pl.lit(0.0), *RAW)),
    "an infinite close": lambda bars: bars.with_columns(where_hit(pl.lit(float("inf")), "close_jpy")),
    "a close that is no number": lambda bars: bars.with_columns(where_hit(pl.lit(float("nan")), "close_jpy")),
    "a negative volume": lambda bars: bars.with_columns(where_hit(pl.lit(-5.0), "volume_shares")),
    "an infinite volume": lambda bars: bars.with_columns(where_hit(pl.lit(float("inf")), "volume_shares")),
    "a negative turnover": lambda bars: bars.with_columns(where_hit(pl.lit(-1e9), "turnover_jpy")),
    "a high below the low": lambda bars: bars.with_columns(where_hit(pl.col("low_jpy") / 2, "high_jpy")),
    "a price a hundred times too high": lambda bars: bars.with_columns(
        pl.when(HIT).then(pl.col(name) * 100).otherwise(pl.col(name)).alias(name) for name in RAW
    ),
}


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return market_bars()


@pytest.fixture(scope="module")
def sound(bars) -> pl.DataFrame:
    return compute(NAMES, inputs_of(bars, {}), **SPAN)


@pytest.mark.parametrize("kind", BAD_BARS)
def test_bad_bars_of_one_stock_become_nulls_that_are_owed_and_no_numbers(bars, sound, kind):
    inputs = inputs_of(BAD_BARS[kind](bars), {})
    assert laws.bounds(house(), NAMES, inputs) == []
    assert laws.budget_of_nulls(house(), NAMES, inputs) == []
    others = pl.col("code") != CODE
    found = compute(OWN, inputs, **SPAN).filter(others)
    assert laws.compare(kind, OWN, sound.select("session", "code", *OWN).filter(others), found) == []


def test_a_stock_with_one_row_has_facts_of_that_day_and_nothing_that_looks_back(bars):
    frame = compute(NAMES, inputs_of(BAD_BARS["one row"](bars), {}), **SPAN)
    row = frame.filter(pl.col("code") == CODE)
    assert row.height == 1
    told = {name for name in NAMES if row[name][0] is not None and not laws.uses_universe(house(), name)}
    looks_back = {
        name
        for name in told
        if house().feature(name).role == "stock" and house().feature(name).window.kind in "SE"
        if house().feature(name).min_obs > 1
    }
    assert {"ret_intraday", "close_location"} <= told
    assert looks_back == set()


def test_a_price_of_zero_is_no_price(bars):
    frame = compute(["ret_1d", "ret_5d", "dist_low_250d"], inputs_of(BAD_BARS["every price of zero"](bars), {}), **SPAN)
    mine = frame.filter(pl.col("code") == CODE)
    assert mine["ret_1d"][DAY : DAY + 2].to_list() == [None, None]
    assert mine["ret_5d"][DAY] is not None
    assert (mine["dist_low_250d"][DAY:] < 0.9).all()


def test_a_single_wrong_price_is_forgotten_by_every_window_that_has_passed_it(bars, sound):
    frame = compute(NAMES, inputs_of(BAD_BARS["a price a hundred times too high"](bars), {}), **SPAN)
    short = [
        name
        for name in OWN
        if all(member.window.kind in "SE" and not member.is_recursive for member in house().in_order([name]))
        if sum(member.reach + 1 for member in house().in_order([name])) < len(SESSIONS) - DAY - 1
    ]
    after = (pl.col("code") == CODE) & (pl.col("session") == SESSIONS[-1])
    on_the_day = (pl.col("code") == CODE) & (pl.col("session") == SESSIONS[DAY])
    here, there = (one.select("session", "code", *short) for one in (sound, frame))
    assert len(short) > 40
    assert laws.compare("forgotten", short, here.filter(after), there.filter(after)) == []
    assert laws.compare("noticed", ["ret_1d"], here.filter(on_the_day), there.filter(on_the_day)) != []


def test_a_stock_that_comes_back_after_ten_years_starts_anew(bars):
    days = tse_calendar(date(2010, 6, 1), SESSIONS[-1]).sessions
    held = [*days[:300], *days[-40:]]
    one, *_ = bars.filter((pl.col("code") == CODE) & pl.col("close_jpy").is_not_null()).iter_slices(1)
    steps = pl.DataFrame({"session": held, "level": 900 + 20 * np.sin(np.arange(len(held)))})
    prices = (pl.col("level").alias(name) for name in RAW)
    back = one.drop("session", *RAW).join(steps, how="cross").with_columns(prices).select(bars.columns)
    index = pl.DataFrame({"session": days, "close_points": 1500.0, "is_market_halt": False})
    universe = inputs_of(bars, {}).universe.clear()
    inputs = FeatureInputs(stage_prices(back, extra=tuple(EXTRA_COLUMNS)), universe, index)
    names = ["ret_1d", "ret_5d", "ret_250d", "vol_20d", "sma_gap_20d", "dist_high_250d", "trade_age_sessions"]
    frame = compute(names, inputs, start=days[0], end=days[-1])
    new = frame[-40:]
    assert frame.height == len(held)
    assert new.row(0)[2:] == (None,) * 6 + (0.0,)
    assert [new[name].null_count() for name in names] == [1, 5, 40, 15, 14, 40, 0]
    assert laws.budget_of_nulls(house(), names, inputs) == []


def test_a_repeated_session_is_refused_when_prices_are_staged(bars):
    with pytest.raises(SchemaError, match="repeated keys"):
        inputs_of(pl.concat([bars, bars.filter(HIT)]), {})


def test_a_repeated_session_handed_in_is_refused_by_the_stocks_code(bars):
    inputs = inputs_of(bars, {}).until(SESSIONS[DAY])
    with pytest.raises(DataError, match=f"staged prices of {CODE}"):
        compute(["ret_1d"], replace(inputs, prices=pl.concat([inputs.prices, inputs.prices.filter(HIT)])), **SPAN)


def test_a_bar_of_a_day_without_trading_is_refused_when_prices_are_staged(bars):
    holiday = bars.filter(HIT).with_columns(session=pl.date(2020, 8, 10))
    with pytest.raises(DataError, match="days without trading"):
        inputs_of(pl.concat([bars, holiday]), {})


def test_bars_in_any_order_give_the_same_bits(bars, sound):
    mixed = bars.sample(fraction=1.0, shuffle=True, seed=5)
    assert laws.compare("order of bars", NAMES, sound, compute(NAMES, inputs_of(mixed, {}), **SPAN)) == []


def test_rows_after_the_end_are_not_looked_at(bars, sound):
    end = SESSIONS[DAY]
    inputs = inputs_of(BAD_BARS["a price a hundred times too high"](bars), {})
    before = compute(NAMES, inputs, start=SESSIONS[0], end=SESSIONS[DAY - 1])
    assert laws.compare("end", NAMES, sound.filter(pl.col("session") < end), before) == []
    assert before["session"].max() == SESSIONS[DAY - 1]


@pytest.mark.parametrize("held", [1, 10, 70])
def test_a_history_shorter_than_a_window_gives_nulls_and_no_shorter_window(bars, held):
    inputs = inputs_of(bars, {}).until(SESSIONS[held - 1])
    frame = compute(NAMES, inputs, **SPAN)
    too_long = [
        member.name
        for member in map(house().feature, NAMES)
        if member.window.kind in "SX" and member.observes and member.min_obs > held and member.role != "calendar"
    ]
    assert len(too_long) > 20
    assert [name for name in too_long if frame[name].null_count() < frame.height] == []
    assert laws.budget_of_nulls(house(), NAMES, inputs) == []


SOURCES = sorted({source for name in house().names for source in reads_tables(name)})


@pytest.mark.parametrize("source", SOURCES)
def test_a_feature_of_a_source_that_was_not_handed_in_is_refused_by_the_sources_name(bars, source):
    names = [name for name in house().names if source in reads_tables(name)]
    few = inputs_of(bars, {}).until(SESSIONS[1])
    empty = {name: TABLE_OF[name].empty() for name in SOURCES if name != source}
    with pytest.raises(PartitionMissingError, match=f"features that read {source}: .*core_jquants__{source}"):
        compute(names, replace(few, tables=empty), **SPAN)


def test_a_feature_beyond_the_plan_is_unknown_to_it(bars):
    inputs = inputs_of(bars, {})
    for name in ("mrg_long_ratio", "fut_nkvi_level", "opt_iv_30d"):
        with pytest.raises(FeatureError, match="an unknown name"):
            compute([name], inputs, **SPAN, registry=house("Free"))
    assert compute(["ret_1d"], inputs, **SPAN, registry=house("Free")).height > 0


@pytest.mark.parametrize(("column", "value"), [("volume_shares", -5.0), ("close_jpy", -1.0), ("turnover_jpy", -1e9)])
def test_a_negative_amount_never_becomes_a_row_of_the_table(column, value):
    bad: dict[int, str] = {}
    declared = next(one for one in daily_bars.TABLE.columns if one.name == column)
    check_bounds(declared, pl.Series(column, [1.0, value, None]), bad)
    assert list(bad) == [1]
    assert "below 0" in bad[1]


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e999"])
def test_what_is_no_finite_number_never_becomes_a_value_of_the_table(text):
    field = next(one for one in daily_bars.SOURCE.fields if one.name == "C")
    declared = next(one for one in daily_bars.TABLE.columns if one.name == "close_jpy")
    _, bad = read_values(field, declared, pl.Series("C", ["1500.0", text]), "csv")
    assert list(bad) == [1]
    assert "not a finite number" in bad[1]


def settings(**more):
    return {"group": "returns", "unit": "ratio", "sources": ("bars.C",), **more}


def test_a_function_without_a_formula_is_refused_where_it_is_declared():
    with pytest.raises(FeatureError, match="a function returning NoneType; want an expression"):

        @per_stock("nothing", registry=Registry("test"), **settings())
        def nothing() -> Expr:
            """A feature without a formula: nothing."""
            return None


def test_a_declared_feature_that_lost_its_formula_is_refused_by_name(bars):
    registry = Registry("test")
    registry.add(replace(house().feature("ret_intraday"), expr=None))
    with pytest.raises(FeatureError, match="feature ret_intraday: got no formula"):
        compute(["ret_intraday"], inputs_of(bars, {}), **SPAN, registry=registry.freeze())


def test_one_name_declared_twice_is_refused_with_the_name():
    registry = Registry("test")
    registry.add(house().feature("ret_intraday"))
    with pytest.raises(FeatureError, match="ret_intraday: got a second declaration of the name"):
        registry.add(house().feature("ret_intraday"))


@pytest.mark.parametrize("made", [lambda: mean(P.close, 0), lambda: lag(P.close, -1), lambda: lag(P.close, 0)])
def test_a_window_without_sessions_is_refused_where_it_is_written(made):
    with pytest.raises(FeatureError):
        made()


def test_a_kernel_of_another_length_is_an_error_and_not_a_shift(bars):
    registry = Registry("test")
    short = window("short", lambda x, starts, begin, n: x[1:], P.close, n=1)

    @per_stock("short", registry=registry, **settings())
    def feature() -> Expr:
        """A kernel that loses a row: c without its first row."""
        return short / P.close

    with pytest.raises((FeatureError, ValueError)):
        compute(["short"], inputs_of(bars, {}), **SPAN, registry=registry.freeze())


@pytest.mark.parametrize("frame", ["prices", "universe", "topix"])
def test_a_frame_without_a_column_is_refused_by_name(bars, frame):
    whole = inputs_of(bars, {})
    lacking = {name: getattr(whole, name) for name in ("prices", "universe", "topix")}
    lacking[frame] = lacking[frame].drop("is_market_halt" if frame == "topix" else "code")
    with pytest.raises(SchemaError, match=f"feature input `{frame}`"):
        FeatureInputs(**lacking)
