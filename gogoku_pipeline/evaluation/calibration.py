"""Do predicted quantiles mean what they say? Pinball loss and coverage of each quantile, also by bucket of volatility.

A 10 % quantile is calibrated if one outcome in ten lies at or below it. Per day first, then over days.
Source: Koenker & Bassett 1978 (pinball loss); evaluation protocol, section 3. Oracle: sklearn mean_pinball_loss.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.frames import KEY, checked_label_name, require_columns


def calibration_by_day(
    quantiles: pl.DataFrame,
    labels: pl.DataFrame,
    label: str = "ret_open",
    *,
    universe: pl.DataFrame | None = None,
    buckets: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Pinball loss and coverage of every quantile on every day.

    Args:
        quantiles: [model?, seed?, session, code, horizon_d, quantile, value]; `quantile` in (0, 1), `value` in the
            label's unit, null for none.
        labels: [session, code, horizon_d, <label>].
        label: exact name of the label column.
        universe: [session, code, is_tradable]; None judges every row with a known label.
        buckets: [session, code, bucket], e.g. `breakdown.buckets_by_day` of volatility; None for one table.

    Returns:
        [model?, seed?, bucket?, session, horizon_d, quantile, n, pinball, coverage], sorted: `coverage` is the share
        of names whose label lies at or below the value, to be compared with `quantile`.

    Raises:
        EvaluationError: columns missing, a quantile outside (0, 1), two values for one key, nothing in common.
    """
    rows = _checked(quantiles)
    checked_label_name(label)
    require_columns(labels, (*KEY, label), "labels")
    outcome = labels.select("session", "code", pl.col("horizon_d").cast(pl.Int16), pl.col(label).alias("label"))
    rows = rows.join(outcome, on=list(KEY)).filter(pl.col("label").is_finite() & pl.col("value").is_finite())
    if universe is not None:
        tradable = universe.filter("is_tradable").select("session", "code")
        rows = rows.join(tradable, on=["session", "code"], how="semi")
    if buckets is not None:
        rows = rows.join(buckets.select("session", "code", "bucket"), on=["session", "code"])
    if rows.is_empty():
        raise EvaluationError(
            "calibration",
            got="no quantile with a known label",
            want="the same sessions, codes and horizons",
            remedy="Check horizons, the universe and that labels are old enough to be known.",
        )
    error = pl.col("label") - pl.col("value")
    keys = [name for name in ("model", "seed", "bucket") if name in rows.columns] + ["session", "horizon_d", "quantile"]
    return (
        rows.group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.max_horizontal(pl.col("quantile") * error, (pl.col("quantile") - 1) * error).mean().alias("pinball"),
            (pl.col("label") <= pl.col("value")).mean().alias("coverage"),
        )
        .sort(keys)
    )


def calibration(daily: pl.DataFrame) -> pl.DataFrame:
    """Calibration over days, every day counting the same.

    Args:
        daily: `calibration_by_day`.

    Returns:
        [model?, seed?, bucket?, horizon_d, quantile, n_days, pinball, coverage, gap]; `gap` = coverage - quantile.
    """
    keys = [name for name in ("model", "seed", "bucket", "horizon_d", "quantile") if name in daily.columns]
    return (
        daily.group_by(keys)
        .agg(pl.len().cast(pl.Int64).alias("n_days"), pl.col("pinball").mean(), pl.col("coverage").mean())
        .with_columns((pl.col("coverage") - pl.col("quantile")).alias("gap"))
        .sort(keys)
    )


def calibration_gap(daily: pl.DataFrame) -> float:
    """Largest distance of empirical from nominal coverage over all quantiles, horizons and buckets of the frame."""
    return float(calibration(daily)["gap"].abs().to_numpy().max())


def crossed_share(quantiles: pl.DataFrame) -> float:
    """Share of neighbouring quantiles of one forecast whose values are in the wrong order; 0 for a sound model."""
    rows = _checked(quantiles)
    owner = [name for name in ("model", "seed", *KEY) if name in rows.columns]
    steps = rows.sort(*owner, "quantile").select((pl.col("value").diff() < 0).over(owner).alias("crossed"))
    share = steps["crossed"].drop_nulls().mean()
    return float(share) if isinstance(share, float) else 0.0


def _checked(quantiles: pl.DataFrame) -> pl.DataFrame:
    require_columns(quantiles, (*KEY, "quantile", "value"), "quantiles")
    rows = quantiles.with_columns(
        pl.col("horizon_d").cast(pl.Int16), pl.col("quantile").cast(pl.Float64), pl.col("value").cast(pl.Float64)
    )
    if not (stray := rows.filter(~pl.col("quantile").is_between(0, 1, closed="none"))).is_empty():
        raise EvaluationError(
            "quantiles",
            got=f"a quantile of {stray['quantile'][0]}",
            want="numbers strictly between 0 and 1",
            remedy="Name the probability, not the percent.",
        )
    key = [name for name in ("model", "seed", *KEY, "quantile") if name in rows.columns]
    if rows.select(key).is_duplicated().any():
        raise EvaluationError(
            "quantiles", got="two values for one key", want=f"unique {key}", remedy="Judge one fold per session."
        )
    return rows
