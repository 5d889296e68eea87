"""A run that was kept, as a diagnosis needs it: its design, its days, and what its own figures said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.networks import saved_config
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.diagnosis_findings import findings
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.run_ledger import LEDGER, read_run

_WANTED = ("family", "model", "train", "horizon_d", "days", "panel", "seed")


@dataclass(frozen=True)
class StoredRun:
    """A run of the run ledger.

    Attributes:
        folder: where it lies.
        recipe: its design.
        seed: its seed.
        horizon_d: judged horizon.
        spans: first and last session of its training and of its validation days.
        panel: content of the panel it read.
        said: what its figures and events say, in sentences; empty for a healthy run.
    """

    folder: Path
    recipe: NetworkRecipe
    seed: int
    horizon_d: int
    spans: tuple[tuple[date, date], tuple[date, date]]
    panel: str
    said: tuple[str, ...]

    def days(self, sessions: Sequence[date]) -> tuple[list[date], list[date]]:
        """Its training and validation days among some sessions."""
        train, validation = ([day for day in sessions if first <= day <= last] for first, last in self.spans)
        return train, validation


def find_run(runs: Path, name: str) -> Path | None:
    """The folder of a run, by its path or by its place below the folder of all runs; None where there is none."""
    folders = [folder for folder in (Path(name), runs / name) if (folder / LEDGER).is_file()]
    return folders[0] if folders else None


def stored_run(folder: Path, computing: Mapping[str, Any]) -> StoredRun:
    """The run a folder holds.

    Args:
        folder: with a `run.jsonl`.
        computing: `device` and `threads` of this machine.

    Raises:
        ConfigError: a ledger that tells no design, or one this house no longer knows.
    """
    lines = read_run(folder)
    told = next((line for line in lines if line["kind"] == "run"), {})
    if missing := [name for name in _WANTED if name not in told]:
        raise ConfigError(
            f"run {folder}",
            got=f"a ledger without {', '.join(missing)}",
            want="one that tells the design and the days of its run",
            remedy="Name the design instead, such as apex_ranker, or train it again.",
        )
    loop = TrainConfig.of({**told["train"], **computing})
    recipe = NetworkRecipe(saved_config(told["family"], told["model"]), loop)
    train, validation = ((date.fromisoformat(first), date.fromisoformat(last)) for first, last in told["days"])
    said = [finding.words for finding in findings([line for line in lines if line["kind"] == "epoch"])]
    said += [f"{line['event']} at {line['where']}: {line['words']}" for line in lines if line["kind"] == "event"]
    return StoredRun(
        folder, recipe, int(told["seed"]), int(told["horizon_d"]), (train, validation), told["panel"], tuple(said)
    )
