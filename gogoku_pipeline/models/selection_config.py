"""Which features a fit reads: all of the panel's, or those that earn their place on its own training days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.unread import refuse_unread

Method = Literal["none", "gain", "mutual_information", "lasso"]


@dataclass(frozen=True)
class SelectionConfig:
    """How the features of a fit are chosen; read without loading tensors."""

    method: Method = "none"
    """LightGBM's gain, mutual information with the target, the lasso's path, or none: every feature of the panel."""
    keep: int = 64
    """Most features that are chosen by their score."""
    always: tuple[str, ...] = ()
    """Features that stay whatever their score."""
    most_rows: int = 200_000
    """Most rows that are looked at; whole days spread evenly over the training window."""

    def __post_init__(self) -> None:
        """Refuse unknown methods and counts below 1."""
        object.__setattr__(self, "always", tuple(self.always))
        if self.method not in get_args(Method):
            raise _bad("method", repr(self.method), f"one of {get_args(Method)}")
        for name in ("keep", "most_rows"):
            if getattr(self, name) < 1:
                raise _bad(name, str(getattr(self, name)), "at least 1")

    @classmethod
    def of(cls, given: SelectionConfig | Mapping[str, Any]) -> SelectionConfig:
        """The config itself, or that of its fields by name; ConfigError for unknown names and dials nothing reads."""
        if isinstance(given, SelectionConfig):
            return given
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise _bad("fields", f"unknown fields {unknown}", f"fields among {sorted(known)}")
        made = cls(**given)
        refuse_unread(made, given)
        return made

    @property
    def is_on(self) -> bool:
        """Whether anything is chosen at all."""
        return self.method != "none"


def _bad(name: str, got: str, want: str) -> ConfigError:
    return ConfigError(f"selection.{name}", got=got, want=want, remedy="Correct the selection of features.")
