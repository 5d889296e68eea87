"""A simulated market fetched evening by evening: typed without loss, judged without error, staged like the truth."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.desk import Desk
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.rules import PLANS
from gogoku_pipeline.simulator.shelf import Shelf
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.master import build_security_master, listed_on
from gogoku_pipeline.tables.price_quality import check_adjustment, check_jumps, check_prices_consistent
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.quality import (
    check_calendar,
    check_conservation,
    check_listing_covered,
    check_rejects,
    check_schema,
    check_sessions_complete,
    check_unit_ranges,
)
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
from gogoku_pipeline.tables.universe import UNIVERSE, UniverseConfig, build_universe


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=40, n_sessions=120))


@pytest.fixture(scope="module")
def landed(market, land_into, tmp_path_factory):
    """A store into which every evening of the market was fetched, the ranges on the last one."""
    store = open_store(f"file://{tmp_path_factory.mktemp('market')}")
    clock = VirtualClock(datetime(2020, 1, 1, tzinfo=JST))
    corrections = Corrections()
    desk, plan = Desk(market, clock, Shelf(market, corrections), corrections), PLANS["premium"]
    for day in market.sessions:
        clock.advance_to(datetime(day.year, day.month, day.day, 19, tzinfo=JST))
        for source, path in (("daily_bars", "/equities/bars/daily"), ("listed_issues", "/equities/master")):
            rows = desk.answer(path, {"date": day.isoformat()}, plan).rows.decoded()
            land_into(store, source, day, rows, fetched_at=clock.now())
    for source, path in (("topix", "/indices/bars/daily/topix"), ("calendar", "/markets/calendar")):
        land_into(
            store, source, None, desk.answer(path, {}, plan).rows.decoded(), fetched_at=clock.now() + timedelta(hours=1)
        )
    return store


@pytest.fixture(scope="module")
def bars(landed, market):
    return typed_sessions(landed, "daily_bars", market.sessions)


@pytest.fixture(scope="module")
def listed(landed, market):
    return typed_sessions(landed, "listed_issues", market.sessions)


def test_every_check_passes_on_a_clean_market(landed, market, bars, listed):
    index = typed_sessions(landed, "topix", market.sessions)
    tables = {daily_bars.TABLE: bars, listed_issues.SNAPSHOT: listed, topix.TABLE: index}
    results = [check_calendar(typed_whole(landed, "calendar").frame), check_listing_covered(bars.frame, listed.frame)]
    for table, typed in tables.items():
        results += [check_schema(table, typed.frame), check_rejects(typed.counts)]
        results += [check_sessions_complete(table, typed.frame, market.sessions)]
    results += [check_unit_ranges(table, tables[table].frame) for table in (daily_bars.TABLE, topix.TABLE)]
    results += [check_conservation(table, tables[table].frame, tables[table].counts) for table in list(tables)[:2]]
    results += [check_prices_consistent(bars.frame), check_jumps(bars.frame), check_adjustment(bars.frame)]
    assert [(result.name, result.words) for result in results if not result.passed] == []
    assert index.frame.filter("is_market_halt")["session"].to_list() == [OUTAGE]


def test_a_lost_factor_and_a_tampered_price_are_found(bars):
    splits = bars.frame.filter(pl.col("adjustment_factor") != 1)
    assert splits.height > 0
    forgotten = bars.frame.with_columns(pl.lit(1.0).alias("adjustment_factor"))
    assert not check_jumps(forgotten).passed
    crossed = bars.frame.with_columns(pl.col("low_jpy").alias("high_jpy"), pl.col("high_jpy").alias("low_jpy"))
    assert not check_prices_consistent(crossed).passed


def test_staged_closes_are_the_markets_adjusted_closes_up_to_one_constant(market, bars):
    staged = stage_prices(bars.frame).filter(pl.col("close").is_not_null())
    last = len(market.sessions) - 1
    truth = pl.DataFrame(
        {
            "session": np.repeat(np.array(market.sessions, dtype="datetime64[D]"), len(market.codes)),
            "code": list(market.codes) * len(market.sessions),
            "cumulative": np.concatenate([market.cumulative_factor(s, last) for s in range(last + 1)]),
        }
    )
    both = staged.join(truth, on=["session", "code"]).with_columns(
        (pl.col("close_raw_jpy") * pl.col("cumulative") / pl.col("close")).alias("k")
    )
    spread = both.group_by("code").agg((pl.col("k").max() / pl.col("k").min() - 1).alias("spread"))
    assert spread["spread"].max() < 1e-12
    assert stage_prices(bars.frame).filter("is_market_halt")["session"].unique().to_list() == [OUTAGE]


def test_the_universe_is_ordinary_domestic_shares_and_the_master_says_who_was_listed(market, bars, listed):
    config = UniverseConfig(min_listed_sessions=20, min_median_turnover_jpy=0)
    universe = build_universe(bars.frame, listed.frame, market.sessions, config)
    assert universe.schema == UNIVERSE.polars_schema
    assert universe.height == listed.frame.height
    members = universe.filter("is_in_universe")
    assert members["session"].min() == market.sessions[19]
    assert members["code"].str.ends_with("0").all()
    assert set(members["market_code"].unique()) <= {"0101", "0102", "0104", "0106", "0107", "0111", "0112", "0113"}
    master = build_security_master(listed.frame)
    for session in market.sessions[:: len(market.sessions) // 5]:
        today = listed.frame.filter(pl.col("session") == session)
        shared = ["code", *(name for name in today.columns if name not in ("session", "code", "available_at"))]
        assert listed_on(master, session).select(shared).equals(today.select(shared))


def test_what_premium_adds_is_documented_and_no_news(bars, listed):
    assert bars.warnings == listed.warnings == ()
    assert bars.rejects.is_empty()
