"""Named designs: a network's shape with the loop it is trained by, ready for the gate.

Belongs here: our own sizes, the figures of the earlier system kept beside them, and the page that compares them.
Does not belong here: what a dial means (the configs that declare it).

In all of them targets are standardised per day, unlike the original, whose raw returns made ListNet flat. What the
earlier system's notes leave open is marked in the page. Source: models.md 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.stop_rule import StopRule

_SQUARE = 100.0
"""Huber's delta, in standard deviations: half the square everywhere, so a weight of w on MSE is one of 2 w here."""

_SEED_LOSS = LossWeights(ic=0.15, listnet=0.0, huber=0.0, spearman=0.2, pinball=1.0, sharpe=0.3)
_SEED_HORIZONS = {1: 1.0, 5: 0.7, 10: 0.5, 20: 0.3}
_BASE_EPOCHS, _SEED_EPOCHS = 20, 60


def _listwise(temperature: float, ranknet: float, square: float) -> LossWeights:
    """ListNet 1.0, RankNet and a square, as the earlier ranker mixed them."""
    return LossWeights(
        ic=0.0,
        listnet=1.0,
        ranknet=ranknet,
        huber=2 * square,
        huber_delta=_SQUARE,
        listnet_temperature=temperature,
    )


def _apex_base() -> TrainConfig:
    return TrainConfig(
        epochs=_BASE_EPOCHS, learning_rate=5e-4, weight_decay=1e-4, clip=1.0, loss=_listwise(0.5, 0.5, 0.1)
    )


def _apex_enhanced(patience: int = 3) -> TrainConfig:
    return TrainConfig(
        epochs=_BASE_EPOCHS,
        learning_rate=5e-4,
        weight_decay=1e-4,
        clip=0.5,
        warmup_share=3 / _BASE_EPOCHS,
        warmup_start=0.1,
        patience=patience,
        smoothing=1,
        stop=StopRule(metrics={"p_at_50": 1.0}, horizon_d=20),
        loss=_listwise(0.4, 0.8, 0.05),
    )


def _apex_short_term() -> TrainConfig:
    return TrainConfig(
        epochs=_BASE_EPOCHS,
        learning_rate=5e-4,
        weight_decay=1e-4,
        clip=1.0,
        patience=5,
        loss=_listwise(0.5, 0.5, 0.1),
    )


def _atft_seed() -> TrainConfig:
    return TrainConfig(
        epochs=_SEED_EPOCHS,
        days_per_step=32,
        learning_rate=5e-4,
        clip=1.0,
        ema_decay=0.999,
        patience=15,
        smoothing=1,
        horizon_weights=_SEED_HORIZONS,
        stop=StopRule(horizon_d=5),
        loss=_SEED_LOSS,
        checkpointing=True,
    )


_EARLIER: dict[str, Callable[[], TrainConfig]] = {
    "apex_base": _apex_base,
    "apex_enhanced": _apex_enhanced,
    "apex_pruned": _apex_enhanced,
    "apex_short_term": _apex_short_term,
    "atft_seed": _atft_seed,
}
EARLIER = tuple(_EARLIER)
"""Designs of the earlier system."""
_SIZES = {
    f"{prefix}_{size}": kind.of(size)
    for prefix, kind in (("ranker", RankerConfig), ("atft", AtftConfig))
    for size in ("tiny", "small", "base")
}
OURS = tuple(_SIZES)
"""Our own sizes of both families."""


def preset(name: str) -> NetworkRecipe:
    """A named design; raises ConfigError for an unknown name."""
    if name in _EARLIER:
        shape = AtftConfig.of(name) if name in AtftConfig.presets else RankerConfig.of(name)
        return NetworkRecipe(shape, _EARLIER[name](), name)
    if name in _SIZES:
        return NetworkRecipe(_SIZES[name], TrainConfig(), name)
    raise ConfigError(
        f"preset {name!r}", got="an unknown name", want=f"one of {(*EARLIER, *OURS)}", remedy="Correct the name."
    )
