"""Starting from yesterday's weights: the same design, a session later, in a few epochs.

A warm start is a refresh of a design that was judged before, never another design: configuration, features, seeds and
the kind of normalisation must be those of the weights, which must have known less than what starts from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from gogoku_pipeline.core.errors import DatasetError, LeakError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.training.config import WarmStart
from gogoku_pipeline.training.recipes import KeepsRuns, Recipe
from gogoku_pipeline.training.selection import SELECTION

_WEIGHTS = "weights.safetensors"


def is_same_design(recipe: Recipe, manifest: Mapping[str, object], data: TrainingData) -> bool:
    """Whether a version was fitted with this recipe on these features."""
    mine = (recipe.name, recipe.config_hash, data.panel.catalogue_hash)
    return mine == tuple(manifest.get(name) for name in ("model", "config_hash", "feature_hash"))


def warmed(recipe: Recipe, kept: Artefact, data: TrainingData, cutoff: date, epochs: int) -> Recipe:
    """The recipe, each of its fits starting from the weights of the same seed.

    Args:
        recipe: of a network.
        kept: the version to start from.
        data: panel the fits will read.
        cutoff: of the fits.
        epochs: most epochs of each.

    Raises:
        DatasetError: no network, or weights of another design.
        LeakError: weights that knew the cut-off or more.
    """
    theirs = kept.manifest
    if not isinstance(recipe, KeepsRuns) or not is_same_design(recipe, theirs, data):
        raise DatasetError(
            f"warm start of {recipe.name} from {kept.name} {kept.version}",
            got=f"configuration {str(theirs['config_hash'])[:12]}, features {str(theirs['feature_hash'])[:12]}",
            want=f"{recipe.config_hash[:12]} and {data.panel.catalogue_hash[:12]}, of a network",
            remedy="Train the version from scratch; another design has to be judged first.",
        )
    if date.fromisoformat(str(theirs["cutoff"])) >= cutoff:
        raise LeakError(
            f"warm start of {recipe.name} at cut-off {cutoff}",
            got=f"weights that knew everything up to {theirs['cutoff']}",
            want="weights of an earlier cut-off",
            remedy="Start from an older version, or from scratch.",
        )
    weights = {int(seed): _weights(kept, seed) for seed in theirs["seeds"]}
    warm = WarmStart(kept.version, weights, epochs, theirs.get(SELECTION))
    return recipe.kept_in(replace(recipe.place, warm=warm))


def _weights(kept: Artefact, seed: int) -> dict[str, npt.NDArray[np.generic]]:
    """Averaged weights of one seed."""
    found: dict[str, npt.NDArray[np.generic]] = safetensors.numpy.load(kept.files[f"seed-{seed}-{_WEIGHTS}"])
    return found
