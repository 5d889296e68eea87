"""Nulls counted from a tail are those of the whole history, and none is claimed where the tail cannot tell."""

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import UNIVERSE_COLUMNS, FeatureInputs
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.null_claims import budget_sessions
from gogoku_pipeline.schema import topix
from gogoku_pipeline.tables.prices import factor_events, stage_prices
from gogoku_pipeline.tables.universe import UNIVERSE

NAMES = ["rsi_14_score", "ret_20d", "vol_20d"]
DAYS = tse_calendar().between(date(2021, 1, 4), date(2022, 12, 30))
EARLIER = 100
PLAIN, RARE, FLAT, YOUNG = "10010", "10020", "10030", "10040"


def close(code, number):
    """RARE trades on two of ten sessions after a busy start, FLAT never moves after one, YOUNG lists near the end."""
    moved = 100.0 + (number * 7) % 11
    if code == RARE and number >= EARLIER and (len(DAYS) - 1 - number) % 10 > 1:
        return None
    if code == FLAT and number >= EARLIER:
        return 100.0
    return moved


def bars():
    first = {YOUNG: len(DAYS) - 40}
    rows = [
        {"session": day, "code": code, "price": close(code, number)}
        for code in (PLAIN, RARE, FLAT, YOUNG)
        for number, day in enumerate(DAYS)
        if number >= first.get(code, 0)
    ]
    price, volume = pl.col("price"), pl.when(pl.col("price").is_null()).then(0.0).otherwise(1000.0)
    return pl.DataFrame(rows, schema_overrides={"price": pl.Float64}).select(
        "session",
        "code",
        *(price.alias(f"{name}_jpy") for name in ("open", "high", "low", "close")),
        volume_shares=volume,
        turnover_jpy=price * 1000.0,
        adjustment_factor=pl.lit(1.0),
        ex_rights_type=pl.lit(None, dtype=pl.String),
    )


def inputs(start):
    """From a session on, with the factors of everything."""
    rows, events = bars(), factor_events(bars())
    prices = stage_prices(rows.filter(pl.col("session") >= start), events)
    universe = UNIVERSE.empty().select(UNIVERSE_COLUMNS)
    return FeatureInputs(prices, universe, topix.TABLE.empty(), factors=events)


@pytest.fixture(scope="module")
def frame():
    return compute(NAMES, inputs(DAYS[0]), start=DAYS[-1], end=DAYS[-1])


@pytest.fixture(scope="module")
def tail():
    return inputs(DAYS[-1 - budget_sessions(NAMES)])


def off(frame, inputs):
    return [count.feature for count in null_budget(frame, inputs) if not count.is_within]


def with_value(frame, name, code, value):
    return frame.with_columns(
        pl.when(pl.col("code") == code).then(pl.lit(value, dtype=pl.Float32)).otherwise(name).alias(name)
    )


def test_the_tail_is_as_long_as_the_longest_chain_and_shorter_than_the_history():
    assert budget_sessions(["ret_20d"]) == 20
    assert 56 <= budget_sessions(NAMES) < len(DAYS) - EARLIER


def test_an_old_issue_with_too_few_observations_in_the_tail_may_have_a_value_or_none(frame, tail):
    seen = dict(frame.select("code", "rsi_14_score").rows())
    assert seen[RARE] is not None and seen[FLAT] is not None and seen[YOUNG] is None
    assert off(frame, tail) == off(frame, inputs(DAYS[0])) == []
    (count,) = null_budget(frame.select("session", "code", "rsi_14_score"), tail)
    assert (count.rows, count.expected, count.observed, count.allowed) == (4, 1, 1, 3)
    assert off(with_value(frame, "rsi_14_score", RARE, None), tail) == []


def test_what_the_tail_can_tell_is_claimed(frame, tail):
    assert off(with_value(frame, "rsi_14_score", YOUNG, 50.0), tail) == ["rsi_14_score"]
    assert off(with_value(frame, "vol_20d", RARE, 0.2), tail) == ["vol_20d"]
    assert off(with_value(frame, "ret_20d", PLAIN, None), tail) == ["ret_20d"]
