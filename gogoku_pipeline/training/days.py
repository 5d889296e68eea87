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
from gogoku_pipeline.models.network import DayInputs, NetworkOutput


@dataclass(frozen=True, kw_only=True)
class DayBatch(DayInputs):
    """Some days, with what their stocks did.

    Attributes:
        slot: [M] the place of a stock inside its day.
        targets: [B, N, H] normal scores, one column per horizon, 0 where there is none.
        mask: [B, N, H] where there is a target.
    """

    slot: Tensor
    targets: Tensor
    mask: Tensor

    def padded(self, said: Tensor) -> Tensor:
        """[M, ...] -> [B, N, ...], 0 where a day has no stock."""
        out = said.new_zeros((*self.targets.shape[:2], *said.shape[1:]))
        return out.index_put((self.day, self.slot), said)


@dataclass(frozen=True)
class DaySource:
    """What a network is trained on.

    Attributes:
        data: panel and labels.
        horizon_d: label horizon that is judged.
        look_back: sessions per window.
        device: where tensors go.
        horizons: horizons that are learnt, in the order of a network's scores; empty for the judged one alone.
    """

    data: TrainingData
    horizon_d: int
    look_back: int
    device: torch.device
    horizons: tuple[int, ...] = ()

    @property
    def learnt(self) -> tuple[int, ...]:
        """Horizons that are learnt."""
        return self.horizons or (self.horizon_d,)

    @property
    def judged(self) -> int:
        """Column of the judged horizon among a network's scores."""
        return self.learnt.index(self.horizon_d)

    def usable(self, sessions: Sequence[date]) -> list[date]:
        """Sessions with a full look-back inside the panel and a non-empty cross-section."""
        first = self.look_back - 1
        return [day for day in sessions if self.data.panel.index(day) >= first and len(self.data.members(day))]

    def batch(self, sessions: Sequence[date], *, before: date | None) -> DayBatch:
        """Some days with their targets; labels known on or after `before` are withheld."""
        windows = [self.data.day(day, self.look_back) for day in sessions]
        counts = [len(window.stocks) for window in windows]
        targets = np.full((len(windows), max(counts), len(self.learnt)), np.nan, dtype=np.float32)
        for column, horizon in enumerate(self.learnt):
            labels = self.data.day_targets(sessions, horizon, before=before)
            for place, window in enumerate(windows):
                targets[place, : counts[place], column] = labels[place, window.stocks]
        mask = np.isfinite(targets)
        return DayBatch(
            **vars(self.inputs(windows)),
            slot=torch.from_numpy(np.concatenate([np.arange(count) for count in counts])).to(self.device),
            targets=torch.from_numpy(np.where(mask, targets, np.float32(0))).to(self.device),
            mask=torch.from_numpy(mask).to(self.device),
        )

    def inputs(self, windows: Sequence[DayWindow]) -> DayInputs:
        """What a network reads of several days, float32."""
        values = torch.from_numpy(np.concatenate([window.values for window in windows]))
        valid = torch.from_numpy(np.concatenate([window.valid for window in windows]))
        day = np.repeat(np.arange(len(windows)), [len(window.stocks) for window in windows])
        return DayInputs(
            values=values.to(self.device).float(),
            valid=valid.to(self.device).float(),
            day=torch.from_numpy(day).to(self.device),
        )

    def shuffled(self, sessions: Sequence[date], per_step: int, seed: int, epoch: int) -> Iterator[list[date]]:
        """The days of one epoch in random order, in steps of at most `per_step`."""
        order = stream(seed, "days", epoch).permutation(len(sessions))
        for start in range(0, len(order), per_step):
            yield [sessions[place] for place in order[start : start + per_step]]


def score_days(
    model: nn.Module, source: DaySource, sessions: Sequence[date]
) -> list[tuple[DayWindow, npt.NDArray[np.float64]]]:
    """Scores of each day's cross-section for the judged horizon, without gradients, in evaluation mode.

    Raises:
        DatasetError: a score is not finite.
    """
    was_training = model.training
    model.eval()
    out = []
    with torch.no_grad():
        for day in sessions:
            window = source.data.day(day, source.look_back)
            said: NetworkOutput = model(source.inputs([window]))
            scores = said.scores[:, source.judged].double().cpu().numpy()
            if not np.isfinite(scores).all():
                raise DatasetError(
                    f"scores of {day}", got="NaN or infinite", want="finite", remedy="Lower the learning rate."
                )
            out.append((window, scores))
    model.train(was_training)
    return out
