"""Weeks of investor-type trading as they were known: one reading per moment at which anything became known.

Belongs here: versions of a week, the order of weeks, what stood at each publication. Does not belong here: what is
read off the weeks (`flow`, `flow_section`).

A correction is a further row of the same week with a later publication. From its own moment on it replaces the week
wherever the week is read, inside every window; before that moment the first version stands, and it never counts as a
week of its own nor makes the newest week look younger. Source: features.md 3.9, J-Quants V2 /equities/investor-types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from gogoku_pipeline.features.expressions import Values
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.features.states.whole_calendar import over_whole_calendar

EXPIRES_SESSIONS = 15
"""Sessions after its first publication beyond which the newest week says nothing."""

_WEEK = ("week_end_date", "week_start_date")


def readings(
    known: Known, sections: Sequence[str], columns: Sequence[str], read: Callable[[Values], dict[str, float]]
) -> pl.DataFrame:
    """What each section's weeks said on each session of the range.

    Args:
        known: the tables and sessions.
        sections: market sections to read.
        columns: columns of core_jquants__investor_types handed to `read`.
        read: from [weeks known, columns] float64, oldest week first, each week in its newest known version, to named
            numbers (NaN for null).

    Returns:
        [session, section, age_sessions, names...] Float64, a row per session and section with a week no older than
        EXPIRES_SESSIONS; `age_sessions` counts from the session at which the newest week was first known.
    """
    named = list(read(np.empty((0, len(columns)))))
    empty = pl.DataFrame(schema={"place": pl.Int32, "first_place": pl.Int32, **dict.fromkeys(named, pl.Float64)})
    asked = over_whole_calendar(known)
    sessions = asked.cutoffs.select(pl.col("known_session").alias("session"), "place").join(
        known.sessions.alias("session").to_frame(), on="session", how="semi"
    )
    found = []
    for section in sections:
        versions = _versions(asked, section, columns)
        moments = pl.DataFrame(_moments(versions, columns, read), schema=empty.schema) if versions.height else empty
        rows = sessions.join_asof(moments, on="place", strategy="backward")
        rows = rows.with_columns(section=pl.lit(section), age_sessions=pl.col("place") - pl.col("first_place"))
        found.append(rows.filter(pl.col("age_sessions") <= EXPIRES_SESSIONS))
    frame = pl.concat(found).with_columns(pl.col("age_sessions", *named).cast(pl.Float64).fill_nan(None))
    return frame.select("session", "section", "age_sessions", *named)


def _versions(known: Known, section: str, columns: Sequence[str]) -> pl.DataFrame:
    """[place, week, columns...] every version of every week in the order they became known; weeks numbered by date."""
    rows = known.known_session(known.table("investor_types").filter(pl.col("section") == section))
    rows = rows.drop_nulls("known_session").join(known.cutoffs.select("known_session", "place"), on="known_session")
    return (
        rows.with_columns(pl.struct(_WEEK).rank("dense").sub(1).alias("week"))
        .sort("place", "published_date", "week")
        .select("place", "week", pl.col(columns).cast(pl.Float64))
    )


def _moments(
    versions: pl.DataFrame, columns: Sequence[str], read: Callable[[Values], dict[str, float]]
) -> list[dict[str, float]]:
    """One row per place at which something became known: what is read off the weeks known by then."""
    place, week = versions["place"].to_numpy(), versions["week"].to_numpy().astype(np.int64)
    values = versions.select(columns).to_numpy()
    weeks = np.full((int(week.max()) + 1, len(columns)), np.nan)
    first = np.full(len(weeks), -1, dtype=np.int64)
    out = []
    for i in range(place.size):
        weeks[week[i]] = values[i]
        if first[week[i]] < 0:
            first[week[i]] = place[i]
        if i + 1 == place.size or place[i + 1] != place[i]:
            seen = np.flatnonzero(first >= 0)
            out.append({"place": int(place[i]), "first_place": int(first[seen[-1]]), **read(weeks[seen])})
    return out
