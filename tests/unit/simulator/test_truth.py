"""The planted truth: found by its oracle, by nothing better, and gone when the dials are at zero.

Labels are open(t+1) -> open(t+1+h), computed here from the tape and the split factors alone.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import t

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.oracle import expected_return
from gogoku_pipeline.simulator.truth import truth_text

FROM_PRICES = ("reversal", "momentum", "interaction", "graph", "lead")
NAMES = (*FROM_PRICES, "earnings", "crowding", "flow", "skew")
SEEDS = range(1, 7)


def labels(market, horizon):
    """ret_open, NaN where an open is missing or the issue is no ordinary share."""
    opening = market.history.open / 10.0
    opening[opening == 0] = np.nan
    for event in market.splits:
        opening[: event.session, event.issue] *= event.factor
    result = np.full(opening.shape, np.nan)
    result[: -1 - horizon] = opening[1 + horizon :] / opening[1:-horizon] - 1.0
    result[:, ~market.listings.is_stock] = np.nan
    return result


def scores(market, horizon, dials=None):
    """The oracle's scores [sessions, issues], for other dials if asked, NaN where not listed."""
    used = market.dials if dials is None else (dials,) * len(market.sessions)
    rows = [
        np.where(
            market.listings.listed(place),
            expected_return(place, horizon, market.history, market.exposures, used, market.listings),
            np.nan,
        )
        for place in range(len(market.sessions))
    ]
    return np.stack(rows)


def daily_rank_ic(score, label):
    """RankIC per day; ties are broken at random, which costs nothing and favours no code."""
    both = np.isfinite(score) & np.isfinite(label)
    days = both.sum(axis=1) > 20
    jitter = np.random.default_rng(0).random(score.shape) * 1e-9
    ranks = []
    for values in (score + jitter, label):
        place = np.where(both, values, np.nan)[days].argsort(axis=1).argsort(axis=1).astype(float)
        place[~both[days]] = np.nan
        ranks.append(place - np.nanmean(place, axis=1, keepdims=True))
    x, y = ranks
    told = np.ptp(np.where(both, score, 0.0)[days], axis=1) > 0
    return (np.nansum(x * y, axis=1) / np.sqrt(np.nansum(x * x, axis=1) * np.nansum(y * y, axis=1)))[told]


def slope(score, label):
    """Regression of realised log returns on scores, within days."""
    seen = np.isfinite(score) & np.isfinite(label)
    x, y = np.where(seen, score, np.nan), np.where(seen, np.log1p(label), np.nan)
    days = seen.sum(axis=1) > 20
    x, y = x[days], y[days]
    x, y = x - np.nanmean(x, axis=1, keepdims=True), y - np.nanmean(y, axis=1, keepdims=True)
    return np.nansum(x * y) / np.nansum(x * x)


@pytest.fixture(scope="module")
def markets():
    return [generate_market(MarketConfig.preset("small", seed=seed)) for seed in SEEDS]


@pytest.fixture(scope="module")
def labelled(markets):
    """(market, weekly labels, weekly oracle) per seed."""
    return [(market, labels(market, 5), scores(market, 5)) for market in markets]


def test_the_oracles_rank_ic_over_a_week_lies_in_the_documented_band(labelled):
    means = [daily_rank_ic(oracle, label).mean() for _, label, oracle in labelled]
    assert 0.12 < np.mean(means) < 0.18
    assert min(means) > 0.10


def test_expected_returns_are_realised_one_for_one(labelled):
    slopes = np.array([slope(oracle, label) for _, label, oracle in labelled])
    error = slopes.std(ddof=1) / np.sqrt(len(slopes))
    assert abs(slopes.mean() - 1.0) < 4.0 * error < 0.25


@pytest.mark.parametrize("name", NAMES)
def test_no_dial_alone_nor_the_oracle_without_it_nor_with_twice_of_it_beats_the_oracle(labelled, name):
    rivals = (
        lambda dials: Dials.only(name),
        lambda dials: replace(dials, **{name: 0.0}),
        lambda dials: replace(dials, **{name: 2.5}),
    )
    for rival in rivals:
        gains = [
            daily_rank_ic(oracle, label).mean()
            - daily_rank_ic(scores(market, 5, rival(market.config.dials)), label).mean()
            for market, label, oracle in labelled[:3]
        ]
        assert np.mean(gains) > 0.0


def test_noise_added_to_the_oracle_makes_it_worse(labelled):
    _, label, score = labelled[0]
    noise = np.random.default_rng(0).standard_normal(score.shape) * np.nanstd(score)
    noisy = [daily_rank_ic(score + share * noise, label).mean() for share in (0.0, 0.5, 1.0, 2.0)]
    assert noisy == sorted(noisy, reverse=True)


@pytest.mark.parametrize("name", FROM_PRICES)
def test_each_effect_of_past_prices_can_be_found_on_its_own(name):
    market = generate_market(MarketConfig.preset("small", dials=Dials.only(name)))
    daily = daily_rank_ic(scores(market, 5), labels(market, 5))[::5]
    assert daily.mean() > 2.5 * daily.std(ddof=1) / np.sqrt(len(daily))


def _pull_without_signs(market):
    """What the relatives' volume says if every edge counts as positive, worked out from the signed pull."""
    exposures, pull = market.exposures, market.history.pull.astype(np.float64)
    blind = np.zeros(pull.shape)
    for number in range(len(exposures.members)):
        members = np.flatnonzero(exposures.group == number)
        sign, scale = exposures.sign[members], np.sqrt(len(members) - 1.0)
        others = pull[:, members] * sign * scale
        shocks = sign * (others.sum(axis=1, keepdims=True) / (len(members) - 1.0) - others)
        blind[:, members] = (shocks.sum(axis=1, keepdims=True) - shocks) / scale
    return blind


