"""Model versions: one asset per recipe, one partition per training cut-off.

Belongs here: asset bodies that train a version and show its learning curve.
Does not belong here: loops, losses, splits (`gogoku_pipeline.training`).

Only chosen cut-offs are filled; missing ones are normal. Labels after the cut-off are never looked at, so filling
cut-offs of the past *is* the historical simulation.
"""

import dagster as dg
import polars as pl

from assets.dataset import house_panel
from assets.declaration import HouseAsset
from assets.partitions import sessions_of
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.plots import learning_curves
from gogoku_pipeline.store import Store
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture
from resources.recipes import BASELINE, CHALLENGER, recipe

POOL = "train"
SOURCES = ("data__panel", LABELS.name)


def training_data(store: Store, compute: Compute) -> TrainingData:
    """Panel and labels as they are now."""
    return TrainingData(house_panel(store, compute), store.tables.scan(LABELS).collect())


def model_version(model: str, kind: str) -> HouseAsset:
    """The asset of one recipe's versions."""

    def body(
        context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]
    ) -> dg.MaterializeResult:
        from gogoku_pipeline.training.final import train_version

        (cutoff,) = sessions_of(context)
        terms = compute.terms
        version = train_version(
            recipe(model, compute),
            training_data(store.get(), compute),
            cutoff,
            terms.seeds,
            store.get(),
            horizon_d=terms.gate.horizon_d,
            validation=terms.validation,
        )
        found = {"version": version.version, "config_hash": version.config_hash, "feature_hash": version.feature_hash}
        return dg.MaterializeResult(
            metadata={**found, "manifest": version.manifest, **curves(version.curves)},
            data_version=dg.DataVersion(version.version),
        )

    body.__doc__ = f"Versions of {model}, one per training cut-off: weights, manifest, learning curve."
    return HouseAsset(body, f"model__{model}", "models", frozenset({kind}), deps=SOURCES, pool=POOL, is_range=False)


def curves(found: dict[int, list[dict[str, float]]]) -> dict[str, dg.MetadataValue]:
    """The validation RankIC of every seed as a picture; nothing for a version that was found already trained."""
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


def model_assets() -> list[HouseAsset]:
    """The baseline and the challenger."""
    return [model_version(BASELINE, "lightgbm"), model_version(CHALLENGER, "pytorch")]
