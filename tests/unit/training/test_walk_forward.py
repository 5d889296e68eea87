"""Walking forward: what is scored, what counts, what resumes, and what must not matter."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import CollapseError, ConfigError, DatasetError, LeakError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.training.recipe_ladder import LadderRecipe, ladder
from gogoku_pipeline.training.walk_forward import SCORES, run_walk_forward, scores_from_table, table_rows


class Watcher:
    def __init__(self):
        self.seen = []

    def advance(self, n, text):
        self.seen.append((n, text))


def mean_ic(scores, labels):
    return daily_rank_ic(scores, labels)["rank_ic"].mean()


@pytest.fixture(scope="module")
def walked(data, folds, boosted):
    return run_walk_forward(boosted, data, folds, (1, 2), 5)


def test_every_stock_of_every_test_session_gets_one_score_per_seed(walked, folds, market):
    days = sum(len(fold.test) for fold in folds)
    assert walked.scores.height == days * 40 * 2
    assert walked.scores.columns == ["model", "fold", "seed", "session", "code", "horizon_d", "score", "is_counted"]
    keys = ["model", "fold", "seed", "session", "code", "horizon_d"]
    assert not walked.scores.select(keys).is_duplicated().any()
    counted = set(walked.scores.filter("is_counted")["session"].to_list())
    assert counted == {day for fold in folds for day in fold.counted}


def test_the_planted_signal_is_recovered_out_of_sample(walked, data, folds, market, ranker, panel):
    days = [day for fold in folds for day in fold.counted]
    oracle = market.features.select("session", "code").with_columns(
        pl.lit(5, dtype=pl.Int16).alias("horizon_d"), pl.Series("score", market.oracle.reshape(-1))
    )
    best = mean_ic(oracle.filter(pl.col("session").is_in(days)), market.labels)
    network = run_walk_forward(ranker, data, folds, (1,), 5)
    assert mean_ic(walked.scores, market.labels) > 0.8 * best
    assert mean_ic(network.scores, market.labels) > 0.75 * best
    assert abs(mean_ic(run_walk_forward(LadderRecipe("random"), data, folds, (1,), 5).scores, market.labels)) < 0.06


def test_labels_permuted_within_each_day_teach_nothing(market, panel, folds, boosted):
    mixed = market.labels.with_columns(
        pl.col("gauss_open", "ret_open").shuffle(seed=4).over("session", mapping_strategy="group_to_rows")
    )
    scores = run_walk_forward(boosted, TrainingData(panel, mixed), folds, (1,), 5).scores
    ics = daily_rank_ic(scores, market.labels)["rank_ic"].drop_nans()
    assert abs(ics.mean()) < 3 * ics.std() / len(ics) ** 0.5


def test_the_order_of_rows_changes_nothing(market, panel_of, folds, boosted, walked, ranker, data):
    shuffled = panel_of(
        market,
        features=market.features.sample(fraction=1.0, shuffle=True, seed=1),
        universe=market.universe.sample(fraction=1.0, shuffle=True, seed=2),
    )
    other = TrainingData(shuffled, market.labels.sample(fraction=1.0, shuffle=True, seed=3))
    assert run_walk_forward(boosted, other, folds, (1, 2), 5).scores.equals(walked.scores)
    quick = replace(ranker, train=replace(ranker.train, epochs=1))
    a, b = (run_walk_forward(quick, given, folds[:1], (1,), 5).scores for given in (data, other))
    assert a.equals(b)


def test_a_restart_takes_up_finished_fits_and_only_those(data, folds, boosted, walked, market, panel, tmp_path):
    first = Watcher()
    run_walk_forward(boosted, data, folds[:1], (1, 2), 5, first, tmp_path)
    whole = Watcher()
    resumed = run_walk_forward(boosted, data, folds, (1, 2), 5, whole, tmp_path)
    assert (len(first.seen), len(whole.seen)) == (2, 4)
    assert resumed.resumed == 2
    assert resumed.scores.equals(walked.scores)
    half = next(tmp_path.iterdir())
    (half / "done.json").unlink()
    assert run_walk_forward(boosted, data, folds, (1, 2), 5, None, tmp_path).resumed == 3
    changed = TrainingData(panel, market.labels.with_columns(-pl.col("gauss_open")))
    assert run_walk_forward(boosted, changed, folds[:1], (1,), 5, None, tmp_path).resumed == 0
    hotter = replace(boosted, config=replace(boosted.config, learning_rate=0.1))
    assert run_walk_forward(hotter, data, folds[:1], (1,), 5, None, tmp_path).resumed == 0


def test_the_scores_fit_their_table_and_come_back(walked, market, store):
    cutoff = market.sessions[-1]
    rows = table_rows(walked.scores, cutoff)
    assert rows.schema == SCORES.polars_schema
    store.tables.write_sessions(SCORES, rows, [cutoff], commit=CommitInfo(run_id="r", code_version="c"))
    kept = store.tables.scan(SCORES, start=cutoff, end=cutoff).collect()
    order = ["model", "fold", "seed", "session", "code"]
    assert scores_from_table(kept).sort(order).equals(walked.scores.sort(order))


def test_the_learning_curve_is_kept_in_long_form(walked):
    assert walked.ledger.columns == ["model", "fold", "seed", "epoch", "figure", "value"]
    assert walked.ledger.select("fold", "seed").unique().height == 4
    assert set(walked.ledger["figure"]) == {"validation_rank_ic"}


def test_a_rung_has_no_opinion_where_its_input_is_missing(data, folds, market):
    scores = run_walk_forward(LadderRecipe("momentum_12_1"), data, folds[:1], (1, 2, 3), 5).scores
    raw = market.features.select("session", "code", "ret_250d_skip20")
    both = scores.join(raw, on=["session", "code"])
    assert both["score"].is_null().equals(both["ret_250d_skip20"].is_null())
    assert 0 < both["score"].null_count() < both.height
    assert scores["seed"].unique().to_list() == [1], "a rule needs one seed"


def test_the_ladder_has_the_rungs_its_features_allow(market):
    assert [rung.name for rung in ladder(market.catalogue.names)] == [
        "random",
        "reversal_1d",
        "reversal_5d",
        "momentum_12_1",
        "low_volatility",
        "ridge",
    ]
    assert [rung.name for rung in ladder(("ret_1d",))] == ["random", "reversal_1d", "ridge"]
    with pytest.raises(ConfigError, match="rung"):
        LadderRecipe("astrology")


def test_reversal_prefers_yesterdays_losers(data, folds, market):
    scores = run_walk_forward(LadderRecipe("reversal_1d"), data, folds[:1], (1,), 5).scores
    one = scores.join(market.features.select("session", "code", "ret_1d"), on=["session", "code"]).drop_nulls()
    day = one.filter(pl.col("session") == one["session"][0])
    assert np.corrcoef(day["score"], day["ret_1d"])[0, 1] < -0.9


def test_nothing_to_walk_over_is_refused(data, folds, boosted):
    with pytest.raises(DatasetError, match="0 folds"):
        run_walk_forward(boosted, data, [], (1,), 5)
    with pytest.raises(DatasetError, match="0 seeds"):
        run_walk_forward(boosted, data, folds, (), 5)


def test_a_panel_whose_scaler_saw_the_test_is_refused_by_name(market, panel, folds):
    quick = LadderRecipe("random")
    first = folds[0].test[0]
    for through in (first, market.sessions[-1]):
        fitted = TrainingData(replace(panel, fitted_through=through), market.labels)
        with pytest.raises(LeakError, match=f"a scaler fitted through {through}; want fitted_through before {first}"):
            run_walk_forward(quick, fitted, folds, (1,), 5)
    sound = TrainingData(replace(panel, fitted_through=folds[0].validation[-1]), market.labels)
    assert run_walk_forward(quick, sound, folds, (1,), 5).scores.height > 0


@dataclass(frozen=True)
class FailsOnce:
    """A recipe that cannot be fitted where its training ends on a certain session."""

    inner: LadderRecipe
    ends: date
    name: str = "brittle"
    family: str = "naive"
    is_seeded: bool = False
    config_hash: str = "brittle"

    def fit(self, data, train, validation, seed, horizon_d, report=None):
        if train[-1] == self.ends:
            raise CollapseError("brittle", got="constant scores", want="a ranking", remedy="Lower the rate.")
        return self.inner.fit(data, train, validation, seed, horizon_d, report)


def test_a_model_that_fails_on_one_fold_is_named_with_the_fold_and_judged_on_none(data, folds, tmp_path):
    brittle = FailsOnce(LadderRecipe("ridge"), folds[1].train[-1])
    block = f"fold 1 \\(test {folds[1].test[0]} to {folds[1].test[-1]}\\), seed 7"
    with pytest.raises(TrainingError, match=f"brittle, {block}: got brittle: got constant scores") as found:
        run_walk_forward(brittle, data, folds, (7,), 5, None, tmp_path)
    assert isinstance(found.value.__cause__, CollapseError)
    mended = replace(brittle, ends=date(2001, 1, 4))
    assert run_walk_forward(mended, data, folds, (7,), 5, None, tmp_path).resumed == 1


def test_the_days_that_stopped_a_fit_are_scored_too_and_never_among_the_judged(walked, folds):
    for fold in folds:
        part = walked.validation.filter(fold=fold.index)
        assert sorted(set(part["session"])) == list(fold.validation)
        assert part.height == len(fold.validation) * 40 * 2
        judged = set(walked.scores.filter(fold=fold.index)["session"])
        assert not judged & set(part["session"])
