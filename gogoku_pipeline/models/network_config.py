"""What configurations of networks have in common: named presets, loading from a file, and refusals by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Self

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.unread import refuse_unread

QUANTILES_LEARNT: Mapping[str, Any] = {"model.quantiles": (0.1, 0.5, 0.9), "loss.pinball": 1.0}
"""What quantiles that shape the trunk need, by dial: levels, and a loss that teaches them."""


class NetworkConfig:
    """Base of the frozen dataclasses that shape a network."""

    presets: ClassVar[Mapping[str, Any]] = {}
    """Configurations by name."""
    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that came after the first designs were promoted."""

    @classmethod
    def of(cls, size: str, **changes: Any) -> Self:
        """A preset, with fields changed on top; ConfigError for an unknown size or field, and one nothing reads."""
        if size not in cls.presets:
            raise refused("size", repr(size), f"one of {sorted(cls.presets)}")
        cls._refuse_unknown(changes)
        chosen: Self = replace(cls.presets[size], **_tuples(changes))
        refuse_unread(chosen, changes)
        return chosen

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        """The configuration a fit was saved with; lists of a file become tuples again."""
        cls._refuse_unknown(saved)
        return cls(**_tuples(saved))

    def hashed(self) -> dict[str, Any]:
        """The fields that make a design another one.

        Those that came later count from when they are set: a new dial must not make every promoted design another one.
        """
        plain = {field.name: field.default for field in fields(self)}  # type: ignore[arg-type]
        return {name: value for name, value in self.as_dict().items() if name not in self.later or value != plain[name]}

    def as_dict(self) -> dict[str, Any]:
        """The fields, for manifests and hashes."""
        assert is_dataclass(self)
        return asdict(self)

    @classmethod
    def _refuse_unknown(cls, given: Mapping[str, Any]) -> None:
        assert is_dataclass(cls)
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise refused(cls.__name__, f"unknown fields {unknown}", f"fields among {sorted(known)}")

    def _at_least_one(self, *names: str) -> None:
        """Refuse counts below 1, by name."""
        for name in names:
            if getattr(self, name) < 1:
                raise refused(name, str(getattr(self, name)), "at least 1")

    def _not_negative(self, *names: str) -> None:
        """Refuse negative amounts, by name."""
        for name in names:
            if getattr(self, name) < 0:
                raise refused(name, str(getattr(self, name)), "not negative; 0 switches it off")

    def _shares(self, *names: str) -> None:
        """Refuse what is no share in [0, 1), by name."""
        for name in names:
            if not 0.0 <= getattr(self, name) < 1.0:
                raise refused(name, str(getattr(self, name)), "a share in [0, 1)")

    def _horizons(self, horizons: tuple[int, ...]) -> None:
        """Refuse horizons that are missing, not positive, out of order or given twice."""
        if not horizons or list(horizons) != sorted(set(horizons)) or min(horizons) < 1:
            raise refused("horizons", str(horizons), "sessions ahead, ascending, each once, such as (1, 5, 10, 20)")


def refuse_quantiles(levels: tuple[float, ...], *, has_gradient: bool) -> None:
    """Refuse levels outside (0, 1) or out of order, and a gradient of no quantile head."""
    if any(low >= high for low, high in pairwise((0.0, *levels, 1.0))):
        raise refused("quantiles", str(levels), "levels inside (0, 1), rising")
    if has_gradient and not levels:
        raise refused("quantile_gradient and quantiles", "gradient of no quantile head", "quantiles named")


def refused(thing: str, got: str, want: str) -> ConfigError:
    """A refusal that names the setting."""
    return ConfigError(thing, got=got, want=want, remedy="Correct the network's configuration.")


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
