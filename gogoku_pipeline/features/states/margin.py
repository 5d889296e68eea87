"""Open margin positions as known: one release per issue and application date, weekly to 2026-09-24, daily since.

Belongs here: balances on one basis, and from when they are known. Does not belong here: the view in weeks
(`margin_week`), issues under daily publication (`alert`), ratios (`groups.margin`).

Volumes are filed as they stood on their date and are multiplied by that session's volume factor, so they lie on the
basis of the issue's first stored session and no later split moves them. A balance of a date without a price row of
the issue has no basis and is left out. When a balance is known is `available_at` and nothing else: the second session
after a weekly date, the publication date of a daily one. Source: features.md 3.10, golden example G10.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.state import Known, State

EXPIRES_SESSIONS = 15
"""Sessions after it became known beyond which a balance says nothing."""


def balances(known: Known) -> pl.DataFrame:
    """Every balance with a basis and a session from which it is known.

    Returns:
        [code, release (application date), known_session, long_shares, short_shares, listed_sessions] with shares on
        the forward volume basis and the issue's listing age on the balance's own date, sorted by code and release.
    """
    basis = known.prices.select("code", pl.col("session").alias("release"), "volume_factor", "listed_sessions")
    rows = known.table("margin_interest").select(
        "code", pl.col("application_date").alias("release"), "long_shares", "short_shares", "available_at"
    )
    shares = (pl.col(name).cast(pl.Float64) * pl.col("volume_factor") for name in ("long_shares", "short_shares"))
    return (
        known.known_session(rows.join(basis, on=["code", "release"], how="inner"))
        .drop_nulls("known_session")
        .with_columns(*shares, pl.col("listed_sessions").cast(pl.Float64))
        .select("code", "release", "known_session", "long_shares", "short_shares", "listed_sessions")
        .sort("code", "release")
    )


STATE = State(
    alias="margin",
    axis="release",
    unit="code",
    tables=("margin_interest",),
    columns={
        "long_shares": "Bought on margin and open, shares on the forward volume basis.",
        "short_shares": "Sold on margin and open, shares on the forward volume basis.",
        "listed_sessions": "Sessions the issue had been listed on the balance's own date.",
    },
    stage=balances,
    expires_sessions=EXPIRES_SESSIONS,
    history_sessions=EXPIRES_SESSIONS + 3,
)
