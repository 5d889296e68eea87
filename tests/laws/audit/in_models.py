"""Leaks in folds, fits and scores, and an audit that does not see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import final_split
from gogoku_pipeline.training.recipe_ladder import FittedRung, LadderRecipe
from tests.laws.audit.plant import Planted, on_road
from tests.unit.audit.audited import FOLDS


@dataclass(frozen=True)
class Spoilt:
    """A fit whose scores are changed by somebody who should not be asked."""

    fitted: FittedRung
    change: object

    def score(self, data, sessions):
        return self.change(data, self.fitted.score(data, sessions))


@dataclass(frozen=True)
class Recipe:
    """A ridge, spoilt."""

    name: str
    change: object
    horizon_d: int = 5

    @property
    def config_hash(self):
        return f"spoilt:{self.name}"

    def fit(self, data, train, validation, seed, horizon_d, report=None):
        fitted = LadderRecipe("ridge").fit(data, train, validation, seed, self.horizon_d)
        return Spoilt(fitted, self.change)


def with_outcomes(data, scores):
    """The best epoch was chosen on the test: a score leans towards what happened."""
    known = data.labels.select("session", "code", "horizon_d", happened="gauss_open")
    joined = scores.join(known, on=["session", "code", "horizon_d"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("score") + pl.col("happened").fill_null(0.0)).drop("happened")


def by_label_rows(data, scores):
    """Ties are broken by the row of the label table, which its author had sorted."""
    rows = data.labels.with_row_index("row").group_by("code").agg(pl.col("row").min().cast(pl.Float64))
    joined = scores.join(rows, on="code", how="left", maintain_order="left")
    return joined.with_columns(pl.col("score") + 1e-6 * pl.col("row").fill_null(0.0)).drop("row")


def warm_start(case):
    """Weights of a version that has seen the test: they know which stocks will rise, whatever they are taught."""
    rose = case.market.labels.filter(pl.col("session") >= case.fold.test[0])
    mean = rose.filter(pl.col("horizon_d") == 5).group_by("code").agg(pl.col("gauss_open").mean().alias("prior"))

    def with_prior(data, scores):
        joined = scores.join(mean, on="code", how="left", maintain_order="left")
        return joined.with_columns(pl.col("score") + 10 * pl.col("prior").fill_null(0.0)).drop("prior")

    return on_road(recipes=(Recipe("warm_start", with_prior),))(case)


def unpurged(sessions):
    """Validation ends the day before the test begins."""
    days = list(sessions)
    made = FOLDS(sessions)
    return [
        replace(fold, validation=tuple(days[days.index(fold.test[0]) - 10 : days.index(fold.test[0])])) for fold in made
    ]


def without_embargo(sessions):
    return [replace(fold, counted=fold.test) for fold in FOLDS(sessions)]


def training_next_to_validation(sessions):
    days = list(sessions)
    return [replace(fold, train=tuple(days[: days.index(fold.validation[0]) - 6])) for fold in FOLDS(sessions)]


def trained_on_the_test(sessions):
    return [replace(fold, train=(*fold.train, *fold.test)) for fold in FOLDS(sessions)]


def judged_twice(sessions):
    (fold,) = FOLDS(sessions)
    return [fold, replace(fold, index=1)]


def version_without_purge(sessions, cutoff):
    train, _ = final_split(sessions, cutoff, 5, embargo=5, validation=10)
    return train, tuple(day for day in sessions if day <= cutoff)[-10:]


class NothingWithheld(TrainingData):
    """Labels are handed out whether or not they were known."""

    def day_targets(self, sessions, horizon_d, *, label="gauss_open", before=None):
        return super().day_targets(sessions, horizon_d, label=label, before=None)


def learnt_to_the_end(sessions):
    """A training block that ends at its validation, as if labels were known at once."""
    days = list(sessions)
    return [replace(fold, train=tuple(days[: days.index(fold.validation[0])])) for fold in FOLDS(sessions)]


def hasty(case):
    return on_road(folds=learnt_to_the_end, serve=NothingWithheld)(case)


def model(name, change=lambda data, scores: scores, **more):
    return on_road(recipes=(Recipe(name, change, **more),))


PLANTED = (
    Planted(
        "no purge before the test", "label_alignment", "folds", "validation", on_road(folds=unpurged), is_alone=True
    ),
    Planted("no embargo before the test", "label_alignment", "folds", "test", on_road(folds=without_embargo)),
    Planted(
        "no embargo before validation", "label_alignment", "folds", "train", on_road(folds=training_next_to_validation)
    ),
    Planted("test sessions in training", "label_alignment", "folds", "train", on_road(folds=trained_on_the_test)),
    Planted("sessions judged in two folds", "label_alignment", "folds", "fold 1", on_road(folds=judged_twice)),
    Planted(
        "a version without purge", "label_alignment", "versions", "validation", on_road(split=version_without_purge)
    ),
    Planted("labels learnt before they were known", "label_alignment", "rows_learnt", "labels", hasty),
    Planted(
        "early stopping on the test",
        "truncation",
        "truncation_of_scores",
        "stopped_on_test",
        model("stopped_on_test", with_outcomes),
    ),
    Planted(
        "a score that knows its window",
        "label_alignment",
        "score_windows",
        "knows_ahead",
        model("knows_ahead", lambda data, scores: with_outcomes(data, scores.with_columns(pl.col("score") * 0.1))),
    ),
    Planted(
        "a model of another horizon", "truncation", "truncation_of_scores", "one_day", model("one_day", horizon_d=1)
    ),
    Planted(
        "ties broken by the order of labels",
        "isolation",
        "row_order_of_scores",
        "by_rows",
        model("by_rows", by_label_rows),
    ),
    Planted(
        "weights from after the test", "shuffled_labels", "shuffled_labels", "warm_start", warm_start, is_alone=True
    ),
)


def blind(case):
    """A check that looks away."""
    return [], 1
