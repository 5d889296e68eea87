"""Where tensors live, how many threads they use, and how a run is made repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gogoku_pipeline.core.errors import ConfigError


def choose_device(wanted: str) -> torch.device:
    """`auto` takes CUDA when there is one, else the CPU; anything else is taken at its word.

    Raises:
        ConfigError: an unknown device, or CUDA asked for where there is none.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind = wanted.split(":")[0]
    if kind not in ("cpu", "cuda") or (kind == "cuda" and not torch.cuda.is_available()):
        raise ConfigError(
            "device",
            got=repr(wanted),
            want="auto, cpu, or cuda on a machine that has it",
            remedy="Set GOGOKU_DEVICE=cpu.",
        )
    return torch.device(wanted)


@contextmanager
def repeatable(seed: int, threads: int) -> Iterator[None]:
    """Bounded threads and a seeded generator inside; the caller's own state afterwards.

    On the CPU the same seed and thread count give the same bytes.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed % 2**63)
            yield
    finally:
        torch.set_num_threads(before)
