"""Are features still what they were: do they vary, drift, repeat or flip? Pure functions of frames.

Belongs here: measures and their thresholds. Does not belong here: hard bounds (the family's schema), the null budget
(`features.null_budget`), reading the store (`feature_samples`).

Nothing here blocks: each measure can have an honest cause, and a person decides. What was too little to judge is left
out and said so by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.features.feature import Feature

Floats = npt.NDArray[np.float64]

PSI_LIMIT = 0.25
"""Population stability index above which a distribution has moved: the usual convention (0.1 watch, 0.25 act)."""

MIN_STOCKS = 100
"""Stocks below which a cross-section says too little about its shape."""

FLIP_LIMIT = -0.5
"""Correlation with yesterday below which a slow feature has changed its sign."""

SLOW_SESSIONS = 20
"""Windows of at least this many sessions share nearly all of their rows with yesterday's."""

PLAUSIBLE: dict[str, float] = {
    "ratio": 1e6,
    "log": 50.0,
    "ann_vol": 100.0,
    "ann_var": 1e4,
    "ann_rate": 1e3,
    "tstat": 1e6,
    "zscore": 1e4,
    "moment": 1e4,
    "log10_jpy": 20.0,
    "per_bn_jpy": 1e9,
    "sessions": 1e6,
    "days": 1e4,
    "releases": 1e4,
    "count": 1e5,
    "category": 1e5,
}
"""Unit to the largest magnitude an honest value has, with room to spare; beyond it another unit was used."""

_MEASURED = {"feature": pl.String, "stocks": pl.Int64, **dict.fromkeys(("correlation", "same", "distinct"), pl.Float64)}
_BINS = 10
_FLOOR = 1e-4


def constant_features(frame: pl.DataFrame, features: Sequence[Feature]) -> list[str]:
    """Features with one value and no other in all of the frame: a flag that is always 0, a state that is stuck.

    Args:
        frame: rows of about a year.
        features: columns to judge; masks and those declared `may_be_constant` are left alone, as are empty columns.
    """
    names = [f.name for f in features if f.role != "mask" and not f.may_be_constant and f.name in frame.columns]
    if not names or frame.is_empty():
        return []
    low, high = frame.select(pl.col(names).min()).row(0), frame.select(pl.col(names).max()).row(0)
    return [name for name, a, b in zip(names, low, high, strict=True) if a is not None and a == b]


def implausible_values(frame: pl.DataFrame, features: Sequence[Feature]) -> dict[date, str]:
    """Session to the features with a value beyond what their unit can honestly be."""
    limits = {f.name: PLAUSIBLE[f.unit] for f in features if f.unit in PLAUSIBLE and f.name in frame.columns}
    if not limits or frame.is_empty():
        return {}
    worst = frame.group_by("session").agg(pl.col(name).abs().max() for name in limits).sort("session")
    found: dict[date, str] = {}
    for row in worst.iter_rows(named=True):
        wide = [name for name, limit in limits.items() if row[name] is not None and row[name] > limit]
        if wide:
            found[row["session"]] = ", ".join(f"{name} up to {row[name]:.3g}" for name in wide[:5])
    return found


def drift(reference: pl.DataFrame, current: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """Population stability index of each feature's shape against a trailing year.

    Values are centred and scaled inside each session (median and MAD, clipped at 5), as models are fed them, so that a
    restless market is no drift; bins are the tenths of the reference. PSI = sum over bins of (p - q) ln(p / q).

    Args:
        reference: [session, code, features...] of sampled sessions of the year before.
        current: the same of sampled newest sessions.
        features: stock features are judged, but for flags, codes, distances and ages: those follow the season.

    Returns:
        [feature, psi], largest first; a feature known for fewer than MIN_STOCKS stocks on either side is left out.
    """
    judged = [f.name for f in features if _has_shape(f) and f.name in reference.columns]
    before, now = _standardised(reference, judged), _standardised(current, judged)
    counts = zip(_stocks(reference, judged), _stocks(current, judged), strict=True)
    enough = [name for name, both in zip(judged, counts, strict=True) if min(both) >= MIN_STOCKS]
    rows = [
        (name, population_stability(before[name].drop_nulls().to_numpy(), now[name].drop_nulls().to_numpy()))
        for name in enough
    ]
    frame = pl.DataFrame(rows, schema={"feature": pl.String, "psi": pl.Float64}, orient="row")
    return frame.sort("psi", "feature", descending=[True, False])


def population_stability(reference: Floats, current: Floats, bins: int = _BINS) -> float:
    """PSI of two samples over the quantile bins of the first; equal samples give 0."""
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1]))
    p = np.bincount(np.searchsorted(edges, current, side="right"), minlength=edges.size + 1) / current.size
    q = np.bincount(np.searchsorted(edges, reference, side="right"), minlength=edges.size + 1) / reference.size
    p, q = np.maximum(p, _FLOOR), np.maximum(q, _FLOOR)
    return float(np.sum((p - q) * np.log(p / q)))


