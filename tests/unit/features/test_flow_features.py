"""Flow features against numbers counted by hand and plain recomputation from the weeks known then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.tables.asof import cutoff_at
from tests.unit.features.position_rows import CLASSES, published, week
from tests.unit.features.short_rows import bars, inputs, staged

FRIDAY = date(2023, 3, 3)
DAYS = tse_calendar().between(date(2023, 3, 1), date(2024, 7, 31))
NAMES = [feature.name for feature in house().features if feature.group == "flows" and not feature.is_internal]
MARKETS = {"10000": "0111", "20000": "0113", "30000": "0109"}


def market(*rows: dict) -> FeatureInputs:
    prices = staged(*(bars(DAYS, code=[code] * len(DAYS)) for code in MARKETS))
    made = inputs(prices, investor_types=published("investor_types", rows))
    return replace(
        made, universe=made.universe.with_columns(pl.col("code").replace_strict(MARKETS).alias("market_code"))
    )


def weeks(n: int, *, section: str = "TokyoNagoya") -> list[dict]:
    rng = stream(4, "weeks", section)
    made = []
    for i in range(n):
        drawn = dict(zip((f"{name}_balance_kjpy" for name in CLASSES), rng.normal(0, 90, len(CLASSES)), strict=True))
        made.append(week(FRIDAY + timedelta(days=7 * i), 0.0, rng.uniform(900, 1100), section=section) | drawn)
    return made


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return [*weeks(70), *weeks(70, section="TSEPrime"), *weeks(40, section="TSEGrowth")]


@pytest.fixture(scope="module")
def long_market(rows) -> FeatureInputs:
    fixed = rows[50] | {
        "foreigners_balance_kjpy": 700.0,
        "published_date": date(2024, 3, 12),
        "session": date(2024, 3, 12),
    }
    return market(*rows, fixed)


@pytest.fixture(scope="module")
def values(long_market) -> pl.DataFrame:
    return compute(NAMES, long_market, start=DAYS[0], end=DAYS[-1])


def test_a_week_by_hand():
    told = {"individuals": -30.0, "trust_banks": 5.0, "investment_trusts": 0.0, "business_companies": 2.0}
    sides = {f"{name}_balance_kjpy": value for name, value in (*told.items(), ("insurance_companies", -1.0))}
    found = compute(NAMES, market(week(FRIDAY, 40.0, 800.0) | sides), start=DAYS[0], end=DAYS[30])
    seen = found.filter((pl.col("session") == date(2023, 3, 13)) & (pl.col("code") == "10000")).row(0, named=True)
    assert {name: seen[name] for name in NAMES} == {
        "flow_frgn_net_share": pytest.approx(0.05),
        "flow_ind_net_share": pytest.approx(-0.0375),
        "flow_trstbnk_net_share": pytest.approx(0.00625),
        "flow_invtr_net_share": 0.0,
        "flow_busco_net_share": pytest.approx(0.0025),
        "flow_breadth_pos": 0.5,
        "flow_frgn_streak_releases": 1.0,
        "flow_age_sessions": 2.0,
        **dict.fromkeys(("flow_frgn_net_share_4r", "flow_ind_net_share_4r", "flow_smart_z", "flow_smart_mom4_z")),
        "flow_section_frgn_net_share": None,
    }


def known_weeks(market: FeatureInputs, t: date, section: str = "TokyoNagoya") -> pl.DataFrame:
    """The newest version of every week known at a session, oldest week first."""
    table = market.tables["investor_types"].filter(pl.col("section") == section)
    known = table.filter(pl.col("available_at") < cutoff_at(pl.lit(t), market.cutoff)).sort("published_date")
    return known.unique("week_end_date", keep="last").sort("week_end_date")


def smart(past: pl.DataFrame) -> float:
    z = []
    for name in ("foreigners", "individuals"):
        share = (past[f"{name}_balance_kjpy"] / past["total_total_kjpy"]).to_numpy()[-52:]
        z.append((share[-1] - share.mean()) / share.std(ddof=1))
    return z[0] - z[1]


@pytest.mark.parametrize("t", [date(2023, 10, 5), date(2024, 3, 11), date(2024, 3, 12), date(2024, 6, 28)], ids=str)
def test_features_are_what_the_weeks_known_then_make_of_them(long_market, values, t):
    past = known_weeks(long_market, t)
    seen = values.filter((pl.col("session") == t) & (pl.col("code") == "20000")).row(0, named=True)
    month = past.tail(4)
    assert seen["flow_frgn_net_share_4r"] == pytest.approx(
        month["foreigners_balance_kjpy"].sum() / month["total_total_kjpy"].sum(), rel=1e-5
    )
    z = [smart(past.head(past.height - back)) for back in range(4)]
    assert seen["flow_smart_z"] == pytest.approx(z[0], rel=1e-5)
    assert seen["flow_smart_mom4_z"] == pytest.approx(z[0] - np.mean(z), rel=1e-4, abs=1e-6)
    sides = [past[f"{name}_balance_kjpy"][-1] > 0 for name in CLASSES]
    assert seen["flow_breadth_pos"] == pytest.approx(np.mean(sides))


def test_a_stock_reads_its_own_section_until_that_expires_and_a_fund_reads_none(long_market, values):
    t = date(2023, 11, 30)
    for code, section in (("10000", "TSEPrime"), ("20000", "TSEGrowth")):
        newest = known_weeks(long_market, t, section)
        share = newest["foreigners_balance_kjpy"][-1] / newest["total_total_kjpy"][-1]
        found = values.filter((pl.col("session") == t) & (pl.col("code") == code))
        assert found["flow_section_frgn_net_share"].item() == pytest.approx(share, rel=1e-6)
    last = (
        values.filter(pl.col("flow_section_frgn_net_share").is_not_null()).group_by("code").agg(pl.col("session").max())
    )
    ends = dict(last.iter_rows())
    assert set(ends) == {"10000", "20000"}
    assert ends["20000"] == tse_calendar().shift(FRIDAY + timedelta(days=7 * 39 + 6), 15)


@pytest.mark.parametrize("cut", [DAYS[100], DAYS[252], DAYS[300]])
def test_rows_not_known_by_a_session_change_no_bit(long_market, values, cut):
    known = pl.col("available_at") < cutoff_at(pl.lit(cut), long_market.cutoff)
    tables = {name: table.filter(known) for name, table in long_market.tables.items()}
    gone = compute(NAMES, replace(long_market.until(cut), tables=tables), start=DAYS[0], end=cut)
    assert laws.compare("truncation", NAMES, values.filter(pl.col("session") <= cut), gone) == []


def test_a_range_without_any_prices_before_it_equals_the_whole_to_the_bit(long_market, values):
    start = DAYS[300]
    assert warmup_sessions([name for name in NAMES if name != "flow_frgn_streak_releases"]) == 0
    later = pl.col("session") >= start
    part = replace(
        long_market,
        prices=long_market.prices.filter(later),
        universe=long_market.universe.filter(later),
        topix=long_market.topix.filter(later),
    )
    chunk = compute(NAMES, part, start=start, end=DAYS[-1])
    assert laws.compare("chunks", NAMES, values.filter(later), chunk) == []


def test_nulls_are_exactly_the_ones_the_inputs_owe(long_market):
    assert laws.budget_of_nulls(house(), NAMES, long_market) == []


def test_values_stay_inside_their_declared_bounds(long_market):
    assert laws.bounds(house(), NAMES, long_market) == []
