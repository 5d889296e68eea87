"""Model versions: one asset per recipe, one partition per training cut-off.

Belongs here: asset bodies that train a version, show its learning curve and, where it refreshes the champion, ask
the cheap checks whether it may serve.
Does not belong here: loops, losses, splits (`gogoku_pipeline.training`).

Only chosen cut-offs are filled; missing ones are normal. Labels after the cut-off are never looked at, so filling
cut-offs of the past *is* the historical simulation.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from assets.dataset import house_panel
from assets.declaration import HouseAsset
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.plots import learning_curves
from gogoku_pipeline.evaluation.plots_training import training_story
from gogoku_pipeline.evaluation.trials import trial_rows
from gogoku_pipeline.registry.ledgers import record_trials
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo, Store
from resources.compute import NETWORKS, Compute
from resources.lazy import Lazy
from resources.metadata import picture
from resources.recipes import BASELINE
from resources.trainer import Trainer

if TYPE_CHECKING:
    from gogoku_pipeline.registry.refreshes import RefreshRecord
    from gogoku_pipeline.training.final import ModelVersion

POOL = "train"
SOURCES = ("data__panel", LABELS.name)
REFRESHED = "refresh_serves"
REFRESHED_WORDS = "Fresh weights of the champion pass the cheap checks; otherwise yesterday's go on serving."


def training_data(store: Store, compute: Compute) -> TrainingData:
    """Panel and labels as they are now."""
    return TrainingData(house_panel(store, compute), store.tables.scan(LABELS).collect())


def model_version(model: str, kind: str) -> HouseAsset:
    """The asset of one recipe's versions."""
    name = f"model__{model}"

    def body(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Lazy],
        compute: dg.ResourceParam[Compute],
        clock: dg.ResourceParam[Clock],
        trainer: dg.ResourceParam[Trainer],
    ) -> dg.MaterializeResult:
        opened, terms = store.get(), compute.terms
        data = training_data(opened, compute)
        version = trainer.train(context, opened, compute, data, model)
        found = {"version": version.version, "config_hash": version.config_hash, "feature_hash": version.feature_hash}
        commit = CommitInfo(run_id=context.run.run_id, code_version="1")
        record_trials(opened, trial_rows(version.trials, recorded_at=clock.now()), commit=commit)
        answer = refreshed(opened, data, version, terms, clock, commit)
        return dg.MaterializeResult(
            metadata={**found, "manifest": version.manifest, **curves(version.curves), **refresh_record(answer)},
            data_version=dg.DataVersion(version.version),
            check_results=[refresh_serves(name, answer)],
        )

    body.__doc__ = f"Versions of {model}, one per training cut-off: weights, manifest, learning curve."
    checked = (dg.AssetCheckSpec(REFRESHED, asset=name, description=REFRESHED_WORDS),)
    kinds = frozenset({kind})
    return HouseAsset(body, name, "models", kinds, deps=SOURCES, pool=POOL, is_range=False, check_specs=checked)


def refreshed(
    store: Store, data: TrainingData, version: "ModelVersion", terms: Terms, clock: Clock, commit: CommitInfo
) -> "RefreshRecord | None":
    """What the cheap checks say of fresh weights of the champion, written down; None where nothing is refreshed."""
    from gogoku_pipeline.registry.refresh import judge_refresh
    from gogoku_pipeline.registry.refreshes import record_refresh

    answer = judge_refresh(store, data, version.model, version.version, terms, recorded_at=clock.now())
    if answer is not None:
        record_refresh(store, answer, commit=commit)
    return answer


def refresh_serves(asset: str, answer: "RefreshRecord | None") -> dg.AssetCheckResult:
    """Whether fresh weights replace yesterday's; a warning, hence an alert, when yesterday's go on serving."""
    if answer is None:
        words = "not a refresh: this recipe is not the champion of the session, or the version itself was promoted"
    else:
        words = "; ".join(answer.reasons)
    is_rejected = answer is not None and answer.decision == "rejected"
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=REFRESHED,
        passed=not is_rejected,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"yesterday's weights go on serving: {words}" if is_rejected else words,
        metadata=refresh_record(answer),
    )


def refresh_record(answer: "RefreshRecord | None") -> dict[str, str | int | float]:
    """What the cheap checks measured, for the page of a version."""
    if answer is None:
        return {}
    told = {"refresh": answer.decision, "refresh_of": answer.promoted_version, "before": answer.previous_version or ""}
    return told | {name: value for name, value in vars(answer.figures).items() if not math.isnan(value)}


def curves(found: dict[int, list[dict[str, float]]]) -> dict[str, dg.MetadataValue]:
    """The curve of every seed as a picture; nothing for a version that was found already trained."""
    if any(name.startswith("smoothed_") for ledger in found.values() for row in ledger for name in row):
        return {"learning_curves": picture(training_story(found), "Validation figure, decisions, gradient shares")}
    rows = [
        (f"{figure}, seed {seed}", int(row["epoch"]), value)
        for seed, ledger in found.items()
        for row in ledger
        for figure, value in row.items()
        if "rank_ic" in figure
    ]
    if not rows:
        return {}
    frame = pl.DataFrame(rows, schema={"curve": pl.String, "step": pl.Int64, "value": pl.Float64}, orient="row")
    return {"learning_curves": picture(learning_curves(frame), "Validation RankIC")}


def model_assets(challengers: Sequence[str] = NETWORKS) -> list[HouseAsset]:
    """The baseline and the challengers."""
    return [model_version(BASELINE, "lightgbm"), *(model_version(name, "pytorch") for name in challengers)]
