"""An ablation finds what helps and what does not, goes on where it stopped, and forgets no trial."""

from dataclasses import replace

import numpy as np
import pytest

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.dataset.narrowed import narrowed, narrowed_hash
from gogoku_pipeline.evaluation.significance import Interval, stationary_bootstrap_ci
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.training.ablation import Ablation, ablate
from gogoku_pipeline.training.ablation_table import Judged, days_and_seeds, table_of
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.variants import Variant, Variants, group_variants

GROUPS = {"signal": ("ret_1d", "ret_5d", "vol_20d"), "noise": ("noise_0", "noise_1"), "nothing": ("elsewhere",)}
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def trees():
    return BoostedRecipe(BoostedConfig(rounds=15, patience=15, leaves=7, lambda_l2=5.0, threads=1))


@pytest.fixture(scope="module")
def asked(trees, data, folds):
    return Ablation(group_variants(trees, data.panel.names, GROUPS), tuple(folds[:1]), SEEDS, 5, resamples=300)


@pytest.fixture(scope="module")
def first(asked, data, tmp_path_factory):
    """A finished ablation: its rows, its trials, what was told on the way, and where its fits lie."""
    trials, told, kept = [], [], tmp_path_factory.mktemp("fits")

    class Watcher:
        def advance(self, n, text):
            told.append(text)

    return ablate(asked, data, trials.append, cache_dir=kept, progress=Watcher()), trials, told, kept


def test_the_table_tells_a_group_that_carries_the_signal_from_one_that_carries_nothing(first):
    rows = {one.variant.name: one for one in first[0]}
    assert list(rows) == ["reference", "without signal", "without noise"]
    helpful, useless = rows["without signal"], rows["without noise"]
    assert helpful.verdict == "helps" and helpful.both[1] < 0 and all(gap < 0 for gap in helpful.by_seed)
    assert useless.verdict == "cannot be told" and abs(useless.difference.mean) < 0.1
    assert rows["reference"].verdict == "the reference" and rows["reference"].rank_ic.low > 0.1
    assert all(len(one.by_seed) == 3 and one.cpu_seconds > 0 for one in (helpful, useless))


def test_a_group_the_panel_lacks_is_told_and_not_trained(asked):
    assert asked.variants.left_out == {"without nothing": "the panel holds none of it"}


def test_every_fit_is_a_trial_of_its_own_features(first, data, trees):
    trials, panel = first[1], data.panel
    assert len(trials) == len({trial.hash for trial in trials}) == 9
    assert {trial.config_hash for trial in trials} == {trees.config_hash}
    hashes = {narrowed_hash(panel.catalogue_hash, panel.names, GROUPS[name]) for name in ("signal", "noise")}
    assert {trial.feature_hash for trial in trials} == {panel.catalogue_hash, *hashes}


def test_progress_names_the_variant(first):
    assert len(first[2]) == 9 and first[2][3].startswith("without signal; lightgbm: fold 0, seed 1")


def test_a_second_run_finds_its_fits_and_says_what_they_had_cost(first, asked, data):
    rows, trials = first[0], []
    again = ablate(asked, data, trials.append, cache_dir=first[3])
    assert table_of(again).equals(table_of(rows)) and trials == first[1]


def test_a_variant_that_cannot_be_fitted_says_so_and_ends_nothing(asked, data, trees):
    broken = Variant("with nonsense", NetworkRecipe(RankerConfig.of("tiny", horizons=(1,))), "nonsense")
    upon = Variant("upon it", trees, "other", against="with nonsense")
    two = replace(asked, variants=Variants((asked.variants.tried[0], broken, upon), {}))
    rows = ablate(two, data, lambda trial: None)
    assert rows[1].verdict.startswith("failed: apex_ranker, fold 0") and np.isnan(rows[1].rank_ic.mean)
    assert rows[2].verdict == "failed: with nonsense, which it is compared with, failed"


def test_two_seeds_are_refused(asked):
    with pytest.raises(ConfigError, match="at least 3 different ones"):
        replace(asked, seeds=(1, 2, 2))


def test_seeds_that_disagree_widen_what_days_alone_would_say():
    days = stationary_bootstrap_ci(np.random.default_rng(1).normal(0.02, 0.05, 120), resamples=300)
    assert days.low > 0
    low, high = days_and_seeds(days, [0.06, 0.02, -0.03], 0.95)
    assert low < 0 < days.high < high
    agreed = days_and_seeds(days, [days.mean] * 3, 0.95)
    assert agreed[0] <= days.low and agreed[1] - agreed[0] < 1.2 * (days.high - days.low)
    assert days_and_seeds(days, [0.02], 0.95) == (days.low, days.high)


def test_a_narrowed_panel_holds_the_rest_as_it_was(panel, tmp_path):
    dropped = ("ret_5d", "noise_0")
    narrow = narrowed(panel, dropped, tmp_path)
    keep = [place for place, name in enumerate(panel.names) if name not in dropped]
    assert narrow.names == tuple(panel.names[place] for place in keep)
    assert np.array_equal(narrow.values, panel.values[..., keep])
    session = panel.sessions[20]
    whole = np.unpackbits(panel.window_bits(session, 3), axis=-1, count=len(panel.names))[..., keep]
    assert np.array_equal(np.unpackbits(narrow.window_bits(session, 3), axis=-1, count=len(keep)), whole)
    assert narrow.catalogue_hash != panel.catalogue_hash and narrow.content_key != panel.content_key
    with pytest.raises(DatasetError, match="elsewhere"):
        narrowed(panel, ("elsewhere",), tmp_path)
    with pytest.raises(DatasetError, match="every feature dropped"):
        narrowed(panel, panel.names, tmp_path)


def verdict_of(interval, both, by_seed, *, is_without=False):
    variant = Variant("v", None, "block", is_without=is_without)
    return Judged(variant, interval, replace(interval, mean=float(np.mean(by_seed))), both, by_seed).verdict


def test_a_verdict_says_how_sure_it_is():
    above = Interval(0.02, 0.01, 0.03, 0.005, 5.0, 100)
    assert verdict_of(above, (0.005, 0.035), (0.02, 0.03, 0.01)) == "helps"
    assert verdict_of(above, (0.005, 0.035), (0.02, 0.03, 0.01), is_without=True) == "hurts"
    assert verdict_of(above, (-0.005, 0.045), (0.02, 0.03, 0.01)) == "seems to help"
    assert verdict_of(above, (-0.005, 0.045), (0.07, 0.02, -0.03)) == "cannot be told"
    assert verdict_of(replace(above, low=-0.01), (-0.02, 0.06), (0.02, 0.03, 0.01)) == "cannot be told"
