"""Drift, repetition, flips and stuck values are found where they are planted, and nowhere else."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.feature import UNITS
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.monitoring import feature_health as health

DAYS = tse_calendar().between(date(2023, 1, 4), date(2023, 12, 29))
STOCKS = 150
FEATURES = {
    name: registry().feature(name) for name in ("ret_1d", "vol_20d", "val_bp", "beta_60d", "cal_half_session_flag")
}
FLAGS = {name: registry().feature(name) for name in ("lim_up_close_flag", "cal_half_session_flag", "has_graph")}


def cross_sections(days, seed=0, **changed):
    """A slow value per stock, scaled anew by every session's mood; `changed` makes a column of the slow values."""
    rng = np.random.default_rng(seed)
    level = np.random.default_rng(99).normal(size=STOCKS)
    parts = []
    for day in days:
        mood = np.exp(rng.normal())
        made = {
            "ret_1d": rng.normal(size=STOCKS) * mood,
            "vol_20d": np.abs(level + 0.05 * rng.normal(size=STOCKS)) * mood,
            "val_bp": level,
            "beta_60d": level + 0.05 * rng.normal(size=STOCKS),
        } | {name: make(level) for name, make in changed.items()}
        parts.append(pl.DataFrame({"session": [day] * STOCKS, "code": [f"{n:05d}" for n in range(STOCKS)], **made}))
    return pl.concat(parts)


def psi_of(current, reference=None):
    reference = cross_sections(DAYS[:200:20]) if reference is None else reference
    found = health.drift(reference, current, list(FEATURES.values()))
    return dict(found.iter_rows())


def test_a_market_that_only_changes_its_mood_does_not_drift():
    assert all(psi < health.PSI_LIMIT / 2 for psi in psi_of(cross_sections(DAYS[220:240:4], seed=1)).values())


def test_a_shape_that_changed_is_found_and_no_other():
    moved = psi_of(cross_sections(DAYS[220:240:4], seed=1, val_bp=np.exp))
    assert [name for name, psi in moved.items() if psi > health.PSI_LIMIT] == ["val_bp"]


def test_flags_codes_and_ages_have_no_shape_to_drift():
    assert set(psi_of(cross_sections(DAYS[220:240:4]))) == {"ret_1d", "vol_20d", "val_bp", "beta_60d"}


def test_too_few_values_are_not_judged():
    few = cross_sections(DAYS[220:240]).filter(pl.col("code") < f"{health.MIN_STOCKS - 1:05d}")
    assert few.height > 10 * health.MIN_STOCKS
    assert psi_of(few) == {}


@given(st.lists(st.floats(-1e6, 1e6), min_size=20, max_size=60))
def test_equal_samples_have_no_drift_and_none_is_negative(values):
    sample = np.array(values)
    assert health.population_stability(sample, sample) == 0.0
    assert health.population_stability(sample, sample[::-1][:10]) >= 0.0


def test_psi_by_hand():
    reference, current = np.arange(10.0), np.array([0.0, 0.0, 0.0, 9.0])
    # Halves: 5 of 10 against 3 of 4 below the median.
    by_hand = (0.75 - 0.5) * np.log(0.75 / 0.5) + (0.25 - 0.5) * np.log(0.25 / 0.5)
    assert health.population_stability(reference, current, bins=2) == pytest.approx(by_hand)


def yesterday_words(today, before):
    measured = health.with_yesterday(today, before, list(FEATURES.values()))
    return health.stale_or_flipped(measured, list(FEATURES.values()))


def test_plain_days_say_nothing():
    today, before = cross_sections(DAYS[1:2], seed=1), cross_sections(DAYS[:1], seed=2)
    assert yesterday_words(today, before) == []


def test_a_price_feature_that_repeats_for_everybody_is_stale_and_a_state_may():
    today, before = cross_sections(DAYS[1:2], seed=1), cross_sections(DAYS[:1], seed=1)
    words = yesterday_words(today.with_columns(before["vol_20d"]), before)
    assert [word.split(":")[0] for word in words] == ["ret_1d"]
    assert "same as yesterday for all 150 stocks" in words[0]


def test_a_slow_feature_that_turns_its_sign_is_named():
    today, before = cross_sections(DAYS[1:2], seed=1), cross_sections(DAYS[:1], seed=2)
    words = yesterday_words(today.with_columns(-pl.col("beta_60d"), -pl.col("val_bp")), before)
    assert [word.split(":")[0] for word in words] == ["beta_60d"]


def test_a_value_that_most_stocks_share_may_repeat():
    today, before = cross_sections(DAYS[1:2], seed=1), cross_sections(DAYS[:1], seed=1)
    shared = [frame.with_columns(pl.lit(0.0).alias("ret_1d")) for frame in (today, before)]
    assert yesterday_words(shared[0].with_columns(vol_20d=2 * pl.col("vol_20d")), shared[1]) == []


def test_stocks_without_both_values_do_not_count():
    today, before = cross_sections(DAYS[1:2], seed=1), cross_sections(DAYS[:1], seed=1)
    half = today.with_columns(pl.when(pl.int_range(pl.len()) < 60).then("ret_1d").alias("ret_1d"))
    measured = health.with_yesterday(half, before, list(FEATURES.values())).filter(pl.col("feature") == "ret_1d")
    assert measured.row(0, named=True)["stocks"] == 60
    assert not [word for word in yesterday_words(half, before) if word.startswith("ret_1d")]


def test_a_flag_that_never_changes_is_found_unless_it_may_or_is_a_mask():
    frame = cross_sections(DAYS[:3]).with_columns(
        lim_up_close_flag=pl.lit(0.0), cal_half_session_flag=pl.lit(0.0), has_graph=pl.lit(1.0)
    )
    assert health.constant_features(frame, list(FLAGS.values())) == ["lim_up_close_flag"]
    once = frame.with_columns(lim_up_close_flag=(pl.int_range(pl.len()) == 7).cast(pl.Float64))
    assert health.constant_features(once, list(FLAGS.values())) == []


def test_an_empty_column_is_the_null_budgets_affair():
    frame = cross_sections(DAYS[:3]).with_columns(lim_up_close_flag=pl.lit(None, dtype=pl.Float64))
    assert health.constant_features(frame, list(FLAGS.values())) == []


def test_percent_where_a_decimal_belongs_is_named_with_its_session():
    frame = cross_sections(DAYS[:3])
    wrong = frame.with_columns(pl.when(pl.col("session") == DAYS[1]).then(5e6).otherwise("val_bp").alias("val_bp"))
    assert health.implausible_values(frame, list(FEATURES.values())) == {}
    assert list(health.implausible_values(wrong, list(FEATURES.values()))) == [DAYS[1]]


def test_every_unit_without_a_bound_on_both_sides_has_a_plausible_magnitude():
    assert {unit for unit, (low, high) in UNITS.items() if low is None or high is None} <= set(health.PLAUSIBLE)
