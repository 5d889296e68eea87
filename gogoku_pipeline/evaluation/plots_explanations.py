"""Pictures of explanations: what models lose without each group of features, or each feature."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from gogoku_pipeline.evaluation.canvas import INK, by, canvas, colour, finished, need

WHISKER = "#4a5568"
_COLUMNS = ("model", "kind", "name", "drop", "standard_error")


def group_importance(importance: pl.DataFrame, *, most: int = 14) -> bytes:
    """RankIC lost without each group of features, one bar per model; whiskers are two standard errors.

    Args:
        importance: `registry.explanation_tables.IMPORTANCE` rows of one session.
        most: groups, those with the largest loss of any model.
    """
    return _bars(importance, "group", "RankIC lost without a group of features", most)


def feature_importance(importance: pl.DataFrame, *, most: int = 20) -> bytes:
    """RankIC lost without each feature, as `group_importance`."""
    return _bars(importance, "feature", "RankIC lost without a feature", most)


def server_first(importance: pl.DataFrame) -> pl.DataFrame:
    """The same rows, those of the model that serves first: it alone is measured feature by feature."""
    serves = (pl.col("kind") == "feature").any().over("model")
    return importance.sort(serves, "model", descending=[True, False], maintain_order=True)


def _bars(importance: pl.DataFrame, kind: str, title: str, most: int) -> bytes:
    need(importance, _COLUMNS, "importance")
    rows = server_first(importance).filter(pl.col("kind") == kind)
    order = rows.group_by("name").agg(pl.col("drop").max()).sort("drop", "name", descending=[True, False]).head(most)
    names, models = order["name"].to_list(), by(rows, "model")
    figure, axes = canvas(title, "", height=0.9 + len(names) * max(0.19, 0.115 * len(models)))
    width = 0.8 / max(len(models), 1)
    for place, (_, part) in enumerate(models):
        held = part.filter(pl.col("name").is_in(names))
        at = np.array([names.index(name) for name in held["name"]]) + (place - (len(models) - 1) / 2) * width
        reach = 2 * held["standard_error"].to_numpy()
        axes.barh(at, held["drop"].to_numpy(), width * 0.9, color=colour(place))
        axes.errorbar(held["drop"].to_numpy(), at, xerr=reach, fmt="none", ecolor=WHISKER, elinewidth=0.8)
    axes.axvline(0, color=INK, lw=0.7)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.3f}" if value else "0"))
    told = [Patch(color=colour(place), label=model) for place, (model, _) in enumerate(models)]
    axes.legend(handles=told, fontsize=7.5, frameon=False, loc="lower right")
    return finished(figure, axes)
