"""The learning curves a version keeps beside its files: how each seed's training went, epoch by epoch."""

from __future__ import annotations

from gogoku_pipeline.store import Store

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
