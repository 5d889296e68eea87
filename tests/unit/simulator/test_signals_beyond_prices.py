"""The four effects that no past price shows: realised one for one, modest, and not to be had before they are known."""

from __future__ import annotations

import numpy as np
import pytest

from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.oracle import expected_return
from gogoku_pipeline.simulator.signals import JUMP, drift

BEYOND = ("earnings", "crowding", "flow", "skew")
HORIZON = 5


def realised(market):
    """Log move open(t+1) -> open(t+1+5), NaN where an open is missing or the issue is no ordinary share."""
    opening = np.log(np.where(market.history.open > 0, market.history.open, np.nan))
    for event in market.splits:
        opening[: event.session, event.issue] += np.log(event.factor)
    result = np.full(opening.shape, np.nan)
    result[: -1 - HORIZON] = opening[1 + HORIZON :] - opening[1:-HORIZON]
    result[:, ~market.listings.is_stock] = np.nan
    return result


def expected(market):
    return np.stack(
        [
            np.where(
                market.listings.listed(place),
                expected_return(place, HORIZON, market.history, market.exposures, market.dials, market.listings),
                np.nan,
            )
            for place in range(len(market.sessions))
        ]
    )


def slope(score, label):
    seen = np.isfinite(score) & np.isfinite(label)
    days = seen.sum(axis=1) > 20
    x, y = np.where(seen, score, np.nan)[days], np.where(seen, label, np.nan)[days]
    x, y = x - np.nanmean(x, axis=1, keepdims=True), y - np.nanmean(y, axis=1, keepdims=True)
    return np.nansum(x * y) / np.nansum(x * x)


@pytest.fixture(scope="module")
def whole():
    return generate_market(MarketConfig.preset("small"))


@pytest.mark.parametrize("name", BEYOND)
def test_an_effect_alone_is_realised_one_for_one(name):
    slopes = []
    for seed in range(1, 6):
        market = generate_market(MarketConfig.preset("small", seed=seed, dials=Dials.only(name)))
        slopes.append(slope(expected(market), realised(market)))
    error = np.std(slopes, ddof=1) / np.sqrt(len(slopes))
    assert np.mean(slopes) > 4.0 * error
    assert abs(np.mean(slopes) - 1.0) < 4.0 * error


def test_together_they_are_less_than_a_third_of_the_drift(whole):
    stocks = whole.listings.is_stock

    def variance(dials):
        return np.var([drift(whole.history.facts(t), dials, whole.exposures, stocks)[stocks] for t in range(120, 500)])

    prices = {name: 0.0 for name in ("reversal", "momentum", "interaction", "graph", "lead")}
    beyond = variance(Dials(**prices))
    assert 0.03 < beyond / variance(Dials()) < 1.0 / 3.0
    for name in BEYOND:
        assert variance(Dials.only(name)) > 0.1 * beyond


def test_a_disclosure_moves_the_price_at_once_and_nothing_moves_before_it():
    """Results after the close are in the next open; the session before and the night before show nothing."""
    market = generate_market(MarketConfig.preset("small", dials=Dials.only("earnings")))
    reports, history = market.reports, market.history
    moves = np.diff(history.relative, axis=0, prepend=np.nan)
    opening, close = history.open * 1.0, history.close * 1.0
    opening[opening == 0], close[close == 0] = np.nan, np.nan
    for event in market.splits:
        opening[event.session, event.issue] = np.nan
    inside = reports.after_close & (reports.session > 0) & (reports.session < len(market.sessions) - 1)
    issue, session, surprise = reports.issue[inside], reports.session[inside], reports.surprise[inside]
    night = np.log(opening[session + 1, issue] / close[session, issue])
    before = moves[session, issue]
    known = np.isfinite(night) & np.isfinite(before)
    jump = np.polyfit(surprise[known], night[known], 1)[0]
    assert 0.85 * JUMP < jump < 1.15 * JUMP
    share = np.corrcoef(surprise[known], before[known])[0, 1]
    assert abs(share) < 4.0 / np.sqrt(known.sum())


def test_a_session_disclosure_is_priced_by_the_close():
    market = generate_market(MarketConfig.preset("small", dials=Dials.only("earnings")))
    reports = market.reports
    inside = ~reports.after_close & (reports.session > 0)
    move = np.diff(market.history.relative, axis=0, prepend=0.0)[reports.session[inside], reports.issue[inside]]
    traded = market.traded()[reports.session[inside], reports.issue[inside]]
    jump = np.polyfit(reports.surprise[inside][traded], move[traded], 1)[0]
    assert 0.8 * JUMP < jump < 1.2 * JUMP


def test_an_announced_but_unpriced_disclosure_is_no_part_of_the_score_itself(whole):
    """The jump ends before the first open that can be earned: the score changes by drifts alone."""
    reports = whole.reports
    for session in range(60, 120):
        waiting = reports.pending(session)
        score = expected_return(session, 1, whole.history, whole.exposures, whole.dials, whole.listings)
        drifts = drift(whole.history.facts(session), whole.config.dials, whole.exposures, whole.listings.is_stock)
        assert np.allclose(score, drifts * (1.0 - whole.exposures.idle), atol=1e-7)
        if np.abs(waiting).max() > 1.0:
            return
    raise AssertionError("no session with an open disclosure")


def test_published_crowding_is_the_crowding_of_the_application_date(whole):
    known, balances = whole.crowding_known, whole.history.background.balances
    assert known.shape == whole.history.crowding.shape and known.dtype == np.float32
    assert (known[balances < 0] == 0.0).all()
    place = 100
    assert balances[place] <= place - 2
    assert np.array_equal(known[place], whole.history.crowding[balances[place]])
    assert whole.sessions[balances[place]].isocalendar()[1] != whole.sessions[balances[place] + 1].isocalendar()[1]


def test_crowding_follows_past_relative_returns_only_in_part(whole):
    stocks = whole.listings.is_stock & (whole.listings.first == 0) & (whole.listings.last == len(whole.sessions) - 1)
    has_margin = np.array(whole.listings.margin) != "3"
    assert (whole.history.crowding[:, ~has_margin] == 0.0).all()
    stocks &= has_margin
    month = whole.history.relative[40:] - whole.history.relative[20:-20]
    share = np.corrcoef(month[:, stocks].ravel(), whole.history.crowding[40:, stocks].ravel())[0, 1]
    assert 0.3 < share < 0.75
