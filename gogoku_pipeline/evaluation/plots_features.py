"""Pictures of features and their graph: how complete, how stable, who is tied to whom. PNG bytes, as in `plots`."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from gogoku_pipeline.evaluation.canvas import FAINT, INK, PALETTE, canvas, finished, need

SHOWN = 20
NEIGHBOURS = 14


def group_coverage(coverage: pl.DataFrame) -> bytes:
    """Share of cells with a value, feature groups against months: gaps and slow starts are pale.

    Args:
        coverage: [group, month, coverage], groups in the order they are drawn; coverage in [0, 1] or null.
    """
    need(coverage, ("group", "month", "coverage"), "coverage of feature groups")
    groups = coverage["group"].unique(maintain_order=True).to_list()
    months = coverage["month"].unique().sort().to_list()
    grid = np.full((len(groups), len(months)), np.nan)
    for group, month, share in coverage.select("group", "month", "coverage").iter_rows():
        grid[groups.index(group), months.index(month)] = np.nan if share is None else share
    figure, axes = canvas("Feature values that exist, by group and month", "", height=0.9 + 0.2 * len(groups))
    image = axes.imshow(grid, aspect="auto", vmin=0, vmax=1, cmap="YlGnBu", interpolation="nearest")
    axes.set_yticks(range(len(groups)), groups)
    ticks = np.unique(np.linspace(0, len(months) - 1, min(6, len(months))).astype(int))
    axes.set_xticks(ticks, [f"{months[int(tick)]:%Y-%m}" for tick in ticks])
    axes.grid(visible=False)
    axes.tick_params(axis="y", labelsize=7)
    figure.colorbar(image, ax=axes, format=PercentFormatter(1.0, decimals=0), pad=0.01)
    return finished(figure, axes)


def drift_bars(drifts: pl.DataFrame, limit: float) -> bytes:
    """How far each feature's newest month lies from the year before it, the farthest on top.

    Args:
        drifts: [feature, psi].
        limit: PSI above which a feature has moved.
    """
    need(drifts, ("feature", "psi"), "drift of features")
    shown = drifts.sort("psi", "feature", descending=[True, False]).head(SHOWN).reverse()
    figure, axes = canvas("Newest month against the year before", "PSI", height=0.8 + 0.17 * shown.height)
    moved = [PALETTE[1] if psi > limit else PALETTE[0] for psi in shown["psi"]]
    axes.barh(shown["feature"].to_list(), shown["psi"].to_numpy(), color=moved)
    axes.axvline(limit, color=INK, lw=0.8, ls="--", label=f"limit {limit:g}")
    axes.tick_params(axis="y", labelsize=6.5)
    return finished(figure, axes)


def neighbourhood(edges: pl.DataFrame, code: str, names: dict[str, str] | None = None) -> bytes:
    """One stock in the middle, its strongest neighbours around it, and the ties among them.

    Args:
        edges: [code_i, code_j, weight] of one session.
        code: the stock in the middle; it must have an edge.
        names: code to what is written beside it; codes alone where it is not given.
    """
    need(edges, ("code_i", "code_j", "weight"), "neighbourhood")
    touching = edges.filter((pl.col("code_i") == code) | (pl.col("code_j") == code))
    need(touching, ("code_i",), f"neighbourhood of {code}")
    other = pl.when(pl.col("code_i") == code).then("code_j").otherwise("code_i").alias("other")
    around = touching.sort(pl.col("weight").abs(), descending=True).head(NEIGHBOURS).select(other)["other"]
    turn = 2 * np.pi * np.arange(around.len()) / max(around.len(), 1)
    places = {code: (0.0, 0.0)} | {
        name: (float(np.cos(t)), float(np.sin(t))) for name, t in zip(around, turn, strict=True)
    }
    figure, axes = canvas(f"Who moves with {(names or {}).get(code, code)} (orange: against)", "", height=4.2)
    shown = edges.filter(pl.col("code_i").is_in(list(places)) & pl.col("code_j").is_in(list(places)))
    for one, two, weight in shown.select("code_i", "code_j", "weight").iter_rows():
        (x0, y0), (x1, y1) = places[one], places[two]
        tint = PALETTE[0] if weight > 0 else PALETTE[1]
        axes.plot([x0, x1], [y0, y1], color=tint, lw=0.4 + 3 * abs(weight), alpha=0.9 if code in (one, two) else 0.25)
    _labels(axes, code, places, names or {})
    return finished(figure, axes)


def _labels(axes: Axes, middle: str, places: dict[str, tuple[float, float]], names: dict[str, str]) -> None:
    for code, (x, y) in places.items():
        axes.scatter([x], [y], s=60 if code == middle else 26, color=INK if code == middle else PALETTE[4], zorder=3)
        words = names.get(code, code)
        side = "left" if x > 0.05 else "right" if x < -0.05 else "center"
        axes.annotate(
            words,
            (x * 1.06, y * 1.06 + (0.07 if code == middle else 0.0)),
            ha=side,
            va="center",
            fontsize=7,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": FAINT if code == middle else "none", "alpha": 0.8, "pad": 1},
        )
    axes.set_xlim(-1.7, 1.7)
    axes.set_ylim(-1.2, 1.2)
    axes.set_axis_off()
    axes.title.set_visible(True)
