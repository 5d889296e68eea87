"""Versions: a recipe fitted up to a cut-off with several seeds, kept as an artefact that can serve from then on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import final_split
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.trials import Trial
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.intervals import LEVEL, calibrated
from gogoku_pipeline.training.predict import seed_scores
from gogoku_pipeline.training.recipes import IDENTITY, TARGET, KeepsRuns, Recipe, over_windows, run_folder
from gogoku_pipeline.training.run_folder import drop_checkpoint, exclusive_training
from gogoku_pipeline.training.selection import SELECTION

_log = logger("training")


@dataclass(frozen=True)
class ModelVersion:
    """A version that was trained, or found already trained.

    Attributes:
        model: recipe name, also the artefact's.
        version: cut-off and content hash, e.g. `20240508-3f2a9c01d4e7`; it sorts by cut-off.
        cutoff: last session whose evening the version knew.
        config_hash: of the recipe.
        feature_hash: of the feature catalogue.
        manifest: everything written beside the files.
        curves: learning curve per seed; empty when the version was found already trained.
    """

    model: str
    version: str
    cutoff: date
    config_hash: str
    feature_hash: str
    manifest: dict[str, Any]
    curves: dict[int, list[dict[str, float]]]

    @property
    def trials(self) -> list[tuple[Trial, tuple[float, ...]]]:
        """Its fits as trials nobody has judged yet: `evaluation.trials.trial_rows` takes them."""
        return [(Trial(self.model, self.config_hash, self.feature_hash, seed), ()) for seed in self.manifest["seeds"]]


def train_version(
    recipe: Recipe,
    data: TrainingData,
    cutoff: date,
    seeds: Sequence[int],
    store: Store,
    horizon_d: int = 5,
    validation: int = 40,
    progress: Progress | None = None,
) -> ModelVersion:
    """Train a version on everything known at a cut-off and keep it.

    The version's name is a hash of all its inputs, so training the same twice finds the first one. Each fit is kept as
    soon as it is finished: a training that was interrupted goes on with the seeds that are missing, and a network whose
    recipe keeps its runs in a folder in the middle of the fit.

    Args:
        recipe: what is fitted.
        data: panel and labels; only labels known by `cutoff` are used.
        cutoff: a session of the panel.
        seeds: one fit each; their scores are averaged by rank when serving.
        store: artefacts are kept there, manifest last.
        horizon_d: label horizon.
        validation: sessions that decide when to stop.
        progress: advanced by 1 per fit.

    Raises:
        DatasetError: no seeds, a cut-off outside the panel, too few sessions; LeakError: the panel's scaler saw
            sessions after the cut-off; ArtefactError: see the store; TrainingError: the same cut-off is being trained.
    """
    used = list(seeds) if recipe.is_seeded else list(seeds)[:1]
    if not used:
        raise DatasetError(recipe.name, got="no seeds", want="at least one", remedy="Pass seeds such as (1, 2, 3).")
    data.panel.index(cutoff)
    data.panel.require_fitted_before(cutoff + timedelta(days=1))
    split = final_split(data.sessions, cutoff, horizon_d, validation=validation)
    manifest = _manifest(recipe, data, cutoff, used, horizon_d, split)
    version = f"{cutoff:%Y%m%d}-{sha256_json(manifest)[:12]}"
    curves: dict[int, list[dict[str, float]]] = {}
    if version not in store.artefacts.versions(recipe.name):
        with exclusive_training(run_folder(recipe, f"{cutoff:%Y%m%d}"), f"{recipe.name} at cut-off {cutoff}"):
            files, curves = _fits(recipe, data, split, used, horizon_d, (store, version, progress))
            manifest |= _with_choice(files[seed_file(used[0], IDENTITY)])
            manifest |= _with_intervals(Artefact(recipe.name, version, files, manifest), data, split[1], horizon_d)
            store.artefacts.save(recipe.name, version, files, manifest)
        _log.info("%s version %s kept, %d seeds", recipe.name, version, len(used))
    return ModelVersion(recipe.name, version, cutoff, recipe.config_hash, data.panel.catalogue_hash, manifest, curves)


def _fits(
    recipe: Recipe,
    data: TrainingData,
    split: tuple[tuple[date, ...], tuple[date, ...]],
    seeds: list[int],
    horizon_d: int,
    kept_as: tuple[Store, str, Progress | None],
) -> tuple[dict[str, bytes], dict[int, list[dict[str, float]]]]:
    """Files and learning curves of a version's fits; what was finished before is found again."""
    store, version, progress = kept_as
    files: dict[str, bytes] = {}
    curves: dict[int, list[dict[str, float]]] = {}
    shared = over_windows(recipe, data, [split[0]])
    for seed in seeds:
        kept = store.artefacts.part(recipe.name, version, f"seed-{seed}")
        if kept is None:
            folder = run_folder(recipe, version, f"seed-{seed}")
            fitted = _placed(shared, folder, seed).fit(data, split[0], split[1], seed, horizon_d)
            kept = {seed_file(seed, name): payload for name, payload in fitted.files().items()}, fitted.ledger
            store.artefacts.save_part(recipe.name, version, f"seed-{seed}", *kept)
            drop_checkpoint(folder)
        files |= kept[0]
        curves[seed] = kept[1]
        if progress is not None:
            progress.advance(1, f"{recipe.name}: version {version}, seed {seed}")
    return files, curves


