"""A panel without some of its features: what a model learns when a group of them is taken away.

The rest stays where it was: sessions, places of stocks, graphs, raw channels. A narrowed panel is another panel to
whoever fits or scores: it has its own catalogue hash and key, so nothing fitted on the one is ever taken for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.dataset.panel_map import VALID, VALUES, Panel, unpack

_SESSIONS_PER_CHUNK = 20


def narrowed(panel: Panel, dropped: Sequence[str], folder: Path) -> Panel:
    """The panel without some features.

    Args:
        panel: the whole one; it stays as it is.
        dropped: names that are left out.
        folder: where the narrower values lie for as long as the panel is used; must exist.

    Raises:
        DatasetError: a name the panel does not hold, or nothing left.
    """
    if unknown := sorted(set(dropped) - set(panel.names)):
        raise _bad(f"unknown features {unknown}", "names of the panel")
    keep = np.array([place for place, name in enumerate(panel.names) if name not in set(dropped)], dtype=np.int64)
    if not len(keep):
        raise _bad("every feature dropped", "some left")
    days, places, width = panel.values.shape
    values = np.memmap(folder / VALUES, dtype=np.float16, mode="w+", shape=(days, places, len(keep)))
    bits = np.memmap(folder / VALID, dtype=np.uint8, mode="w+", shape=(days, places, (len(keep) + 7) // 8))
    for start in range(0, days, _SESSIONS_PER_CHUNK):
        part = slice(start, start + _SESSIONS_PER_CHUNK)
        values[part] = panel.values[part][..., keep]
        bits[part] = np.packbits(unpack(panel.valid_bits[part], width)[..., keep], axis=-1)
    names = tuple(panel.names[place] for place in keep)
    return replace(
        panel,
        path=folder,
        values=values,
        valid_bits=bits,
        names=names,
        catalogue_hash=narrowed_hash(panel.catalogue_hash, panel.names, dropped),
        key=sha256_json([panel.key, list(names)])[:24],
    )


def narrowed_hash(catalogue_hash: str, names: Sequence[str], dropped: Sequence[str]) -> str:
    """Content hash of a catalogue's features without some of them."""
    return sha256_json([catalogue_hash, [name for name in names if name not in set(dropped)]])


def _bad(got: str, want: str) -> DatasetError:
    return DatasetError("narrowed panel", got=got, want=want, remedy="Name features of the panel, and keep some.")
