"""Weeks of investor-type trading: versions, windows, sections, ages, and nothing before it was known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import flow, flow_section
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.tables.asof import cutoff_at
from tests.unit.features.position_rows import law_of_truncation, published, week
from tests.unit.features.short_rows import CUTOFF

FRIDAY = date(2023, 3, 3)
SESSIONS = tse_calendar().between(date(2023, 3, 1), date(2024, 9, 30))


def asked(*rows: dict, sessions: list[date] = SESSIONS, universe: pl.DataFrame | None = None) -> Known:
    table = published("investor_types", rows)
    listed = pl.DataFrame() if universe is None else universe
    return Known({"investor_types": table}, pl.DataFrame(), listed, pl.Series("session", sessions), CUTOFF)


def market(known: Known) -> dict[date, dict[str, float]]:
    return {row["session"]: row for row in flow.STATE.frame(known).iter_rows(named=True)}


def weeks(n: int, seed: int = 1) -> list[dict]:
    drawn = stream(seed, "weeks").normal((0, 1000, 0), (90, 50, 70), (n, 3))
    return [
        week(FRIDAY + timedelta(days=7 * i), frgn, total, individuals_balance_kjpy=ind)
        for i, (frgn, total, ind) in enumerate(drawn)
    ]


def test_a_week_is_known_on_the_thursday_after_it_and_not_before():
    seen = market(asked(week(FRIDAY, 40.0)))
    assert min(seen) == date(2023, 3, 9)
    assert seen[date(2023, 3, 9)]["frgn_net_kjpy"] == 40.0
    assert seen[date(2023, 3, 9)]["age_sessions"] == 0.0


def test_a_week_published_at_the_hour_of_decision_is_too_late_for_it():
    late = week(FRIDAY, 40.0) | {"available_at": pl.select(cutoff_at(pl.lit(date(2023, 3, 9)), CUTOFF)).item()}
    assert min(market(asked(late))) == date(2023, 3, 10)


def test_fifteen_sessions_after_its_publication_a_week_says_nothing_more():
    seen = market(asked(week(FRIDAY, 40.0)))
    last = tse_calendar().shift(date(2023, 3, 9), 15)
    assert max(seen) == last
    assert seen[last]["age_sessions"] == 15.0


def test_a_correction_replaces_its_week_from_its_own_publication_on_and_makes_nothing_younger():
    rows = [week(FRIDAY + timedelta(days=7 * i), 10.0 * (i + 1)) for i in range(5)]
    fixed = week(FRIDAY + timedelta(days=7), 500.0, published_date=date(2023, 4, 10))
    seen = market(asked(*rows, fixed))
    assert seen[date(2023, 4, 7)]["frgn_net_4r_kjpy"] == 20.0 + 30.0 + 40.0 + 50.0
    assert seen[date(2023, 4, 10)]["frgn_net_4r_kjpy"] == 500.0 + 30.0 + 40.0 + 50.0
    assert seen[date(2023, 4, 10)]["frgn_net_kjpy"] == 50.0
    assert [seen[day]["age_sessions"] for day in (date(2023, 4, 7), date(2023, 4, 10))] == [1.0, 2.0]


def test_a_correction_of_the_newest_week_is_the_newest_week():
    fixed = week(FRIDAY, -7.0, published_date=date(2023, 3, 13))
    seen = market(asked(week(FRIDAY, 40.0), fixed))
    values = [seen[date(2023, 3, day)]["frgn_net_kjpy"] for day in (10, 13, 14)]
    assert values == [40.0, -7.0, -7.0]
    assert seen[date(2023, 3, 13)]["age_sessions"] == 2.0


def test_a_week_that_arrives_after_a_newer_one_takes_its_place_behind_it():
    rows = [week(FRIDAY + timedelta(days=7 * i), 10.0 * (i + 1)) for i in range(5)]
    rows[2]["published_date"] = date(2023, 4, 11)
    seen = market(asked(*rows))
    assert seen[date(2023, 4, 10)]["frgn_net_4r_kjpy"] == 10.0 + 20.0 + 40.0 + 50.0
    assert seen[date(2023, 4, 11)]["frgn_net_4r_kjpy"] == 20.0 + 30.0 + 40.0 + 50.0
    assert seen[date(2023, 4, 11)]["frgn_net_kjpy"] == 50.0


@pytest.mark.parametrize(
    ("balances", "streak"),
    [([5.0], 1.0), ([5.0, 3.0, 1.0], 3.0), ([5.0, -3.0, -1.0], -2.0), ([5.0, 0.0], 0.0), ([0.0, -4.0], -1.0)],
    ids=["one week", "three bought", "two sold", "even", "sold after even"],
)
def test_the_streak_counts_weeks_on_the_side_of_the_newest(balances, streak):
    rows = [week(FRIDAY + timedelta(days=7 * i), value) for i, value in enumerate(balances)]
    seen = market(asked(*rows))
    assert seen[date(2023, 3, 9) + timedelta(days=7 * (len(rows) - 1))]["frgn_streak_releases"] == streak


def test_three_weeks_have_no_month_and_twenty_five_no_year():
    seen = market(asked(*weeks(26)))
    third, fourth = date(2023, 3, 23), date(2023, 3, 30)
    assert seen[third]["frgn_net_4r_kjpy"] is None and seen[third]["total_4r_kjpy"] is None
    assert seen[fourth]["total_4r_kjpy"] is not None
    half = date(2023, 3, 9) + timedelta(days=7 * 25)
    assert seen[half - timedelta(days=1)]["frgn_share_sd_52r"] is None
    assert seen[half]["frgn_share_sd_52r"] is not None


def naive_year(table: pl.DataFrame, day: date, name: str) -> np.ndarray:
    """Net shares of every week in its newest version known at a session's cut-off, oldest first."""
    newest: dict[date, tuple[date, float]] = {}
    for row in table.filter(pl.col("available_at") < cutoff_at(pl.lit(day), CUTOFF)).iter_rows(named=True):
        share = row[f"{name}_balance_kjpy"] / row["total_total_kjpy"]
        newest[row["week_end_date"]] = max(
            newest.get(row["week_end_date"], (date.min, 0.0)), (row["published_date"], share)
        )
    return np.array([newest[friday][1] for friday in sorted(newest)])


