"""How a training run went, in one picture: the watched figure with its decisions, and what each loss term moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.canvas import INK, colour, finished, split_canvas

Curve = Sequence[Mapping[str, float]]
"""One row of figures per epoch, as training reports them."""

_SHARE, _SMOOTHED = "gradient_share_", "smoothed_"


def training_story(curves: Mapping[int, Curve]) -> bytes:
    """Above: the smoothed validation figure of each seed, its best epoch as a dot, the baseline dashed.

    Below: the share of each loss term in the gradient, mean over seeds.

    Args:
        curves: learning curve by seed; rows with `epoch`, one `smoothed_<figure>`, `is_best`, perhaps `baseline`, and
            `gradient_share_<term>`.

    Raises:
        EvaluationError: no epoch, or rows without a smoothed figure.
    """
    rows = [row for curve in curves.values() for row in curve]
    watched = sorted({name for row in rows for name in row if name.startswith(_SMOOTHED)})
    if not watched:
        raise EvaluationError(
            "training picture",
            got=f"{len(rows)} epochs without a smoothed figure",
            want="learning curves of a network",
            remedy="Draw the curves of networks only.",
        )
    name = watched[0].removeprefix(_SMOOTHED)
    figure, (above, below) = split_canvas(
        f"Validation {name.replace('_', ' ')} and its decisions", height=3.9, ratio=1.6
    )
    for place, (seed, curve) in enumerate(sorted(curves.items())):
        epochs = [row["epoch"] for row in curve]
        above.plot(epochs, [row[watched[0]] for row in curve], color=colour(place), lw=1.4, label=f"seed {seed}")
        best = [row for row in curve if row.get("is_best")]
        if best:
            above.plot(best[-1]["epoch"], best[-1][watched[0]], "o", color=colour(place), ms=5)
    bars = [row["baseline"] for row in rows if "baseline" in row]
    if bars:
        above.axhline(float(np.mean(bars)), color=INK, lw=0.9, ls="--", label="baseline")
    for place, term in enumerate(sorted({key for row in rows for key in row if key.startswith(_SHARE)})):
        shares = _by_epoch(rows, term)
        below.plot(list(shares), list(shares.values()), color=colour(place), lw=1.2, label=term.removeprefix(_SHARE))
    below.set_xlabel("epoch", fontsize=8)
    below.set_ylabel("gradient", fontsize=8)
    below.set_ylim(0.0, 1.0)
    below.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))
    below.legend(fontsize=7, frameon=False, ncols=4, loc="center right")
    return finished(figure, above)


def _by_epoch(rows: Curve, name: str) -> dict[float, float]:
    """Mean of a figure over the seeds that have it, by epoch."""
    epochs = sorted({row["epoch"] for row in rows if name in row})
    return {
        epoch: float(np.mean([row[name] for row in rows if row["epoch"] == epoch and name in row])) for epoch in epochs
    }
