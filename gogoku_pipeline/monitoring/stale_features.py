"""Features that have died without anybody noticing: no value any more, one value for everybody, no movement, no signal.

Belongs here: measures, thresholds and verdicts, as pure functions of frames. Does not belong here: reading the store
(`stale_report`), what a single evening warns of (`feature_health`).

| verdict | what it means |
|---|---|
| gone | known before, and for no stock on any of the newest sessions |
| constant | one value for every stock and session lately |
| stopped | no stock's value moved for longer than its source ever pauses: a source that comes no more |
| silent | alive, but its own RankIC over a year cannot be told from 0: a hint, it may still work with others |
| alive, young | nothing of it; too little history to say |

Flags, codes, calendar features and masks may stand still honestly and are judged by `gone` and `silent` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.cross_sections import paired
from gogoku_pipeline.evaluation.ic import rank_ic_of
from gogoku_pipeline.evaluation.significance import newey_west_t
from gogoku_pipeline.features.feature import Feature

QUIET, EVENT_QUIET = 20, 65
"""Sessions without movement that mean something: a month, and a quarter for what companies disclose when they like."""

EVENTS = ("summary", "dividend", "earn_date", "alert", "short_report", "master")
"""Sources that speak when something happens, not on every session or week."""

MIN_DAYS = 30
"""Days of RankIC without which nothing is said of a feature's signal."""

DEAD = ("gone", "constant", "stopped")
ORDER = (*DEAD, "silent", "young", "alive")
_STILL_UNITS = ("flag", "category")
_TWO_SIDED = 1.959964
MEASURED = {
    "feature": pl.String,
    "null_share": pl.Float64,
    "last_value_on": pl.Date,
    "last_move_on": pl.Date,
    "low": pl.Float64,
    "high": pl.Float64,
}
SIGNAL = {
    "feature": pl.String,
    "rank_ic": pl.Float64,
    "rank_ic_low": pl.Float64,
    "rank_ic_high": pl.Float64,
    "days": pl.Int64,
}


@dataclass(frozen=True)
class Expected:
    """What may be expected of a feature.

    Attributes:
        quiet: sessions without movement that are still honest.
        moves: whether standing still means anything at all.
    """

    quiet: int
    moves: bool


def expected(feature: Feature, sources: Sequence[str]) -> Expected:
    """How long a feature may stand still, by its own declaration and the published fields below it (`bars.C`)."""
    speaks = {source.partition(".")[0] for source in sources}
    still = feature.unit in _STILL_UNITS or feature.role in ("calendar", "mask") or bool(feature.may_be_constant)
    return Expected(EVENT_QUIET if speaks & set(EVENTS) else QUIET, not still)


def movement(rows: pl.DataFrame, names: Sequence[str], quiet: Mapping[str, int]) -> pl.DataFrame:
    """When each feature last had a value and last moved.

    Args:
        rows: [session, code, features...] of the newest sessions, all of them in a row.
        names: columns.
        quiet: newest sessions that `null_share`, `low` and `high` are taken over, by feature.

    Returns:
        [feature, null_share, last_value_on, last_move_on, low, high]: `last_move_on` is the last session on which the
        value of any stock differed from the session before (a first value counts).
    """
    days = rows["session"].unique().sort().to_list()
    ordered = rows.sort("code", "session").with_columns(pl.col(names).cast(pl.Float64).fill_nan(None))
    has_before = pl.col("code") == pl.col("code").shift(1)
    out = []
    for name in names:
        value, newest = pl.col(name), pl.col("session") >= days[-min(quiet[name], len(days))]
        moved = has_before & value.is_not_null() & value.ne_missing(value.shift(1))
        lately = value.filter(newest)
        out.append(
            ordered.select(
                pl.lit(name).alias("feature"),
                (lately.null_count() / pl.max_horizontal(lately.len(), 1)).alias("null_share"),
                pl.col("session").filter(value.is_not_null()).max().alias("last_value_on"),
                pl.col("session").filter(moved).max().alias("last_move_on"),
                lately.min().alias("low"),
                lately.max().alias("high"),
            )
        )
    return pl.concat(out).cast(MEASURED) if out else pl.DataFrame(schema=MEASURED)  # type: ignore[arg-type]


