"""Scores of one session from a kept version: verified files, the same features, seeds averaged by rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.training.intervals import load_intervals
from gogoku_pipeline.training.recipe_blend import load_fitted_blend
from gogoku_pipeline.training.recipe_boosted import load_fitted_boosted
from gogoku_pipeline.training.recipe_ladder import load_fitted_rung
from gogoku_pipeline.training.recipe_network import NETWORK_LOADERS
from gogoku_pipeline.training.recipes import Fitted

NO_INTERVALS = "the version keeps no intervals: too few days or outcomes were known when it was trained"
_LOADERS: dict[str, Callable[[Mapping[str, bytes]], Fitted]] = {
    "lightgbm": load_fitted_boosted,
    "naive": load_fitted_rung,
    **NETWORK_LOADERS,
    "blend": lambda files: load_fitted_blend(files, load_fitted),
}


def load_fitted(family: str, files: Mapping[str, bytes]) -> Fitted:
    """A fit of a family from its files; raises DatasetError for an unknown family."""
    if family not in _LOADERS:
        raise DatasetError(
            f"model family {family!r}", got="an unknown name", want=f"one of {sorted(_LOADERS)}", remedy="Correct it."
        )
    return _LOADERS[family](files)


def predict_session(store: Store, model: str, version: str, data: Panel | TrainingData, session: date) -> pl.DataFrame:
    """Scores of one session's cross-section.

    Args:
        store: holds the version.
        model: recipe name.
        version: which version.
        data: panel with the session and the look-back before it.
        session: the decision.

    Returns:
        session, code, horizon_d, score: mean over seeds of the rank within the day, in (0, 1]; sorted by code.

    Raises:
        ArtefactError: the version is missing or altered.
        DatasetError: the panel holds other features, lacks the session, or the version learnt from after it; data of
            another cross-section.
    """
    kept = store.artefacts.load(model, version)
    manifest = kept.manifest
    panel = data if isinstance(data, Panel) else data.panel
    if manifest["feature_hash"] != panel.catalogue_hash:
        raise DatasetError(
            f"{model} {version} on {session}",
            got=f"a panel of feature catalogue {panel.catalogue_hash[:12]}",
            want=f"catalogue {manifest['feature_hash'][:12]}, the one it was trained on",
            remedy="Build the panel of that catalogue, or train a version on the new features.",
        )
    if session < date.fromisoformat(manifest["fitted_through"]):
        raise DatasetError(
            f"{model} {version} on {session}",
            got=f"a version that knew everything up to {manifest['fitted_through']}",
            want="a session on or after its cut-off",
            remedy="Serve an earlier version for this session.",
        )
    if isinstance(data, Panel):
        data = TrainingData(panel, LABELS.empty(), cross_section=manifest["cross_section"])
    elif data.cross_section != manifest["cross_section"]:
        raise DatasetError(
            f"{model} {version} on {session}",
            got=f"the cross-section {data.cross_section}",
            want=f"{manifest['cross_section']}, which it was trained on",
            remedy="Hand in the panel alone, or data of that cross-section.",
        )
    found = seed_scores(kept, data, [session])
    if found.is_empty():
        raise DatasetError(
            f"{model} {version} on {session}",
            got="an empty cross-section",
            want="tradable stocks",
            remedy="Check core__universe for the session.",
        )
    return ensemble_scores(found).select("session", "code", "horizon_d", "score").sort("session", "code")


def seed_scores(kept: Artefact, data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
    """What each seed of a version says of some sessions, its own past among them: for checks, never for a list.

    Returns:
        session, code, horizon_d, score, seed.
    """
    return pl.concat(
        fitted.score(data, sessions).with_columns(pl.lit(seed, dtype=pl.Int64).alias("seed"))
        for seed, fitted in fits_of(kept)
    )


def fits_of(kept: Artefact) -> list[tuple[int, Fitted]]:
    """The fit of each seed of a version."""
    fits = []
    for seed in kept.manifest["seeds"]:
        prefix = f"seed-{seed}-"
        files = {name.removeprefix(prefix): body for name, body in kept.files.items() if name.startswith(prefix)}
        fits.append((seed, load_fitted(kept.manifest["family"], files)))
    return fits


def with_intervals(
    store: Store, model: str, version: str, data: Panel | TrainingData, scores: pl.DataFrame
) -> pl.DataFrame:
    """Scores with the interval of each outcome, from what the version kept of days it never learnt from.

    Args:
        store: holds the version.
        model: recipe name.
        version: which version; also one without intervals.
        data: panel with the sessions.
        scores: `predict_session` of that version.

    Returns:
        `scores` with interval_low and interval_high (return per horizon, relative to the universe's mean) and
        interval_reason, which says why there is none and is null where there is one.

    Raises:
        ArtefactError: the version is missing or altered.
    """
    kept = store.artefacts.load(model, version)
    found = load_intervals(kept.files)
    if found is None:
        return without_intervals(scores)
    if isinstance(data, Panel):
        data = TrainingData(data, LABELS.empty(), cross_section=kept.manifest["cross_section"])
    around = found.around(scores, data).rename({"low": "interval_low", "high": "interval_high"})
    there = scores.join(around, on=["session", "code", "horizon_d"], how="left", maintain_order="left")
    return there.with_columns(pl.lit(None, dtype=pl.String).alias("interval_reason"))


def without_intervals(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores with null intervals and the reason."""
    none = pl.lit(None, dtype=pl.Float64)
    return scores.with_columns(
        none.alias("interval_low"), none.alias("interval_high"), pl.lit(NO_INTERVALS).alias("interval_reason")
    )
