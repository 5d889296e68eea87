"""Recipes: what is fitted and how, under one hash. The gate judges recipes; versions are fits of them.

Belongs here: the protocol every recipe and every fit obeys, and the way back from saved files to a fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from gogoku_pipeline.core.errors import ArtefactError, DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.training.config import Place, Report

TARGET = "gauss_open"
"""The one label column every recipe learns, by exact name."""

IDENTITY = "identity.json"


@dataclass(frozen=True)
class Identity:
    """What a fit was fitted on; scoring anything else is refused.

    Attributes:
        catalogue_hash: feature catalogue.
        normaliser_key: normalisation.
        names: features in order.
        horizon_d: label horizon.
        settings: the recipe's configuration, as saved.
    """

    catalogue_hash: str
    normaliser_key: str
    names: tuple[str, ...]
    horizon_d: int
    settings: dict[str, Any]

    @classmethod
    def of(cls, panel: Panel, horizon_d: int, settings: dict[str, Any]) -> Identity:
        """Identity of a fit on this panel."""
        return cls(panel.catalogue_hash, panel.normaliser_key, panel.names, horizon_d, settings)

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Identity:
        """Identity from a fit's files; raises ArtefactError when it is not among them."""
        found = json.loads(file_of(files, IDENTITY))
        return cls(**{**found, "names": tuple(found["names"])})

    def file(self) -> dict[str, bytes]:
        """The file it is saved in."""
        return {IDENTITY: json.dumps(asdict(self), sort_keys=True).encode()}

    def check(self, panel: Panel) -> None:
        """Raise DatasetError unless the panel holds exactly these features, normalised this way."""
        mine = (self.catalogue_hash, self.normaliser_key, self.names)
        if mine != (panel.catalogue_hash, panel.normaliser_key, panel.names):
            raise DatasetError(
                "model and panel",
                got=f"a panel of catalogue {panel.catalogue_hash[:12]}, normaliser {panel.normaliser_key}",
                want=f"catalogue {self.catalogue_hash[:12]}, normaliser {self.normaliser_key}",
                remedy="Build the panel the model was trained on, or train a version on the new features.",
            )


class Fitted(Protocol):
    """A fit: something that can score, and be saved."""

    @property
    def identity(self) -> Identity:
        """What it was fitted on."""
        ...

    @property
    def ledger(self) -> list[dict[str, float]]:
        """Its learning curve; empty for a loaded fit or a rule."""
        ...

    def score(self, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
        """Scores of each session's cross-section: session, code, horizon_d, score (null where it has none)."""
        ...

    def files(self) -> dict[str, bytes]:
        """Everything needed to load it again."""
        ...


class Recipe(Protocol):
    """A model class with its configuration."""

    @property
    def name(self) -> str:
        """Name in tables and reports."""
        ...

    @property
    def family(self) -> str:
        """`lightgbm`, `naive`, `blend`, or a family of networks (`models.networks`)."""
        ...

    @property
    def config_hash(self) -> str:
        """Content hash of family and configuration."""
        ...

    @property
    def is_seeded(self) -> bool:
        """Whether another seed gives another fit."""
        ...

    def fit(
        self,
        data: TrainingData,
        train: Sequence[date],
        validation: Sequence[date],
        seed: int,
        horizon_d: int,
        report: Report | None = None,
    ) -> Fitted:
        """Fit on the labels of `train` that are known before the first validation decision."""
        ...


@runtime_checkable
class SharesWork(Protocol):
    """A recipe whose fits over several training windows have work in common."""

    def over(self, data: TrainingData, windows: Sequence[tuple[date, ...]]) -> Recipe:
        """The same recipe, doing the common work once; windows in time order, a fit never profits from later ones."""
        ...


@runtime_checkable
class KeepsRuns(Protocol):
    """A recipe whose fit takes long enough to be worth a checkpoint."""

    @property
    def place(self) -> Place:
        """Folder of its runs, and weights to start from."""
        ...

    def kept_in(self, place: Place) -> Recipe:
        """The same recipe with another place; what is learnt does not depend on the folder."""
        ...


def run_folder(recipe: Recipe, *names: str) -> Path | None:
    """Folder of one run among a recipe's runs; None for a recipe that keeps none."""
    root = recipe.place.folder if isinstance(recipe, KeepsRuns) else None
    return None if root is None else root.joinpath(recipe.name, *names)


def kept_in(recipe: Recipe, folder: Path | None) -> Recipe:
    """The recipe for one fit that leaves its checkpoint and ledger in a folder, where it leaves any."""
    if folder is None or not isinstance(recipe, KeepsRuns):
        return recipe
    return recipe.kept_in(replace(recipe.place, folder=folder))


def over_windows(recipe: Recipe, data: TrainingData, windows: Sequence[tuple[date, ...]]) -> Recipe:
    """The recipe for fits on these windows, sharing what it can share."""
    return recipe.over(data, windows) if isinstance(recipe, SharesWork) else recipe


def config_hash(family: str, name: str, settings: Mapping[str, Any]) -> str:
    """Hash of a recipe's configuration, without whatever cannot change its result."""
    return sha256_json({"family": family, "name": name, "target": TARGET, "settings": dict(settings)})


def file_of(files: Mapping[str, bytes], name: str) -> bytes:
    """One file of a fit; raises ArtefactError naming it when it is missing."""
    if name not in files:
        raise ArtefactError(
            f"model file {name}", got=f"files {sorted(files)}", want=name, remedy="Train the version again."
        )
    return files[name]
