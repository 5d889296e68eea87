"""Weeks, balances and watched issues of a simulated market that crosses 2026-09-25: the planted truth is read back."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.features.staged import read_releases
from gogoku_pipeline.features.states import alert, alert_day, flow, flow_section, margin, margin_week
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.crowding import balance_places
from gogoku_pipeline.simulator.desk import ALL_BOOKS, Desk
from gogoku_pipeline.simulator.ledgers_alerts import watch
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.rules import PLANS
from gogoku_pipeline.simulator.shelf import Shelf
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
from gogoku_pipeline.tables.versions import publication_rule
from tests.unit.features.short_rows import CUTOFF
from tests.unit.tables.raw_answers import land_answer

DAY_PARAMETER = {book.path: book.day_parameter for book in ALL_BOOKS}


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=60, n_sessions=130, start=date(2026, 4, 20)))


@pytest.fixture(scope="module")
def known(market, tmp_path_factory):
    """What the staging functions are given at the end: typed tables of everything the simulator served."""
    last = market.sessions[-1]
    clock = VirtualClock(datetime(last.year, last.month, last.day, 23, tzinfo=JST) + timedelta(days=3))
    corrections = Corrections()
    desk = Desk(market, clock, Shelf(market, corrections), corrections)
    store = open_store(f"file://{tmp_path_factory.mktemp('market')}")

    def land(name, day, params):
        rows = desk.answer(SOURCES[name].path, params, PLANS["premium"]).rows.decoded()
        land_answer(store, name, day, rows, fetched_at=clock.now())

    def by_day(name):
        rule, parameter = publication_rule(TABLE_OF[name]), DAY_PARAMETER[SOURCES[name].path]
        for day in [day for session in market.sessions for day in rule.days_of(session)]:
            land(name, day, {parameter: day.isoformat()})
        return typed_sessions(store, name, market.sessions).frame

    land("investor_types", None, {})
    tables = {name: by_day(name) for name in ("margin_interest", "margin_alerts")}
    tables["investor_types"] = typed_whole(store, "investor_types").frame
    prices = stage_prices(by_day("daily_bars"), extra=("volume_factor",))
    listed = by_day("listed_issues").select("session", "code", "market_code")
    return Known(tables, prices, listed, pl.Series("session", market.sessions), CUTOFF)


def newest(state, known, market) -> np.ndarray:
    """[sessions, issues] place of the application date of the release each session reads, -1 for none."""
    frame = state.frame(known)
    places = {day: place for place, day in enumerate(market.sessions)}
    codes = np.array(sorted(frame["code"].unique()))
    ids = np.searchsorted(codes, frame["code"].to_numpy())
    size = len(market.sessions)
    bounds = np.arange(codes.size + 1) * size
    found = read_releases(
        state,
        frame,
        lambda days: np.array([places.get(day, -1) for day in days.to_list()]),
        ids,
        bounds,
        np.zeros(codes.size, np.int64),
    )
    applied = frame.sort("code", "release")["release"].replace_strict(places, return_dtype=pl.Int64).to_numpy()
    read = np.where(found.newest >= 0, applied[found.newest], -1)
    return np.asarray(read.reshape(codes.size, size).T)


def test_every_session_reads_the_balances_the_market_knew_by_then(known, market):
    truth = balance_places(market.sessions)
    read = newest(margin.STATE, known, market)
    first = int(np.argmax(truth >= 0))
    complete = (read[first:] >= 0).all(axis=0)
    assert complete.sum() > 20
    assert (read[:, complete] == truth[:, None]).all()
    assert len(set(np.diff(np.unique(truth[truth >= 0])))) > 1


def test_the_week_end_view_keeps_a_week_between_releases_through_the_change_of_regime(known):
    frame = margin_week.STATE.frame(known)
    weeks = frame["release"].unique().sort()
    monday = weeks.dt.truncate("1w")
    assert monday.n_unique() == len(weeks)
    assert set(monday.diff().drop_nulls().dt.total_days()) <= {7, 14}
    assert weeks.is_between(date(2026, 9, 25), date(2026, 12, 31)).sum() >= 3
    traded = frame.filter(pl.col("week_volume") > 0)
    assert traded.height > 0.9 * frame.height


def test_planted_crowding_is_read_back_from_balances_over_their_own_average(known, market):
    frame = margin.STATE.frame(known).filter(pl.col("long_shares") > 0)
    ids = {code: column for column, code in enumerate(market.codes)}
    places = {day: place for place, day in enumerate(market.sessions)}
    correlations = []
    for (code,), rows in frame.group_by("code"):
        if rows.height < 20 or not market.listings.is_stock[ids[str(code)]]:
            continue
        truth = market.history.crowding[[places[day] for day in rows["release"]], ids[str(code)]]
        correlations.append(np.corrcoef(np.log(rows["long_shares"].to_numpy()), truth)[0, 1])
    assert len(correlations) > 20
    assert np.median(correlations) > 0.95


def test_planted_flow_is_read_back_from_foreigners_balance_on_every_session(known, market):
    frame = flow.STATE.frame(known)
    share = frame["frgn_net_kjpy"] / frame["total_kjpy"]
    places = {day: place for place, day in enumerate(market.sessions)}
    truth = market.flows.known[[places[day] for day in frame["session"]]]
    assert frame.height > 110
    assert np.corrcoef(share.to_numpy(), truth)[0, 1] > 0.99
    assert frame["age_sessions"].max() <= 6.0
    assert set(np.sign(frame["frgn_streak_releases"].to_numpy())) == {-1.0, 1.0}
    sections = flow_section.STATE.frame(known)
    joined = sections.join(frame.select("session", "frgn_net_kjpy", "total_kjpy"), on="session")
    own, whole = (
        joined["frgn_net_kjpy"] / joined["total_kjpy"],
        joined["frgn_net_kjpy_right"] / joined["total_kjpy_right"],
    )
    assert 0.7 < np.corrcoef(own.to_numpy(), whole.to_numpy())[0, 1] < 1.0


def test_an_issue_is_active_exactly_when_it_was_watched_on_one_of_the_last_two_application_dates(known, market):
    frame = alert.STATE.frame(known)
    truth = watch(market)
    places = {day: place for place, day in enumerate(market.sessions)}
    active = {(places[day], code) for day, code in frame.select("session", "code").iter_rows()}
    first = 3
    wanted = {
        (place, code)
        for place in range(first, len(market.sessions))
        for column, code in enumerate(market.codes)
        if any(truth.watched(place - back)[column] and market.listings.listed(place - back)[column] for back in (1, 2))
    }
    assert len(wanted) > 100
    assert {key for key in active if key[0] >= first} == wanted
    assert alert_day.STATE.frame(known).height > 100
