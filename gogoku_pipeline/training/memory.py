"""How many days fit into memory at once: a step that does not fit is done in smaller passes and gives the same step."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from datetime import date

import torch

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.core.log import logger

_log = logger("training")


class Passes:
    """Cuts a step's days into passes, and cuts smaller when memory runs out.

    The stocks of a day are never cut: a smaller cross-section would be another loss.

    Args:
        days_per_pass: most days at once; 0 for all of a step.
        is_whole: whether the loss needs all days of a step at once (Sharpe).
    """

    def __init__(self, days_per_pass: int, *, is_whole: bool) -> None:
        self.days_per_pass = days_per_pass
        self.is_whole = is_whole

    def of(self, days: Sequence[date]) -> Iterator[Sequence[date]]:
        """The passes of a step."""
        size = self.days_per_pass or max(len(days), 1)
        for start in range(0, len(days), size):
            yield days[start : start + size]

    def halve(self, days: Sequence[date], problem: BaseException) -> str:
        """Take half as many days per pass after memory ran out; says so, for the run ledger.

        Raises:
            TrainingError: one day alone does not fit, or the loss cannot be put together from parts.
        """
        size = min(self.days_per_pass or len(days), len(days))
        if self.is_whole or size == 1:
            reason = "one day alone does not fit" if size == 1 else f"{size} days at once, which the Sharpe term needs"
            raise TrainingError(
                f"memory for a step of {len(days)} days",
                got=f"{reason} ({str(problem).splitlines()[0][:120]})",
                want="a pass that fits",
                remedy="Set checkpointing, choose a smaller network or look-back, or leave the Sharpe term out.",
            ) from problem
        self.days_per_pass = size // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        words = f"out of memory with {size} days per pass; going on with {self.days_per_pass}, the step stays whole"
        _log.warning(words)
        return words
