"""The learning curve as TensorBoard reads it, where its package is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from gogoku_pipeline.core.errors import ConfigError


def write_tensorboard(folder: Path | None, ledger: list[dict[str, float]]) -> None:
    """Add the last epoch's figures to the event files in `<folder>/tensorboard`; nothing without a folder.

    Raises:
        ConfigError: the package is not installed.
    """
    if folder is None or not ledger:
        return
    if find_spec("tensorboard") is None:
        raise ConfigError(
            "tensorboard",
            got="no such package",
            want="the extra",
            remedy="Install gogoku-pipeline[tensorboard], or leave the setting off.",
        )
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard")) as writer:
        for name, value in ledger[-1].items():
            if name != "epoch":
                writer.add_scalar(name, value, int(ledger[-1]["epoch"]))
