"""Which horizons are learnt in an epoch, and how much each weighs."""

from __future__ import annotations

from collections.abc import Sequence

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.training.config import TrainConfig


def refuse_other_horizons(config: TrainConfig, horizons: Sequence[int]) -> None:
    """Raise ConfigError where weights, curriculum or stop rule speak of horizons a network does not have."""
    for name, given in (("horizon_weights", config.horizon_weights), ("curriculum", config.curriculum)):
        if unknown := sorted(set(given) - set(horizons)):
            raise _bad(name, f"horizons {unknown}", f"horizons among {tuple(horizons)}")
    if config.horizon_weights and (left_out := sorted(set(horizons) - set(config.horizon_weights))):
        raise _bad("horizon_weights", f"nothing for {left_out}", "a weight for every horizon; 0 switches one off")
    if config.stop.horizon_d and config.stop.horizon_d not in horizons:
        raise _bad("stop.horizon_d", str(config.stop.horizon_d), f"one of {tuple(horizons)}")
    if not any(horizon_weights(config, horizons, 1)):
        raise _bad("curriculum", "no horizon in the first epoch", "at least one from the start")


def horizon_weights(config: TrainConfig, horizons: Sequence[int], epoch: int) -> tuple[float, ...]:
    """Weight of each horizon in an epoch counted from 1; 0 before it joins.

    Source: Bengio et al. (ICML 2009), "Curriculum learning".
    """
    done = (epoch - 1) / config.epochs
    return tuple(
        config.horizon_weights.get(horizon, 1.0) if done >= config.curriculum.get(horizon, 0.0) else 0.0
        for horizon in horizons
    )


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(thing, got=got, want=want, remedy="Name the horizons of the network, in sessions.")