def test_the_year_is_the_last_52_weeks_each_in_the_version_known_then():
    rows = weeks(70)
    fixed = [
        week(FRIDAY + timedelta(days=7 * at), 900.0, published_date=FRIDAY + timedelta(days=7 * late + 3))
        for at, late in ((30, 40), (55, 57), (5, 60))
    ]
    known = asked(*rows, *fixed)
    seen = market(known)
    for at in (30, 41, 56, 57, 58, 61, 69):
        day = FRIDAY + timedelta(days=7 * at + 6)
        read = seen[tse_calendar().on_or_after(day)]
        shares = {name: naive_year(known.tables["investor_types"], day, name) for name in flow.CLASSES.values()}
        for short, name in (("frgn", "foreigners"), ("ind", "individuals")):
            year = shares[name][-52:]
            assert read[f"{short}_share_mean_52r"] == pytest.approx(year.mean(), rel=1e-12)
            assert read[f"{short}_share_sd_52r"] == pytest.approx(year.std(ddof=1), rel=1e-12)
        z = [
            sum(
                sign * (past[-1] - past[-52:].mean()) / past[-52:].std(ddof=1)
                for sign, past in ((1, shares["foreigners"][:end]), (-1, shares["individuals"][:end]))
            )
            for end in range(len(shares["foreigners"]) - 3, len(shares["foreigners"]) + 1)
        ]
        assert read["smart_z_mean_4r"] == (pytest.approx(np.mean(z), rel=1e-12) if at >= 28 else None)


def test_a_range_that_begins_later_says_the_same():
    known = asked(*weeks(70))
    later = asked(*weeks(70), sessions=SESSIONS[300:])
    whole = flow.STATE.frame(known).filter(pl.col("session") >= SESSIONS[300])
    assert whole.equals(flow.STATE.frame(later))
    assert whole.height > 30


