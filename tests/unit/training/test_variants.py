"""Blocks are turned by the switches their configs declare; nothing contradictory is trained."""

from dataclasses import replace

import pytest

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.switches import switches_of
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.presets import EARLIER, OURS, preset
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.variants import MARKET, RAW, REFERENCE, block_variants, blocks_of, group_variants

PLACE = {RAW: ("ret_1d",), MARKET: ("mkt_ret_1d",)}
WHOLE = AtftConfig.of(
    "small",
    encoder="attention",
    layer_scale=0.1,
    graph_heads=(2,),
    raw_channels=("ret_1d",),
    fan_top=2,
    frequency_dropout=0.1,
    market_features=("mkt_ret_1d",),
    market_gate=5.0,
    regime_experts=3,
    quantiles=(0.1, 0.5, 0.9),
    quantile_gradient=True,
)
"""Everything that can be on at once."""


def named(variants):
    return {variant.name: variant for variant in variants.tried}


@pytest.mark.parametrize("name", [*OURS, *EARLIER])
def test_every_block_of_every_preset_is_turned_or_told_why_not(name):
    recipe = preset(name)
    found = block_variants(recipe, PLACE)
    turned = {variant.block for variant in found.tried[1:]}
    untold = [each.block for each in blocks_of(recipe).values() if each.block not in turned]
    assert all(any(block in name for name in found.left_out) for block in untold)
    hashes = [variant.recipe.config_hash for variant in found.tried]
    assert len(set(hashes)) == len(hashes), "no variant is the reference or another one again"
    assert found.tried[0].name == REFERENCE and found.tried[0].recipe is recipe


def test_every_declared_setting_is_one_the_config_takes():
    for config in (AtftConfig(), RankerConfig(), TrainConfig(), TrainConfig().loss):
        for name, found in switches_of(config).items():
            for value in (found.off, *(value for value in found.on if value is not None)):
                assert isinstance(value, type(getattr(config, name))), name


def test_a_block_upon_another_is_compared_with_that_one_alone():
    found = named(block_variants(NetworkRecipe(AtftConfig.of("small")), PLACE, ("fan", "san")))
    assert list(found) == [REFERENCE, "with raw_channels", "with fan", "with san"]
    assert found["with fan"].against == found["with san"].against == "with raw_channels"
    assert found["with fan"].recipe.model.raw_channels == ("ret_1d",) and found["with fan"].recipe.model.fan_top > 0


def test_what_a_block_reads_comes_and_goes_with_it():
    recipe = NetworkRecipe(WHOLE)
    found = named(block_variants(recipe, PLACE))
    bare = found["without raw_channels"].recipe.model
    assert (bare.raw_channels, bare.fan_top, bare.frequency_dropout) == ((), 0, 0.0)
    assert found["without market_gate"].recipe.model.market_features, "the experts still read it"
    one = NetworkRecipe(replace(WHOLE, regime_experts=0))
    assert named(block_variants(one, PLACE, ("market_gate",)))["without market_gate"].recipe.model.market_features == ()
    trunk = named(block_variants(NetworkRecipe(AtftConfig.of("small")), PLACE, ("quantile_trunk",)))
    learnt = trunk["with quantile_trunk"].recipe
    assert learnt.model.quantiles and learnt.model.quantile_gradient and learnt.train.loss.pinball > 0


def test_choices_are_tried_in_all_their_kinds_and_own_settings_only_without():
    found = named(block_variants(NetworkRecipe(AtftConfig.of("small")), PLACE, ("selection", "encoder", "averaging")))
    kinds = {name: variant.is_without for name, variant in found.items() if name != REFERENCE}
    assert kinds == {
        "without selection": True,
        "with selection: grouped": False,
        "with selection: per_variable": False,
        "with encoder: attention": False,
        "without averaging": True,
        "with averaging: swa": False,
    }
    own = NetworkRecipe(AtftConfig.of("small", graph_heads=(1,), dropout=0.3))
    assert list(named(block_variants(own, PLACE, ("graph", "dropout")))) == [
        REFERENCE,
        "without dropout",
        "without graph",
    ]


def test_contradictions_are_left_out_with_their_reason():
    found = block_variants(NetworkRecipe(AtftConfig.of("small")), {}, ("fan", "market_gate", "sharpe_loss"))
    assert [variant.name for variant in found.tried] == [REFERENCE]
    assert (
        "none at this place" in found.left_out["with fan"]
        and "none at this place" in found.left_out["with market_gate"]
    )
    assert "at least 32 consecutive" in found.left_out["with sharpe_loss"]


def test_an_unknown_block_is_refused_with_the_list():
    with pytest.raises(ConfigError, match=r"blocks \['grpah'\].*graph"):
        block_variants(NetworkRecipe(AtftConfig.of("small")), PLACE, ("grpah",))


def test_a_group_is_taken_from_every_road_a_network_reads_it_on():
    names = ("ret_1d", "ret_5d", "mkt_ret_1d", "vol_20d")
    groups = {"returns": names[:2], "market": names[2:3], "all": names}
    found = group_variants(NetworkRecipe(WHOLE), names, groups)
    assert [variant.name for variant in found.tried] == [REFERENCE, "without returns", "without market"]
    assert found.left_out == {"without all": "the panel holds nothing else"}
    returns, market = (variant.recipe.model for variant in found.tried[1:])
    assert (returns.raw_channels, returns.fan_top, returns.market_gate) == ((), 0, 5.0)
    assert (market.market_features, market.market_gate, market.regime_experts) == ((), 0.0, 0)
    assert market.raw_channels == ("ret_1d",)
