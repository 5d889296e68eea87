"""Laws every metric of the ranking kind must obey, on random markets with ties and holes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gains import gains_by_day
from gogoku_pipeline.evaluation.ic import daily_rank_ic, rank_ic, rank_ic_by_day
from gogoku_pipeline.evaluation.ranking import quantile_returns, ranking_by_day, turnover_by_day
from gogoku_pipeline.evaluation.significance import stationary_bootstrap_ci
from gogoku_pipeline.evaluation.summary import summarise
from tests.unit.evaluation.panels import Panel

CAREFUL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS, NAMES = 8, 24
grids = hnp.arrays(np.float64, (DAYS, NAMES), elements=st.integers(-6, 6).map(float))
holes = hnp.arrays(np.bool_, (DAYS, NAMES), elements=st.sampled_from([True, False, False, False, False]))


def _frames(scores, labels, missing):
    panel = Panel(DAYS, NAMES)
    values = np.where(missing, np.nan, scores).ravel()
    return (
        panel.keys().with_columns(pl.Series("score", values), pl.lit("m").alias("model")),
        panel.keys().with_columns(pl.Series("ret_open", labels.ravel())),
    )


def _everything(scores, labels):
    aligned = align(scores, labels)
    return (
        rank_ic_by_day(aligned),
        ranking_by_day(aligned),
        quantile_returns(aligned),
        turnover_by_day(aligned, horizon_d=3),
        gains_by_day(aligned),
    )


def _same(left, right):
    return all(
        a.select(pl.selectors.float()).to_numpy()
        == pytest.approx(b.select(pl.selectors.float()).to_numpy(), nan_ok=True)
        and a.drop(pl.selectors.float()).equals(b.drop(pl.selectors.float()))
        for a, b in zip(left, right, strict=True)
    )


def _filled(frames):
    return [frame.with_columns(pl.selectors.float().fill_null(float("nan"))) for frame in frames]


@CAREFUL
@given(grids, grids, holes, st.integers(0, 10**6))
def test_shuffling_rows_changes_nothing(scores, labels, missing, seed):
    s, y = _frames(scores, labels, missing)
    mixed = _everything(
        s.sample(fraction=1, shuffle=True, seed=seed), y.sample(fraction=1, shuffle=True, seed=seed + 1)
    )
    assert _same(_filled(_everything(s, y)), _filled(mixed))


@CAREFUL
@given(grids, grids, holes, st.floats(1e-3, 1e3))
def test_a_positive_factor_changes_no_rank_metric(scores, labels, missing, factor):
    s, y = _frames(scores, labels, missing)
    scaled = s.with_columns(pl.col("score") * factor)
    assert _same(_filled(_everything(s, y)), _filled(_everything(scaled, y)))


@CAREFUL
@given(grids, grids)
def test_turning_the_scores_round_turns_rank_ic_and_spread_round(scores, labels):
    s, y = _frames(scores, labels, np.zeros_like(scores, dtype=bool))
    back = s.with_columns(-pl.col("score"))
    there, home = align(s, y), align(back, y)
    assert rank_ic_by_day(home)["rank_ic"].to_numpy() == pytest.approx(
        -rank_ic_by_day(there)["rank_ic"].to_numpy(), nan_ok=True
    )
    assert ranking_by_day(home)["spread"].to_numpy() == pytest.approx(-ranking_by_day(there)["spread"].to_numpy())


@CAREFUL
@given(grids, st.floats(-1e6, 1e6))
def test_constant_scores_have_no_rank_ic(labels, constant):
    s, y = _frames(np.full((DAYS, NAMES), constant), labels, np.zeros((DAYS, NAMES), dtype=bool))
    assert daily_rank_ic(s, y)["rank_ic"].is_nan().all()


@CAREFUL
@given(hnp.arrays(np.float64, (DAYS, NAMES), elements=st.floats(-1, 1), unique=True))
def test_the_label_itself_has_rank_ic_one(labels):
    s, y = _frames(labels, labels, np.zeros((DAYS, NAMES), dtype=bool))
    assert daily_rank_ic(s, y)["rank_ic"].to_list() == pytest.approx([1.0] * DAYS, abs=1e-12)


@CAREFUL
@given(grids, grids, holes)
def test_the_fast_form_equals_the_plain_form(scores, labels, missing):
    s, y = _frames(scores, labels, missing)
    fast = daily_rank_ic(s, y)["rank_ic"].to_numpy()
    plain = [rank_ic(np.where(missing, np.nan, scores)[t], labels[t]) for t in range(DAYS)]
    assert fast == pytest.approx(np.array(plain), nan_ok=True, abs=1e-12)


@CAREFUL
@given(grids, grids)
def test_an_ensemble_of_one_seed_ranks_like_the_seed(scores, labels):
    s, y = _frames(scores, labels, np.zeros_like(scores, dtype=bool))
    one, together = daily_rank_ic(s, y), daily_rank_ic(ensemble_scores(s), y)
    assert one["rank_ic"].to_numpy() == pytest.approx(together["rank_ic"].to_numpy(), nan_ok=True, abs=1e-12)


@CAREFUL
@given(grids, grids, holes)
def test_rates_stay_between_zero_and_one_and_weights_never_pick_too_many(scores, labels, missing):
    s, y = _frames(scores, labels, missing)
    table = ranking_by_day(align(s, y))
    for name in ("p_at_10pct", "p_at_10pct_random", "hit_rate", "hit_rate_random"):
        values = table[name].drop_nulls().drop_nans()
        assert values.is_between(0.0, 1.0 + 1e-12).all()


def test_random_scores_have_an_interval_that_covers_zero_nineteen_times_in_twenty():
    panel = Panel(days=150, names=40)
    covered = 0
    for trial in range(60):
        noise = panel.keys().with_columns(pl.Series("score", np.random.default_rng(trial).normal(size=150 * 40)))
        interval = stationary_bootstrap_ci(daily_rank_ic(noise, panel.labels())["rank_ic"].to_numpy(), resamples=400)
        covered += interval.low <= 0 <= interval.high
    assert covered >= 52


def test_the_summary_does_not_depend_on_row_order():
    panel = Panel(days=30, names=40)
    scores = pl.concat([panel.scores("a", 0.2), panel.scores("b", 0.1)])
    exposures = panel.exposures()
    plain = summarise(scores, panel.labels(), exposures=exposures)
    mixed = summarise(
        scores.sample(fraction=1, shuffle=True, seed=1), panel.labels().reverse(), exposures=exposures.reverse()
    )
    assert plain.columns == mixed.columns
    for name in plain.columns:
        if plain[name].dtype == pl.Float64:
            assert plain[name].to_numpy() == pytest.approx(mixed[name].to_numpy(), nan_ok=True, rel=1e-9), name
        else:
            assert plain[name].to_list() == mixed[name].to_list(), name
