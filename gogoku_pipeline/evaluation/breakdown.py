"""Where does the edge come from? RankIC and spread by month, market regime, sector and size.

Months and regimes group days; sectors and size buckets split each day's cross-section, and RankIC is measured inside
each part. Everything that makes a group is known at the decision. Source: evaluation protocol, section 3.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.ic import MIN_NAMES, rank_ic_of
from gogoku_pipeline.evaluation.layout import by_day
from gogoku_pipeline.evaluation.ranking import ranking_of
from gogoku_pipeline.evaluation.significance import newey_west_t
from gogoku_pipeline.evaluation.summary import icir

TREND_SESSIONS = 60
VOLATILITY_SESSIONS = 20
YARDSTICK_SESSIONS = 250


def by_month(daily: pl.DataFrame) -> pl.DataFrame:
    """RankIC and spread of each calendar month; see `over_days`. `group` is the month as YYYY-MM."""
    return over_days(daily.with_columns(pl.col("session").dt.strftime("%Y-%m").alias("group")))


def by_regime(daily: pl.DataFrame, regimes: pl.DataFrame) -> pl.DataFrame:
    """RankIC and spread of each regime; see `over_days`.

    Args:
        daily: [model?, seed?, session, horizon_d, rank_ic, spread], e.g. `daily.daily_metrics`.
        regimes: [session, regime]; a session without one goes to the group "unknown".
    """
    require_columns(regimes, ("session", "regime"), "regimes")
    joined = daily.join(regimes.select("session", pl.col("regime").alias("group")), on="session", how="left")
    return over_days(joined.with_columns(pl.col("group").fill_null("unknown")))


def by_bucket(aligned: pl.DataFrame, buckets: pl.DataFrame, *, min_names: int = MIN_NAMES) -> pl.DataFrame:
    """RankIC and spread inside each sector or size bucket, day by day and then over days; see `over_days`.

    Args:
        aligned: `frames.align`: [model?, seed?, session, horizon_d, code, score, label].
        buckets: [session, code, bucket], e.g. `buckets_by_day`, or sectors under that name; a name without one goes
            to the bucket "unknown".
        min_names: a bucket with fewer names on a day has no RankIC that day.
    """
    require_columns(buckets, ("session", "code", "bucket"), "buckets")
    joined = aligned.join(buckets.select("session", "code", "bucket"), on=["session", "code"], how="left")
    parts = []
    for (bucket,), part in joined.group_by([pl.col("bucket").fill_null("unknown")], maintain_order=True):
        found = by_day(
            part.drop("bucket"),
            lambda sections: {
                "rank_ic": rank_ic_of(sections, min_names=min_names),
                "spread": ranking_of(sections)["spread"],
                "n": sections.count,
            },
        )
        parts.append(found.with_columns(pl.lit(str(bucket)).alias("group")))
    return over_days(pl.concat(parts))


def over_days(daily: pl.DataFrame) -> pl.DataFrame:
    """Means over the days of each group.

    Args:
        daily: [model?, seed?, horizon_d, group, session, rank_ic, spread, n].

    Returns:
        [model?, seed?, horizon_d, group, n_days, n_days_without_ic, names, rank_ic_mean, rank_ic_std, rank_icir,
        rank_ic_t, spread], sorted; `names` is the mean number of judged names, the t is Newey-West over the group's
        days in time order.
    """
    keys = [name for name in ("model", "seed", "horizon_d", "group") if name in daily.columns]
    rows = [
        dict(zip(keys, key, strict=True)) | _row(days.sort("session"), int(days["horizon_d"][0]))
        for key, days in daily.group_by(keys, maintain_order=True)
    ]
    return pl.DataFrame(rows, infer_schema_length=None).sort(keys)


def _row(days: pl.DataFrame, horizon_d: int) -> dict[str, float | int | None]:
    series = days["rank_ic"].fill_null(math.nan).to_numpy()
    known = series[np.isfinite(series)]
    spread = days["spread"].fill_nan(None).drop_nulls()
    return {
        "n_days": known.size,
        "n_days_without_ic": series.size - known.size,
        "names": float(days["n"].to_numpy().mean()),
        "rank_ic_mean": float(known.mean()) if known.size else None,
        "rank_ic_std": float(known.std(ddof=1)) if known.size > 1 else None,
        "rank_icir": icir(known),
        "rank_ic_t": newey_west_t(series, horizon_d=horizon_d).t,
        "spread": float(spread.to_numpy().mean()) if spread.len() else None,
    }


def buckets_by_day(exposures: pl.DataFrame, column: str, *, buckets: int = 5) -> pl.DataFrame:
    """Which fifth of the day each name belongs to by one exposure, e.g. size or volatility.

    Args:
        exposures: [session, code, <column>], as known at the decision.
        column: what to order by; ties share a bucket, missing values get none.
        buckets: how many.

    Returns:
        [session, code, bucket], bucket "1" the smallest .. "5" the largest.
    """
    require_columns(exposures, ("session", "code", column), "exposures")
    value = pl.col(column).cast(pl.Float64).fill_nan(None)
    share = ((value.rank("average") - 0.5) / value.count()).over("session")
    number = (share * buckets).floor().cast(pl.Int32).clip(0, buckets - 1) + 1
    return exposures.select("session", "code", number.cast(pl.String).alias("bucket")).drop_nulls("bucket")


def market_regimes(market: pl.DataFrame) -> pl.DataFrame:
    """The regime of each session as seen after its close: rising or falling, calm or restless.

    Rising: the index is above where it stood 60 sessions ago. Restless: the standard deviation of its last 20 daily
    returns is above the median of that figure over the last 250 sessions (at least 60).

    Args:
        market: [session, close_points], one row per session.

    Returns:
        [session, regime]: "rising, calm", "rising, restless", "falling, calm", "falling, restless" or "unknown".
    """
    require_columns(market, ("session", "close_points"), "market")
    close = pl.col("close_points").cast(pl.Float64)
    held = market.sort("session").with_columns(
        (close > close.shift(TREND_SESSIONS)).alias("up"),
        (close / close.shift(1)).log().rolling_std(VOLATILITY_SESSIONS).alias("vol"),
    )
    restless = pl.col("vol") > pl.col("vol").rolling_median(YARDSTICK_SESSIONS, min_samples=TREND_SESSIONS)
    words = pl.concat_str(
        pl.when("up").then(pl.lit("rising")).otherwise(pl.lit("falling")),
        pl.when(restless).then(pl.lit(", restless")).otherwise(pl.lit(", calm")),
    )
    known = pl.col("up").is_not_null() & restless.is_not_null()
    return held.select("session", pl.when(known).then(words).otherwise(pl.lit("unknown")).alias("regime"))
