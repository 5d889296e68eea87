"""Walking forward: fit each fold and seed on its past, score its future. What the gate judges.

Fits are kept one by one, so an interrupted walk resumes where it stopped and a changed recipe, panel, label or fold is
never mistaken for an old one; of two walks at once one waits for the other's fit instead of making it again. A fit may
share work with earlier folds (bins), never with later ones. A fit that fails ends the walk and is named: a recipe that
is left out where it failed would be judged on the days that suit it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from gogoku_pipeline.core.errors import DatasetError, GogokuError, TrainingError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import Fold, refuse_overlapping
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import CODE, Table
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.recipes import TARGET, Fitted, Recipe, kept_in, over_windows, run_folder
from gogoku_pipeline.training.run_folder import drop_checkpoint, exclusive_training

SCORES = Table(
    name="eval__walk_forward",
    description=(
        "One out-of-sample score of one recipe, fold and seed. `session` is the cut-off of the walk (the newest "
        "session anything was learnt from or scored on), `scored_session` the decision. Embargo scores are kept with "
        "`is_counted` false. A null score says that the recipe has no opinion."
    ),
    columns=(
        Column("session", pl.Date, "Cut-off session of the walk."),
        Column("model", pl.String, "Recipe."),
        Column("fold", pl.Int16, "Fold, 0 is the earliest.", at_least=0),
        Column("seed", pl.Int64, "Seed of the fit."),
        Column("scored_session", pl.Date, "Session of the decision."),
        CODE,
        Column("horizon_d", pl.Int16, "Label horizon.", "sessions", at_least=1),
        Column("score", pl.Float64, "Higher is better; comparable inside one session only.", nullable=True),
        Column("is_counted", pl.Boolean, "Outside the embargo, so it is judged."),
    ),
    key=("session", "model", "fold", "seed", "scored_session", "code", "horizon_d"),
)

_RESULT = ("model", "fold", "seed", "session", "code", "horizon_d", "score", "is_counted")
_STOPPED_BY = ("model", "fold", "seed", "session", "code", "horizon_d", "score")
_PARTS = ("scores", "ledger", "validation")
_LEDGER = pl.Schema(
    {
        "model": pl.String,
        "fold": pl.Int16,
        "seed": pl.Int64,
        "epoch": pl.Int32,
        "figure": pl.String,
        "value": pl.Float64,
    }
)
Fit = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
"""Scores, learning curve and validation scores of one fold and seed."""
_log = logger("training")


@dataclass(frozen=True)
class WalkForwardResult:
    """Out-of-sample scores and how they came to be.

    Attributes:
        scores: model, fold, seed, session, code, horizon_d, score, is_counted; sorted by these.
        ledger: learning curves in long form: model, fold, seed, epoch, figure, value.
        validation: scores of the sessions before each test block, which stopped the fit: columns of `scores` without
            `is_counted`. They calibrate intervals and are never judged.
        resumed: how many fits were taken from the cache.
    """

    scores: pl.DataFrame
    ledger: pl.DataFrame
    validation: pl.DataFrame
    resumed: int


def table_rows(scores: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Scores of one or more walks as SCORES rows of one cut-off."""
    rows = scores.rename({"session": "scored_session"}).with_columns(pl.lit(cutoff).alias("session"))
    return rows.select(SCORES.polars_schema.names()).cast(SCORES.polars_schema).sort(SCORES.key)


def scores_from_table(rows: pl.DataFrame) -> pl.DataFrame:
    """SCORES rows of one cut-off back in the form evaluation takes."""
    return rows.drop("session").rename({"scored_session": "session"}).select(_RESULT)


