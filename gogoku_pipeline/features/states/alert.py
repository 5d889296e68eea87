"""Issues under daily publication of margin balances, as known: who is watched today, how strictly, and since when.

Belongs here: which row of an issue is active on a session, in which version. Does not belong here: whether the list
was published at all (`alert_day`), ratios (`groups.margin_alerts`).

An application date is published once and may be corrected later by a further row; the version known last at the
hour of decision counts. A row is active from the session at which its application date was first known and one
session longer, so one missing day does not break a spell. What is published more than five sessions after its date is
a correction, whether or not the row before it is at hand, and makes no issue active again.
Source: features.md 3.10, J-Quants V2 /markets/margin-alert.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.share_basis import on_forward_basis
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.features.states.whole_calendar import over_whole_calendar

ACTIVE_SESSIONS = 2
"""Sessions a published row keeps an issue active, its own included."""

LONGEST_AGE = 250
"""Cap of the age of a spell, in sessions."""

PROMPT_SESSIONS = 5
"""Sessions after its application date within which a first publication is news; the rule is one."""

WEEK = 5
"""Application dates, one a session, between the two balances whose change is taken."""

_SHARES = ("long_shares", "short_shares")


def stage(known: Known) -> pl.DataFrame:
    """The active row of each watched issue at each session, [session, code, columns of STATE]."""
    asked = over_whole_calendar(known)
    versions = known_versions(asked)
    active = _active(versions).sort("place")
    now = _in_force(active, versions)
    before = _in_force(active.with_columns(applied=pl.col("applied") - WEEK), versions)
    sessions = asked.cutoffs.select("place", session="known_session")
    return (
        now.with_columns(before["long_shares"].alias("long_shares_before"))
        .join(sessions, on="place")
        .join(known.sessions.alias("session").to_frame(), on="session", how="semi")
        .select("session", "code", *STATE.columns)
    )


def known_versions(asked: Known) -> pl.DataFrame:
    """Every published version of every issue's application dates.

    Args:
        asked: the tables over the exchange's whole calendar.

    Returns:
        [code, applied (number of the application date's session), place (number of the session from which the version
        is known), columns], one version per code, applied and place, sorted by place.
    """
    rows = asked.known_session(asked.table("margin_alerts")).drop_nulls("known_session")
    number = asked.cutoffs.select("known_session", "place")
    restricted = pl.col("is_restricted") | pl.col("is_restricted_by_jsf")
    return (
        on_forward_basis(asked, rows, "application_date", _SHARES)
        .join(number, on="known_session")
        .join(number.rename({"known_session": "application_date", "place": "applied"}), on="application_date")
        .sort("published_date")
        .unique(["code", "applied", "place"], keep="last", maintain_order=True)
        .with_columns(
            pl.col("regulation_class").cast(pl.Float64, strict=False).alias("class_code"),
            restricted.cast(pl.Float64).alias("is_restricted"),
        )
        .select("code", "applied", "place", *_SHARES, "class_code", "is_restricted")
        .sort("place")
    )


def _active(versions: pl.DataFrame) -> pl.DataFrame:
    """[code, place, applied, age_sessions]: the active application date of each issue and session, and its spell."""
    first = versions.group_by("code", "applied").agg(pl.col("place").min())
    first = first.filter(pl.col("place") - pl.col("applied") <= PROMPT_SESSIONS)
    days = pl.concat([first.with_columns(pl.col("place") + later) for later in range(ACTIVE_SESSIONS)])
    rows = days.group_by("code", "place").agg(pl.col("applied").max()).sort("code", "place")
    begins = pl.col("place").diff().over("code").fill_null(LONGEST_AGE) != 1
    spell = pl.when(begins).then(pl.col("place")).forward_fill().over("code")
    age = (pl.col("place") - spell).clip(upper_bound=LONGEST_AGE).cast(pl.Float64)
    return rows.with_columns(age.alias("age_sessions"))


def _in_force(asked: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """The asked rows with the values of the version known last at their place."""
    return asked.join_asof(versions, on="place", by=["code", "applied"], strategy="backward", check_sortedness=False)


STATE = State(
    alias="alert",
    axis="stock",
    tables=("margin_alerts",),
    columns={
        "long_shares": "Bought on margin and open, of the active row, shares on the forward volume basis.",
        "short_shares": "Sold on margin and open, of the active row, shares on the forward volume basis.",
        "long_shares_before": "Bought on margin and open five application dates earlier, on the same basis.",
        "class_code": "Class of regulation of the active row as a number.",
        "is_restricted": "1 when the exchange or the lender restricts margin trading in the active row, else 0.",
        "age_sessions": "Sessions since the unbroken spell of publication began, at most 250.",
    },
    stage=stage,
    history_sessions=LONGEST_AGE + 2 * ACTIVE_SESSIONS,
)
