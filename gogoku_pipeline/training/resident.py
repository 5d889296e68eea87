"""The panel in the device's own memory: a day window is a slice of it, nothing crosses the bus while training.

The same batches to the bit as from the memory-mapped panel. Only the sessions a run reads and the features it reads are
copied, once, a few sessions at a time; graphs and raw channels stay where they are. Source: models.md 5 (panel in
bfloat16 3.2 GB for 4,000 stocks, 2,500 sessions, 160 features; float16 here, as it is stored).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.panel_map import Panel, unpack
from gogoku_pipeline.dataset.some_features import SomeFeatures

Ints = npt.NDArray[np.int64]

FREE_SHARE = 0.5
"""Most of a GPU's free memory that `auto` gives to the panel; the rest is for the network."""
_CHUNK = 32
_log = logger("training")


@dataclass(frozen=True)
class ResidentPanel:
    """Some sessions and features of a panel on a device.

    Attributes:
        panel: whose copy it is.
        first: row of the panel its first session has.
        values: float16 [T, N, F], 0 where missing.
        bits: uint8 [T, N, ceil(F/8)], bit f of a row says whether feature f is known, the highest bit first.
    """

    panel: Panel
    first: int
    values: Tensor
    bits: Tensor

    def windows(self, sessions: Sequence[date], stocks: Sequence[Ints], look_back: int) -> tuple[Tensor, Tensor]:
        """Values and validity [M, L, F] of some days' stocks, day after day, float32."""
        values, valid = [], []
        for session, places in zip(sessions, stocks, strict=True):
            stop = self.panel.index(session) + 1 - self.first
            chosen = torch.from_numpy(places).to(self.values.device)
            values.append(self.values[stop - look_back : stop].index_select(1, chosen).transpose(0, 1))
            valid.append(self._known(self.bits[stop - look_back : stop].index_select(1, chosen).transpose(0, 1)))
        return torch.cat(values).float().contiguous(), torch.cat(valid).float().contiguous()

    def _known(self, bits: Tensor) -> Tensor:
        """Bits [n, L, ceil(F/8)] as 0 and 1, uint8 [n, L, F]."""
        places = torch.arange(7, -1, -1, device=bits.device, dtype=torch.uint8)
        single = (bits[..., None] >> places) & 1
        return single.flatten(-2)[..., : self.values.shape[-1]]


def resident_panel(
    wanted: Literal["auto", "mapped", "device"],
    data: TrainingData,
    days: Sequence[date],
    look_back: int,
    device: torch.device,
) -> ResidentPanel | None:
    """The panel of a run on its device; None where it is read from the map.

    Args:
        wanted: `mapped`, `device`, or `auto`: on a GPU where it takes at most FREE_SHARE of the free memory. On the CPU
            the mapped pages are in the same memory, so `auto` leaves them there.
        data: panel and labels.
        days: every session the run reads a window of.
        look_back: sessions per window.
        device: where tensors go.

    Raises:
        ConfigError: `device` for data that are altered on the way, which no copy of the panel would show.
    """
    if wanted == "mapped" or (wanted == "auto" and device.type != "cuda"):
        return None
    columns = _columns(data)
    if columns is None:
        if wanted == "auto":
            return None
        raise ConfigError(
            "training.panel",
            got=f"device, for {type(data).__name__}",
            want="mapped, for data that are altered as they are read",
            remedy="Set panel to mapped or auto.",
        )
    rows = [data.panel.index(day) for day in days]
    span = min(rows) + 1 - look_back, max(rows) + 1
    size = (span[1] - span[0]) * len(data.panel.codes) * (2 * len(columns) + -(-len(columns) // 8))
    if wanted == "auto" and size > FREE_SHARE * torch.cuda.mem_get_info(device)[0]:
        _log.info("the panel of this run (%d MiB) stays memory-mapped: it would crowd the GPU", size >> 20)
        return None
    return _copied(data.panel, columns, span, device)


def _columns(data: TrainingData) -> Ints | None:
    """Places of the features that are read on the panel; None for data that are altered as they are read."""
    if type(data) is TrainingData:
        return np.arange(len(data.panel.names), dtype=np.int64)
    if type(data) is SomeFeatures:
        held = _columns(data.kept)
        return None if held is None else held[data.columns]
    return None


def _copied(panel: Panel, columns: Ints, span: tuple[int, int], device: torch.device) -> ResidentPanel:
    first, stop = span
    shape, is_whole = (stop - first, len(panel.codes)), len(columns) == len(panel.names)
    values = torch.empty((*shape, len(columns)), dtype=torch.float16, device=device)
    bits = torch.empty((*shape, -(-len(columns) // 8)), dtype=torch.uint8, device=device)
    for start in range(first, stop, _CHUNK):
        rows = slice(start, min(start + _CHUNK, stop))
        found, known = panel.values[rows, : shape[1]], panel.valid_bits[rows, : shape[1]]
        if not is_whole:
            found = found[..., columns]
            known = np.packbits(unpack(known, len(panel.names))[..., columns], axis=-1)
        there = slice(rows.start - first, rows.stop - first)
        values[there].copy_(torch.from_numpy(np.array(found)))
        bits[there].copy_(torch.from_numpy(np.array(known)))
    return ResidentPanel(panel, first, values, bits)