def test_the_graph_effect_needs_the_signs_of_the_edges(labelled):
    signed, unsigned = [], []
    for market, label, _ in labelled:
        week = market.history.relative - np.roll(market.history.relative, 5, axis=0)
        week[:5] = np.nan
        signed.append(daily_rank_ic(week * market.history.pull, label).mean())
        unsigned.append(daily_rank_ic(week * _pull_without_signs(market), label).mean())
    assert np.mean(signed) > 0.04
    assert np.mean(unsigned) < 0.6 * np.mean(signed)


def _public_scores(market):
    """What people try first: past returns, volatility, volume, price, limits, the pull of relatives, leaders."""
    close = market.history.close / 10.0
    close[close == 0] = np.nan
    relative = market.history.relative.astype(np.float64)
    day = np.vstack([np.full((1, relative.shape[1]), np.nan), np.diff(relative, axis=0)])
    week = relative - np.roll(relative, 5, axis=0)
    week[:5] = np.nan
    exposures = market.exposures
    lead = exposures.sign * exposures.sign[exposures.leader] * day[:, exposures.leader]
    limits = (market.history.limits == 1) * 1.0 - (market.history.limits == 2) * 1.0
    return {
        "day": -day,
        "week": -week,
        "own move": np.abs(day),
        "volume": market.history.lots * 1.0,
        "price": close,
        "limits": limits,
        "pull": week * market.history.pull,
        "tilt": week * market.history.tilt,
        "leader": lead,
        "intraday": market.history.close / np.maximum(market.history.open, 1),
    }


def test_with_all_dials_at_zero_nothing_predicts_anything():
    found: dict[tuple[str, int], list[float]] = {}
    for seed in range(40, 50):
        market = generate_market(MarketConfig.preset("small", seed=seed, dials=Dials.zero()))
        public = _public_scores(market)
        for horizon in (1, 5):
            label = labels(market, horizon)
            for name, score in public.items():
                found.setdefault((name, horizon), []).append(float(daily_rank_ic(score, label).mean()))
    wide = t.ppf(1 - 0.0005 / 2, df=9)
    for key, means in found.items():
        error = np.std(means, ddof=1) / np.sqrt(len(means))
        assert abs(np.mean(means)) < wide * error, (key, np.mean(means), error)
        assert error < 0.008, key


def test_with_all_dials_at_zero_the_oracle_expects_nothing():
    market = generate_market(MarketConfig.preset("tiny", dials=Dials.zero()))
    assert market.oracle_scores(5)["score"].abs().max() == 0.0


def test_a_decision_can_still_earn_everything_its_facts_promise():
    """What leaders did today moves followers from tomorrow's open on, not in the night before it."""
    nights, days = [], []
    for seed in SEEDS:
        market = generate_market(MarketConfig.preset("small", seed=seed, dials=Dials.only("lead")))
        opening, close = market.history.open * 1.0, market.history.close * 1.0
        opening[opening == 0], close[close == 0] = np.nan, np.nan
        leader = _public_scores(market)["leader"]
        leader[:, market.exposures.leader == np.arange(len(market.codes))] = np.nan
        for event in market.splits:
            close[event.session - 1, event.issue] = np.nan
        nights.append(daily_rank_ic(leader[:-1], opening[1:] / close[:-1]).mean())
        days.append(daily_rank_ic(leader[:-1], close[1:] / opening[1:]).mean())
    assert np.mean(days) > 0.03
    assert abs(np.mean(nights)) < 4.0 * np.std(nights, ddof=1) / np.sqrt(len(nights))


def test_oracle_scores_cover_exactly_the_listed_issues(market):
    frame = market.oracle_scores(5)
    assert frame.schema == pl.Schema(
        {"session": pl.Date, "code": pl.String, "horizon_d": pl.Int16, "score": pl.Float64}
    )
    assert frame.equals(frame.sort("session", "code"))
    counts = frame.group_by("session", maintain_order=True).len()["len"].to_list()
    assert counts == [int(market.listings.listed(place).sum()) for place in range(len(market.sessions))]
    assert frame.filter(pl.col("code") == "13210")["score"].abs().max() == 0.0


def test_the_oracle_knows_nothing_of_later_sessions(market):
    """A market cut short in its history array gives the same scores for the sessions it has."""
    cut = 100
    history = replace(
        market.history,
        **{name: getattr(market.history, name)[:cut] for name in ("relative", "tilt", "pull", "crowding")},
    )
    for place in (30, 99):
        whole = expected_return(place, 5, market.history, market.exposures, market.dials, market.listings)
        short = expected_return(place, 5, history, market.exposures, market.dials, market.listings)
        assert np.array_equal(whole, short)


def test_horizons_beyond_the_known_part_of_momentum_are_refused(market):
    with pytest.raises(ConfigError, match="1 to 20"):
        market.oracle_scores(21)


def test_the_truth_document_is_plain_data_and_names_every_dial(market):
    document = market.truth_document()
    assert json.loads(json.dumps(document)) == document
    assert {effect["dial"] for effect in document["effects"]} == set(NAMES)
    assert all(effect["strength"] == 1.0 for effect in document["effects"])
    assert len(document["splits"]) == len(market.splits)
    text = truth_text(document)
    assert all(name in text for name in NAMES) and "2020-10-01" in text
