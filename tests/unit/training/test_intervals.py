"""Intervals: what scores have meant on days nobody learnt from, calm and restless stocks apart, to the bit again."""

from dataclasses import replace
from datetime import datetime, time

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import label_span
from gogoku_pipeline.evaluation.calibration import calibration_by_day, calibration_gap
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.reproduce import differences, reproduce
from gogoku_pipeline.registry.serve import serve_sessions
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.intervals import FILE, LEVEL, calibrated, conformal_bounds, load_intervals
from gogoku_pipeline.training.predict import NO_INTERVALS, predict_session, with_intervals
from tests.unit.dataset.planted import planted_market

WHO = CommitInfo("run-1", "test")


@pytest.fixture(scope="module")
def wide():
    """A market of 200 stocks; outcomes of the restless half spread three times as wide."""
    market = planted_market(n_stocks=200, n_sessions=120, n_features=8, strength=0.2)
    risk = market.features["vol_20d"].fill_null(0.0).to_numpy()
    spread = np.where(risk > 0, 3.0, 1.0)
    stretched = market.labels.with_columns(pl.Series("excess_open", market.labels["excess_open"].to_numpy() * spread))
    return replace(market, labels=stretched)


@pytest.fixture(scope="module")
def wide_data(wide, panel_of):
    return TrainingData(panel_of(wide), wide.labels)


def told(market, sessions, seed=0):
    """Scores that know something of the outcome."""
    rng = np.random.default_rng(seed)
    rows = market.features.select("session", "code").with_columns(
        pl.lit(5, dtype=pl.Int16).alias("horizon_d"),
        pl.Series("score", market.oracle.reshape(-1) + rng.normal(size=market.oracle.size)),
    )
    return rows.filter(pl.col("session").is_in(list(sessions)))


@pytest.fixture(scope="module")
def fitted(wide, wide_data):
    return calibrated(told(wide, wide.sessions[20:60]), wide_data, 5)


def quantiles(around):
    tails = {"low": (1 - LEVEL) / 2, "high": (1 + LEVEL) / 2}
    return around.unpivot(
        ["low", "high"], index=["session", "code", "horizon_d"], variable_name="quantile"
    ).with_columns(pl.col("quantile").replace_strict(tails, return_dtype=pl.Float64))


def test_four_outcomes_in_five_of_later_days_lie_inside_in_calm_and_in_restless_stocks(fitted, wide, wide_data):
    scores = told(wide, wide.sessions[70:110], seed=1)
    around = fitted.around(scores, wide_data)
    assert calibration_gap(calibration_by_day(quantiles(around), wide.labels, "excess_open")) < 0.02
    risk = wide.features.select("session", "code", (pl.col("vol_20d") > 0).cast(pl.String).alias("bucket"))
    daily = calibration_by_day(quantiles(around), wide.labels, "excess_open", buckets=risk.drop_nulls())
    assert calibration_gap(daily) < 0.05
    width = around.join(risk, on=["session", "code"]).group_by("bucket").agg((pl.col("high") - pl.col("low")).mean())
    widths = dict(width.iter_rows())
    assert widths["true"] > 2 * widths["false"]


def test_a_better_place_is_never_worth_less(fitted):
    assert list(fitted.centre) == sorted(fitted.centre)
    assert fitted.centre[-1] > 0.005 > 0 > fitted.centre[0]
    assert all(low < high for low, high in zip(fitted.low, fitted.high, strict=True))


def test_noise_means_nothing_and_its_interval_is_the_outcomes_own(wide, wide_data):
    rows = told(wide, wide.sessions[20:60]).with_columns(
        pl.Series("score", np.random.default_rng(3).normal(size=40 * 200))
    )
    found = calibrated(rows, wide_data, 5)
    assert max(map(abs, found.centre)) < 0.01
    outcomes = wide.labels.filter(pl.col("session").is_in(list(wide.sessions[20:60])))["excess_open"]
    assert found.high[-1] == pytest.approx(outcomes.quantile(0.9), rel=0.1)


