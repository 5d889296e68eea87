"""From a deployment's sizes to recipes. Torch is imported here and only when a recipe is asked for: it costs seconds.

Belongs here: model name -> recipe of that size.
Does not belong here: training, sizes (`compute`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gogoku_pipeline.core.errors import ConfigError
from resources.compute import NETWORKS, Compute

if TYPE_CHECKING:
    from gogoku_pipeline.models.networks import AnyConfig
    from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
    from gogoku_pipeline.training.recipes import Recipe

BASELINE, GRAPH_NETWORK = "lightgbm", "atft_gat_fan"
MODELS = (BASELINE, *NETWORKS)


@dataclass(frozen=True)
class PanelNeeds:
    """What the networks of a deployment read beside the panel.

    Attributes:
        graphs: whether one of them reads the session's graph.
        raw: features that some of them read as they are, in order of name.
    """

    graphs: bool
    raw: tuple[str, ...]


def recipe(model: str, compute: Compute) -> "Recipe":
    """The recipe of a model at the deployment's size.

    Args:
        model: one of MODELS.
        compute: sizes.

    Raises:
        ConfigError: an unknown model.
    """
    if model == BASELINE:
        from gogoku_pipeline.training.recipe_boosted import BetterBoosted

        return BetterBoosted(baselines(compute))
    if model in NETWORKS:
        from gogoku_pipeline.training.config import Place, TrainConfig
        from gogoku_pipeline.training.recipe_network import NetworkRecipe

        dials = {"threads": compute.threads, "device": compute.device, **compute.dials(model).training}
        runs = Place(compute.cache_dir / "runs")
        return NetworkRecipe(shape_of(model, compute), TrainConfig.of(dials), place=runs)
    raise ConfigError(f"model {model!r}", got="an unknown name", want=f"one of {MODELS}", remedy="Correct the name.")


def shape_of(network: str, compute: Compute) -> "AnyConfig":
    """The configuration of a network at the deployment's size."""
    from gogoku_pipeline.models.networks import FAMILIES

    dials = compute.dials(network)
    return FAMILIES[network].of(dials.preset, **dials.shape)


def panel_needs(compute: Compute) -> PanelNeeds:
    """What the challengers of a deployment read beside the panel."""
    shapes = [shape_of(name, compute) for name in compute.challengers]
    raw = {channel for shape in shapes for channel in getattr(shape, "raw_channels", ())}
    return PanelNeeds(any(getattr(shape, "graph_heads", ()) for shape in shapes), tuple(sorted(raw)))


def baselines(compute: Compute) -> "tuple[BoostedRecipe, ...]":
    """The recipes the baseline is made of, one per objective: the gate's bar is the stronger of them."""
    from gogoku_pipeline.models.boosted import BoostedConfig
    from gogoku_pipeline.training.recipe_boosted import objectives

    return objectives(BoostedConfig(**{"threads": compute.threads, **compute.boosted}))
