"""Options, futures and indices as states: which rows count, when they are known, and what the features make of them."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states import futures as futures_state
from gogoku_pipeline.features.states import indices as indices_state
from gogoku_pipeline.features.states import options as options_state
from gogoku_pipeline.schema import futures, index_options, indices
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from tests.unit.features.night_tables import contract, inputs, known, option, simulated, topix_table, typed

SESSIONS = tse_calendar(date(2024, 6, 3)).sessions[:12]
SETTLED = date(2024, 7, 12)
NAMES = [feature.name for feature in house().public if feature.group in ("options", "futures")]


def quotes(day, iv=20.0, **more):
    """One expiry of options of a day, both sides at two strikes."""
    return [option(day, SETTLED, k, side, iv, **more) for k in (30_000.0, 46_000.0) for side in ("P", "C")]


def option_days(rows, sessions=SESSIONS, cutoff=time(19)):
    table = rows if isinstance(rows, pl.DataFrame) else typed(index_options.TABLE, rows)
    return options_state.STATE.frame(known({"index_options": table}, sessions, cutoff))


def futures_days(rows, sessions=SESSIONS, spots=()):
    tables = {
        "futures": rows if isinstance(rows, pl.DataFrame) else typed(futures.TABLE, rows),
        "index_options": typed(index_options.TABLE, quotes(SESSIONS[0])),
        "topix": topix_table(SESSIONS[: len(spots)], spots),
    }
    return futures_state.STATE.frame(known(tables, sessions))


@pytest.mark.parametrize(
    ("cutoff", "later"), [(time(19), 1), (time(3, 1), 1), (time(3), 2), (time(2), 2)], ids=["19", "0301", "03", "02"]
)
def test_a_row_is_usable_from_the_first_cut_off_after_three_in_the_morning(cutoff, later):
    tuesday = SESSIONS[1]
    assert option_days(quotes(tuesday), cutoff=cutoff)["known_session"].to_list() == [SESSIONS[1 + later]]


def test_a_friday_is_read_on_monday_and_a_last_day_not_yet():
    friday, last = SESSIONS[4], SESSIONS[-1]
    assert friday.weekday() == 4
    frame = option_days(quotes(friday) + quotes(last))
    assert frame.select("release", "known_session").rows() == [(friday, SESSIONS[5])]


def test_a_day_is_read_until_it_is_three_sessions_old():
    tables = {"index_options": typed(index_options.TABLE, quotes(SESSIONS[2]))}
    frame = compute(["opt_iv_30d", "opt_age_sessions"], inputs(tables, SESSIONS), start=SESSIONS[0], end=SESSIONS[-1])
    assert frame["opt_age_sessions"].to_list()[2:7] == [None, 1.0, 2.0, 3.0, None]
    assert frame["opt_iv_30d"].is_null().to_list() == frame["opt_age_sessions"].is_null().to_list()


def test_weekly_settled_emergency_and_unquoted_rows_do_not_count():
    day = SESSIONS[0]
    strange = [
        *quotes(day, 90.0, CM="2024-24", Code="weekly"),
        *quotes(day, 90.0, SQD=day.isoformat(), Code="settled"),
        *quotes(day, 90.0, EmMrgnTrgDiv="001"),
        *quotes(day, 0.0, Code="unquoted"),
        *quotes(day, None, Code="null"),
    ]
    months = [{**row, "CM": "2024-W24"} if row["Code"] == "weekly" else row for row in strange]
    assert option_days(quotes(day) + months).drop("release").equals(option_days(quotes(day)).drop("release"))


def test_a_volatility_out_of_range_trades_but_takes_no_part_in_the_surface():
    day = SESSIONS[0]
    wild = [option(day, SETTLED, 38_000.0, side, 400.0, Vo=5.0) for side in ("P", "C")]
    found = option_days(quotes(day) + wild).row(0, named=True)
    assert (found["iv_near"], found["put_volume"]) == (pytest.approx(0.2), 7.0)


def test_puts_and_calls_are_summed_over_all_months():
    day = SESSIONS[0]
    rows = [
        option(day, settled, 38_000.0, side, 20.0, Vo=volume, OI=2 * volume)
        for settled, side, volume in [
            (date(2024, 6, 14), "P", 3.0),
            (date(2024, 9, 13), "P", 4.0),
            (date(2024, 9, 13), "C", 2.0),
        ]
    ]
    tables = {"index_options": typed(index_options.TABLE, rows)}
    frame = compute(["opt_pcr_volume", "opt_pcr_oi"], inputs(tables, SESSIONS), start=SESSIONS[1], end=SESSIONS[1])
    assert frame.row(0)[2:] == pytest.approx((math.log(3.5), math.log(3.5)))


def test_a_late_correction_changes_no_day_that_was_known_without_it():
    rows = typed(index_options.TABLE, quotes(SESSIONS[0]) + quotes(SESSIONS[1], 25.0))
    late = datetime.combine(SESSIONS[8], time(9), tzinfo=JST)
    first = pl.col("trade_date") == SESSIONS[0]
    one = first & (pl.col("strike_price") == 30_000) & (pl.col("put_call") == "1")
    moved = rows.with_columns(pl.when(one).then(pl.lit(late)).otherwise(pl.col("available_at")).alias("available_at"))
    frame = option_days(moved)
    assert frame["release"].to_list() == list(SESSIONS[:2])
    assert frame["put_volume"].to_list() == [1.0, 2.0]


def test_a_day_that_became_known_after_a_newer_one_is_no_release():
    rows = typed(index_options.TABLE, quotes(SESSIONS[0]) + quotes(SESSIONS[1]))
    late = datetime.combine(SESSIONS[8], time(9), tzinfo=JST)
    first = pl.col("trade_date") == SESSIONS[0]
    moved = rows.with_columns(pl.when(first).then(pl.lit(late)).otherwise(pl.col("available_at")).alias("available_at"))
    assert option_days(moved)["release"].to_list() == [SESSIONS[1]]


def test_before_the_flags_the_central_contract_has_the_largest_open_interest():
    rows = [
        contract(SESSIONS[0], "2024-06", 2700.0, OI=5.0, CCMFlag=""),
        contract(SESSIONS[0], "2024-09", 2690.0, OI=9.0, CCMFlag=""),
        contract(SESSIONS[0], "2024-12", 2680.0, OI=9.0, CCMFlag=""),
    ]
    assert futures_days(rows)["tpx_settle"].to_list() == [2690.0]


def test_next_is_the_later_contract_with_the_largest_open_interest_and_for_volatility_the_next_in_time():
    kinds = (("TOPIXF", 1000.0), ("NKVIF", 20.0))
    rows = [
        contract(SESSIONS[0], month, level + n, ProdCat=kind, Code=f"{kind}{month}", OI=interest, CCMFlag=flag)
        for kind, level in kinds
        for n, (month, interest, flag) in enumerate(
            [("2024-06", 90.0, "0"), ("2024-07", 50.0, "1"), ("2024-08", 1.0, "0"), ("2024-09", 8.0, "0")]
        )
    ]
    found = futures_days(rows).row(0, named=True)
    assert (found["tpx_settle"], found["tpx_heaviest_settle"], found["tpx_heaviest_gap_days"]) == (1001.0, 1003.0, 62.0)
    assert (found["nkvi_settle"], found["nkvi_following_settle"]) == (21.0, 22.0)
    assert found["tpx_open_interest"] == 149.0


def test_a_price_of_zero_is_no_price():
    rows = [
        contract(SESSIONS[0], "2024-06", 2700.0, CCMFlag="1", AC=0.0),
        contract(SESSIONS[1], "2024-06", 2710.0, CCMFlag="1", EC=""),
        contract(SESSIONS[2], "2024-06", 0.0, CCMFlag="1", EC=2720.0),
    ]
    frame = futures_days(rows)
    assert frame["tpx_day_close"].to_list() == [None, 2710.0, None]
    assert frame["tpx_held_night_close"].to_list() == [None, None, 2720.0]
    assert frame["tpx_held_settle"].to_list() == [None, 2710.0, None]


def test_the_night_is_measured_on_the_contract_held_since_the_day_before():
    rows = [
        contract(SESSIONS[0], "2024-06", 2700.0, CCMFlag="1", AC=2701.0),
        contract(SESSIONS[0], "2024-09", 2690.0, AC=2691.0),
        contract(SESSIONS[1], "2024-06", 2710.0, EC=2728.01),
        contract(SESSIONS[1], "2024-09", 2700.0, CCMFlag="1", EC=2650.0),
    ]
    tables = {
        "futures": typed(futures.TABLE, rows),
        "index_options": typed(index_options.TABLE, quotes(SESSIONS[0])),
        "topix": topix_table(SESSIONS[:2], [2700.0, 2700.0]),
    }
    frame = compute(["fut_tpx_night_ret"], inputs(tables, SESSIONS), start=SESSIONS[2], end=SESSIONS[2])
    assert frame["fut_tpx_night_ret"][0] == pytest.approx(0.01, abs=1e-7)


@pytest.mark.parametrize(("days", "is_null"), [(5, False), (4, True)])
def test_carry_is_annualised_to_the_special_quotation_and_null_under_five_days(days, is_null):
    day = SESSIONS[0]
    settled = (day + timedelta(days=days)).isoformat()
    tables = {
        "futures": typed(futures.TABLE, [contract(day, "2024-06", 2707.0, CCMFlag="1", SQD=settled)]),
        "index_options": typed(index_options.TABLE, quotes(day)),
        "topix": topix_table([day], [2700.0]),
    }
    value = compute(["fut_tpx_carry_ann"], inputs(tables, SESSIONS), start=SESSIONS[1], end=SESSIONS[1]).row(0)[2]
    wanted = None if is_null else pytest.approx(math.log(2707 / 2700) * 365 / 5, rel=1e-6)
    assert value == wanted


def test_a_spot_that_came_later_than_the_futures_is_not_used():
    day = SESSIONS[0]
    rows, spots = typed(index_options.TABLE, quotes(day)), topix_table([day], [2700.0])
    found = []
    for late in (False, True):
        instant = pl.lit(datetime.combine(SESSIONS[2], time(9), tzinfo=JST)) if late else pl.col("available_at")
        tables = {
            "futures": typed(futures.TABLE, [contract(day, "2024-06", 2707.0, CCMFlag="1")]),
            "index_options": rows.with_columns(available_at=instant),
            "topix": spots.with_columns(available_at=instant),
        }
        found.append(futures_state.STATE.frame(known(tables, SESSIONS)).select("tpx_spot", "nk_spot").row(0))
    assert found == [(2700.0, 38_100.0), (None, None)]


def test_empty_tables_say_nothing():
    tables = {
        "futures": typed(futures.TABLE, [contract(SESSIONS[0], "2024-06", 1.0)]).clear(),
        "index_options": typed(index_options.TABLE, quotes(SESSIONS[0])).clear(),
        "topix": topix_table([], []),
    }
    frame = compute(NAMES, inputs(tables, SESSIONS), start=SESSIONS[0], end=SESSIONS[-1])
    assert frame.height == len(SESSIONS)
    assert frame.select(NAMES).null_count().row(0) == (len(SESSIONS),) * len(NAMES)


def test_indices_are_closes_of_their_own_session():
    rows = [
        {"Date": day.isoformat(), "Code": code, "C": 100.0 * n + place}
        for place, day in enumerate(SESSIONS[:2])
        for n, code in enumerate([*indices_state.INDEX_OF.values(), "0040"])
    ]
    frame = indices_state.STATE.frame(known({"indices": typed(indices.TABLE, rows)}, SESSIONS)).sort("session")
    assert frame.rows() == [(day, *(100.0 * n + place for n in range(6))) for place, day in enumerate(SESSIONS[:2])]
    early = known({"indices": typed(indices.TABLE, rows)}, SESSIONS, time(16, 30))
    assert indices_state.STATE.frame(early).is_empty()


@pytest.fixture(scope="module")
def night_market():
    """Inputs of 230 sessions of a simulated market whose first 20 and last 2 rows are not served."""
    market = generate_market(MarketConfig(n_issues=24, n_sessions=260))
    sessions = market.sessions[20:250]
    return inputs(simulated(market, range(20, 248)), sessions), sessions


def test_rows_not_yet_available_change_no_bit(night_market):
    given, sessions = night_market
    cut = sessions[205]
    seen = datetime.combine(cut, given.cutoff, tzinfo=JST)
    tables = {name: rows.filter(pl.col("available_at") < seen) for name, rows in given.tables.items()}
    before = inputs(tables, sessions[:206])
    span = {"start": sessions[0], "end": cut}
    assert laws.compare("truncation", NAMES, compute(NAMES, given, **span), compute(NAMES, before, **span)) == []


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_delays_only_rows_available_before_the_cut_off_are_used(night_market, seed):
    """Rows of random days, and single rows, arrive up to nine days late."""
    given, sessions = night_market
    rng = stream(seed, "delays")
    late = {}
    for name, rows in given.tables.items():
        event = "session" if name == "topix" else "trade_date"
        kept = rows.filter(pl.col(event).is_between(sessions[30], sessions[75]))
        days = {day: int(rng.integers(1, 10)) for day in sessions[30:76] if rng.random() < 0.15}
        alone = pl.Series(np.where(rng.random(kept.height) < 0.02, rng.integers(1, 10, kept.height), 0))
        delay = pl.col(event).replace_strict(days, default=0, return_dtype=pl.Int64) + alone
        late[name] = kept.with_columns(pl.col("available_at") + pl.duration(days=delay))
    cut = sessions[60 + 2 * seed]
    seen = datetime.combine(cut, given.cutoff, tzinfo=JST)
    early = {name: rows.filter(pl.col("available_at") < seen) for name, rows in late.items()}
    span = {"start": sessions[30], "end": cut}
    whole = compute(NAMES, inputs(late, sessions[30:90]), **span)
    until = compute(NAMES, inputs(early, sessions[30 : 61 + 2 * seed]), **span)
    assert laws.compare("point in time", NAMES, whole, until) == []
    assert whole["opt_iv_30d"].null_count() < whole.height / 2


def test_the_order_of_rows_changes_no_bit(night_market):
    given, sessions = night_market
    mixed = inputs(
        {name: rows.sample(fraction=1.0, shuffle=True, seed=5) for name, rows in given.tables.items()}, sessions
    )
    span = {"start": sessions[0], "end": sessions[-1]}
    assert laws.compare("order", NAMES, compute(NAMES, given, **span), compute(NAMES, mixed, **span)) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_chunk_with_its_declared_warm_up_equals_the_whole(night_market, name):
    given, sessions = night_market
    span = {"start": sessions[200], "end": sessions[215]}
    warmup = warmup_sessions([name])
    chunk = inputs(given.tables, sessions[max(0, 200 - warmup) : 216])
    assert laws.compare("chunks", [name], compute([name], given, **span), compute([name], chunk, **span)) == []


def test_values_stay_inside_their_bounds_and_nulls_are_the_ones_owed(night_market):
    given, _ = night_market
    assert laws.bounds(house(), NAMES, given) == []
    assert laws.budget_of_nulls(house(), NAMES, given) == []


def test_after_the_warm_up_every_feature_has_a_value_on_every_session_but_the_ones_declared(night_market):
    given, sessions = night_market
    names = [name for name in NAMES if name != "opt_iv_rank_250d"]
    frame = compute(names, given, start=sessions[25], end=sessions[-3])
    near_expiry = ("fut_tpx_carry_ann", "fut_nk_carry_ann")
    assert [name for name in names if name not in near_expiry and frame[name].null_count()] == []
    assert [frame[name].null_count() for name in near_expiry] == [9, 9]
    assert [name for name in names if "age" not in name and frame[name].n_unique() < 20] == []


def test_the_rank_of_volatility_is_its_place_among_the_values_before(night_market):
    given, sessions = night_market
    frame = compute(["opt_iv_30d", "opt_iv_rank_250d"], given, start=sessions[0], end=sessions[-3])
    values = frame["opt_iv_30d"].drop_nulls().to_numpy()
    assert frame["opt_iv_rank_250d"].null_count() == 1 + 179
    for t in (179, 200, values.size - 1):
        below = (values[:t] < values[t]).sum() + 0.5 * (values[:t] == values[t]).sum()
        assert frame["opt_iv_rank_250d"][t + 1] == pytest.approx(below / t, abs=1e-6)
