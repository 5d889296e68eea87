"""Who is short at t: expiry, the band, namesakes, splits, late rows and the hour of decision, row by row and drawn."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.short_positions import BAND, CHANGE, EXPIRES, LATE, STARTS, STATE
from gogoku_pipeline.tables.prices import MARK_SESSIONS, factor_events, stage_prices
from tests.unit.features.short_rows import bars, inputs, known, positions, report, staged

ALL = tse_calendar().sessions
FIRST = ALL.index(date(2020, 6, 1))
DAYS = list(ALL[FIRST : FIRST + 60])
laws = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def state(prices: pl.DataFrame, reports: pl.DataFrame, cutoff: time = time(19)) -> pl.DataFrame:
    return STATE.frame(known(prices, cutoff, short_positions=reports)).sort("session", "code")


def at(frame: pl.DataFrame, day: date, *names: str) -> tuple[float | None, ...]:
    return frame.filter(pl.col("session") == day).select(names).row(0)


def test_a_position_speaks_five_hundred_sessions_after_its_disclosure_and_not_one_more():
    days = ALL[FIRST : FIRST + EXPIRES + 5]
    frame = state(staged(bars(days)), positions(report("A", days[1], days[2], 0.007)))
    assert at(frame, days[1], "ratio_sum", "holders", "age_sessions") == (0.0, 0.0, None)
    assert at(frame, days[2], "ratio_sum", "holders", "age_sessions") == (0.007, 1.0, 0.0)
    assert at(frame, days[2 + 250], "age_sessions") == (250.0,)
    assert at(frame, days[2 + EXPIRES], "ratio_sum", "holders", "age_sessions") == (0.007, 1.0, 250.0)
    assert at(frame, days[3 + EXPIRES], "ratio_sum", "holders", "age_sessions") == (0.0, 0.0, None)


def test_nothing_is_known_before_the_source_starts_and_nobody_is_short_after():
    start = ALL.index(STARTS)
    days = ALL[start - 3 : start + CHANGE + 2]
    frame = state(staged(bars(days)), positions(report("A", days[3], days[4], 0.007)))
    assert frame["session"].to_list() == list(days[3:])
    assert frame["ratio_sum"].to_list() == [0.0] + [0.007] * (CHANGE + 1)
    assert frame["new_holders"].to_list() == [None] * CHANGE + [1.0, 0.0]


def test_a_range_that_ends_before_the_source_starts_says_nothing():
    days = ALL[ALL.index(STARTS) - 40 : ALL.index(STARTS)]
    assert state(staged(bars(days)), positions(report("A", days[1], days[2], 0.007))).height == 0


def test_a_market_without_a_single_report_has_nobody_short():
    frame = state(staged(bars(DAYS)), positions())
    assert frame.select("ratio_sum", "holders", "shares").sum().row(0) == (0.0, 0.0, 0.0)
    assert frame["top_ratio"].null_count() == frame["age_sessions"].null_count() == len(DAYS)


def test_equal_ratios_of_one_report_are_one_position_and_different_ones_are_several_of_one_holder():
    rows = [report("個人", DAYS[0], DAYS[1], ratio) for ratio in (0.006, 0.006, 0.007, 0.004)]
    rows[1]["short_shares"] = 5999
    frame = state(staged(bars(DAYS)), positions(*rows))
    assert at(frame, DAYS[1], "holders", "shares") == (1.0, 13_000.0)
    assert at(frame, DAYS[1], "ratio_sum", "top_ratio") == (pytest.approx(0.013), pytest.approx(0.013))


def test_a_holder_is_seller_contractor_and_fund_together():
    rows = [report("A", DAYS[0], DAYS[1], 0.006, fund_name=fund) for fund in ("", "Fund A", "Fund B")]
    assert at(state(staged(bars(DAYS)), positions(*rows)), DAYS[1], "holders") == (3.0,)


def test_a_late_correction_of_an_old_report_does_not_hide_a_newer_one():
    late = datetime(DAYS[9].year, DAYS[9].month, DAYS[9].day, 12, tzinfo=JST)
    rows = [report("A", DAYS[0], DAYS[1], 0.020, available_at=late), report("A", DAYS[3], DAYS[4], 0.007)]
    frame = state(staged(bars(DAYS)), positions(*rows))
    assert at(frame, DAYS[3], "holders", "age_sessions") == (0.0, None)
    assert at(frame, DAYS[8], "ratio_sum", "age_sessions") == (0.007, 4.0)
    assert at(frame, DAYS[9], "ratio_sum", "age_sessions") == (0.007, 0.0)


def test_a_report_delivered_at_the_hour_of_decision_is_too_late_for_it():
    prices, reports = staged(bars(DAYS)), positions(report("A", DAYS[0], DAYS[1], 0.006))
    assert at(state(prices, reports, time(17, 30)), DAYS[1], "holders") == (0.0,)
    assert at(state(prices, reports, time(17, 30)), DAYS[2], "holders", "age_sessions") == (1.0, 0.0)
    assert at(state(prices, reports, time(17, 31)), DAYS[1], "holders") == (1.0,)


def test_a_report_on_a_day_without_trading_is_known_at_the_next_session():
    saturday = date(2020, 6, 6)
    frame = state(staged(bars(DAYS)), positions(report("A", DAYS[2], saturday, 0.006)))
    assert at(frame, date(2020, 6, 5), "holders") == (0.0,)
    assert at(frame, date(2020, 6, 8), "holders", "age_sessions") == (1.0, 0.0)


def test_a_position_reported_long_after_its_calculation_counts_but_its_shares_and_price_are_unknown():
    frame = state(staged(bars(DAYS)), positions(report("A", DAYS[0], DAYS[LATE + 1], 0.006)))
    assert at(frame, DAYS[LATE + 1], "ratio_sum", "shares", "ratio_per_mark") == (0.006, None, None)
    frame = state(staged(bars(DAYS)), positions(report("A", DAYS[0], DAYS[LATE], 0.006)))
    assert at(frame, DAYS[LATE], "ratio_sum", "shares", "ratio_per_mark") == (0.006, 6000.0, 0.006 / 100)


def test_shorts_lose_what_the_price_gained_since_the_day_their_position_was_calculated():
    close = [100.0] * 10 + [110.0] * 50
    reports = positions(report("A", DAYS[3], DAYS[5], 0.006), report("B", DAYS[12], DAYS[14], 0.012))
    given = inputs(staged(bars(DAYS, close_jpy=close)), short_positions=reports)
    frame = compute(["ssp_pnl"], given, start=DAYS[0], end=DAYS[-1])
    assert at(frame, DAYS[4], "ssp_pnl") == (None,)
    assert at(frame, DAYS[9], "ssp_pnl") == (pytest.approx(0.0, abs=1e-7),)
    assert at(frame, DAYS[10], "ssp_pnl") == (pytest.approx(-0.1),)
    assert at(frame, DAYS[14], "ssp_pnl") == (pytest.approx(-0.1 / 3),)


def test_a_split_changes_neither_days_to_cover_nor_profit():
    at_split, names = 30, ["ssp_cover_sessions", "ssp_pnl", "ssp_sum"]
    reports = positions(report("A", DAYS[3], DAYS[5], 0.006), report("B", DAYS[32], DAYS[34], 0.012))
    split_reports = positions(
        report("A", DAYS[3], DAYS[5], 0.006), report("B", DAYS[32], DAYS[34], 0.012, short_shares=24_000)
    )
    plain = bars(DAYS)
    split = bars(
        DAYS,
        close_jpy=[100.0] * at_split + [50.0] * 30,
        volume_shares=[1000.0] * at_split + [2000.0] * 30,
        adjustment_factor=[1.0] * at_split + [0.5] + [1.0] * 29,
    )
    span = {"start": DAYS[0], "end": DAYS[-1]}
    one = compute(names, inputs(staged(plain), short_positions=reports), **span)
    two = compute(names, inputs(staged(split), short_positions=split_reports), **span)
    assert one.equals(two)
    assert at(one, DAYS[40], "ssp_cover_sessions") == (18.0,)
    assert at(one, DAYS[20], "ssp_cover_sessions") == (6.0,)


def test_nobody_short_needs_no_session_to_cover_and_a_stock_that_never_traded_has_no_answer():
    silent = bars(DAYS, close_jpy=[None] * 60, volume_shares=[None] * 60)
    reports = positions(report("A", DAYS[30], DAYS[31], 0.006))
    for frame, expected in ((bars(DAYS), 0.0), (silent, None)):
        given = inputs(staged(frame), short_positions=reports)
        cover = compute(["ssp_cover_sessions"], given, start=DAYS[0], end=DAYS[-1])
        assert at(cover, DAYS[13], "ssp_cover_sessions") == (None,)
        assert at(cover, DAYS[20], "ssp_cover_sessions") == (expected,)


HOLDERS, CODES = ("A", "B", "個人"), ("10000", "20000")


@st.composite
def drawn_reports(draw) -> list[dict]:
    """Up to fifteen reports: repeats, namesakes, exits, delays of days and of the delivery."""
    rows = []
    for _ in range(draw(st.integers(0, 15))):
        calculated = draw(st.integers(0, 50))
        disclosed = min(calculated + draw(st.sampled_from([1, 2, 2, 5, 25])), 59)
        row = report(
            draw(st.sampled_from(HOLDERS)),
            DAYS[calculated],
            DAYS[disclosed],
            draw(st.sampled_from([0.004, 0.0049, 0.005, 0.006, 0.0071, 0.012])),
            code=draw(st.sampled_from(CODES)),
            short_shares=draw(st.sampled_from([5000, 6000, 12_000])),
        )
        if draw(st.integers(0, 4)) == 0:
            day = DAYS[disclosed]
            night = datetime(day.year, day.month, day.day, 20, tzinfo=JST)
            row["available_at"] = night + timedelta(days=draw(st.integers(0, 9)))
        rows.append(row)
    return rows


def two_stocks(days=DAYS) -> pl.DataFrame:
    """A stock with a split and silent days, and one that is listed late."""
    size = len(days)
    first = bars(
        days,
        close_jpy=[None if i % 7 in (3, 4) else 100.0 + i for i in range(size)],
        adjustment_factor=[0.5 if i == 33 else 1.0 for i in range(size)],
    )
    return staged(first, bars(days[9:]).with_columns(code=pl.lit("20000")))


def by_reading_every_report(prices: pl.DataFrame, reports: pl.DataFrame, code: str, t: int) -> dict[str, float | None]:
    """The state of one stock and session as a person would find it in the pile of reports."""
    row_of = {(r["session"], r["code"]): r for r in prices.iter_rows(named=True)}
    now, before = held(reports, code, t), held(reports, code, t - CHANGE)
    ratios = [sum(r["short_to_outstanding"] for r in rows) for rows in now.values()]
    shares, per_mark = 0.0, 0.0
    for rows in now.values():
        for r in rows:
            then = row_of.get((r["calculated_date"], code))
            late = ALL.index(r["disclosed_date"]) - ALL.index(r["calculated_date"]) > LATE
            if late or then is None:
                shares, per_mark = None, None
            if shares is not None:
                shares += r["short_shares"] * then["volume_factor"]
            if per_mark is not None:
                per_mark = None if then["mark"] is None else per_mark + r["short_to_outstanding"] / then["mark"]
    return {
        "ratio_sum": sum(ratios),
        "holders": float(len(now)),
        "top_ratio": max(ratios, default=None),
        "square_sum": sum(ratio**2 for ratio in ratios),
        "new_holders": float(len(now.keys() - before.keys())),
        "left_holders": float(len(before.keys() - now.keys())),
        "shares": shares,
        "ratio_per_mark": per_mark,
    }


def held(reports: pl.DataFrame, code: str, t: int) -> dict[str, list[dict]]:
    """Holder to the rows of its newest report known at session number t, if it is in the band."""
    day = ALL[FIRST + t]
    hour = datetime(day.year, day.month, day.day, 19, tzinfo=JST)
    found: dict[str, list[dict]] = {}
    for holder in HOLDERS:
        rows = [
            r
            for r in reports.sort("available_at", "short_shares", descending=[False, True]).iter_rows(named=True)
            if (r["code"], r["seller_name"]) == (code, holder) and r["available_at"] < hour
        ]
        newest = max(((r["disclosed_date"], r["calculated_date"]) for r in rows), default=None)
        positions_of = {
            r["short_to_outstanding"]: r
            for r in reversed(rows)
            if (r["disclosed_date"], r["calculated_date"]) == newest and r["short_to_outstanding"] >= BAND
        }
        if positions_of:
            found[holder] = list(positions_of.values())
    return found


@laws
@given(drawn_reports())
def test_the_state_is_what_reading_every_report_gives(rows):
    prices, reports = two_stocks(), positions(*rows)
    frame = state(prices, reports)
    for row in frame.filter(pl.col("session").is_in(DAYS[::6] + DAYS[-1:])).iter_rows(named=True):
        wanted = by_reading_every_report(prices, reports, row["code"], DAYS.index(row["session"]))
        assert {name: row[name] for name in wanted} == {
            name: None if value is None else pytest.approx(value, rel=1e-12) for name, value in wanted.items()
        }


@laws
@given(drawn_reports(), st.integers(0, 59))
def test_reports_delivered_after_the_hour_of_decision_change_no_bit_up_to_it(rows, t):
    prices, reports = two_stocks(), positions(*rows)
    hour = datetime(DAYS[t].year, DAYS[t].month, DAYS[t].day, 19, tzinfo=JST)
    until = pl.col("session") <= DAYS[t]
    then = state(prices.filter(until), reports.filter(pl.col("available_at") < hour))
    assert then.equals(state(prices, reports).filter(until))


@laws
@given(drawn_reports(), st.integers(0, 2**20))
def test_neither_the_order_of_rows_nor_another_stock_changes_a_bit(rows, seed):
    prices, reports = two_stocks(), positions(*rows)
    whole = state(prices, reports)
    assert state(prices.sample(fraction=1, shuffle=True, seed=seed), reports[::-1]).equals(whole)
    for code in CODES:
        mine = pl.col("code") == code
        assert state(prices.filter(mine), reports.filter(mine)).equals(whole.filter(mine))


def test_the_warm_up_the_engine_asks_for_is_enough_for_the_same_bits():
    days = ALL[FIRST : FIRST + 640]
    names = [feature.name for feature in house().public if feature.name.startswith("ssp_")]
    raw = bars(
        days,
        close_jpy=[100.0 + i % 13 for i in range(640)],
        adjustment_factor=[0.7 if i in (40, 300, 615) else 1.0 for i in range(640)],
    )
    ratios = (0.006, 0.0123, 0.0049, 0.0075)
    reports = positions(*(report(HOLDERS[i % 3], days[i], days[i + 2], ratios[i % 4]) for i in range(2, 630, 17)))
    whole = compute(names, inputs(staged(raw), short_positions=reports), start=days[625], end=days[-1])
    warmup = warmup_sessions(names)
    assert 500 < warmup < 620
    since = pl.col("session") >= days[625 - warmup - MARK_SESSIONS]
    prices = stage_prices(raw.filter(since), factor_events(raw), extra=price_columns(names))
    part = compute(names, inputs(prices, short_positions=reports.filter(since)), start=days[625], end=days[-1])
    assert part.equals(whole)
    assert whole.null_count().sum_horizontal().item() == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HOLDERS), st.integers(0, 560), st.integers(0, 25)), max_size=25))
def test_the_declared_history_is_enough_for_the_same_bits(drawn):
    days = ALL[FIRST : FIRST + 590]
    rows = [report(holder, days[c], days[min(c + wait, 589)], 0.005 + wait / 1000) for holder, c, wait in drawn]
    prices, reports = staged(bars(days)), positions(*rows)
    t = 580
    since = pl.col("session") >= days[t - STATE.history_sessions]
    part = state(prices.filter(since), reports.filter(since))
    assert part.filter(pl.col("session") >= days[t]).equals(state(prices, reports).filter(pl.col("session") >= days[t]))
