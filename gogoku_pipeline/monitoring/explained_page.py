"""What the evening page shows of explanations and of training, read from the tables and the versions.

Belongs here: choosing rows. Does not belong here: making explanations (`gogoku_pipeline.registry.explanations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from gogoku_pipeline.core.errors import ArtefactError
from gogoku_pipeline.evaluation.report_inputs import Explained
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
from gogoku_pipeline.registry.learning_curves import Curves, kept_curves, last_decisions
from gogoku_pipeline.registry.versions import newest_version
from gogoku_pipeline.store import Store


def explained_of(
    store: Store, session: date, horizon_d: int, models: Sequence[str], plan: str = PLANS[-1]
) -> Explained:
    """Explained stocks and importance of a session's list, and how the models of the contest were trained.

    Args:
        store: where they lie.
        session: of the list; what was not made for it is left out.
        horizon_d: of the list.
        models: of the contest, whose newest versions' learning curves are drawn.
        plan: whose features are named.
    """
    parts, told = [], {model: training_of(store, model, session) for model in models}
    for table in (EXPLAINED, IMPORTANCE):
        held = store.tables.scan(table, start=session, end=session).filter(pl.col("horizon_d") == horizon_d).collect()
        parts.append(held if held.height else None)
    return Explained(
        rows=parts[0],
        importance=parts[1],
        words={feature.name: feature.summary for feature in registry(plan).features},
        curves={model: curves for model, (curves, _) in told.items() if curves},
        decisions={model: rows for model, (curves, rows) in told.items() if curves},
    )


def training_of(store: Store, model: str, session: date) -> tuple[Curves, list[dict[str, Any]]]:
    """Learning curves and last decisions of the newest version of a network trained up to a session.

    None for what has no epochs, and for a version whose files are not sound: whoever serves them says so, the page
    does without the picture.
    """
    version = newest_version(store, model, session)
    if version is None:
        return {}, []
    try:
        found, kept = kept_curves(store, model, version), store.artefacts.load(model, version)
    except ArtefactError:
        return {}, []
    curves = {seed: curve for seed, curve in found.items() if any("is_best" in row for row in curve)}
    return curves, last_decisions(kept) if curves else []
