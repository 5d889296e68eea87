"""What cannot be judged is refused by name; what can is judged as documented."""

import math

import polars as pl
import pytest

from gogoku_pipeline.core.errors import ConfigError, EvaluationError
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gate import GateConfig
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.summary import summarise
from tests.unit.evaluation.panels import Panel


@pytest.fixture
def panel():
    return Panel(days=12, names=15)


def test_two_scores_for_one_key_are_refused(panel):
    scores = panel.scores("m", 0.1, seeds=1)
    with pytest.raises(EvaluationError, match="12 x|180 scores"):
        daily_rank_ic(pl.concat([scores, scores]), panel.labels())


def test_two_labels_for_one_key_are_refused(panel):
    labels = panel.labels()
    with pytest.raises(EvaluationError, match="two rows for one key"):
        daily_rank_ic(panel.scores("m", 0.1), pl.concat([labels, labels.head(1)]))


def test_infinite_scores_are_refused(panel):
    scores = panel.scores("m", 0.1).with_columns(pl.lit(float("inf")).alias("score"))
    with pytest.raises(EvaluationError, match="infinite"):
        daily_rank_ic(scores, panel.labels())


def test_a_horizon_without_labels_is_refused_and_both_are_named(panel):
    scores = panel.scores("m", 0.1).with_columns(pl.lit(10).alias("horizon_d"))
    with pytest.raises(EvaluationError, match=r"horizons \[10\].*\[5\]"):
        daily_rank_ic(scores, panel.labels())


def test_a_missing_column_is_named(panel):
    with pytest.raises(EvaluationError, match="score"):
        daily_rank_ic(panel.scores("m", 0.1).drop("score"), panel.labels())


def test_label_names_are_exact(panel):
    with pytest.raises(EvaluationError, match="ret_open_5d"):
        daily_rank_ic(panel.scores("m", 0.1), panel.labels(), "ret_open_5d")


def test_scores_that_count_nowhere_are_refused(panel):
    scores = panel.scores("m", 0.1).with_columns(pl.lit(False).alias("is_counted"))
    with pytest.raises(EvaluationError, match="no counted row"):
        daily_rank_ic(scores, panel.labels())


def test_uncounted_rows_are_left_out(panel):
    first = panel.sessions[0]
    scores = panel.scores("m", 0.1).with_columns((pl.col("session") != first).alias("is_counted"))
    assert first not in daily_rank_ic(scores, panel.labels())["session"].to_list()


def test_a_score_for_a_code_without_label_row_is_left_out(panel):
    scores = panel.scores("m", 0.1, seeds=1)
    ghost = scores.filter(code="10000").with_columns(pl.lit("99990").alias("code"))
    both = pl.concat([scores, ghost])
    assert daily_rank_ic(both, panel.labels()).equals(daily_rank_ic(scores, panel.labels()))


def test_missing_scores_are_neither_first_nor_last(panel):
    scores = panel.scores("m", 0.9, seeds=1)
    holes = scores.with_columns(pl.when(pl.col("code") > "10100").then(None).otherwise("score").alias("score"))
    kept = scores.filter(pl.col("code") <= "10100")
    assert daily_rank_ic(holes, panel.labels()).equals(daily_rank_ic(kept, panel.labels()))


def test_a_day_of_three_names_has_a_rank_ic_unless_more_are_asked_for(panel):
    scores = panel.scores("m", 0.9, seeds=1).filter(pl.col("code") < "10030")
    assert daily_rank_ic(scores, panel.labels())["rank_ic"].is_finite().all()
    assert daily_rank_ic(scores, panel.labels(), min_names=4)["rank_ic"].is_nan().all()


def test_unknown_labels_give_no_rank_ic_and_no_summary(panel):
    labels = panel.labels().with_columns(pl.lit(None, dtype=pl.Float64).alias("ret_open"))
    daily = daily_rank_ic(panel.scores("m", 0.9), labels)
    assert daily["rank_ic"].is_nan().all()
    assert daily["n"].to_list() == [0] * daily.height
    with pytest.raises(EvaluationError, match="no day with a ranking"):
        summarise(panel.scores("m", 0.9), labels)


def test_constant_scores_are_counted_as_days_without_ranking_and_as_degenerate(panel):
    flat = panel.scores("flat", 0.9).with_columns(pl.lit(1.0).alias("score"))
    table = summarise(pl.concat([flat, panel.scores("m", 0.5)]), panel.labels())
    row = table.filter(model="flat").row(0, named=True)
    assert row["n_days"] == 0
    assert row["n_days_without_ic"] == 12
    assert row["n_degenerate_days"] == 36
    assert row["rank_ic_mean"] is None
    assert math.isnan(row["rank_ic_t"])


@pytest.mark.parametrize(
    ("scores", "want"),
    [
        ([1, 1, 1, 1], True),
        ([1, 1, 1, 2], False),
        ([1, 1, 1, 1, 2], True),
        ([0, 1e-10, 2e-10], True),
        ([None] * 3, True),
    ],
)
def test_a_day_is_degenerate_below_half_unique_or_without_spread(scores, want):
    day = Panel(days=1, names=len(scores)).keys().with_columns(pl.Series("score", scores, dtype=pl.Float64))
    assert dispersion_by_day(day)["is_degenerate"].to_list() == [want]


def test_an_ensemble_is_the_mean_of_ranks_not_of_scores():
    panel = Panel(days=1, names=4)
    loud = panel.keys().with_columns(pl.Series("score", [1000.0, 0.0, 1.0, 2.0]), pl.lit(0).alias("seed"))
    calm = panel.keys().with_columns(pl.Series("score", [0.1, 0.2, 0.3, None]), pl.lit(1).alias("seed"))
    mean = ensemble_scores(pl.concat([loud, calm]))["score"].to_list()
    assert mean == pytest.approx([(1 + 1 / 3) / 2, (0.25 + 2 / 3) / 2, (0.5 + 1) / 2, 0.75])


def test_labels_of_any_integer_type_meet_scores_of_any_other(panel):
    labels = panel.labels().with_columns(pl.col("horizon_d").cast(pl.Int64))
    assert align(panel.scores("m", 0.1), labels).height == 12 * 15 * 3


@pytest.mark.parametrize(
    "terms",
    [
        {"label": "ret_close"},
        {"edge_ratio": 0.9},
        {"hopeless_ratio": 1.0},
        {"level": 1.0},
        {"min_names": 2},
        {"horizon_d": 0},
    ],
)
def test_a_gate_with_dishonest_terms_cannot_be_made(terms):
    with pytest.raises(ConfigError, match="GateConfig"):
        GateConfig(**terms)
