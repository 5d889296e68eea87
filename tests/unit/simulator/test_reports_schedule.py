"""Disclosures come when Japanese companies disclose, and are known when the publisher's rules say so."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.listings import make_listings
from gogoku_pipeline.simulator.reports import DRIFT_DECAY, make_reports


@pytest.fixture(scope="module")
def schedule():
    """(sessions, listings, reports) over the change of the closing hour."""
    config = MarketConfig(300, 900, date(2022, 6, 1), seed=3)
    sessions = list(tse_calendar(config.start).sessions[:900])
    listings = make_listings(config)
    return sessions, listings, make_reports(3, sessions, listings)


def test_the_same_seed_gives_the_same_disclosures(schedule):
    sessions, listings, reports = schedule
    again = make_reports(3, sessions, listings)
    assert again.drifting.tobytes() == reports.drifting.tobytes()
    assert again.surprise.tobytes() == reports.surprise.tobytes()
    assert make_reports(4, sessions, listings).surprise.tobytes() != reports.surprise.tobytes()


def test_disclosures_are_sorted_and_belong_to_listed_ordinary_shares(schedule):
    _, listings, reports = schedule
    order = np.lexsort((reports.issue, reports.session))
    assert np.array_equal(order, np.arange(len(reports)))
    assert listings.is_stock[reports.issue].all()
    assert (listings.first[reports.issue] <= reports.session).all()
    assert (reports.session <= listings.last[reports.issue]).all()


def test_results_follow_their_period_within_two_months(schedule):
    sessions, _, reports = schedule
    days = np.array(sessions, dtype="datetime64[D]")[reports.session]
    lag = (days - reports.period_end).astype(int)[~reports.is_revision]
    assert lag.min() >= 24 and lag.max() <= 66
    assert 30 < np.median(lag) < 45


def test_fiscal_years_end_mostly_in_march_and_quarters_count_towards_them(schedule):
    _, _, reports = schedule
    month = reports.fiscal_year_end.astype("datetime64[M]").astype(int) % 12 + 1
    assert 0.5 < (month == 3).mean() < 0.8 and len(set(month.tolist())) >= 5
    ahead = (reports.fiscal_year_end.astype("datetime64[M]") - reports.period_end.astype("datetime64[M]")).astype(int)
    assert np.array_equal(ahead, 3 * (3 - reports.quarter))


def test_every_company_reports_each_quarter_once(schedule):
    _, _, reports = schedule
    results = ~reports.is_revision
    keys = set(zip(reports.issue[results].tolist(), reports.period_end[results].tolist(), strict=True))
    assert len(keys) == results.sum()


def test_hours_cover_the_session_the_close_the_evening_and_none_at_all(schedule):
    sessions, _, reports = schedule
    later = np.array([sessions[place] >= date(2024, 11, 5) for place in reports.session])
    assert not (later & (reports.minute == 15 * 60)).any()
    assert (~later & (reports.minute == 15 * 60)).mean() > 0.1
    assert (reports.minute == -1).any() and (reports.minute > 17 * 60 + 30).any() and (reports.minute == 690).any()
    assert np.array_equal(reports.is_late, (reports.minute < 0) | (reports.minute > 17 * 60 + 30))
    half_past_three = reports.minute == 15 * 60 + 15
    assert (reports.after_close[half_past_three & ~later]).all()
    assert not (reports.after_close[half_past_three & later]).any()


def test_some_companies_file_several_documents_on_one_day(schedule):
    _, _, reports = schedule
    same = (np.diff(reports.session) == 0) & (np.diff(reports.issue) == 0)
    assert same.sum() > 20
    assert (reports.is_revision[1:][same]).mean() > 0.8


def test_news_is_known_the_same_evening_or_late_the_next_and_fades(schedule):
    sessions, listings, reports = schedule
    expected = np.zeros(reports.drifting.shape)
    for place in range(len(sessions)):
        if place:
            expected[place] = DRIFT_DECAY * expected[place - 1]
        fresh = (reports.session + reports.is_late) == place
        np.add.at(expected[place], reports.issue[fresh], reports.surprise[fresh])
    assert np.allclose(expected, reports.drifting, atol=1e-5)


def test_each_surprise_is_priced_exactly_once_and_waits_only_after_the_close(schedule):
    sessions, listings, reports = schedule
    total = np.zeros(len(listings.codes))
    for place in range(len(sessions)):
        night, day = reports.shocks(place)
        total += night + day
    priced = ~(reports.after_close & (reports.session == len(sessions) - 1))
    expected = np.bincount(reports.issue[priced], weights=reports.surprise[priced], minlength=len(total))
    assert np.allclose(total, expected)
    place = int(reports.session[reports.after_close & ~reports.is_late][0])
    night, _ = reports.shocks(place + 1)
    waiting = reports.pending(place)
    assert np.abs(waiting).max() > 0.0
    late = reports.is_late & (reports.session == place)
    told = np.setdiff1d(np.arange(len(total)), reports.issue[late])
    assert np.allclose(waiting[told], night[told])
