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
from gogoku_pipeline.models.network import DayInputs, Edges, Network, NetworkOutput
from gogoku_pipeline.training.day_graphs import joined_graphs
from gogoku_pipeline.training.recipes import TARGET
from gogoku_pipeline.training.resident import ResidentPanel

RETURN = "excess_open"
"""What a stock earned over the horizon, relative to the universe's mean: for losses that trade."""


@dataclass(frozen=True, kw_only=True)
class DayBatch(DayInputs):
    """Some days, with what their stocks did.

    Attributes:
        slot: [M] the place of a stock inside its day.
        targets: [B, N, H] normal scores, one column per horizon, 0 where there is none.
        mask: [B, N, H] where there is a target.
        returns: [B, N, H] relative to the market, 0 where there is none; None unless the source gives them.
        stock: int64 [B, N], place on the panel, -1 in the padding; None likewise.
    """

    slot: Tensor
    targets: Tensor
    mask: Tensor
    returns: Tensor | None = None
    stock: Tensor | None = None

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
        gives_returns: whether batches hold what stocks earned, beside their normal scores.
        reads_edges: whether batches hold the sessions' graphs.
        raw_channels: channels of which batches hold the values as they are.
        resident: the panel on the device; None to read it from the map.
    """

    data: TrainingData
    horizon_d: int
    look_back: int
    device: torch.device
    horizons: tuple[int, ...] = ()
    gives_returns: bool = False
    reads_edges: bool = False
    raw_channels: tuple[str, ...] = ()
    resident: ResidentPanel | None = None

    @classmethod
    def of(cls, network: Network, data: TrainingData, horizon_d: int, device: torch.device) -> DaySource:
        """What a network reads, judged over one horizon.

        Raises:
            DatasetError: a panel without the graphs or the raw channels the network reads.
        """
        lacking = [
            name
            for name, is_read, there in (
                ("graphs", network.needs_edges, data.panel.edges),
                ("raw channels", bool(network.raw_channels), data.panel.raw),
            )
            if is_read and there is None
        ]
        if lacking:
            raise DatasetError(
                f"panel {data.panel.key}",
                got=f"no {' and no '.join(lacking)} beside it",
                want="what the network reads",
                remedy="Build the panel's companions, or switch the blocks off that read them.",
            )
        return cls(
            data,
            horizon_d,
            network.look_back,
            device,
            network.horizons,
            reads_edges=network.needs_edges,
            raw_channels=network.raw_channels,
        )

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
        """Some days with their targets; labels known on or after `before` are withheld.

        Raises:
            DatasetError: an infinite label.
        """
        windows = [self.window(day) for day in sessions]
        counts = [len(window.stocks) for window in windows]
        targets = self._labels(windows, TARGET, before)
        mask = np.isfinite(targets)
        returns, stock = self._trades(windows, before) if self.gives_returns else (None, None)
        return DayBatch(
            **vars(self.inputs(windows)),
            slot=torch.from_numpy(np.concatenate([np.arange(count) for count in counts])).to(self.device),
            targets=self._there(targets),
            mask=torch.from_numpy(mask).to(self.device),
            returns=returns,
            stock=stock,
        )

    def window(self, session: date) -> DayWindow:
        """One day's stocks with their look-back; without values where those lie on the device."""
        if self.resident is None:
            return self.data.day(session, self.look_back)
        stocks = self.data.members(session)
        nothing = np.empty((len(stocks), 0, 0), np.float16)
        return DayWindow(session, stocks, nothing, nothing.astype(np.bool_))

    def _trades(self, windows: Sequence[DayWindow], before: date | None) -> tuple[Tensor, Tensor]:
        """Returns [B, N, H] and places of the stocks [B, N]."""
        returns = self._labels(windows, RETURN, before)
        stock = np.full(returns.shape[:2], -1, dtype=np.int64)
        for place, window in enumerate(windows):
            stock[place, : len(window.stocks)] = window.stocks
        return self._there(returns), torch.from_numpy(stock).to(self.device)

    def masks(self, sessions: Sequence[date], *, before: date | None) -> tuple[Tensor, Tensor]:
        """Targets [B, places, H] and where there is one, without reading a feature: what a step can learn from."""
        grids = [self.data.day_targets(sessions, horizon, label=TARGET, before=before) for horizon in self.learnt]
        targets = np.stack(grids, axis=-1)
        return self._there(targets), torch.from_numpy(np.isfinite(targets)).to(self.device)

    def _labels(self, windows: Sequence[DayWindow], label: str, before: date | None) -> npt.NDArray[np.float32]:
        """Labels of each day's stocks, side by side [B, N, H]; NaN where there is none."""
        sessions, widest = [window.session for window in windows], max(len(window.stocks) for window in windows)
        found = np.full((len(windows), widest, len(self.learnt)), np.nan, dtype=np.float32)
        for column, horizon in enumerate(self.learnt):
            labels = self.data.day_targets(sessions, horizon, label=label, before=before)
            for place, window in enumerate(windows):
                found[place, : len(window.stocks), column] = labels[place, window.stocks]
        if np.isinf(found).any():
            day, _, column = (int(axis[0]) for axis in np.nonzero(np.isinf(found)))
            raise DatasetError(
                f"{label} over {self.learnt[column]} sessions on {sessions[day]}",
                got="an infinite label",
                want="finite, or none",
                remedy="Build the labels again; look at the prices of that day.",
            )
        return found

    def _there(self, values: npt.NDArray[np.float32]) -> Tensor:
        """Values on the device, 0 where there is none."""
        return torch.from_numpy(np.nan_to_num(values, nan=0.0)).to(self.device)

    def inputs(self, windows: Sequence[DayWindow]) -> DayInputs:
        """What a network reads of several days, float32."""
        values, valid = self._windows(windows)
        day = np.repeat(np.arange(len(windows)), [len(window.stocks) for window in windows])
        return DayInputs(
            values=values,
            valid=valid,
            day=torch.from_numpy(day).to(self.device),
            edges=self._edges(windows),
            raw=self._raw(windows),
        )

    def _windows(self, windows: Sequence[DayWindow]) -> tuple[Tensor, Tensor]:
        """Values and validity [M, L, F], float32."""
        if self.resident is not None:
            stocks = [window.stocks for window in windows]
            return self.resident.windows([window.session for window in windows], stocks, self.look_back)
        values = torch.from_numpy(np.concatenate([window.values for window in windows]))
        valid = torch.from_numpy(np.concatenate([window.valid for window in windows]))
        return values.to(self.device).float(), valid.to(self.device).float()

    def _edges(self, windows: Sequence[DayWindow]) -> Edges | None:
        """The sessions' graphs."""
        held = self.data.panel.edges
        if not self.reads_edges or held is None:
            return None
        return joined_graphs(windows, [held.among(day.session, day.stocks) for day in windows], self.device)

    def _raw(self, windows: Sequence[DayWindow]) -> Tensor | None:
        """Raw channels [M, L, C]."""
        panel = self.data.panel
        if not self.raw_channels or panel.raw is None:
            return None
        parts = [
            panel.raw.window(panel.index(day.session), self.look_back, day.stocks, self.raw_channels) for day in windows
        ]
        return torch.from_numpy(np.concatenate(parts)).to(self.device)

    def shuffled(self, sessions: Sequence[date], per_step: int, seed: int, epoch: int) -> Iterator[list[date]]:
        """The days of one epoch in random order, in steps of at most `per_step`.

        A source that gives returns keeps the days of a step together and in order (a portfolio is traded from one to
        the next); then the steps come in random order, cut anew in every epoch.
        """
        draw = stream(seed, "days", epoch)
        if not self.gives_returns:
            order = draw.permutation(len(sessions))
            for start in range(0, len(order), per_step):
                yield [sessions[place] for place in order[start : start + per_step]]
            return
        first = int(draw.integers(per_step)) if len(sessions) > per_step else 0
        cuts = sorted({0, *range(first, len(sessions), per_step), len(sessions)})
        blocks = list(zip(cuts, cuts[1:], strict=False))
        for place in draw.permutation(len(blocks)):
            yield list(sessions[blocks[place][0] : blocks[place][1]])


def score_days(
    model: nn.Module, source: DaySource, sessions: Sequence[date]
) -> list[tuple[DayWindow, npt.NDArray[np.float64]]]:
    """Scores of each day's cross-section for the judged horizon, without gradients, in evaluation mode.

    Raises:
        DatasetError: a score is not finite.
    """
    return [(window, scores[:, source.judged]) for window, scores in score_horizons(model, source, sessions)]


def score_horizons(
    model: nn.Module, source: DaySource, sessions: Sequence[date]
) -> list[tuple[DayWindow, npt.NDArray[np.float64]]]:
    """Scores [n, H] of each day's cross-section for every horizon of the network, as `score_days`."""
    was_training = model.training
    model.eval()
    out = []
    with torch.no_grad():
        for day in sessions:
            window = source.window(day)
            said: NetworkOutput = model(source.inputs([window]))
            scores = said.scores.double().cpu().numpy()
            if not np.isfinite(scores).all():
                raise DatasetError(
                    f"scores of {day}", got="NaN or infinite", want="finite", remedy="Lower the learning rate."
                )
            out.append((window, scores))
    model.train(was_training)
    return out
