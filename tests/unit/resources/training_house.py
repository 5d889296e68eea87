"""A panel in a cache folder, labels in a store and sizes to match: all that training a version needs."""

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo, open_store
from resources.compute import Compute
from resources.training_order import order_of
from tests.unit.dataset.planted import planted_market

MODEL = "apex_ranker"


class House:
    """A panel in a cache folder, and as many stores with the same labels as a test asks for."""

    def __init__(self, folder):
        self.folder = folder
        self.market = market = planted_market(n_stocks=16, n_sessions=60, n_features=8, strength=3.0)
        cache = folder / "cache" / "panels"
        names = market.catalogue
        self.panel = build_panel(market.features, market.universe, names, Normaliser(names), cache, {"feat__prices": 1})
        missing = [column.name for column in LABELS.columns if column.name not in market.labels.columns]
        rest = [pl.lit(None, LABELS.polars_schema[name]).alias(name) for name in missing]
        rows = market.labels.with_columns(rest).with_columns(
            pl.col(column.name).fill_null(False if column.dtype == pl.Boolean else 0)
            for column in LABELS.columns
            if column.name in missing and not column.nullable and column.dtype != pl.Date
        )
        dates = [name for name in missing if LABELS.polars_schema[name] == pl.Date]
        self.labels = rows.with_columns(pl.col("session").alias(name) for name in dates).select(
            LABELS.polars_schema.names()
        )
        self.compute = Compute(
            cache_dir=folder / "cache",
            first_session=market.sessions[0],
            device="cpu",
            terms=Terms(seeds=(1, 2), validation=10),
            preset="tiny",
            boosted={"rounds": 5, "threads": 1},
            training={"epochs": 2, "smoothing": 1, "min_names": 5, "threads": 1, "loss": {"ranknet": 0.2}},
        )
        self.cutoff = market.sessions[52]

    def store(self, name):
        store = open_store(f"file://{self.folder / name}")
        store.tables.write_whole(
            LABELS, self.labels.cast(LABELS.polars_schema), commit=CommitInfo(run_id="t", code_version="1")
        )
        return store

    def data(self, store):
        return TrainingData(self.panel, store.tables.scan(LABELS).collect())

    def order(self, store):
        return order_of(store, self.compute, self.data(store), MODEL, self.cutoff)