def with_yesterday(today: pl.DataFrame, yesterday: pl.DataFrame, features: Sequence[Feature]) -> pl.DataFrame:
    """How each feature of a session stands to the session before, over the stocks that have both values.

    Returns:
        [feature, stocks, correlation, same, distinct]: `same` is the share of stocks whose value did not move by a
        bit, `distinct` the share of different values among them.
    """
    names = [f.name for f in features if f.role == "stock" and f.name in today.columns]
    both = today.select("code", *names).join(yesterday.select("code", *names), on="code", suffix=":before")
    rows = []
    for name in names:
        pair = both.select(pl.col(name).alias("new"), pl.col(f"{name}:before").alias("old")).drop_nulls()
        distinct = pair["new"].n_unique() / max(pair.height, 1)
        rows.append((name, pair.height, _correlation(pair), (pair["new"] == pair["old"]).mean(), distinct))
    return pl.DataFrame(rows, schema=_MEASURED, orient="row")


def stale_or_flipped(measured: pl.DataFrame, features: Sequence[Feature], *, min_stocks: int = MIN_STOCKS) -> list[str]:
    """What `with_yesterday` shows to be wrong, in words.

    Stale: a feature made of the session's prices, different from stock to stock, repeats for every one. Flipped: a
    feature over a long window runs against yesterday's.
    """
    by_name = {feature.name: feature for feature in features}
    words = []
    for row in measured.filter(pl.col("stocks") >= min_stocks).iter_rows(named=True):
        feature = by_name[row["feature"]]
        if row["same"] == 1.0 and row["distinct"] > 0.5 and _moves_daily(feature):
            words.append(f"{feature.name}: the same as yesterday for all {row['stocks']} stocks")
        if row["correlation"] is not None and row["correlation"] < FLIP_LIMIT and _is_slow(feature):
            words.append(f"{feature.name}: correlation {row['correlation']:.2f} with yesterday")
    return words


def _correlation(pair: pl.DataFrame) -> float | None:
    if pair.height < 3 or pair["new"].n_unique() == 1 or pair["old"].n_unique() == 1:
        return None
    found = pair.select(pl.corr(pl.col("new").cast(pl.Float64), pl.col("old").cast(pl.Float64), method="spearman"))
    value = found.item()
    return None if value is None or np.isnan(value) else float(value)


def _has_shape(feature: Feature) -> bool:
    """A number whose cross-section has a shape of its own, whatever the season."""
    return feature.role == "stock" and feature.unit not in ("flag", "category", "sessions", "days", "count", "releases")


def _moves_daily(feature: Feature) -> bool:
    """Made of the prices of t themselves, in a number that cannot repeat for a whole market."""
    prices = {f"bars.{field}" for field in ("O", "H", "L", "C", "Va", "Vo")}
    return feature.window.kind in "SE" and _has_shape(feature) and bool(prices & set(feature.sources))


def _is_slow(feature: Feature) -> bool:
    return feature.window.kind in "SX" and feature.window.sessions >= SLOW_SESSIONS and _has_shape(feature)


def _stocks(frame: pl.DataFrame, names: Sequence[str]) -> tuple[int, ...]:
    """Stocks with a value of each feature on any session of the frame."""
    if not names or frame.is_empty():
        return (0,) * len(names)
    known = (pl.col("code").filter(pl.col(name).is_not_null()).n_unique().alias(name) for name in names)
    return frame.select(known).row(0)


def _standardised(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    value, middle = pl.col(names).cast(pl.Float64), pl.col(names).cast(pl.Float64).median().over("session")
    centred = frame.select("session", value - middle)
    spread = 1.4826 * pl.col(names).abs().median().over("session")
    scaled = pl.when(spread > 0).then(pl.col(names) / spread).otherwise(pl.col(names))
    return centred.select(scaled.clip(-5.0, 5.0))
