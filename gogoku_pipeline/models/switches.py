"""Switches: which settings of a design turn a block on or off, declared beside the settings themselves.

Belongs here: how a setting is declared a switch, and reading the switches of a config. Read without loading tensors.
Does not belong here: training with a switch turned (`training.ablation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")
OF_THE_PLACE = None
"""Stands for what only the place knows: its raw channels, its market-wide features."""
_SWITCH = "switch"


@dataclass(frozen=True)
class Switch:
    """How one block is turned.

    Attributes:
        block: what the block is called in tables.
        off: the setting without the block; of a choice, the plainest.
        on: settings with it, the usual one first; `OF_THE_PLACE` for what the place has.
        needs: dials the block reads and what they are set to where they are empty.
        is_choice: whether `off` is a block of its own kind rather than none.
    """

    block: str
    off: Any
    on: tuple[Any, ...]
    needs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    is_choice: bool = False


def switch(
    default: T,
    block: str,
    *,
    off: T,
    on: tuple[Any, ...],
    needs: Mapping[str, Any] | None = None,
    is_choice: bool = False,
) -> T:
    """A field of a frozen config that turns a block; the arguments are those of `Switch`."""
    found = Switch(block, off, on, MappingProxyType(dict(needs or {})), is_choice)
    return field(default=default, metadata={_SWITCH: found})


def switches_of(config: Any) -> dict[str, Switch]:
    """The switches of a config by field, in the order of their declaration."""
    return {each.name: each.metadata[_SWITCH] for each in fields(config) if _SWITCH in each.metadata}