def signal(rows: pl.DataFrame, labels: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """RankIC of each feature by itself, with the 95 % interval of its mean over days.

    Days are to be at least one label's length apart, so that outcomes do not overlap; the error is Newey-West's.

    Args:
        rows: [session, code, features...] of sampled sessions.
        labels: [session, code, label], one row per stock and session; the last column is what happened.
        names: columns that differ between the stocks of a session.

    Returns:
        [feature, rank_ic, rank_ic_low, rank_ic_high, days]; null bounds below MIN_DAYS days with a ranking.
    """
    outcome = labels.columns[-1]
    both = rows.join(labels, on=["session", "code"]).filter(pl.col(outcome).is_not_null()).sort("session", "code")
    daily = []
    for _, day in both.group_by("session", maintain_order=True):
        values = day.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy().T
        daily.append(rank_ic_of(paired(values, np.broadcast_to(day[outcome].to_numpy(), values.shape))))
    series = np.array(daily, dtype=np.float64).reshape(len(daily), len(names))
    out: list[tuple[str, float | None, float | None, float | None, int]] = []
    for name, column in zip(names, series.T, strict=True):
        known = column[np.isfinite(column)]
        if len(known) < MIN_DAYS:
            out.append((name, float(known.mean()) if len(known) else None, None, None, len(known)))
            continue
        found = newey_west_t(known)
        reach = _TWO_SIDED * found.standard_error
        out.append((name, found.mean, found.mean - reach, found.mean + reach, len(known)))
    return pl.DataFrame(out, schema=SIGNAL, orient="row")


def verdicts(
    measured: pl.DataFrame,
    signals: pl.DataFrame,
    features: Sequence[Feature],
    sessions: Sequence[date],
    stored: int,
    sources: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """What is to be thought of each feature, the dead first.

    Args:
        measured: `movement`.
        signals: `signal`; features without a row are not judged by it.
        features: all of `measured`.
        sessions: the sessions of `measured`, ascending.
        stored: sessions the table holds in all.
        sources: published fields below each feature.

    Returns:
        `measured` and `signals` side by side with `verdict` and `words`.
    """
    by_name = {feature.name: feature for feature in features}
    table = measured.join(signals, on="feature", how="left", maintain_order="left")
    told = [
        _judged(row, by_name[row["feature"]], sources[row["feature"]], sessions, stored)
        for row in table.iter_rows(named=True)
    ]
    place = {name: n for n, name in enumerate(ORDER)}
    said = pl.DataFrame(told, schema={"verdict": pl.String, "words": pl.String}, orient="row")
    order = pl.col("verdict").replace_strict(place, return_dtype=pl.Int32)
    return table.hstack(said).sort(order, "feature")


def _judged(
    row: Mapping[str, object], feature: Feature, sources: Sequence[str], sessions: Sequence[date], stored: int
) -> tuple[str, str]:
    """Verdict and words of one feature."""
    wants = expected(feature, sources)
    newest = sessions[-wants.quiet :]
    value_on, move_on = row["last_value_on"], row["last_move_on"]
    if stored <= feature.window.sessions or len(sessions) <= wants.quiet:
        return "young", f"{stored} sessions are stored"
    if value_on is None or value_on < newest[0]:  # type: ignore[operator]
        since = f"since {value_on}" if value_on else f"in {len(sessions)} sessions"
        return "gone", f"no value {since}"
    if wants.moves and row["low"] == row["high"]:
        return "constant", f"{row['low']:.6g} for every stock in {len(newest)} sessions"
    if wants.moves and (move_on is None or move_on < newest[0]):  # type: ignore[operator]
        since = f"since {move_on}" if move_on else f"in {len(sessions)} sessions"
        return "stopped", f"no stock's value has moved {since}; look at {', '.join(sources[:3])}"
    low, high = row["rank_ic_low"], row["rank_ic_high"]
    if low is not None and low <= 0.0 <= high:  # type: ignore[operator]
        return "silent", f"RankIC of {row['days']} days within {low:+.4f} and {high:+.4f}"
    return "alive", ""
