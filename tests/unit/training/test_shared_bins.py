"""One binned table for a walk: the same trees as binning alone, whatever comes later, in whatever order it is asked."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import DatasetError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.models.boosted_bins import BinnedRows, day_grades, list_sizes
from gogoku_pipeline.training.recipe_boosted import BetterBoosted, BoostedRecipe, objectives
from gogoku_pipeline.training.shared_bins import SharedBins

QUICK = {"rounds": 8, "patience": 8}


@pytest.fixture(scope="module", params=["regression", "lambdarank"])
def quick(request, boosted):
    return replace(boosted, config=replace(boosted.config, objective=request.param, list_length=16, **QUICK))


def trees(recipe, data, fold):
    return recipe.fit(data, fold.train, fold.validation, 1, 5).boosted.to_text()


def test_the_first_window_is_binned_as_if_alone(quick, data, folds):
    shared = quick.over(data, [fold.train for fold in folds])
    assert trees(shared, data, folds[0]) == trees(quick, data, folds[0])


def test_folds_may_be_asked_for_in_any_order(quick, data, folds):
    forwards, backwards = (quick.over(data, [fold.train for fold in folds]) for _ in range(2))
    found = [trees(forwards, data, fold) for fold in folds]
    assert found == [trees(backwards, data, fold) for fold in reversed(folds)][::-1]
    assert found[0] != found[1]


def test_what_comes_after_a_window_moves_none_of_its_trees(quick, market, panel_of, data, folds):
    known = folds[0].validation[-1]
    features = [name for name in market.features.columns if name not in ("session", "code")]
    later = market.features.with_columns(
        pl.when(pl.col("session") > known).then(-(pl.col(name) ** 3)).otherwise(pl.col(name)) for name in features
    )
    other = TrainingData(panel_of(market, features=later), market.labels)
    shared = [quick.over(given, [fold.train for fold in folds]) for given in (data, other)]
    assert trees(shared[0], data, folds[0]) == trees(shared[1], other, folds[0])
    assert trees(shared[0], data, folds[1]) != trees(shared[1], other, folds[1])


def test_a_feature_that_begins_later_gets_edges_where_it_begins(boosted, market, panel_of, folds):
    recipe = replace(boosted, config=replace(boosted.config, **QUICK))
    name = "ret_1d"
    born = folds[0].train[-1]
    features = market.features.with_columns(pl.when(pl.col("session") > born).then(pl.col(name)).alias(name))
    young = TrainingData(panel_of(market, features=features), market.labels)
    bins = SharedBins(young, [fold.train for fold in folds], recipe.config)
    assert [bins.fitted_through(fold.train) for fold in folds] == [fold.train[-1] for fold in folds]
    grown = replace(recipe, bins=bins)
    assert trees(grown, young, folds[1]) == trees(recipe, young, folds[1])
    aged = SharedBins(young, [folds[1].train], recipe.config)
    assert aged.fitted_through(folds[1].train) == folds[1].train[-1]


def test_edges_of_an_anchored_walk_are_those_of_its_first_window(data, folds, boosted):
    bins = SharedBins(data, [fold.train for fold in folds], boosted.config)
    assert {bins.fitted_through(fold.train) for fold in folds} == {folds[0].train[-1]}
    with pytest.raises(DatasetError, match="15 bins"):
        bins.training(folds[0].train, 5, folds[0].validation[0], replace(boosted.config, bins=15))


def test_shared_edges_rank_as_well_as_edges_of_their_own(boosted, data, folds, market):
    shared = boosted.over(data, [fold.train for fold in folds])
    means = []
    for recipe in (boosted, shared):
        fitted = recipe.fit(data, folds[1].train, folds[1].validation, 1, 5)
        scores = fitted.score(data, folds[1].counted)
        means.append(daily_rank_ic(scores, market.labels)["rank_ic"].mean())
    assert means[0] > 0.3
    assert means[1] == pytest.approx(means[0], abs=0.03)


@pytest.mark.parametrize("model", ["lightgbm", "apex_ranker"])
def test_labels_that_close_after_the_validation_days_stop_nothing(model, data, boosted, ranker, market, panel, folds):
    recipe = {"lightgbm": boosted, "apex_ranker": replace(ranker, train=replace(ranker.train, epochs=1))}[model]
    fold = folds[0]
    place = market.sessions.index(fold.validation[-1]) + 7
    late = pl.col("session").is_in(fold.validation) & (pl.col("code") < market.codes[10])
    shown = pl.lit(market.sessions[place + 1]).cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Tokyo")
    moved = market.labels.with_columns(pl.when(late).then(shown).otherwise("available_at").alias("available_at"))
    wild = moved.with_columns(pl.when(late).then(-5.0).otherwise("gauss_open").alias("gauss_open"))

    def curve(labels):
        found = recipe.fit(TrainingData(panel, labels), fold.train, fold.validation, 1, 5)
        return [row["validation_rank_ic"] for row in found.ledger]

    assert curve(moved) == curve(wild)
    assert curve(moved) != curve(market.labels)


def test_grades_rise_with_the_label_within_each_day_and_ties_share_theirs():
    days = np.array([0] * 6 + [3] * 3)
    targets = np.array([5, 1, 1, 9, 2, 3, -1, 0, 4], dtype=np.float32)
    assert day_grades(days, targets, 3).tolist() == [2, 0, 0, 2, 1, 1, 0, 1, 2]
    assert day_grades(days, np.zeros(9, np.float32), 31).tolist() == [15] * 9


def test_a_day_is_dealt_into_few_nearly_equal_lists_and_no_list_holds_two_days():
    days = np.repeat([0, 1, 2], [10, 3, 7])
    assert list_sizes(days, 4).tolist() == [4, 3, 3, 3, 4, 3]
    assert list_sizes(days, 100).tolist() == [10, 3, 7]


def test_a_table_or_a_part_without_rows_is_refused(boosted):
    values, names = np.zeros((4, 2), np.float32), ("a", "b")
    with pytest.raises(TrainingError, match="no training rows"):
        BinnedRows(values[:0], np.zeros(0, np.int64), names, boosted.config)
    binned = BinnedRows(np.arange(8, dtype=np.float32).reshape(4, 2), np.zeros(4, np.int64), names, boosted.config)
    with pytest.raises(TrainingError, match="no training rows"):
        binned.part(np.zeros(0, np.int64), np.zeros(0, np.float32), boosted.config)


def test_the_better_objective_on_the_validation_days_is_kept_and_named(data, folds, boosted):
    recipes = objectives(replace(boosted.config, **QUICK))
    assert [recipe.name for recipe in recipes] == ["lightgbm", "lightgbm_lambdarank"]
    fold = folds[0]
    best = BetterBoosted(recipes).over(data, [fold.train]).fit(data, fold.train, fold.validation, 1, 5)
    found = {recipe.config.objective: recipe.fit(data, fold.train, fold.validation, 1, 5) for recipe in recipes}
    wanted = max(found, key=lambda name: found[name].validation_rank_ic)
    assert best.objective == wanted
    assert best.boosted.to_text() == found[wanted].boosted.to_text()
    blind = replace(recipes[0], config=replace(recipes[0].config, rounds=1, learning_rate=1e-9))
    assert BetterBoosted((blind, recipes[1])).fit(data, fold.train, fold.validation, 1, 5).objective == "lambdarank"


def test_a_fit_that_does_not_tell_stocks_apart_is_not_kept_whatever_its_rank_ic(data, folds, boosted):
    fold = folds[0]
    deep, stump = objectives(replace(boosted.config, **QUICK))
    stump = replace(stump, config=replace(stump.config, rounds=1, leaves=2))
    assert stump.fit(data, fold.train, fold.validation, 1, 5).validation_rank_ic > 0
    assert BetterBoosted((stump, deep)).fit(data, fold.train, fold.validation, 1, 5).objective == "regression"
    assert BetterBoosted((stump,)).fit(data, fold.train, fold.validation, 1, 5).objective == "lambdarank"


def test_each_objective_is_a_design_of_its_own(boosted):
    first, second = objectives(boosted.config)
    hashes = {first.config_hash, second.config_hash, BetterBoosted((first, second)).config_hash}
    assert len(hashes) == 3
    assert BoostedRecipe(replace(first.config, threads=2), first.name).config_hash == first.config_hash


@pytest.mark.parametrize("objective", ["regression", "lambdarank"])
def test_a_fit_is_never_cut_at_a_round_that_leaves_a_day_without_a_ranking(objective, market, panel, folds, boosted):
    """Labels that teach nothing stop a fit at once; what is kept still tells stocks apart."""
    noise = market.labels.with_columns(
        pl.col("gauss_open").shuffle(seed=9).over("session", mapping_strategy="group_to_rows")
    )
    data, fold = TrainingData(panel, noise), folds[0]
    for seed in (1, 2, 3):
        recipe = replace(boosted, config=replace(boosted.config, objective=objective, list_length=16))
        fitted = recipe.fit(data, fold.train, fold.validation, seed, 5)
        assert fitted.boosted.booster.num_trees() > 1
        assert not dispersion_by_day(fitted.score(data, fold.validation))["is_degenerate"].any()
