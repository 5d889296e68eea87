"""Variants of a design: each block turned the other way, each group of features taken away.

Belongs here: from the switches a design's configs declare, and from groups of feature names, to recipes that are
trained beside it. Does not belong here: training and judging them (`ablation`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.switches import OF_THE_PLACE, Switch, switches_of
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.search_space import turned

REFERENCE = "reference"
RAW, MARKET = "model.raw_channels", "model.market_features"


@dataclass(frozen=True)
class Variant:
    """One thing that differs from the reference, or from another variant.

    Attributes:
        name: unique in a table.
        recipe: what is trained.
        block: block or group of features that is turned.
        is_without: whether the variant lacks the block (or the group); else it has it, or another kind of it.
        against: the variant it is compared with; a block that reads another block is compared with that one alone.
        dropped: features it is not shown.
    """

    name: str
    recipe: Recipe
    block: str = ""
    is_without: bool = False
    against: str = REFERENCE
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variants:
    """What is trained beside a reference.

    Attributes:
        tried: the reference first; whatever another one is compared with comes before it.
        left_out: why a block was not turned, by the name its variant would have had.
    """

    tried: tuple[Variant, ...]
    left_out: Mapping[str, str]


def blocks_of(recipe: NetworkRecipe) -> dict[str, Switch]:
    """The switches of a design by dial: of the network, of its loop, of its losses."""
    parts = (("model", recipe.model), ("train", recipe.train), ("loss", recipe.train.loss))
    return {f"{part}.{name}": found for part, config in parts for name, found in switches_of(config).items()}


def block_variants(recipe: NetworkRecipe, place: Mapping[str, tuple[str, ...]], blocks: Sequence[str] = ()) -> Variants:
    """The reference and every block turned the other way.

    A block that is on is switched off, and to its other kinds where it has some; one that is off is switched on.

    Args:
        recipe: the reference.
        place: raw channels and market-wide features there are, by dial (`RAW`, `MARKET`).
        blocks: names of blocks; empty for all.

    Raises:
        ConfigError: a block the design does not have.
    """
    known = blocks_of(recipe)
    names = [found.block for found in known.values()]
    if unknown := sorted(set(blocks) - set(names)):
        raise ConfigError(f"blocks {unknown}", got="unknown names", want=f"among {names}", remedy="Correct the names.")
    tried, left_out = {REFERENCE: Variant(REFERENCE, recipe)}, dict[str, str]()
    for dial, found in known.items():
        if blocks and found.block not in blocks:
            continue
        for value in _other_settings(found, _value(recipe, dial)):
            name = _named(found, value)
            try:
                for variant in _turned(recipe, dial, value, known, place):
                    tried.setdefault(variant.name, variant)
            except ConfigError as refusal:
                left_out[name] = f"{refusal.thing}: {refusal.got}; wanted {refusal.want}"
    return Variants(tuple(tried.values()), left_out)


def group_variants(recipe: Recipe, names: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Variants:
    """The reference and, for every group of features, the same design without them.

    A network that reads some of a group as raw channels or as its market vector loses them there, too. The graph stays:
    it is no feature.

    Args:
        recipe: the reference, a network's or LightGBM's.
        names: features of the panel.
        groups: names of each group; those outside the panel are ignored.
    """
    tried, left_out = [Variant(REFERENCE, recipe)], dict[str, str]()
    for group, members in groups.items():
        dropped = tuple(name for name in names if name in set(members))
        name = f"without {group}"
        if not dropped or len(dropped) == len(names):
            left_out[name] = "the panel holds none of it" if not dropped else "the panel holds nothing else"
            continue
        try:
            narrow = _without(recipe, dropped)
        except ConfigError as refusal:
            left_out[name] = f"{refusal.thing}: {refusal.got}; wanted {refusal.want}"
            continue
        tried.append(Variant(name, narrow, group, is_without=True, dropped=dropped))
    return Variants(tuple(tried), left_out)


def _other_settings(found: Switch, now: Any) -> list[Any]:
    """What a switch could be turned to; a setting of somebody's own is only switched off."""
    if now == found.off:
        return list(found.on)
    kinds = [value for value in found.on if value != now] if now in found.on else []
    return [found.off, *kinds]


def _named(found: Switch, value: Any) -> str:
    if value == found.off and not found.is_choice:
        return f"without {found.block}"
    kind = f": {value}" if isinstance(value, str) else ""
    return f"with {found.block}{kind}"


def _turned(
    recipe: NetworkRecipe, dial: str, value: Any, known: Mapping[str, Switch], place: Mapping[str, tuple[str, ...]]
) -> Iterator[Variant]:
    """The variant of one setting, after the variants it must be compared with."""
    found, values, against = known[dial], {dial: value}, REFERENCE
    if value == found.off:
        values |= {other: each.off for other, each in known.items() if dial in each.needs}
    else:
        values[dial] = _from_place(dial, place) if value is OF_THE_PLACE else value
        for need, setting in found.needs.items():
            if _value(recipe, need):
                continue
            values[need] = _from_place(need, place) if setting is OF_THE_PLACE else setting
            if need in known and setting is OF_THE_PLACE:
                beneath = next(_turned(recipe, need, OF_THE_PLACE, known, place))
                against = beneath.name
                yield beneath
    without = value == found.off and not found.is_choice
    name = _named(found, value)
    yield Variant(name, _settled(recipe, values), found.block, is_without=without, against=against)


def _settled(recipe: NetworkRecipe, values: Mapping[str, Any]) -> NetworkRecipe:
    """The recipe with dials turned; a market vector nobody reads any more goes with its last reader."""
    model = recipe.model
    if isinstance(model, AtftConfig) and model.market_features:
        read = [values.get(f"model.{name}", getattr(model, name)) for name in ("market_gate", "regime_experts")]
        values = values if any(read) else {**values, MARKET: ()}
    return turned(recipe, values)


def _without(recipe: Recipe, dropped: Sequence[str]) -> Recipe:
    """A recipe that reads none of some features in a way of its own."""
    if not isinstance(recipe, NetworkRecipe) or not isinstance(recipe.model, AtftConfig):
        return recipe
    values: dict[str, Any] = {}
    for dial, readers in (
        (RAW, ("fan_top", "san_period", "revin", "frequency_dropout")),
        (MARKET, ("market_gate", "regime_experts")),
    ):
        now = _value(recipe, dial)
        values[dial] = tuple(name for name in now if name not in dropped)
        if now and not values[dial]:
            values |= {f"model.{name}": switches_of(recipe.model)[name].off for name in readers}
    return turned(recipe, values)


def _from_place(dial: str, place: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if not place.get(dial):
        raise ConfigError(dial, got="none at this place", want="some", remedy="Name them in the place's sizes.")
    return place[dial]


def _value(recipe: NetworkRecipe, dial: str) -> Any:
    part, _, name = dial.partition(".")
    of: dict[str, Any] = {"model": recipe.model, "train": recipe.train, "loss": recipe.train.loss}
    return getattr(of[part], name)
