"""Randomness as an argument: one seed, and a stream for every named purpose.

Streams are derived by name, so adding a consumer never changes the numbers another one sees.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for a named purpose, e.g. ``derive_seed(7, "market", "volume")``."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for a named purpose."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *names)))