def _placed(recipe: Recipe, folder: Path | None, seed: int) -> Recipe:
    """The recipe for one fit: its folder, and the weights it starts from."""
    if not isinstance(recipe, KeepsRuns) or (folder is None and recipe.place.warm is None):
        return recipe
    return recipe.kept_in(recipe.place.of_seed(folder, seed))


def _with_choice(identity: bytes) -> dict[str, Any]:
    """What a version's manifest says of the features its fits chose; nothing where they read all of the panel.

    Every seed makes the same choice: it depends on the training days alone.
    """
    settings = json.loads(identity)["settings"]
    return {SELECTION: settings[SELECTION]} if SELECTION in settings else {}


def _with_intervals(kept: Artefact, data: TrainingData, days: Sequence[date], horizon_d: int) -> dict[str, Any]:
    """Adds the intervals to a version's files; returns what its manifest says of them, null where none were fitted."""
    found = calibrated(ensemble_scores(seed_scores(kept, data, days)), data, horizon_d)
    if found is not None:
        kept.files.update(found.file())
    return {"intervals": None if found is None else found.words()}


def seed_file(seed: int, name: str) -> str:
    """File of one seed's fit inside a version."""
    return f"seed-{seed}-{name}"


def _manifest(
    recipe: Recipe,
    data: TrainingData,
    cutoff: date,
    seeds: list[int],
    horizon_d: int,
    split: tuple[tuple[date, ...], tuple[date, ...]],
) -> dict[str, Any]:
    panel = data.panel
    warm = recipe.place.warm if isinstance(recipe, KeepsRuns) else None
    return {
        **({} if warm is None else {"warm_start": warm.version}),
        "model": recipe.name,
        "family": recipe.family,
        "config_hash": recipe.config_hash,
        "feature_hash": panel.catalogue_hash,
        "feature_names": list(panel.names),
        "normaliser_key": panel.normaliser_key,
        "panel_key": panel.content_key,
        "table_versions": dict(panel.table_versions),
        "labels": data.fingerprint(horizon_d, TARGET),
        "target": TARGET,
        "interval_level": LEVEL,
        "horizon_d": horizon_d,
        "cross_section": data.cross_section,
        "seeds": seeds,
        "cutoff": cutoff.isoformat(),
        "fitted_through": cutoff.isoformat(),
        "train": [split[0][0].isoformat(), split[0][-1].isoformat(), len(split[0])],
        "validation": [split[1][0].isoformat(), split[1][-1].isoformat(), len(split[1])],
    }
