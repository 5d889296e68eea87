"""Small pictures for people: PNG bytes, each below 40 kB, drawn without any global state.

Every function takes a frame and returns the bytes of one picture; an empty frame raises EvaluationError.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gogoku_pipeline.evaluation.canvas import FAINT, INK, PALETTE, by, canvas, colour, dates, finished, need, nothing

_MOST_NAMED = 8
"""Curves that have a line of their own in the legend."""


def cumulative_ic(daily: pl.DataFrame) -> bytes:
    """RankIC added up over time, one line per model: a steady edge climbs steadily.

    Args:
        daily: [model, session, rank_ic]; NaN days add nothing.
    """
    need(daily, ("model", "session", "rank_ic"), "RankIC over time")
    figure, axes = canvas("Cumulative RankIC", "")
    for place, (name, of_model) in enumerate(by(daily, "model")):
        ordered = of_model.group_by("session").agg(pl.col("rank_ic").fill_nan(None).mean()).sort("session")
        total = ordered["rank_ic"].fill_null(0.0).cum_sum()
        axes.plot(ordered["session"].to_numpy(), total.to_numpy(), color=colour(place), lw=1.5, label=name)
    axes.axhline(0, color=INK, lw=0.7)
    dates(axes)
    return finished(figure, axes)


def quantile_bars(quantiles: pl.DataFrame) -> bytes:
    """Mean return of each tenth of the list, best on the right; whiskers are one standard error.

    Args:
        quantiles: [quantile, mean_label, standard_error], `model` optional, as `ranking.quantile_returns` gives.
    """
    need(quantiles, ("quantile", "mean_label", "standard_error"), "quantile returns")
    named = quantiles if "model" in quantiles.columns else quantiles.with_columns(pl.lit("").alias("model"))
    figure, axes = canvas("Mean return by tenth of the list", "tenth, 1 worst")
    models = list(by(named, "model"))
    width = 0.8 / len(models)
    for place, (name, of_model) in enumerate(models):
        left = of_model["quantile"].to_numpy() + (place - (len(models) - 1) / 2) * width
        error = of_model["standard_error"].fill_null(0.0).to_numpy()
        height = of_model["mean_label"].to_numpy()
        axes.bar(left, height, width * 0.92, yerr=error, color=colour(place), ecolor=FAINT, label=name)
    axes.axhline(0, color=INK, lw=0.7)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=2))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=11, integer=True))
    return finished(figure, axes)


def coverage_heat_map(coverage: pl.DataFrame) -> bytes:
    """Share of the listed stocks each source covers, per session: gaps are pale.

    Args:
        coverage: [source, session, coverage] with coverage in [0, 1] or null.
    """
    need(coverage, ("source", "session", "coverage"), "coverage")
    sources = coverage["source"].unique().sort().to_list()
    days = coverage["session"].unique().sort()
    grid = np.full((len(sources), days.len()), np.nan)
    at = dict(zip(days.to_list(), range(days.len()), strict=True))
    for source, session, share in coverage.select("source", "session", "coverage").iter_rows():
        grid[sources.index(source), at[session]] = np.nan if share is None else share
    figure, axes = canvas("Coverage of listed stocks", "", height=0.9 + 0.32 * len(sources))
    image = axes.imshow(grid, aspect="auto", vmin=0, vmax=1, cmap="YlGnBu", interpolation="nearest")
    axes.set_yticks(range(len(sources)), sources)
    ticks = np.unique(np.linspace(0, days.len() - 1, min(6, days.len())).astype(int))
    axes.set_xticks(ticks, [str(days[int(tick)]) for tick in ticks])
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, format=PercentFormatter(1.0, decimals=0), pad=0.01)
    return finished(figure, axes)


def degree_distribution(degrees: pl.Series) -> bytes:
    """How many neighbours stocks have in the graph of a session.

    Args:
        degrees: one integer per stock.
    """
    if degrees.is_empty():
        raise nothing("degree distribution")
    figure, axes = canvas("Neighbours per stock", "neighbours")
    values, counts = np.unique(degrees.to_numpy(), return_counts=True)
    axes.bar(values, counts, color=PALETTE[0], width=0.9)
    axes.axvline(float(np.median(degrees.to_numpy())), color=PALETTE[1], lw=1.2, label="median")
    axes.set_ylabel("stocks")
    return finished(figure, axes)


def learning_curves(curves: pl.DataFrame) -> bytes:
    """What training showed, step by step: one line per curve; of many, those of one model share colour and name.

    Args:
        curves: [curve, step, value], e.g. curve `apex_ranker rank_ic fold 0 seed 1`; the model is its first word.
    """
    need(curves, ("curve", "step", "value"), "learning curves")
    figure, axes = canvas("Learning curves", "step")
    drawn = by(curves, "curve")
    models = [name.partition(" ")[0] for name, _ in drawn]
    known, by_model = list(dict.fromkeys(models)), len(drawn) > _MOST_NAMED
    for place, ((name, of_curve), model) in enumerate(zip(drawn, models, strict=True)):
        ordered = of_curve.sort("step")
        is_first = models.index(model) == place
        told = (f"{model}, {models.count(model)} fits" if is_first else None) if by_model else name
        tint = colour(known.index(model) if by_model else place)
        axes.plot(ordered["step"].to_numpy(), ordered["value"].to_numpy(), color=tint, lw=1.4, label=told)
    return finished(figure, axes)


def feature_coverage(coverage: pl.DataFrame, *, worst: int = 30) -> bytes:
    """Share of stocks for which each feature has a value, the emptiest features on top.

    Args:
        coverage: [feature, coverage] with coverage in [0, 1].
        worst: how many to draw.
    """
    need(coverage, ("feature", "coverage"), "feature coverage")
    shown = coverage.sort("coverage", "feature").head(worst).reverse()
    figure, axes = canvas("Features with the fewest values", "", height=0.8 + 0.17 * shown.height)
    axes.barh(shown["feature"].to_list(), shown["coverage"].to_numpy(), color=PALETTE[0])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.tick_params(axis="y", labelsize=6.5)
    return finished(figure, axes)
