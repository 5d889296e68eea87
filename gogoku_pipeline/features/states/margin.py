"""Open margin positions as known: one release per issue and application date, weekly to 2026-09-24, daily since.

Belongs here: balances on one basis, and from when they are known. Does not belong here: the view in weeks
(`margin_week`), issues under daily publication (`alert`), ratios (`groups.margin`).

Volumes are filed as they stood on their date; they are put on the forward basis, so that no later split moves them.
When a balance is known is `available_at` and nothing else: the second session after a weekly date, the publication
date of a daily one. Source: features.md 3.10, golden example G10.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days
from gogoku_pipeline.features.states.share_basis import on_forward_basis
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.features.states.whole_calendar import over_whole_calendar

EXPIRES_SESSIONS = 15
"""Sessions after it became known beyond which a balance says nothing."""

_SHARES = ("long_shares", "short_shares")


def balances(known: Known) -> pl.DataFrame:
    """Every balance that became known in the range.

    Returns:
        [code, release (application date), known_session, long_shares, short_shares, date_number] with shares on the
        forward volume basis and the number of the application date's session, sorted by code and release. What became
        known before the range is no release of it: it would look as fresh as the range's first session.
    """
    rows = known.table("margin_interest").select(
        "code", pl.col("application_date").alias("release"), *_SHARES, "available_at"
    )
    dated = over_whole_calendar(known).known_session(rows)
    inside = dated.join(known.sessions.alias("known_session").to_frame(), on="known_session", how="semi")
    based = on_forward_basis(known, inside, "release", _SHARES)
    number = exchange_days().on_or_before(based["release"]).cast(pl.Float64).alias("date_number")
    return (
        based.with_columns(number)
        .select("code", "release", "known_session", *_SHARES, "date_number")
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
        "date_number": "Number of the balance's own date on the exchange calendar.",
    },
    stage=balances,
    expires_sessions=EXPIRES_SESSIONS,
    history_sessions=EXPIRES_SESSIONS + 3,
    price_sessions=EXPIRES_SESSIONS,
)
