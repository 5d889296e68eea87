"""The folder of a run: its checkpoint, and the lock that keeps it to one training at a time.

Two trainings of one thing would overwrite each other's checkpoints and waste the machine. Read without loading tensors.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gogoku_pipeline.core.errors import TrainingError

LOCK, CHECKPOINT = "training.lock", "checkpoint.pt"


@contextmanager
def exclusive_training(folder: Path | None, what: str, *, waits: bool = False) -> Iterator[None]:
    """Hold a folder of runs while the block runs. The lock belongs to the open file: a killed process frees it.

    Args:
        folder: of the run or the version; None holds nothing.
        what: what is trained, for the message of whoever comes second.
        waits: whether whoever comes second waits for the first instead.

    Raises:
        TrainingError: another process, or another training of this one, holds it.
    """
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise TrainingError(
                f"training of {what}",
                got=f"already running in {holder}",
                want="one training of it at a time",
                remedy="Wait until it has finished, or stop it: the next one goes on from its checkpoint.",
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def drop_checkpoint(folder: Path | None) -> None:
    """Forget the checkpoint of a run whose result is kept elsewhere; its ledger stays."""
    if folder is not None:
        (folder / CHECKPOINT).unlink(missing_ok=True)
