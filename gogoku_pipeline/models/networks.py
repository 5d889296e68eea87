"""The networks of the house by family: from a configuration and the features' names to a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.apex_ranker import ApexRanker, RankerConfig
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.atft_gat_fan import AtftGatFan
from gogoku_pipeline.models.network import Network

AnyConfig = RankerConfig | AtftConfig
FAMILIES: Mapping[str, type[AnyConfig]] = {"apex_ranker": RankerConfig, "atft_gat_fan": AtftConfig}
"""Configuration of each family of networks."""


def family_of(config: AnyConfig) -> str:
    """Name of a configuration's family."""
    return next(name for name, kind in FAMILIES.items() if type(config) is kind)


def make_network(config: AnyConfig, names: Sequence[str]) -> Network:
    """A network with fresh weights for these features, in the panel's order."""
    if isinstance(config, AtftConfig):
        return AtftGatFan(names, config)
    return ApexRanker(len(names), config)


def saved_config(family: str, saved: Mapping[str, Any]) -> AnyConfig:
    """The configuration a fit of a family was saved with; raises ConfigError for an unknown family or field."""
    if family not in FAMILIES:
        raise ConfigError(
            f"network family {family!r}",
            got="an unknown name",
            want=f"one of {sorted(FAMILIES)}",
            remedy="Train the version again with a family of this house.",
        )
    return FAMILIES[family].load(saved)
