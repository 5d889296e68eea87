"""What the columns of an exported file are called and mean.

Belongs here: names, kinds and units for the manifest. Does not belong here: values (`export`).
"""

from __future__ import annotations

from collections.abc import Sequence

from gogoku_pipeline.dataset.labels import HORIZONS, LABELS
from gogoku_pipeline.features.feature import Feature

LABEL_FIELDS = ("ret_open", "excess_open", "residual_open", "gauss_open", "reason", "available_at")
"""Columns of the label table that are exported, one per horizon."""


def label_columns(horizon_d: int) -> dict[str, str]:
    """Column of the label table to its name in the file, e.g. ret_open to label_ret_open_5d."""
    return {name: f"label_{name}_{horizon_d}d" for name in LABEL_FIELDS}


def columns_of(features: Sequence[Feature], with_labels: bool = True) -> list[dict[str, str]]:
    """Every column of the file in order: name, kind (key, claim, instant, feature, mask, label), unit, meaning."""
    fixed = [
        _column("session", "key", "", "Trading session of the decision."),
        _column("code", "key", "", "Issue code, five characters."),
        _column("is_in_universe", "claim", "", "Belongs to the cross-section of the session."),
        _column("is_tradable", "claim", "", "Belongs to it and its turnover reaches the floor."),
        _column("available_at", "instant", "", "Instant from which every feature of the row is known."),
    ]
    values = [
        _column(f.name, "mask" if f.role == "mask" else "feature", f.unit, f"{f.summary}: {f.formula}")
        for f in features
    ]
    labels = [
        _column(named, "label", LABELS.column(name).unit, LABELS.column(name).description)
        for horizon in (HORIZONS if with_labels else ())
        for name, named in label_columns(horizon).items()
    ]
    return [*fixed, *values, *labels]


def _column(name: str, kind: str, unit: str, meaning: str) -> dict[str, str]:
    return {"name": name, "kind": kind, "unit": unit, "meaning": meaning}
