"""Checkpoints: everything a killed run needs to go on exactly where it was, whole or not there at all.

A file is a line naming the format, a line with the SHA-256 of the rest, and the rest: tensors and plain numbers as
torch writes them. It is read with `weights_only`, so that a file can hold no code; a changed byte, a foreign class or
the checkpoint of another run is refused by name.
"""

from __future__ import annotations

import io
import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gogoku_pipeline.core.errors import ArtefactError
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.training.run_folder import CHECKPOINT

_FORMAT = b"gogoku checkpoint 1"


def save_checkpoint(folder: Path, run: str, state: dict[str, Any]) -> Path:
    """Write a checkpoint in place of the one before; a crash leaves the old one.

    Args:
        folder: of the run.
        run: content hash of everything the run depends on.
        state: tensors, numbers, texts, and lists and dicts of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save({"run": run, "state": state}, buffer)
    payload = buffer.getvalue()
    file, fresh = folder / CHECKPOINT, folder / f"{CHECKPOINT}.part"
    with fresh.open("wb") as out:
        out.write(b"\n".join([_FORMAT, sha256_bytes(payload).encode(), payload]))
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    return file


def load_checkpoint(folder: Path, run: str) -> dict[str, Any] | None:
    """The state of a run's last checkpoint, on the CPU; None where there is none.

    Raises:
        ArtefactError: the file was altered, holds a class, or belongs to another run.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        return None
    parts = file.read_bytes().split(b"\n", 2)
    if len(parts) != 3 or parts[0] != _FORMAT:
        raise _bad(file, "no checkpoint of this format", _FORMAT.decode())
    if sha256_bytes(parts[2]) != parts[1].decode(errors="replace"):
        raise _bad(file, "altered bytes", f"content hash {parts[1].decode(errors='replace')[:12]}")
    try:
        found = torch.load(io.BytesIO(parts[2]), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        raise _bad(file, f"a class it must not hold ({_foreign(problem)})", "tensors and numbers only") from None
    if not isinstance(found, dict) or set(found) != {"run", "state"}:
        raise _bad(file, "something else than the state of a run", "run and state")
    if found["run"] != run:
        raise _bad(file, f"the checkpoint of run {str(found['run'])[:12]}", f"run {run[:12]}: same data, recipe, seed")
    state: dict[str, Any] = found["state"]
    return state


def load_weights(network: nn.Module, weights: Mapping[str, Any], what: str) -> None:
    """Give a network weights that were kept, tensors or arrays by name.

    Args:
        network: receives them.
        weights: all of its weights.
        what: whose they are, for the message.

    Raises:
        ArtefactError: weights of another shape: other features, horizons or blocks.
    """
    given = {name: torch.as_tensor(weight) for name, weight in weights.items()}
    mine = network.state_dict()
    differing = [name for name in (mine.keys() & given.keys()) if mine[name].shape != given[name].shape]
    if odd := sorted({*differing, *(mine.keys() ^ given.keys())}):
        first = odd[0]
        got, want = (tuple(held[first].shape) if first in held else "nothing" for held in (given, mine))
        raise ArtefactError(
            f"weights of {what}",
            got=f"{got} for {first}, and {len(odd) - 1} more that do not fit",
            want=f"{want}, as features, horizons and blocks of the configuration ask for",
            remedy="Train the version again on these features with this configuration.",
        )
    network.load_state_dict(given)


def _foreign(problem: Exception) -> str:
    """The class torch refused, as its message names it."""
    named = re.search(r"GLOBAL (\S+)", str(problem))
    return named.group(1) if named else type(problem).__name__


def _bad(file: Path, got: str, want: str) -> ArtefactError:
    return ArtefactError(
        f"checkpoint {file}", got=got, want=want, remedy="Delete the folder of the run: it starts over from its seed."
    )
