"""An edge that dies on a date and comes back on another: prices, oracle and truth all know the same turns."""

from dataclasses import replace

import numpy as np
import pytest

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.oracle import expected_return
from gogoku_pipeline.simulator.truth import truth_text

DEAD, BACK, SESSIONS = 120, 220, 300
LOUD = replace(Dials.only("reversal"), reversal=4.0)
STEADY = MarketConfig(100, SESSIONS, seed=3, dials=LOUD)
DAYS = tse_calendar(STEADY.start).sessions[:SESSIONS]
TURNS = ((DAYS[DEAD], Dials.zero()), (DAYS[BACK], LOUD))


@pytest.fixture(scope="module")
def turning():
    return generate_market(replace(STEADY, turns=TURNS))


@pytest.fixture(scope="module")
def steady():
    return generate_market(STEADY)


def expected(market, dials):
    """Expected return of one session by a law, shape [sessions, issues]."""
    rows = [
        expected_return(place, 1, market.history, market.exposures, dials, market.listings) for place in range(SESSIONS)
    ]
    return np.stack(rows)


def realised(market):
    """log open(t+2) / open(t+1), splits taken out, NaN where an open is missing or the issue is no ordinary share."""
    opening = market.history.open / 10.0
    opening[opening == 0] = np.nan
    for event in market.splits:
        opening[: event.session, event.issue] *= event.factor
    moves = np.full(opening.shape, np.nan)
    moves[:-2] = np.log(opening[2:] / opening[1:-1])
    moves[:, ~market.listings.is_stock] = np.nan
    return moves


def slope(score, moves):
    """Regression of realised moves on scores within days, and its standard error."""
    days = np.isfinite(moves).any(axis=1)
    y = moves[days] - np.nanmean(moves[days], axis=1, keepdims=True)
    known = np.where(np.isfinite(y), score[days], np.nan)
    x = known - np.nanmean(known, axis=1, keepdims=True)
    top, bottom = np.nansum(x * y, axis=1), np.nansum(x * x, axis=1)
    found = top.sum() / bottom.sum()
    return found, np.sqrt(np.sum((top - found * bottom) ** 2)) / bottom.sum()


def test_up_to_a_turn_a_market_is_what_it_would_be_without(turning, steady):
    for name in ("open", "close", "lots", "relative"):
        assert np.array_equal(getattr(turning.history, name)[: DEAD + 1], getattr(steady.history, name)[: DEAD + 1])
    assert not np.array_equal(turning.history.close, steady.history.close)


def test_a_turn_to_the_same_dials_changes_no_byte(steady):
    same = generate_market(replace(STEADY, turns=((DAYS[DEAD], LOUD),)))
    assert all(
        np.array_equal(getattr(same.history, name), getattr(steady.history, name)) for name in vars(steady.history)
        if isinstance(getattr(steady.history, name), np.ndarray)
    )  # fmt: skip


def test_the_oracle_expects_nothing_while_the_edge_is_dead(turning):
    score = expected(turning, turning.dials)
    assert np.abs(score[DEAD:BACK]).max() == 0.0
    assert (np.abs(score[5:DEAD]).max(axis=1) > 0.0).all() and (np.abs(score[BACK:]).max(axis=1) > 0.0).all()


def test_a_week_that_spans_a_turn_expects_only_the_drifts_still_alive(turning):
    before = expected_return(DEAD - 1, 5, turning.history, turning.exposures, turning.dials, turning.listings)
    alone = expected_return(DEAD - 1, 1, turning.history, turning.exposures, turning.dials, turning.listings)
    assert np.array_equal(before, alone) and np.abs(before).max() > 0.0


def test_what_the_old_law_promises_is_realised_while_it_lives_and_not_while_it_is_dead(turning):
    promised, moves = expected(turning, (LOUD,) * SESSIONS), realised(turning)
    for first, last, want in ((5, DEAD, 1.0), (DEAD, BACK, 0.0), (BACK, SESSIONS - 2, 1.0)):
        found, error = slope(promised[first:last], moves[first:last])
        assert abs(found - want) < 4.0 * error < 0.6, (first, found, error)


def test_the_truth_names_every_turn(turning, steady):
    document = turning.truth_document()
    assert [turn["from"] for turn in document["turns"]] == [DAYS[DEAD].isoformat(), DAYS[BACK].isoformat()]
    text = truth_text(document)
    assert f"From {DAYS[DEAD]}: reversal 0, overall 0" in text
    assert f"From {DAYS[BACK]}: the dials as they were at first" in text
    assert steady.truth_document()["turns"] == []


@pytest.mark.parametrize("order", [(1, 0), (0, 0)])
def test_turns_out_of_order_are_refused(order):
    with pytest.raises(ConfigError, match="strictly ascending"):
        MarketConfig(turns=tuple((DAYS[place], LOUD) for place in order))