def test_a_position_that_closed_late_is_not_looked_at(wide, wide_data):
    days = wide.sessions[20:60]
    scores = told(wide, days)
    place = wide.sessions.index(days[-1]) + label_span(5) + 1
    late = (pl.col("session") == days[-1]) & (pl.col("code") < wide.codes[50])
    shown = datetime.combine(wide.sessions[place], time(16, 30), JST)
    moved = wide.labels.with_columns(
        pl.when(late)
        .then(pl.lit(shown).dt.convert_time_zone("Asia/Tokyo"))
        .otherwise("available_at")
        .alias("available_at"),
        pl.when(late).then(9.0).otherwise("excess_open").alias("excess_open"),
    )
    found = calibrated(scores, TrainingData(wide_data.panel, moved), 5)
    assert found.rows == 40 * 200 - 50
    assert found.fitted_through == days[-1] < found.known_by == wide.sessions[place]
    assert max(found.high) < 1


def test_too_little_history_gives_none(wide, wide_data):
    assert calibrated(told(wide, wide.sessions[20:24]), wide_data, 5) is None
    assert calibrated(told(wide, wide.sessions[-3:]), wide_data, 5) is None
    assert calibrated(told(wide, []), wide_data, 5) is None


def test_stocks_without_a_score_have_no_interval_and_those_without_volatility_have_everyones(fitted, wide, wide_data):
    day = wide.sessions[80]
    scores = told(wide, [day]).with_columns(
        pl.when(pl.col("code") == wide.codes[0]).then(None).otherwise("score").alias("score")
    )
    around = fitted.around(scores, wide_data)
    assert around.filter(code=wide.codes[0]).select("low", "high").row(0) == (None, None)
    unknown = wide.features.filter((pl.col("session") == day) & pl.col("vol_20d").is_null())["code"].to_list()
    code = next(code for code in unknown if code != wide.codes[0])
    low, high = around.filter(code=code).select("low", "high").row(0)
    assert high - low == pytest.approx(fitted.high[-1] - fitted.low[-1])


def test_the_file_gives_the_same_numbers_to_the_bit(fitted):
    assert load_intervals(fitted.file()) == fitted
    assert load_intervals({}) is None


def test_conformal_ranks_are_those_of_the_book():
    """(n + 1) exchangeable values: the ends are order statistics floor(0.1 (n + 1)) and ceil(0.9 (n + 1))."""
    assert conformal_bounds(np.arange(1.0, 100.0)) == (10.0, 90.0)
    assert conformal_bounds(np.arange(1.0, 4.0)) == (1.0, 3.0)
    wide_sample = np.random.default_rng(1).normal(size=200_000)
    assert conformal_bounds(wide_sample) == pytest.approx((norm.ppf(0.1), norm.ppf(0.9)), abs=0.01)


@pytest.fixture
def version(data, boosted, store, market):
    return train_version(boosted, data, market.sessions[140], (1,), store, validation=15)


def test_a_version_keeps_its_intervals_and_says_through_when_they_were_fitted(version, store, market):
    manifest = store.artefacts.load(version.model, version.version).manifest
    said = manifest["intervals"]
    assert said["level"] == 0.8
    assert said["fitted_through"] == manifest["validation"][1] < manifest["cutoff"] < said["known_by"]
    assert (said["days"], said["rows"]) == (15, 600)


def test_a_list_carries_its_intervals_and_they_come_out_again_to_the_bit(version, store, panel, market):
    day = market.sessions[141]
    terms = Terms(gate=GateConfig(horizon_d=5))
    made = serve_sessions(store, panel, [day], terms, available_at=lambda on: datetime.combine(on, time(19), JST))
    assert made.lists["interval_reason"].null_count() == made.lists.height == 40
    assert (made.lists["interval_low"] < made.lists["interval_high"]).all()
    store.tables.write_sessions(PREDICTIONS, made.lists, [day], commit=WHO)
    assert reproduce(store, day, lambda versions: panel).is_equal
    high = made.lists["interval_high"].to_numpy().copy()
    high[3] = np.nextafter(high[3], 1.0)
    other = made.lists.with_columns(pl.Series("interval_high", high))
    assert differences(made.lists, other)["code"].to_list() == [made.lists["code"][3]]


def test_a_version_without_intervals_serves_and_the_list_says_why(version, store, panel, market):
    kept = store.artefacts.load(version.model, version.version)
    files = {name: body for name, body in kept.files.items() if name != FILE}
    store.artefacts.save(version.model, "bare", files, kept.manifest)
    day = market.sessions[141]
    scores = predict_session(store, version.model, "bare", panel, day)
    told_so = with_intervals(store, version.model, "bare", panel, scores)
    assert told_so["interval_low"].null_count() == told_so.height
    assert set(told_so["interval_reason"]) == {NO_INTERVALS}
