"""Margin features against a plain recomputation from raw rows: four issues, a split, a rights issue, late rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.features import laws
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.tables.asof import cutoff_at
from tests.unit.features.company_rows import statement_rows
from tests.unit.features.margin_book import CODES, DAYS, ISSUED, RIGHTS, SPLIT, STEPS, TREASURY, Issue, drawn
from tests.unit.features.position_rows import balance, published, session_after, watched
from tests.unit.features.short_rows import bars, inputs, staged

ASKED = [session_after(date(2024, 6, 3), n) for n in range(5)] + [SPLIT, RIGHTS, date(2023, 9, 5), date(2023, 11, 1)]
NAMES = [feature.name for feature in house().features if feature.group == "margin" and not feature.is_internal]
MARGIN = [name for name in NAMES if name.startswith("mrg_")]


@pytest.fixture(scope="module")
def issues() -> dict[str, Issue]:
    return {code: drawn(code) for code in CODES}


@pytest.fixture(scope="module")
def market(issues) -> FeatureInputs:
    frames, rows, alerts = [], [], []
    for code, issue in issues.items():
        at, step, kind = STEPS.get(code, (date.max, 1.0, "1"))
        frames.append(
            bars(
                DAYS,
                code=[code] * len(DAYS),
                close_jpy=list(issue.close.values()),
                volume_shares=list(issue.volume.values()),
                adjustment_factor=[step if day == at else 1.0 for day in DAYS],
                ex_rights_type=[kind if day == at else None for day in DAYS],
            )
        )
        rows += [balance(day, issue.long[day], issue.short[day], code=code) for day in issue.weeks]
    for i in range(180, 380):
        held = issues["10000"].brought(1e5 * (1 + i % 7), DAYS[0], DAYS[i])
        alerts.append(watched(DAYS[i], held, held / 4, code="10000", regulation_class=f"00{1 + i % 5}"))
        if i % 40 < 12:
            alerts.append(watched(DAYS[i], 500.0 + i, 400.0, code="30000", is_restricted=i % 2 == 0))
    documents = statement_rows(
        *(
            {
                "code": code,
                "disclosed_date": day,
                "disclosed_time": time(15, 0),
                "document_type": "FYFinancialStatements_Consolidated_JP",
                "fiscal_year_start_date": DAYS[0],
                "fiscal_year_end_date": date(2024, 10, 31),
                "period_end_date": DAYS[0],
                "issued_shares": shares,
                "treasury_shares": TREASURY,
            }
            for code, shares in ISSUED.items()
            for day in (DAYS[1], DAYS[200])
        )
    )
    tables = {
        "margin_interest": published("margin_interest", rows),
        "margin_alerts": published("margin_alerts", alerts),
    }
    return inputs(staged(*frames), statements=documents, **tables)


@pytest.fixture(scope="module")
def values(market) -> pl.DataFrame:
    return compute(NAMES, market, start=DAYS[0], end=DAYS[-1])


def found(values: pl.DataFrame, name: str, t: date, code: str = "10000") -> float | None:
    return values.filter((pl.col("session") == t) & (pl.col("code") == code))[name].item()


OWN = [name for name in MARGIN if name not in ("mrg_rel_sec33", "mrg_mkt_long_chg_4w")]


@pytest.mark.parametrize("name", OWN)
def test_a_feature_is_what_its_definition_makes_of_the_raw_rows(values, issues, name):
    for t in ASKED:
        for code, issue in issues.items():
            assert found(values, name, t, code) == pytest.approx(getattr(issue, name)(t), rel=3e-6, abs=1e-7)


def test_credit_beyond_the_sector_is_measured_against_the_other_issues(values, issues):
    for t in ASKED:
        own = {code: issue.mrg_long_ratio(t) for code, issue in issues.items()}
        for code in CODES:
            peers = np.mean([own[other] for other in CODES if other != code])
            assert found(values, "mrg_rel_sec33", t, code) == pytest.approx(own[code] - peers, rel=3e-6, abs=1e-7)


def test_the_markets_credit_is_yen_of_all_over_yen_of_all(values, issues):
    for t in ASKED:
        gained = sum(issue.mrg_long_chg_4w(t) * issue.shares(t) * issue.close[t] for issue in issues.values())
        worth = sum(issue.worth(t) for issue in issues.values())
        assert found(values, "mrg_mkt_long_chg_4w", t) == pytest.approx(gained / worth, rel=3e-6)


def test_a_year_begins_to_mean_something_with_its_26th_week_and_a_cost_with_its_13th(values, issues):
    for name, first in (("mrg_long_z52", 26), ("mrg_long_pnl_26w", 13), ("mrg_long_chg_13w", 14)):
        told = session_after(issues["30000"].weeks[first - 1], 2)
        seen = values.filter((pl.col("code") == "30000") & pl.col(name).is_not_null())["session"].min()
        assert seen == told


def test_flags_of_an_issue_not_on_the_list_are_zero_and_its_balances_null(values):
    t = DAYS[300]
    flags = [
        found(values, name, t, "20000") for name in ("alert_active_flag", "alert_class_code", "alert_restricted_flag")
    ]
    assert flags == [0.0, 0.0, 0.0]
    assert [found(values, name, t, "20000") for name in ("alert_age_sessions", "alert_imbalance")] == [None, None]
    assert found(values, "alert_active_flag", DAYS[100], "20000") is None


def test_features_of_a_watched_issue_are_those_of_its_newest_row(values, issues):
    for i in (200, 230, 300):
        t, held = DAYS[i], 1e5 * (1 + (i - 1) % 7)
        assert found(values, "alert_active_flag", t) == 1.0
        assert found(values, "alert_class_code", t) == 1 + (i - 1) % 5
        assert found(values, "alert_age_sessions", t) == i - 181
        assert found(values, "alert_imbalance", t) == pytest.approx(0.6)
        week = 1e5 * ((1 + (i - 1) % 7) - (1 + (i - 6) % 7)) / (ISSUED["10000"] - TREASURY)
        assert found(values, "alert_long_chg_5d", t) == pytest.approx(week, rel=1e-5)
        assert held > 0
    assert found(values, "alert_restricted_flag", DAYS[203], "30000") == 1.0
    assert found(values, "alert_restricted_flag", DAYS[204], "30000") == 0.0


def test_an_issue_without_a_new_balance_for_fifteen_sessions_has_none(issues, market):
    last = issues["10000"].weeks[60]
    rows = market.tables["margin_interest"].filter(pl.col("application_date") <= last)
    cut = FeatureInputs(market.prices, market.universe, market.topix, tables={**market.tables, "margin_interest": rows})
    frame = compute(["mrg_imbalance", "mrg_age_sessions"], cut, start=DAYS[0], end=DAYS[-1])
    alive = frame.filter((pl.col("code") == "10000") & pl.col("mrg_imbalance").is_not_null())
    assert alive["session"].max() == session_after(last, 2 + 15)
    aged = frame.filter((pl.col("code") == "10000") & pl.col("mrg_age_sessions").is_not_null())
    assert aged["session"].max() == session_after(last, 15)
    assert aged["mrg_age_sessions"].max() == 15.0


def rows_until(market: FeatureInputs, t: date, since: date = DAYS[0]) -> FeatureInputs:
    """What was known at the hour of decision of a session, with prices from another one on."""
    unknown = pl.col("available_at") >= cutoff_at(pl.lit(t), market.cutoff)
    tables = {name: rows.filter(~unknown) for name, rows in market.tables.items()}
    prices = market.prices.filter(pl.col("session").is_between(since, t))
    factors = factor_events_of(market.prices)
    return replace(market.until(t), prices=prices, tables=tables, factors=factors)


def factor_events_of(prices: pl.DataFrame) -> pl.DataFrame:
    """The steps of the factors, as `tables.prices.factor_events` tells them."""
    steps = [(pl.col(name) / pl.col(name).shift(1).over("code")).fill_null(1.0) for name in ("factor", "volume_factor")]
    rows = prices.sort("code", "session").with_columns(factor=steps[0], volume_factor=steps[1])
    is_first = pl.col("session") == pl.col("session").min().over("code")
    return rows.filter((pl.col("factor") != 1.0) | is_first).select("session", "code", "factor", "volume_factor")


@pytest.mark.parametrize("cut", [DAYS[150], DAYS[290], DAYS[375]])
def test_rows_not_known_by_a_session_change_no_bit(market, values, cut):
    gone = compute(NAMES, rows_until(market, cut), start=DAYS[0], end=cut)
    assert laws.compare("truncation", NAMES, values.filter(pl.col("session") <= cut), gone) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_range_with_its_declared_warm_up_equals_the_whole_to_the_bit(market, values, name):
    start = DAYS[385]
    warmup = warmup_sessions([name])
    assert warmup is not None
    part = rows_until(market, DAYS[-1], since=DAYS[385 - warmup])
    chunk = compute([name], part, start=start, end=DAYS[-1])
    assert laws.compare("chunks", [name], values.filter(pl.col("session") >= start), chunk) == []


def test_nulls_are_exactly_the_ones_the_inputs_owe(market):
    assert laws.budget_of_nulls(house(), NAMES, market) == []


def test_values_stay_inside_their_declared_bounds(market):
    assert laws.bounds(house(), NAMES, market) == []