def run_walk_forward(
    recipe: Recipe,
    data: TrainingData,
    folds: Sequence[Fold],
    seeds: Sequence[int],
    horizon_d: int,
    progress: Progress | None = None,
    cache_dir: Path | None = None,
) -> WalkForwardResult:
    """Fit and score every fold with every seed.

    Args:
        recipe: what is fitted; a recipe without randomness runs with the first seed only.
        data: panel and labels.
        folds: from dataset.splits.walk_forward over the panel's sessions.
        seeds: one fit each.
        horizon_d: label horizon.
        progress: advanced by 1 per fit.
        cache_dir: where finished fits are kept for a restart; None keeps nothing.

    Raises:
        DatasetError: no folds or seeds, folds that overlap; LeakError: the panel's scaler saw a test session;
            TrainingError: a fit failed; the message names fold, seed and test block, the cause is chained.
    """
    if not folds or not seeds:
        raise DatasetError(
            f"walk-forward of {recipe.name}",
            got=f"{len(folds)} folds and {len(seeds)} seeds",
            want="at least one of each",
            remedy="Make folds with walk_forward and pass seeds.",
        )
    refuse_overlapping(folds)
    used = list(seeds) if recipe.is_seeded else list(seeds)[:1]
    shared = over_windows(recipe, data, [fold.train for fold in folds])
    fits, resumed = [], 0
    for place, fold in enumerate(folds):
        data.panel.require_fitted_before(fold.test[0])
        for seed in used:
            key = _fit_key(recipe, data, folds[: place + 1], seed, horizon_d)
            with exclusive_training(cache_dir and cache_dir / key, f"{recipe.name}, fold {fold.index}", waits=True):
                kept = _kept(cache_dir, key)
                if kept is None:
                    folder = run_folder(recipe, "walks", key)
                    kept = _fit(kept_in(shared, folder), data, fold, seed, horizon_d)
                    _keep(cache_dir, key, kept)
                    drop_checkpoint(folder if cache_dir else None)
                else:
                    resumed += 1
            fits.append(kept)
            if progress is not None:
                progress.advance(1, f"{recipe.name}: fold {fold.index}, seed {seed}")
    scores, ledgers, validation = (pl.concat(part) for part in zip(*fits, strict=True))
    return WalkForwardResult(scores.sort(_RESULT[:6]), ledgers, validation.sort(_STOPPED_BY[:6]), resumed)


def _fit(recipe: Recipe, data: TrainingData, fold: Fold, seed: int, horizon_d: int) -> Fit:
    """Scores, learning curve and validation scores of one fold and seed."""
    fitted = _fitted(recipe, data, fold, seed, horizon_d)
    names = [
        pl.lit(recipe.name).alias("model"),
        pl.lit(fold.index, dtype=pl.Int16).alias("fold"),
        pl.lit(seed, dtype=pl.Int64).alias("seed"),
    ]
    counted = (pl.col("session") >= fold.counted[0]).alias("is_counted")
    scores = fitted.score(data, fold.test).with_columns(*names, counted).select(_RESULT)
    validation = fitted.score(data, fold.validation).with_columns(*names).select(_STOPPED_BY)
    rows = [
        (int(row["epoch"]), figure, float(value))
        for row in fitted.ledger
        for figure, value in row.items()
        if figure != "epoch"
    ]
    curve = pl.DataFrame(rows, schema={"epoch": pl.Int32, "figure": pl.String, "value": pl.Float64}, orient="row")
    _log.info("%s fold %d seed %d: %d scores", recipe.name, fold.index, seed, scores.height)
    return scores, curve.with_columns(*names).select(_LEDGER.names()), validation


def _fitted(recipe: Recipe, data: TrainingData, fold: Fold, seed: int, horizon_d: int) -> Fitted:
    """The fit of one fold and seed, or a TrainingError that names both."""
    try:
        return recipe.fit(data, fold.train, fold.validation, seed, horizon_d)
    except GogokuError as problem:
        raise TrainingError(
            f"{recipe.name}, fold {fold.index} (test {fold.test[0]} to {fold.test[-1]}), seed {seed}",
            got=str(problem),
            want="a fit on every fold: a walk with a hole is not judged",
            remedy="Correct the cause and walk again; fits that ended are found again.",
        ) from problem


def _fit_key(recipe: Recipe, data: TrainingData, folds: Sequence[Fold], seed: int, horizon_d: int) -> str:
    """Hash of everything the fit of the last of these folds depends on."""
    fold = folds[-1]
    parts = {
        "layout": 3,
        "recipe": recipe.config_hash,
        "panel": data.panel.content_key,
        "labels": data.fingerprint(horizon_d, TARGET),
        "fold": [[day.isoformat() for day in part] for part in (fold.train, fold.validation, fold.test, fold.counted)],
        "windows": [[each.train[0].isoformat(), each.train[-1].isoformat()] for each in folds],
        "index": fold.index,
        "seed": seed,
        "horizon_d": horizon_d,
    }
    return sha256_json(parts)[:32]


def _kept(cache_dir: Path | None, key: str) -> Fit | None:
    """A finished fit from the cache."""
    if cache_dir is None or not (cache_dir / key / "done.json").is_file():
        return None
    scores, ledger, validation = (pl.read_parquet(cache_dir / key / f"{part}.parquet") for part in _PARTS)
    return scores, ledger, validation


def _keep(cache_dir: Path | None, key: str, fit: Fit) -> None:
    """Keep a finished fit; `done.json` is written last, so a crash leaves nothing that looks finished."""
    if cache_dir is None:
        return
    folder = cache_dir / key
    folder.mkdir(parents=True, exist_ok=True)
    for part, frame in zip(_PARTS, fit, strict=True):
        frame.write_parquet(folder / f"{part}.parquet")
    (folder / "done.json").write_text(json.dumps({"rows": fit[0].height}))
