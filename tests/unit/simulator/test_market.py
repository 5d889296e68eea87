"""The market obeys the exchange: ticks, limits, listings, splits, the outage; and its seed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256

import numpy as np
import pytest

from gogoku_pipeline.core.codes import full_code
from gogoku_pipeline.core.errors import ConfigError, DataError
from gogoku_pipeline.core.price_rules import limit_jpy, tick_jpy
from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import generate_market

PRICES = ("open", "high", "low", "close")


def _bytes(market):
    history = market.history
    arrays = [getattr(history, name) for name in (*PRICES, "lots", "limits", "relative", "tilt", "pull", "topix")]
    return b"".join(array.tobytes() for array in arrays)


def _bases(market):
    """Base price of every session from the tape alone: last close before it, times the factor of the day."""
    close = market.history.close / 10.0
    last = np.full(close.shape[1], np.nan)
    bases = np.full(close.shape, np.nan)
    for session in range(len(close)):
        bases[session] = last * market.cumulative_factor(session - 1, session)
        last = np.where(close[session] > 0, close[session], bases[session])
    return bases


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(market):
    assert _bytes(generate_market(market.config)) == _bytes(market)
    assert _bytes(generate_market(replace(market.config, seed=8))) != _bytes(market)


def test_the_tape_without_the_effects_beyond_prices_is_the_same_on_every_machine_and_day():
    """Fingerprint of prices and lots of the tiny market, taken when the tide was written."""
    dials = Dials(earnings=0.0, crowding=0.0, flow=0.0, skew=0.0)
    history = generate_market(MarketConfig.preset("tiny", dials=dials)).history
    tape = b"".join(getattr(history, name).astype("<i4").tobytes() for name in (*PRICES, "lots"))
    assert sha256(tape).hexdigest() == "e5aff507ff69457214ad6d3bed96863cba53a92b98187e67cbc6f82c543aa4b7"


def test_sessions_are_the_exchanges_and_include_the_outage(market):
    assert market.sessions == list(tse_calendar(market.config.start).sessions[: market.config.n_sessions])
    assert OUTAGE in market.sessions


def test_a_market_longer_than_the_announced_calendar_is_refused():
    with pytest.raises(DataError, match="outside the calendar"):
        generate_market(MarketConfig(24, 60, date(2027, 10, 1)))


def test_a_market_too_small_for_its_events_and_an_unknown_size_are_refused():
    with pytest.raises(ConfigError, match="at least 24 issues"):
        MarketConfig(10, 100)
    with pytest.raises(ConfigError, match="tiny"):
        MarketConfig.preset("huge")


def test_every_price_lies_on_the_tick_grid(market):
    for name in PRICES:
        price = getattr(market.history, name) / 10.0
        tick = tick_jpy(price, is_topix500=market.listings.is_fine)
        steps = price / tick
        assert np.abs(steps - np.rint(steps)).max() < 1e-6, name


def test_no_price_lies_beyond_its_daily_limit_and_flags_say_when_it_is_reached(market):
    base, history = _bases(market), market.history
    width = limit_jpy(base)
    known = market.traded() & np.isfinite(base)
    assert (np.where(known, history.high / 10.0 - base - width, -1.0) <= 1e-6).all()
    assert (np.where(known, base - width - history.low / 10.0, -1.0) <= 1e-6).all()
    step = tick_jpy(base, is_topix500=market.listings.is_fine)
    near_top = known & (history.high / 10.0 > base + width - 0.5 * step)
    assert ((history.limits & 1)[near_top] == 1).all()
    far = known & (history.high / 10.0 < 0.9 * (base + width))
    assert ((history.limits & 1)[far] == 0).all()


def test_high_and_low_enclose_open_and_close(market):
    history = market.history
    assert (history.high >= np.maximum(history.open, history.close)).all()
    assert (history.low <= np.minimum(history.open, history.close)).all()


def test_some_issues_lock_at_the_limit_with_one_price_and_some_without_any_trade():
    market = generate_market(MarketConfig.preset("small"))
    history = market.history
    one_price = (history.limits > 0) & (history.high == history.low)
    assert one_price.sum() >= 5
    silent = ~market.traded() & (market.exposures.idle < 0.001) & market.listings.is_stock
    listed = np.stack([market.listings.listed(place) for place in range(len(market.sessions))])
    silent &= listed
    silent[market.outage] = False
    assert silent.sum() >= 5


def test_about_two_percent_of_listed_issue_sessions_have_no_trade():
    market = generate_market(MarketConfig.preset("small"))
    listed = np.stack([market.listings.listed(place) for place in range(len(market.sessions))])
    listed[market.outage] = False
    assert 0.015 < 1.0 - market.traded()[listed].mean() < 0.03


def test_nothing_trades_in_the_outage_and_the_index_repeats_its_close(market):
    place = market.outage
    assert not market.traded()[place].any()
    assert (market.history.topix[place] == market.history.topix[place - 1, 3]).all()
    assert market.traded()[place - 1].any()


def test_the_index_stays_within_its_high_and_low(market):
    topix = market.history.topix
    assert (topix[:, 1] >= topix[:, [0, 3]].max(axis=1)).all()
    assert (topix[:, 2] <= topix[:, [0, 3]].min(axis=1)).all()


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_every_market_holds_the_kinds_of_issues_that_break_pipelines(size):
    listings = generate_market(MarketConfig.preset(size)).listings
    assert "130A0" in listings.codes
    assert "13210" in listings.codes
    assert all(full_code(code) == code for code in listings.codes)
    assert list(listings.codes) == sorted(set(listings.codes))
    preferred = [code for code in listings.codes if code.endswith("5")]
    assert preferred and preferred[0][:4] + "0" in listings.codes
    funds = [place for place, product in enumerate(listings.product) if product == "014"]
    assert len(funds) >= 2 and all(listings.market_after[place] == "0109" for place in funds)
    assert (listings.first > 0).sum() >= 2 and (listings.last < listings.last.max()).sum() >= 2
    assert set(listings.market_before) <= {"0101", "0102", "0104", "0106", "0107", "0109"}
    assert set(listings.market_after) == {"0109", "0111", "0112", "0113"}


def test_there_are_splits_reverse_splits_and_an_ex_date_without_trade(market):
    factors = [event.factor for event in market.splits]
    assert min(factors) < 1.0 < max(factors)
    assert any(not market.traded()[event.session, event.issue] for event in market.splits)


def test_a_split_leaves_the_adjusted_price_continuous(market):
    base, opening = _bases(market), market.history.open / 10.0
    jumps = [
        opening[event.session, event.issue] / base[event.session, event.issue]
        for event in market.splits
        if market.traded()[event.session, event.issue]
    ]
    assert jumps and all(0.75 < jump < 1.3 for jump in jumps)


def test_an_issue_trades_only_while_it_is_listed(market):
    for place in range(len(market.sessions)):
        assert not market.traded()[place, ~market.listings.listed(place)].any()


def test_volatility_clusters_and_tails_are_fat():
    market = generate_market(MarketConfig.preset("small", dials=Dials.zero()))
    move = np.diff(market.history.relative[:, market.listings.is_stock & (market.listings.first == 0)], axis=0)
    size = np.abs(move - move.mean(axis=0))
    neighbours = [np.corrcoef(size[1:, place], size[:-1, place])[0, 1] for place in range(size.shape[1])]
    assert np.mean(neighbours) > 0.05
    scaled = (move - move.mean(axis=0)) / move.std(axis=0)
    assert np.median((scaled**4).mean(axis=0)) > 4.0


def test_relatives_move_together_with_the_sign_of_their_edge():
    market = generate_market(MarketConfig.preset("small", dials=Dials.zero()))
    move, exposures = np.diff(market.history.relative, axis=0), market.exposures
    agree = []
    for number in range(len(exposures.members)):
        members = np.flatnonzero((exposures.group == number) & (market.listings.first == 0))
        table = np.corrcoef(move[:, members], rowvar=False)
        signs = np.outer(exposures.sign[members], exposures.sign[members])
        above = np.triu_indices(len(members), 1)
        agree.extend((table * signs)[above])
    assert np.mean(agree) > 0.3 and np.mean(np.array(agree) > 0) > 0.95
