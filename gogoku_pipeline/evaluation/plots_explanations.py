"""Pictures of explanations: what models lose without each group of features, or each feature."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.ticker import FuncFormatter

from gogoku_pipeline.evaluation.canvas import FAINT, INK, by, canvas, colour, finished, need

_COLUMNS = ("model", "kind", "name", "drop", "standard_error")


def group_importance(importance: pl.DataFrame, *, most: int = 14) -> bytes:
    """RankIC lost without each group of features, one bar per model; whiskers are two standard errors.

    Args:
        importance: `registry.explanation_tables.IMPORTANCE` rows of one session.
        most: groups, those with the largest loss of any model.
    """
    need(importance, _COLUMNS, "importance")
    return _bars(importance.filter(pl.col("kind") == "group"), "RankIC lost without a group of features", most)


def feature_importance(importance: pl.DataFrame, *, most: int = 20) -> bytes:
    """RankIC lost without each feature, as `group_importance`."""
    need(importance, _COLUMNS, "importance")
    return _bars(importance.filter(pl.col("kind") == "feature"), "RankIC lost without a feature", most)


def _bars(rows: pl.DataFrame, title: str, most: int) -> bytes:
    order = rows.group_by("name").agg(pl.col("drop").max()).sort("drop", "name", descending=[True, False]).head(most)
    names = order["name"].to_list()
    models = by(rows, "model")
    figure, axes = canvas(title, "", height=0.9 + len(names) * max(0.19, 0.115 * len(models)))
    width = 0.8 / max(len(models), 1)
    for place, (model, part) in enumerate(models):
        held = part.filter(pl.col("name").is_in(names))
        at = np.array([names.index(name) for name in held["name"]]) + (place - (len(models) - 1) / 2) * width
        reach = 2 * held["standard_error"].to_numpy()
        axes.barh(at, held["drop"].to_numpy(), width * 0.9, xerr=reach, color=colour(place), ecolor=FAINT, label=model)
    axes.axvline(0, color=INK, lw=0.7)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.3f}" if value else "0"))
    return finished(figure, axes)