@pytest.mark.parametrize("cut", [SESSIONS[60], SESSIONS[215], SESSIONS[300]])
def test_weeks_not_known_by_a_session_change_no_bit_of_it(cut):
    fixed = [
        week(FRIDAY + timedelta(days=7 * at), 900.0, published_date=FRIDAY + timedelta(days=7 * at + 40))
        for at in (3, 37, 52)
    ]
    law_of_truncation(flow.STATE, asked(*weeks(70), *fixed), "investor_types", cut)


def universe(markets: dict[str, str], sessions: list[date]) -> pl.DataFrame:
    rows = [{"session": day, "code": code, "market_code": kind} for day in sessions for code, kind in markets.items()]
    return pl.DataFrame(rows)


def test_each_stock_reads_the_section_it_is_listed_in():
    sections = {"TSEPrime": 1.0, "TSEStandard": 2.0, "TSEGrowth": 3.0, "TokyoNagoya": 9.0}
    rows = [week(FRIDAY, value, section=section) for section, value in sections.items()]
    listed = universe({"10000": "0111", "20000": "0112", "30000": "0113", "40000": "0109"}, SESSIONS[:20])
    frame = flow_section.STATE.frame(asked(*rows, universe=listed))
    found = frame.filter(pl.col("session") == date(2023, 3, 9)).sort("code")
    assert found["code"].to_list() == ["10000", "20000", "30000"]
    assert found["frgn_net_kjpy"].to_list() == [1.0, 2.0, 3.0]
    assert frame["session"].min() == date(2023, 3, 9)


def test_before_2022_the_old_sections_answer_and_jasdaq_is_one():
    friday = date(2021, 3, 5)
    sessions = tse_calendar().between(date(2021, 3, 8), date(2021, 3, 19))
    old = {"TSE1st": 1.0, "TSE2nd": 2.0, "TSEMothers": 3.0, "TSEJASDAQ": 4.0}
    rows = [week(friday, value, section=section) for section, value in old.items()]
    listed = universe({"1": "0101", "2": "0102", "3": "0104", "4": "0106", "5": "0107"}, sessions)
    frame = flow_section.STATE.frame(asked(*rows, sessions=sessions, universe=listed))
    found = frame.filter(pl.col("session") == sessions[-1]).sort("code")
    assert found["frgn_net_kjpy"].to_list() == [1.0, 2.0, 3.0, 4.0, 4.0]


def test_a_new_section_borrows_nothing_from_the_old_one():
    sessions = tse_calendar().between(date(2022, 3, 28), date(2022, 4, 15))
    rows = [week(date(2022, 3, 25), 1.0, section="TSE1st"), week(date(2022, 4, 1), 2.0, section="TSE1st")]
    rows.append(week(date(2022, 4, 8), 3.0, section="TSEPrime"))
    kinds = [{"10000": "0101"} if day < date(2022, 4, 4) else {"10000": "0111"} for day in sessions]
    listed = pl.concat([universe(kind, [day]) for kind, day in zip(kinds, sessions, strict=True)])
    frame = flow_section.STATE.frame(asked(*rows, sessions=sessions, universe=listed))
    seen = dict(frame.select("session", "frgn_net_kjpy").iter_rows())
    assert seen == {
        **dict.fromkeys((date(2022, 3, 31), date(2022, 4, 1)), 1.0),
        **dict.fromkeys((date(2022, 4, 14), date(2022, 4, 15)), 3.0),
    }


def test_weeks_of_sections_not_known_by_a_session_change_no_bit_of_it():
    sections = ("TSEPrime", "TSEGrowth")
    rows = [week(FRIDAY + timedelta(days=7 * i), 10.0 + i, section=name) for i in range(9) for name in sections]
    rows.append(week(FRIDAY + timedelta(days=7), 99.0, section="TSEPrime", published_date=date(2023, 3, 20)))
    listed = universe({"10000": "0111", "20000": "0113"}, SESSIONS[:60])
    for cut in (SESSIONS[8], SESSIONS[12], SESSIONS[30]):
        law_of_truncation(flow_section.STATE, asked(*rows, universe=listed), "investor_types", cut)
