"""The ledger of one run: its curve, the decisions, what happened on the way, and how well the machine was used.

`run.jsonl` beside the checkpoint holds one line per epoch, decision and event; it is rewritten as a whole after every
epoch, so that a run that was killed and resumed leaves one ledger without gaps or doubles.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import torch

from gogoku_pipeline.core.log import logger
from gogoku_pipeline.models.network import Network
from gogoku_pipeline.models.networks import FAMILIES, family_of
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.days import DaySource

LEDGER = "run.jsonl"
LEAST_BUSY = 0.6
"""Share of an epoch a GPU should compute; below it something else is waited for."""
_log = logger("training")


@dataclass
class Stopwatch:
    """Where an epoch's time went.

    Attributes:
        device: what computes.
        waited: seconds the network waited for data.
        computed: seconds of forward, backward and optimiser; on CUDA as its own clock saw them.
    """

    device: torch.device
    waited: float = 0.0
    computed: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time spent reading and moving data."""
        started = time.perf_counter()
        yield
        self.waited += time.perf_counter() - started

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Time spent in the network."""
        if self.device.type == "cuda":
            first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            first.record()
            yield
            last.record()
            self._spans.append((first, last))
            return
        started = time.perf_counter()
        yield
        self.computed += time.perf_counter() - started

    def figures(self) -> dict[str, float]:
        """seconds, data_wait_share, busy_share and peak_memory_mib of the epoch so far."""
        if self._spans:
            torch.cuda.synchronize(self.device)
            self.computed += sum(first.elapsed_time(last) for first, last in self._spans) / 1000.0
            self._spans.clear()
        seconds = max(time.perf_counter() - self._started, 1e-9)
        busy = min(self.computed / seconds, 1.0)
        if self.device.type == "cuda" and busy < LEAST_BUSY:
            _log.warning("the GPU computed for %.0f %% of the epoch only: the network waits for data", 100 * busy)
        return {
            "seconds": seconds,
            "data_wait_share": self.waited / seconds,
            "busy_share": busy,
            "peak_memory_mib": peak_memory_mib(self.device),
        }


CLOCKED = ("seconds", "data_wait_share", "busy_share", "peak_memory_mib")
"""Figures that are measured with a clock: two runs that are equal to the bit still differ in these."""


def peak_memory_mib(device: torch.device) -> float:
    """Most memory held so far, MiB: tensors on CUDA, else the resident set of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def write_run(
    folder: Path | None, run: dict[str, Any], epochs: list[dict[str, float]], trail: list[Any], events: list[Any]
) -> None:
    """Write the ledger of a run as it is now; nothing without a folder.

    Args:
        folder: of the run.
        run: what it is: hash, seed, steps, and the design and days it was made of (`design_of`).
        epochs: the learning curve.
        trail: decisions of the stopper.
        events: what happened on the way.
    """
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    kinds = (("run", [run]), ("epoch", epochs), ("decision", trail), ("event", events))
    lines = [json.dumps({"kind": kind, **finite(row)}, sort_keys=True) for kind, rows in kinds for row in rows]
    fresh = folder / f"{LEDGER}.part"
    fresh.write_text("\n".join(lines) + "\n")
    fresh.replace(folder / LEDGER)


def design_of(
    network: Network, config: TrainConfig, source: DaySource, days: tuple[Sequence[date], Sequence[date]]
) -> dict[str, Any]:
    """What a run is made of, plain enough to make it again: `gogoku diagnose` reads it.

    Returns:
        `train` (the loop), `horizon_d`, `panel` (its content), `days` (first and last of training and validation);
        `features` where some were chosen; of the networks that have a configuration of the house, `family` and `model`.
    """
    shape: Any = getattr(network, "config", None)
    told: dict[str, Any] = {}
    if type(shape) in FAMILIES.values():
        told = {"family": family_of(shape), "model": shape.as_dict()}
    if source.data.names != source.data.panel.names:
        told["features"] = list(source.data.names)
    spans = [[part[0].isoformat(), part[-1].isoformat()] for part in days]
    return {
        **told,
        "train": config.as_dict(),
        "horizon_d": source.horizon_d,
        "panel": source.data.panel.content_key,
        "days": spans,
    }


def finite(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON can hold it: what is not a number is null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()
    }


def read_run(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's ledger, each with its `kind`; empty where there is none."""
    file = folder / LEDGER
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
