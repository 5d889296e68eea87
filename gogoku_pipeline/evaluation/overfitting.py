"""Does the best of many configurations stay good? Probability of backtest overfitting by symmetric cross-validation.

Time is cut into S blocks; every way to take half of them as the past gives one question: the configuration that was
best there, where does it stand among all on the other half? PBO is the share of questions with a place below the
median. Source: Bailey, Borwein, Lopez de Prado & Zhu 2017 (CSCV). Oracle: purgedcv.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gogoku_pipeline.core.errors import EvaluationError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overfitting:
    """The probability and what stands behind it.

    Attributes:
        probability: share of splits on which the past's best is below the median afterwards; 0.5 is what choosing
            blindly gives.
        logits: log(w / (1 - w)) of its relative place w on each split; negative ones are counted.
        slope: of its later Sharpe ratio on its earlier one, over splits; NaN if the earlier one never varies.
        n_configurations: how many were compared.
    """

    probability: float
    logits: Floats = field(repr=False)
    slope: float
    n_configurations: int


def backtest_overfitting(performance: npt.ArrayLike, *, blocks: int = 16) -> Overfitting:
    """Probability that choosing the best configuration of the past chooses one below the median of the future.

    Args:
        performance: daily figure of each configuration (RankIC, spread, return), shape [configurations, T], no NaN.
        blocks: contiguous parts of the time, even; the first T mod S are one day longer.

    Raises:
        EvaluationError: fewer than two configurations, fewer days than two per block, an odd number of blocks, NaN.
    """
    table = np.asarray(performance, dtype=np.float64)
    _refuse(table, blocks)
    past = np.array([[b in chosen for b in range(blocks)] for chosen in combinations(range(blocks), blocks // 2)])
    parts = np.array_split(table, blocks, axis=1)
    days = np.array([part.shape[1] for part in parts], dtype=np.float64)
    sums = np.stack([part.sum(axis=1) for part in parts])
    centre = table.mean(axis=1)
    squares = np.stack([((part - centre[:, None]) ** 2).sum(axis=1) for part in parts])
    shifted = sums - days[:, None] * centre
    earlier = _sharpe(past, days, sums, squares, shifted)
    later = _sharpe(~past, days, sums, squares, shifted)
    best = earlier.argmax(axis=1)
    rows = np.arange(len(past))
    share = rankdata(later, axis=1)[rows, best] / (len(table) + 1)
    logits = np.log(share / (1 - share))
    return Overfitting(float((logits < 0).mean()), logits, _slope(earlier[rows, best], later[rows, best]), len(table))


def _sharpe(chosen: npt.NDArray[np.bool_], days: Floats, sums: Floats, squares: Floats, shifted: Floats) -> Floats:
    """Mean / standard deviation (ddof 1) of each configuration over the chosen blocks [splits, configurations]."""
    weight = chosen.astype(np.float64)
    n = (weight @ days)[:, None]
    variance = (weight @ squares - (weight @ shifted) ** 2 / n) / (n - 1)
    deviation = np.sqrt(np.maximum(variance, 0.0))
    mean = weight @ sums / n
    return np.asarray(np.divide(mean, deviation, out=np.zeros(mean.shape), where=deviation > 1e-14 * np.abs(mean)))


def _slope(earlier: Floats, later: Floats) -> float:
    spread = float(earlier.var())
    return float(((earlier - earlier.mean()) * (later - later.mean())).mean() / spread) if spread > 0 else float("nan")


def _refuse(table: Floats, blocks: int) -> None:
    problem = (
        f"shape {table.shape}" if table.ndim != 2 or len(table) < 2
        else f"{blocks} blocks" if blocks < 2 or blocks % 2
        else f"{table.shape[1]} days in {blocks} blocks" if table.shape[1] < 2 * blocks
        else "NaN or infinite figures" if not np.isfinite(table).all()
        else None
    )  # fmt: skip
    if problem:
        raise EvaluationError(
            "backtest overfitting",
            got=problem,
            want="finite figures [at least 2 configurations, at least 2 days per block], an even number of blocks",
            remedy="Judge configurations on the same days and drop days that any of them lacks.",
        )
