"""Walking forward: fit each fold and seed on its past, score its future. What the gate judges.

Fits are independent and kept one by one, so an interrupted walk resumes where it stopped and a changed recipe, panel,
label or fold is never mistaken for an old one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import Fold, refuse_overlapping
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import CODE, Table
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.recipes import TARGET, Recipe

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
_log = logger("training")


@dataclass(frozen=True)
class WalkForwardResult:
    """Out-of-sample scores and how they came to be.

    Attributes:
        scores: model, fold, seed, session, code, horizon_d, score, is_counted; sorted by these.
        ledger: learning curves in long form: model, fold, seed, epoch, figure, value.
        resumed: how many fits were taken from the cache.
    """

    scores: pl.DataFrame
    ledger: pl.DataFrame
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
            TrainingError and its kin: from the fits.
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
    scores, ledgers, resumed = [], [], 0
    for fold in folds:
        data.panel.require_fitted_before(fold.test[0])
        for seed in used:
            key = _fit_key(recipe, data, fold, seed, horizon_d)
            kept = _kept(cache_dir, key)
            if kept is None:
                kept = _fit(recipe, data, fold, seed, horizon_d)
                _keep(cache_dir, key, kept)
            else:
                resumed += 1
            scores.append(kept[0])
            ledgers.append(kept[1])
            if progress is not None:
                progress.advance(1, f"{recipe.name}: fold {fold.index}, seed {seed}")
    return WalkForwardResult(pl.concat(scores).sort(_RESULT[:6]), pl.concat(ledgers), resumed)


def _fit(
    recipe: Recipe, data: TrainingData, fold: Fold, seed: int, horizon_d: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and learning curve of one fold and seed."""
    fitted = recipe.fit(data, fold.train, fold.validation, seed, horizon_d)
    found = fitted.score(data, fold.test)
    names = [
        pl.lit(recipe.name).alias("model"),
        pl.lit(fold.index, dtype=pl.Int16).alias("fold"),
        pl.lit(seed, dtype=pl.Int64).alias("seed"),
    ]
    scores = found.with_columns(*names, (pl.col("session") >= fold.counted[0]).alias("is_counted")).select(_RESULT)
    rows = [
        (int(row["epoch"]), figure, float(value))
        for row in fitted.ledger
        for figure, value in row.items()
        if figure != "epoch"
    ]
    curve = pl.DataFrame(rows, schema={"epoch": pl.Int32, "figure": pl.String, "value": pl.Float64}, orient="row")
    _log.info("%s fold %d seed %d: %d scores", recipe.name, fold.index, seed, scores.height)
    return scores, curve.with_columns(*names).select(_LEDGER.names())


def _fit_key(recipe: Recipe, data: TrainingData, fold: Fold, seed: int, horizon_d: int) -> str:
    """Hash of everything a fit depends on."""
    parts = {
        "layout": 1,
        "recipe": recipe.config_hash,
        "panel": data.panel.key,
        "labels": data.fingerprint(horizon_d, TARGET),
        "fold": [[day.isoformat() for day in part] for part in (fold.train, fold.validation, fold.test, fold.counted)],
        "index": fold.index,
        "seed": seed,
        "horizon_d": horizon_d,
    }
    return sha256_json(parts)[:32]


def _kept(cache_dir: Path | None, key: str) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """A finished fit from the cache."""
    if cache_dir is None or not (cache_dir / key / "done.json").is_file():
        return None
    folder = cache_dir / key
    return pl.read_parquet(folder / "scores.parquet"), pl.read_parquet(folder / "ledger.parquet")


def _keep(cache_dir: Path | None, key: str, fit: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Keep a finished fit; `done.json` is written last, so a crash leaves nothing that looks finished."""
    if cache_dir is None:
        return
    folder = cache_dir / key
    folder.mkdir(parents=True, exist_ok=True)
    fit[0].write_parquet(folder / "scores.parquet")
    fit[1].write_parquet(folder / "ledger.parquet")
    (folder / "done.json").write_text(json.dumps({"rows": fit[0].height}))
