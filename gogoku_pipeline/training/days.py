"""Whole days as tensors: stocks of several days side by side for the network, padded per day for the loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.dataset.batches import DayWindow, TrainingData


@dataclass(frozen=True)
class DayBatch:
    """Some days.

    Attributes:
        values: [M, L, F] all stocks of all days.
        valid: [M, L, F] in {0, 1}.
        day: [M] which day of the batch a stock belongs to.
        slot: [M] its place inside the day.
        targets: [B, N] normal scores, 0 where there is none.
        mask: [B, N] where there is a target.
    """

    values: Tensor
    valid: Tensor
    day: Tensor
    slot: Tensor
    targets: Tensor
    mask: Tensor

    def padded(self, scores: Tensor) -> Tensor:
        """[M] -> [B, N]."""
        out = torch.zeros_like(self.targets)
        return out.index_put((self.day, self.slot), scores)


@dataclass(frozen=True)
class DaySource:
    """What a network is trained on.

    Attributes:
        data: panel and labels.
        horizon_d: label horizon.
        look_back: sessions per window.
        device: where tensors go.
    """

    data: TrainingData
    horizon_d: int
    look_back: int
    device: torch.device

    def usable(self, sessions: Sequence[date]) -> list[date]:
        """Sessions with a full look-back inside the panel and a non-empty cross-section."""
        first = self.look_back - 1
        return [day for day in sessions if self.data.panel.index(day) >= first and len(self.data.members(day))]

    def batch(self, sessions: Sequence[date], *, before: date | None) -> DayBatch:
        """Some days with their targets; labels known on or after `before` are withheld."""
        windows = [self.data.day(day, self.look_back) for day in sessions]
        labels = self.data.day_targets(sessions, self.horizon_d, before=before)
        widest = max(len(window.stocks) for window in windows)
        targets = np.full((len(windows), widest), np.nan, dtype=np.float32)
        for place, window in enumerate(windows):
            targets[place, : len(window.stocks)] = labels[place, window.stocks]
        counts = [len(window.stocks) for window in windows]
        values, valid = self.tensors(windows)
        mask = np.isfinite(targets)
        return DayBatch(
            values=values,
            valid=valid,
            day=torch.from_numpy(np.repeat(np.arange(len(counts)), counts)).to(self.device),
            slot=torch.from_numpy(np.concatenate([np.arange(count) for count in counts])).to(self.device),
            targets=torch.from_numpy(np.where(mask, targets, np.float32(0))).to(self.device),
            mask=torch.from_numpy(mask).to(self.device),
        )

    def tensors(self, windows: Sequence[DayWindow]) -> tuple[Tensor, Tensor]:
        """Values and validity of several days, [M, L, F] float32 each."""
        values = torch.from_numpy(np.concatenate([window.values for window in windows]))
        valid = torch.from_numpy(np.concatenate([window.valid for window in windows]))
        return values.to(self.device).float(), valid.to(self.device).float()

    def shuffled(self, sessions: Sequence[date], per_step: int, seed: int, epoch: int) -> Iterator[list[date]]:
        """The days of one epoch in random order, in steps of at most `per_step`."""
        order = stream(seed, "days", epoch).permutation(len(sessions))
        for start in range(0, len(order), per_step):
            yield [sessions[place] for place in order[start : start + per_step]]


def score_days(
    model: nn.Module, source: DaySource, sessions: Sequence[date]
) -> list[tuple[DayWindow, npt.NDArray[np.float64]]]:
    """Scores of each day's cross-section, without gradients, in evaluation mode.

    Raises:
        DatasetError: a score is not finite.
    """
    was_training = model.training
    model.eval()
    out = []
    with torch.no_grad():
        for day in sessions:
            window = source.data.day(day, source.look_back)
            values, valid = source.tensors([window])
            scores = model(values, valid).double().cpu().numpy()
            if not np.isfinite(scores).all():
                raise DatasetError(
                    f"scores of {day}", got="NaN or infinite", want="finite", remedy="Lower the learning rate."
                )
            out.append((window, scores))
    model.train(was_training)
    return out
