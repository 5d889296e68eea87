"""From a deployment's sizes to recipes. Torch is imported here and only when a recipe is asked for: it costs seconds.

Belongs here: model name -> recipe of that size.
Does not belong here: training, sizes (`compute`).
"""

from typing import TYPE_CHECKING

from gogoku_pipeline.core.errors import ConfigError
from resources.compute import Compute

if TYPE_CHECKING:
    from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
    from gogoku_pipeline.training.recipes import Recipe

CHALLENGER, BASELINE, GRAPH_NETWORK = "apex_ranker", "lightgbm", "atft_gat_fan"
NETWORKS = (CHALLENGER, GRAPH_NETWORK)
"""Networks a deployment may have judged, the usual one first."""
MODELS = (BASELINE, *NETWORKS)


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
        from gogoku_pipeline.models.networks import FAMILIES
        from gogoku_pipeline.training.config import Place, TrainConfig
        from gogoku_pipeline.training.recipe_network import NetworkRecipe

        dials = {"threads": compute.threads, "device": compute.device, **compute.training}
        shape, runs = FAMILIES[model].of(compute.ranker, **compute.network), Place(compute.cache_dir / "runs")
        return NetworkRecipe(shape, TrainConfig.of(dials), place=runs)
    raise ConfigError(f"model {model!r}", got="an unknown name", want=f"one of {MODELS}", remedy="Correct the name.")


def baselines(compute: Compute) -> "tuple[BoostedRecipe, ...]":
    """The recipes the baseline is made of, one per objective: the gate's bar is the stronger of them."""
    from gogoku_pipeline.models.boosted import BoostedConfig
    from gogoku_pipeline.training.recipe_boosted import objectives

    return objectives(BoostedConfig(**{"threads": compute.threads, **compute.boosted}))
