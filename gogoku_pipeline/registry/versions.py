"""Which trained versions there were by a session."""

from __future__ import annotations

from datetime import date

from gogoku_pipeline.store import Store


def newest_version(store: Store, model: str, session: date) -> str | None:
    """The version of a model with the newest cut-off up to a session; None where nothing was trained by then."""
    held = [version for version in store.artefacts.versions(model) if version[:8] <= f"{session:%Y%m%d}"]
    return held[-1] if held else None
