"""G11 and G17 of the catalogue: volatility at the money and at thirty days, and a futures return across a roll."""

from __future__ import annotations

import math
from datetime import date, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.states import futures as futures_state
from gogoku_pipeline.features.states import options as options_state
from gogoku_pipeline.schema import futures, index_options
from tests.unit.features.night_tables import contract, inputs, known, option, topix_table, typed

SESSIONS = tse_calendar(date(2024, 6, 3)).sessions[:30]
DAY = SESSIONS[0]


def smile(day: date, days: int, iv: float, under: float = 38_100.0) -> list[dict[str, object]]:
    """One expiry with one volatility in percent at every strike."""
    settled = day + timedelta(days=days)
    return [
        option(day, settled, strike, side, iv, UnderPx=under) for strike in (30_000.0, 48_000.0) for side in ("P", "C")
    ]


def staged(rows: list[dict[str, object]]) -> dict[str, object]:
    tables = {"index_options": typed(index_options.TABLE, rows)}
    return options_state.STATE.frame(known(tables, SESSIONS)).row(0, named=True)


def test_volatility_at_the_money_is_the_mean_of_call_and_put_linear_in_strike():
    settled = DAY + timedelta(days=12)
    rows = [
        option(DAY, settled, 38_000.0, "C", 18.4),
        option(DAY, settled, 38_000.0, "P", 18.0),
        option(DAY, settled, 38_250.0, "C", 18.2),
        option(DAY, settled, 38_250.0, "P", 17.9),
    ]
    assert staged(rows)["iv_near"] == pytest.approx(0.1814, abs=1e-12)


def test_volatility_at_thirty_days_is_linear_in_total_variance():
    found = staged(smile(DAY, 12, 18.0) + smile(DAY, 40, 21.0))
    assert found["iv_30d"] == pytest.approx(0.205982, abs=5e-7)
    first, last = 0.18**2 * 12 / 365, 0.21**2 * 40 / 365
    assert (first, last) == pytest.approx((0.001065205, 0.004832877), abs=5e-10)
    assert found["iv_30d"] ** 2 * 30 / 365 == pytest.approx(0.003487280, abs=5e-10)


def test_the_variance_premium_is_taken_against_the_moves_of_the_underlying():
    step, under, rows = 0.16 / math.sqrt(245), 38_100.0, []
    for number, day in enumerate(SESSIONS):
        rows += smile(day, 12, 18.0, under) + smile(day, 40, 21.0, under)
        under *= math.exp(step if number % 2 else -step)
    given = inputs({"index_options": typed(index_options.TABLE, rows)}, SESSIONS)
    frame = compute(["opt_vrp_var", "opt_vrp_log"], given, start=SESSIONS[-1], end=SESSIONS[-1])
    assert frame["opt_vrp_var"][0] == pytest.approx(0.016829, abs=5e-7)
    assert frame["opt_vrp_log"][0] == pytest.approx(0.252615, abs=5e-7)


@pytest.fixture(scope="module")
def rolled():
    """Three days with a roll from June to September on the second one."""
    settles = {0: (2700.0, 2690.0), 1: (2720.0, 2711.0), 2: (2710.0, 2700.0)}
    rows = [
        contract(SESSIONS[n], f"2024-{month}", settle, CCMFlag="1" if (month == "06") == (n == 0) else "0")
        for n, pair in settles.items()
        for month, settle in zip(("06", "09"), pair, strict=True)
    ]
    return {
        "futures": typed(futures.TABLE, rows),
        "index_options": typed(index_options.TABLE, [option(SESSIONS[0], SESSIONS[20], 38_000.0, "P", 18.0)]),
        "topix": topix_table(SESSIONS[:3], [2700.0, 2715.0, 2705.0]),
    }


def test_a_futures_return_follows_the_contract_held_overnight(rolled):
    frame = compute(["fut_tpx_ret_1d"], inputs(rolled, SESSIONS[:6]), start=SESSIONS[0], end=SESSIONS[5])
    values = frame["fut_tpx_ret_1d"].to_list()
    assert values[:2] == [None, None]
    assert values[2:4] == pytest.approx([0.007407, -0.004058], abs=5e-7)


def test_a_return_of_a_row_is_usable_on_the_session_after(rolled):
    frame = futures_state.STATE.frame(known(rolled, SESSIONS[:6]))
    assert frame.select("release", "known_session").rows() == list(zip(SESSIONS[:3], SESSIONS[1:4], strict=True))
    assert frame.select(pl.col("tpx_held_settle")).to_series().to_list() == [None, 2720.0, 2700.0]
