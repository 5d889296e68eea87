"""Which days can be learnt from: those on which enough stocks have a label that is known in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.training.days import DaySource
from gogoku_pipeline.training.recipes import TARGET

_DAYS_AT_ONCE = 250


def learnable_days(
    source: DaySource, sessions: Sequence[date], validation: Sequence[date], min_names: int
) -> list[date]:
    """Training days with at least so many labelled stocks over some horizon; the others are left out of every step.

    A step made of days that teach nothing would move no weight, and a run of such steps would end with the weights it
    began with.

    Args:
        source: panel and labels.
        sessions: with a full look-back.
        validation: decisions that must not profit; none for no training day either.
        min_names: fewest labelled stocks.
    """
    if not validation:
        return []
    kept: list[date] = []
    for start in range(0, len(sessions), _DAYS_AT_ONCE):
        days = sessions[start : start + _DAYS_AT_ONCE]
        enough: npt.NDArray[np.bool_] = np.zeros(len(days), dtype=np.bool_)
        for horizon in source.learnt:
            labels = source.data.day_targets(days, horizon, label=TARGET, before=validation[0])
            enough |= (~np.isnan(labels)).sum(axis=1) >= min_names
        kept += [day for day, is_enough in zip(days, enough, strict=True) if is_enough]
    return kept
