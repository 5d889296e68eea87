"""Pictures of a judgement: how far ahead a list sees, how it did by month, whether its quantiles mean what they say."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.ticker import FuncFormatter, PercentFormatter

from gogoku_pipeline.evaluation.canvas import FAINT, INK, by, canvas, colour, finished, need


def rank_ic_by_horizon(horizons: pl.DataFrame) -> bytes:
    """RankIC of each model against returns of 1, 5, 10 and 20 sessions; whiskers are 95 % intervals.

    Args:
        horizons: `horizons.rank_ic_by_horizon`; rows without an interval are points alone.
    """
    need(horizons, ("model", "horizon_d", "rank_ic", "low", "high"), "RankIC by horizon")
    figure, axes = canvas("RankIC by horizon, 95 % interval", "sessions ahead")
    spans = horizons["horizon_d"].unique().sort().to_list()
    models = by(horizons.drop_nulls("rank_ic"), "model")
    for place, (name, rows) in enumerate(models):
        shift = (place - (len(models) - 1) / 2) * min(0.7 / max(len(models), 1), 0.16)
        at = np.array([spans.index(span) for span in rows["horizon_d"]]) + shift
        mean = rows["rank_ic"].to_numpy()
        reach = [np.nan_to_num(np.abs(rows[side].to_numpy() - mean).astype(float)) for side in ("low", "high")]
        axes.errorbar(at, mean, yerr=reach, fmt="o", ms=4.5, lw=1.4, capsize=2.5, color=colour(place), label=name)
    axes.axhline(0, color=INK, lw=0.7)
    axes.set_xticks(range(len(spans)), [str(span) for span in spans])
    axes.grid(visible=False, axis="x")
    return finished(figure, axes)


def rank_ic_by_month(months: pl.DataFrame) -> bytes:
    """Mean RankIC of each calendar month, one bar per model.

    Args:
        months: [model, group, rank_ic_mean] as `breakdown.by_month` gives it.
    """
    need(months, ("model", "group", "rank_ic_mean"), "RankIC by month")
    figure, axes = canvas("RankIC by month", "")
    names = months["group"].unique().sort().to_list()
    models = by(months.drop_nulls("rank_ic_mean"), "model")
    width = 0.8 / max(len(models), 1)
    for place, (name, rows) in enumerate(models):
        at = np.array([names.index(month) for month in rows["group"]]) + (place - (len(models) - 1) / 2) * width
        axes.bar(at, rows["rank_ic_mean"].to_numpy(), width * 0.92, color=colour(place), label=name)
    axes.axhline(0, color=INK, lw=0.7)
    ticks = np.unique(np.linspace(0, len(names) - 1, min(12, len(names))).astype(int))
    axes.set_xticks(ticks, [names[int(tick)] for tick in ticks])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.2f}" if value else "0"))
    return finished(figure, axes)


def calibration_curve(calibration: pl.DataFrame) -> bytes:
    """Share of outcomes at or below each predicted quantile: on the diagonal, quantiles mean what they say.

    Args:
        calibration: [model?, bucket?, quantile, coverage] as `calibration.calibration` gives it; one line per model,
            or per bucket where the frame has them.
    """
    need(calibration, ("quantile", "coverage"), "calibration")
    figure, axes = canvas("Calibration of quantiles", "predicted quantile", height=3.2)
    owner = next((name for name in ("bucket", "model") if name in calibration.columns), None)
    parts = by(calibration, owner) if owner else [("", calibration)]
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1.6, label="as promised")
    for place, (name, rows) in enumerate(parts):
        mean = rows.group_by("quantile").agg(pl.col("coverage").mean()).sort("quantile")
        label = f"volatility {name}" if owner == "bucket" and name.isdigit() else name
        promised, seen = mean["quantile"].to_numpy(), mean["coverage"].to_numpy()
        axes.plot(promised, seen, marker="o", ms=4, lw=1.3, color=colour(place), label=label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("outcomes at or below", fontsize=8)
    return finished(figure, axes)
