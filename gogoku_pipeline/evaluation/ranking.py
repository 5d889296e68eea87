"""Is the top of the list any good? Precision at K, deciles and their spread, hit rate: per day, ties shared fairly.

When several names tie at the edge of the top K, each counts for its share of the places left: the answer is the mean
over all ways to break the tie, so it never depends on row order, and constant scores score exactly like chance.
Source: evaluation protocol, section 3.
"""

from __future__ import annotations

import math

import polars as pl

from gogoku_pipeline.evaluation.frames import groups

TOP_SHARE = 0.10
TOP_COUNT = 50


def ranking_by_day(aligned: pl.DataFrame) -> pl.DataFrame:
    """Ranking metrics of every day over names that have both a score and a label.

    Args:
        aligned: `frames.align`: [model?, seed?, session, horizon_d, code, score, label].

    Returns:
        [model?, seed?, session, horizon_d, n, p_at_10pct, p_at_10pct_random, p_at_50, p_at_50_random,
        p_at_10pct_positive, p_at_10pct_positive_random, spread, hit_rate, hit_rate_random, hits, hit_names].
        `p_at_k`: share of the top K with a label above the day's median; `_random` is what a blind pick scores;
        `_positive` is the older variant with label > 0. `p_at_50` is null on days of at most 50 names. `spread` is the
        mean label of the top minus the bottom 10 %. `hit_rate`: share of names, neither at the median score nor at
        the mean label, on the same side of both.
    """
    keys = groups(aligned)
    paired = _paired(aligned, keys).with_columns(
        top_weight(TOP_SHARE, keys).alias("top"),
        top_weight(TOP_SHARE, keys, worst=True).alias("bottom"),
        top_weight(TOP_COUNT, keys).alias("top50"),
        (pl.col("label") > pl.col("label").median().over(keys)).cast(pl.Float64).alias("above"),
        (pl.col("label") > 0).cast(pl.Float64).alias("positive"),
        (pl.col("score") - pl.col("score").median().over(keys)).sign().alias("score_side"),
        (pl.col("label") - pl.col("label").mean().over(keys)).sign().alias("label_side"),
    )
    sided = (pl.col("score_side") != 0) & (pl.col("label_side") != 0)
    up, rise = (pl.col(name).filter(sided).eq(1).mean() for name in ("score_side", "label_side"))
    agree = (pl.col("score_side") == pl.col("label_side")).filter(sided)
    large = pl.len() > TOP_COUNT
    return (
        paired.group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            _weighted("above", "top").alias("p_at_10pct"),
            pl.col("above").mean().alias("p_at_10pct_random"),
            pl.when(large).then(_weighted("above", "top50")).alias("p_at_50"),
            pl.when(large).then(pl.col("above").mean()).alias("p_at_50_random"),
            _weighted("positive", "top").alias("p_at_10pct_positive"),
            pl.col("positive").mean().alias("p_at_10pct_positive_random"),
            (_weighted("label", "top") - _weighted("label", "bottom")).alias("spread"),
            agree.mean().alias("hit_rate"),
            (up * rise + (1 - up) * (1 - rise)).alias("hit_rate_random"),
            agree.sum().cast(pl.Int64).alias("hits"),
            agree.len().cast(pl.Int64).alias("hit_names"),
        )
        .sort(keys)
    )


def quantile_returns(aligned: pl.DataFrame, *, quantiles: int = 10) -> pl.DataFrame:
    """Mean label of each tenth of the list, averaged over days (never pooled).

    Returns:
        [model?, seed?, horizon_d, quantile, mean_label, standard_error, n_days]; quantile 1 holds the worst scores,
        `quantiles` the best. A name goes where its average-tie rank falls, so tied names share one quantile.
        `standard_error` treats days as independent: use it to draw, not to decide.
    """
    keys = groups(aligned)
    place = ((pl.col("score").rank("average") - 0.5) / pl.len()).over(keys)
    quantile = (place * quantiles).floor().cast(pl.Int32).clip(0, quantiles - 1) + 1
    of_day = (
        _paired(aligned, keys)
        .with_columns(quantile.alias("quantile"))
        .group_by(*keys, "quantile")
        .agg(pl.col("label").mean())
    )
    over_days = [name for name in keys if name != "session"] + ["quantile"]
    return (
        of_day.group_by(over_days)
        .agg(
            pl.col("label").mean().alias("mean_label"),
            (pl.col("label").std() / pl.len().sqrt()).alias("standard_error"),
            pl.len().cast(pl.Int64).alias("n_days"),
        )
        .sort(over_days)
    )


def turnover_by_day(aligned: pl.DataFrame, *, horizon_d: int) -> pl.DataFrame:
    """Share of the top and bottom decile that is new since the list `horizon_d` sessions earlier.

    Sessions are counted within the frame. Returns [model?, seed?, session, horizon_d, turnover] for sessions that
    have such a predecessor; 0 means the same names, 1 none of them.
    """
    keys = groups(aligned)
    held = _paired(aligned, keys).with_columns(
        (top_weight(TOP_SHARE, keys) - top_weight(TOP_SHARE, keys, worst=True)).alias("weight")
    )
    days = held.select("session").unique().sort("session").with_columns(pl.int_range(pl.len()).alias("day"))
    held = held.join(days, on="session").filter(pl.col("weight") != 0)
    owner = [name for name in keys if name != "session"] + ["code"]
    before = held.select(*owner, (pl.col("day") + horizon_d).alias("day"), pl.col("weight").alias("before"))
    kept = held.join(before, on=[*owner, "day"], how="left").with_columns(
        pl.when(pl.col("weight") * pl.col("before") > 0)
        .then(pl.min_horizontal(pl.col("weight").abs(), pl.col("before").abs()))
        .otherwise(0.0)
        .alias("kept")
    )
    return (
        kept.filter(pl.col("day") >= horizon_d)
        .group_by(keys)
        .agg((1 - pl.col("kept").sum() / pl.col("weight").abs().sum()).alias("turnover"))
        .sort(keys)
    )


def wilson_interval(hits: int, trials: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Confidence interval of a share by Wilson (1927); (NaN, NaN) without trials.

    Names of one day move together, so over many names the true interval is wider.
    """
    if trials == 0:
        return math.nan, math.nan
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return centre - half, centre + half


def top_weight(size: float, keys: list[str], *, worst: bool = False) -> pl.Expr:
    """Weight in [0, 1] with which each name belongs to the day's best (or worst) names by column `score`.

    Args:
        size: a share of the names when below 1 (at least one name), else a count.
        keys: columns of one cross-section.
        worst: the other end.

    Returns:
        1 inside, 0 outside, a share for names tied at the edge; sums to the size on every day.
    """
    count = pl.max_horizontal((pl.len() * size).round(), 1) if size < 1 else pl.lit(float(size))
    ahead = pl.col("score").rank("min", descending=not worst) - 1
    tied = pl.col("score").rank("max", descending=not worst) - ahead
    return ((count - ahead) / tied).clip(0.0, 1.0).over(keys)


def _weighted(value: str, weight: str) -> pl.Expr:
    return (pl.col(value) * pl.col(weight)).sum() / pl.col(weight).sum()


def _paired(aligned: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return aligned.select(*keys, "code", "score", "label").drop_nulls(["score", "label"])
