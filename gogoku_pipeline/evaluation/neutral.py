"""What is left of a score once size, risk and sector are taken out: is it more than a bet on small or calm stocks?

Per day the score is regressed on the ranks of the exposures and on sector dummies (ordinary least squares with a
constant); the residual is judged like any score. Oracle: statsmodels OLS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.frames import checked_scores, groups, require_columns

FloatArray = npt.NDArray[np.float64]

EXPOSURES = ("log10_mcap_jpy", "log10_adv_20d_jpy", "vol_20d", "beta_60d")
"""Size, turnover, volatility and beta; those the frame has are used, and at least one must be there."""

SECTOR = "sector33_code"
_ROUNDING = 1e-10


def neutralise(scores: pl.DataFrame, exposures: pl.DataFrame) -> pl.DataFrame:
    """Scores with the part explained by size, turnover, volatility, beta and sector removed.

    Args:
        scores: [model?, seed?, session, code, horizon_d, score].
        exposures: [session, code, any of `EXPOSURES`, sector33_code optional]; a missing exposure takes the day's
            middle rank, a missing sector is a sector of its own.

    Returns:
        The scores' keys and `score`, now the residual; null where the score is null, where the day has no more names
        than independent regressors, or where the exposures explain the score completely (rounding is not ranked).

    Raises:
        EvaluationError: no exposure column, or two exposure rows for one (session, code).
    """
    used = _used(exposures)
    frame = checked_scores(scores)
    keys = groups(frame)
    sector = pl.col(SECTOR).fill_null("none") if SECTOR in exposures.columns else pl.lit("none").alias(SECTOR)
    known = exposures.select(
        "session", "code", *(pl.col(name).cast(pl.Float64).fill_nan(None) for name in used), sector
    )
    joined = (
        frame.select(*keys, "code", "score")
        .join(known, on=["session", "code"], how="left", maintain_order="left")
        .with_columns(pl.col(SECTOR).fill_null("none"))
        .sort(*keys, "code")
    )
    scored = joined.filter(pl.col("score").is_not_null()).with_columns(
        ((pl.col(name).rank("average") - 0.5) / pl.col(name).count()).over(keys).fill_null(0.5).alias(name)
        for name in used
    )
    parts = [_residuals_of_day(day, used) for day in scored.partition_by(keys, maintain_order=True)]
    residual = pl.concat(parts) if parts else scored.select(*keys, "code", "score")
    return (
        joined.select(*keys, "code")
        .join(residual.select(*keys, "code", "score"), on=[*keys, "code"], how="left", maintain_order="left")
        .sort(*keys, "code")
    )


def _used(exposures: pl.DataFrame) -> list[str]:
    require_columns(exposures, ("session", "code"), "exposures")
    used = [name for name in EXPOSURES if name in exposures.columns]
    if not used:
        raise EvaluationError(
            "exposures",
            got=f"columns {exposures.columns}",
            want=f"at least one of {EXPOSURES}",
            remedy="Take them from the feature tables of the same sessions.",
        )
    if exposures.select("session", "code").is_duplicated().any():
        raise EvaluationError(
            "exposures", got="two rows for one (session, code)", want="one", remedy="Join features by their key."
        )
    return used


def _residuals_of_day(day: pl.DataFrame, used: list[str]) -> pl.DataFrame:
    """The day with `score` replaced by its residual; sector means are taken out first (Frisch-Waugh-Lovell)."""
    score = day["score"].to_numpy()
    ranks = day.select(used).to_numpy().astype(np.float64)
    _, sector = np.unique(day[SECTOR].to_numpy(), return_inverse=True)
    y, x = _minus_group_mean(score[:, None], sector)[:, 0], _minus_group_mean(ranks, sector)
    coefficients, _, rank, _ = np.linalg.lstsq(x, y, rcond=1e-9)
    left = y - x @ coefficients
    spare = day.height - int(sector.max()) - 1 - int(rank)
    explained = spare < 1 or float(np.abs(left).max()) <= _ROUNDING * float(np.abs(score).max())
    return day.with_columns(pl.Series("score", np.full(day.height, np.nan) if explained else left).fill_nan(None))


def _minus_group_mean(values: FloatArray, group: npt.NDArray[np.intp]) -> FloatArray:
    """Values [N, F] minus the mean of each row's group."""
    count = np.bincount(group)[:, None]
    sums = np.stack([np.bincount(group, weights=column) for column in values.T], axis=1)
    return np.asarray(values - (sums / count)[group], dtype=np.float64)
