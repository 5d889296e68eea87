"""The list of one evening: who serves, what it says, ranked, with everything needed to make it again."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.registry.champions import serving
from gogoku_pipeline.registry.predictions import Lineage, ranked_predictions
from gogoku_pipeline.store import Store
from gogoku_pipeline.training.predict import predict_session


def serve_session(store: Store, panel: Panel, session: date, *, available_at: datetime) -> pl.DataFrame:
    """The ranked list of a session by whoever serves on it, as `tables.PREDICTIONS` declares it.

    A pure read of the registry: nothing decided after the session can change who serves.

    Args:
        store: holds versions and verdicts.
        panel: features with the session and the look-back before it.
        session: the session the list is made after.
        available_at: instant of the decision, aware.

    Raises:
        RegistryError: nobody can serve, or the scores do not tell stocks apart.
        DatasetError: the panel holds other features than the model was trained on.
    """
    server = serving(store, session)
    scores = predict_session(store, server.model, server.version, panel, session)
    lineage = Lineage(
        model=server.model,
        model_version=server.version,
        feature_hash=panel.catalogue_hash,
        served_because=server.reason,
        table_versions=dict(panel.table_versions),
    )
    return ranked_predictions(scores, session, lineage, available_at=available_at)
