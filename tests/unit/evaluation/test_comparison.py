"""Two models on the same names and days: what is compared, what is left out, what would settle it."""

import polars as pl
import pytest

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.comparison import choice_risk, compare
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.verdict import GateConfig
from tests.unit.evaluation.panels import Panel

TERMS = GateConfig(resamples=300)
NAMES = ("a", "b")


@pytest.fixture(scope="module")
def panel():
    return Panel(days=90, names=40, seed=6)


@pytest.fixture(scope="module")
def scored(panel):
    return panel.scores("a", 0.2), panel.scores("b", 0.1), panel.labels()


def of(first, second, labels, **changes):
    return compare(first, second, labels, NAMES, TERMS, **changes)


def test_a_model_against_itself_has_no_difference_and_nothing_would_settle_it(scored):
    found = of(scored[0], scored[0].with_columns(pl.lit("b").alias("model")), scored[2])
    assert (found.difference.mean, found.difference.low, found.difference.high) == (0, 0, 0)
    assert found.wins == 0.5
    assert found.correlation == pytest.approx(1)
    assert found.settles_observed is None
    assert "no difference is shown" in found.words


def test_turned_round_a_comparison_says_the_opposite(scored):
    there, back = of(*scored), compare(scored[1], scored[0], scored[2], ("b", "a"), TERMS)
    assert there.difference.mean == pytest.approx(-back.difference.mean)
    assert there.difference.low == pytest.approx(-back.difference.high, abs=2e-3)
    assert there.diebold_mariano.t == pytest.approx(-back.diebold_mariano.t)
    assert there.newey_west.p_value == pytest.approx(back.newey_west.p_value)
    assert there.wins == pytest.approx(1 - back.wins)
    assert there.words == back.words == "a is better than b on these days"


def test_the_figures_are_those_of_the_two_models_on_their_common_days(scored, panel):
    late = panel.sessions[10]
    found = of(scored[0], scored[1].filter(pl.col("session") >= late), scored[2])
    assert found.sessions == (late, panel.sessions[-1])
    own = daily_rank_ic(ensemble_scores(scored[0].filter(pl.col("session") >= late)), scored[2])
    assert found.first.rank_ic == pytest.approx(own["rank_ic"].mean())
    assert found.n_days == 80


def test_only_names_that_both_scored_are_compared(scored):
    one = scored[0].filter(seed=0)
    found = of(one, scored[1].filter(pl.col("code") < "10200"), scored[2])
    own = daily_rank_ic(one.filter(pl.col("code") < "10200"), scored[2])
    assert found.first.rank_ic == pytest.approx(own["rank_ic"].mean())


def test_a_day_on_which_one_has_no_ranking_is_counted_and_left_out(scored, panel):
    flat = scored[1].with_columns(
        pl.when(pl.col("session") == panel.sessions[3]).then(0.0).otherwise("score").alias("score")
    )
    found = of(scored[0], flat, scored[2])
    assert (found.n_days, found.n_days_without) == (89, 1)


def test_untradable_names_and_uncounted_days_take_no_part(scored, panel):
    universe = panel.keys().select("session", "code", (pl.col("code") < "10200").alias("is_tradable"))
    uncounted = scored[1].with_columns((pl.col("session") >= panel.sessions[20]).alias("is_counted"))
    found = of(scored[0], uncounted, scored[2], universe=universe)
    assert found.n_days == 70
    assert found.sessions[0] == panel.sessions[20]


def test_what_would_settle_it_shrinks_with_the_difference_that_is_asked_for(scored):
    found = of(*scored)
    assert found.settles_observed == 0
    assert found.settles_registered > found.settles_observed
    assert 0 < found.detectable < found.difference.mean


def test_nothing_to_rank_is_refused(scored):
    flat = scored[0].with_columns(pl.lit(1.0).alias("score"))
    with pytest.raises(EvaluationError, match="none with a ranking of both"):
        of(flat, scored[1], scored[2])


def test_choosing_among_noise_overfits_and_choosing_a_lasting_edge_does_not(panel):
    def daily(**ics):
        return {
            name: daily_rank_ic(ensemble_scores(panel.scores(name, ic)), panel.labels()) for name, ic in ics.items()
        }

    assert choice_risk(daily(good=0.5, x=0.0, y=0.0, z=0.0)).probability == 0
    silent = daily(x=0.0, y=0.0, z=0.0)
    silent["silent"] = silent["x"].with_columns(pl.lit(float("nan")).alias("rank_ic"))
    assert choice_risk(silent).n_configurations == 3, "a model that never ranks takes no part"
    assert choice_risk(daily(x=0.1)) is None
    assert choice_risk({name: frame.head(7) for name, frame in daily(x=0.0, y=0.0).items()}) is None
