"""Memory of large outputs, kept for the next one instead of being given back and asked for again.

Belongs here: handing memory out and taking it back. Does not belong here: what is written to it (`engine`).

The kernel clears a page when it is first touched, and for a wide table that costs as much as computing it. So memory
whose frame nobody holds any more is kept, as Polars' own allocator keeps what frames of its making leave behind. It is
handed out again only after the last array, column or slice over it is gone. What is kept is marked as free
(`MADV_FREE`): the kernel takes it back when memory is short, without asking, and never more than `KEEPS` is kept.
"""

from __future__ import annotations

import math
import mmap
import weakref

import numpy as np

from gogoku_pipeline.features.expressions import Floats

LARGE_PAGE = 2 * 2**20

LEAST = 16 * 2**20
"""Smaller outputs come from the ordinary allocator."""

KEEPS = 2**30
"""Bytes that are kept at most, in all."""

ROOMY = 2
"""Kept memory serves an output of at least one such part of its size."""


class Lease:
    """Memory in use: every array over it, and what stands on one, holds this object.

    NumPy may let an array over an array refer straight to what owns the memory; the owner is therefore an object of its
    own and not an array, and its end is the end of all of them.

    Attributes:
        __array_interface__: what NumPy makes an array of.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self.__array_interface__ = np.frombuffer(memory, np.uint8).__array_interface__


class OutputMemory:
    """Memory that is handed out, and kept when it comes back. Threads may share it: every step is one of a dict's own.

    Args:
        keeps: bytes that are kept at most.
        least: outputs of fewer bytes come from the ordinary allocator.
    """

    def __init__(self, keeps: int = KEEPS, least: int = LEAST) -> None:
        self._keeps = keeps
        self._least = least
        self._idle: dict[int, mmap.mmap] = {}

    @property
    def kept(self) -> int:
        """Bytes that are kept for later."""
        return sum(len(memory) for memory in tuple(self._idle.values()))

    def table(self, columns: int, rows: int) -> Floats:
        """An array [columns, rows] of single precision whose values are anything; nobody else has its memory."""
        size = columns * rows * np.dtype(np.float32).itemsize
        if size < self._least:
            return np.empty((columns, rows), np.float32)
        memory = self._found(size) or _fresh(size)
        lease = Lease(memory)
        weakref.finalize(lease, self._take_back, memory).atexit = False
        return np.asarray(lease)[:size].view(np.float32).reshape(columns, rows)

    def _found(self, size: int) -> mmap.mmap | None:
        """The smallest kept memory that fits; it is nobody else's from here on."""
        sizes = [(len(memory), key) for key, memory in tuple(self._idle.items())]
        for _, key in sorted((held, key) for held, key in sizes if size <= held <= ROOMY * size):
            if (memory := self._idle.pop(key, None)) is not None:
                return memory
        return None

    def _take_back(self, memory: mmap.mmap) -> None:
        """Keep it, and let go of the longest kept where that is too much."""
        if len(memory) > self._keeps:
            return
        _advise(memory, "MADV_FREE")
        self._idle[id(memory)] = memory
        while self.kept > self._keeps:
            for key in tuple(self._idle)[:1]:
                self._idle.pop(key, None)


def _fresh(size: int) -> mmap.mmap:
    """Memory of this process alone, in large pages where the kernel has them."""
    memory = mmap.mmap(-1, math.ceil(size / LARGE_PAGE) * LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    _advise(memory, "MADV_HUGEPAGE")
    return memory


def _advise(memory: mmap.mmap, advice: str) -> None:
    """Give the kernel a hint; systems that do not know it do without."""
    if (known := getattr(mmap, advice, None)) is not None:
        memory.madvise(known)


OUTPUTS = OutputMemory()
"""The memory of this process's outputs."""
