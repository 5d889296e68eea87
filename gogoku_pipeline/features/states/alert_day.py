"""Whether the list of issues under daily publication is being published at all: what makes "not watched" a fact.

Belongs here: the life of the source. Does not belong here: single issues (`alert`).
Before its first day, or when nothing has come for fifteen sessions, nobody can say that an issue is not on the list.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.features.states.whole_calendar import over_whole_calendar

EXPIRES_SESSIONS = 15


def stage(known: Known) -> pl.DataFrame:
    """[session, is_published] of the sessions on which the list is alive."""
    asked = over_whole_calendar(known)
    number = asked.cutoffs.select("known_session", "place")
    rows = asked.known_session(asked.table("margin_alerts").select("available_at")).drop_nulls("known_session")
    seen = number.join(rows, on="known_session", how="semi").select("place", last="place")
    alive = (
        number.rename({"known_session": "session"})
        .join(known.sessions.alias("session").to_frame(), on="session", how="semi")
        .sort("place")
        .join_asof(seen.sort("place"), on="place", strategy="backward")
        .filter(pl.col("place") - pl.col("last") <= EXPIRES_SESSIONS)
    )
    return alive.select("session", pl.lit(1.0).alias("is_published"))


STATE = State(
    alias="alert_day",
    axis="market",
    tables=("margin_alerts",),
    columns={"is_published": "1 while the list has been published within the last fifteen sessions."},
    stage=stage,
    history_sessions=EXPIRES_SESSIONS,
)
