"""The named designs keep the figures they are known by (models.md 2), word for word."""

import pytest

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.training.presets import EARLIER, OURS, preset

SHAPES = {
    "atft_seed": {
        "hidden": 256,
        "look_back": 60,
        "heads": 4,
        "encoder": "lstm",
        "encoder_layers": 1,
        "graph_heads": (4, 2),
        "edge_attributes": 3,
        "dropout": 0.1,
        "layer_scale": 0.1,
        "quantiles": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        "horizons": (1, 5, 10, 20),
    },
    "apex_base": {
        "d_model": 192,
        "depth": 3,
        "heads": 8,
        "dropout": 0.1,
        "patch": 16,
        "stride": 8,
        "look_back": 180,
        "horizons": (1, 5, 10, 20),
    },
    "apex_enhanced": {"d_model": 256, "depth": 4, "dropout": 0.2, "patch": 16, "stride": 8, "look_back": 180},
    "apex_pruned": {"d_model": 256, "depth": 4, "dropout": 0.2, "patch": 16, "stride": 8, "look_back": 180},
    "apex_short_term": {"look_back": 60, "horizons": (1, 5), "patch": 16, "stride": 8},
}
LOOPS = {
    "atft_seed": {
        "ema_decay": 0.999,
        "clip": 1.0,
        "patience": 15,
        "horizon_weights": {1: 1.0, 5: 0.7, 10: 0.5, 20: 0.3},
    },
    "apex_base": {"clip": 1.0, "learning_rate": 5e-4, "weight_decay": 1e-4},
    "apex_enhanced": {"clip": 0.5, "warmup_start": 0.1, "patience": 3},
    "apex_pruned": {"clip": 0.5, "warmup_start": 0.1, "patience": 3},
    "apex_short_term": {"patience": 5},
}
LOSSES = {
    "atft_seed": {"pinball": 1.0, "sharpe": 0.3, "spearman": 0.2, "ic": 0.15},
    "apex_base": {"listnet": 1.0, "ranknet": 0.5, "huber": 0.2},  # half a square: 0.2 of it is 0.1 of MSE
    "apex_enhanced": {"listnet": 1.0, "ranknet": 0.8, "huber": 0.1},
    "apex_pruned": {"listnet": 1.0, "ranknet": 0.8, "huber": 0.1},
    "apex_short_term": {"listnet": 1.0, "ranknet": 0.5, "huber": 0.2},
}
TEMPERATURES = {"apex_base": 0.5, "apex_enhanced": 0.4, "apex_pruned": 0.4}
STOPS = {
    "atft_seed": ({"rank_ic": 1.0}, 5),
    "apex_enhanced": ({"p_at_50": 1.0}, 20),
    "apex_pruned": ({"p_at_50": 1.0}, 20),
}


@pytest.mark.parametrize("name", EARLIER)
def test_an_earlier_design_keeps_its_figures(name):
    recipe = preset(name)
    assert {field: getattr(recipe.model, field) for field in SHAPES[name]} == SHAPES[name]
    assert {field: getattr(recipe.train, field) for field in LOOPS[name]} == LOOPS[name]
    assert dict(recipe.train.loss.items()) == LOSSES[name]
    if name in TEMPERATURES:
        assert recipe.train.loss.listnet_temperature == TEMPERATURES[name]
    if name in STOPS:
        assert (dict(recipe.train.stop.metrics), recipe.train.stop.horizon_d) == STOPS[name]


def test_enhanced_warms_up_over_three_epochs():
    train = preset("apex_enhanced").train
    assert train.warmup_share * train.epochs == pytest.approx(3.0)


def test_every_design_is_another_one_under_its_own_name():
    recipes = [preset(name) for name in (*EARLIER, *OURS)]
    assert [recipe.name for recipe in recipes] == [*EARLIER, *OURS]
    assert len({recipe.config_hash for recipe in recipes}) == len(recipes)


def test_an_unknown_design_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match="apex_base.*atft_seed.*ranker_tiny"):
        preset("apex_gigantic")
