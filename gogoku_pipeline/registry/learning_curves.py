"""How each seed of a version was trained, from what it keeps of itself: learning curves, and the last decision."""

from __future__ import annotations

import json
from typing import Any

from gogoku_pipeline.store import Store
from gogoku_pipeline.store.artefacts import Artefact

Curves = dict[int, list[dict[str, float]]]


def kept_curves(store: Store, model: str, version: str) -> Curves:
    """The curve of every seed of a version; seeds whose notes are gone (an older store) are left out.

    Args:
        store: holds the version.
        model: name of its recipe.
        version: which one; raises ArtefactError where there is none.
    """
    found: Curves = {}
    for seed in store.artefacts.manifest(model, version)["seeds"]:
        part = store.artefacts.part(model, version, f"seed-{seed}")
        if part is not None:
            found[seed] = part[1]
    return found


def last_decisions(kept: Artefact) -> list[dict[str, Any]]:
    """What the last decision about each seed's run was: seed, epochs, best_epoch, figure, value, reason."""
    rows = []
    for seed in kept.manifest["seeds"]:
        settings = json.loads(kept.files[f"seed-{seed}-identity.json"])["settings"]
        trail = settings.get("decisions", [])
        last = trail[-1] if trail else {"epoch": "-", "metric": "-", "best": None, "reason": "fitted in one go"}
        rows.append(
            {
                "seed": seed,
                "epochs": last["epoch"],
                "best_epoch": settings.get("best_epoch", "-"),
                "figure": last["metric"],
                "value": last["best"],
                "reason": last["reason"],
            }
        )
    return rows
