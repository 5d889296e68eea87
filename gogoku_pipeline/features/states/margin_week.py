"""Margin positions once a week: what windows in weeks run on, before and after publication turned daily.

Belongs here: the week-end view and what the issue cost in between. Does not belong here: single balances (`margin`).

To 2026-09-24 every balance is a week's; from 2026-09-25 the one of each week's last session is, so four releases stay
four weeks. Weeks with one or two sessions had no balance in the weekly regime and have one in the daily regime.
A week's price is the yen traded over the shares traded after the issue's previous week-end balance up to this one's
date: in plain running, the week. Its shares lie on the basis of prices (a rights issue moves prices and leaves volumes
alone), so it compares with the mark. Source: features.md 3.10.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.margin import EXPIRES_SESSIONS, balances
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.schema.event_days import MARGIN_LAST_WEEKLY


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns of STATE], sorted by code and release."""
    rows = balances(known)
    weekly = rows.filter((pl.col("release") <= MARGIN_LAST_WEEKLY) | pl.col("release").is_in(_last_of_week().implode()))
    # A balance that became known after a newer one closes no week: the newer one's week was already told without it.
    newer = pl.col("known_session").cum_min(reverse=True).over("code")
    weekly = weekly.filter(pl.col("known_session") <= newer)
    return weekly.join(_traded_since_previous(known, weekly), on=["code", "release"], how="left", maintain_order="left")


def _last_of_week() -> pl.Series:
    """The last session of every calendar week of the daily regime."""
    days = pl.DataFrame({"day": tse_calendar().sessions}).filter(pl.col("day") > MARGIN_LAST_WEEKLY)
    return days.group_by(pl.col("day").dt.truncate("1w")).agg(pl.col("day").max().alias("last"))["last"]


def _traded_since_previous(known: Known, weekly: pl.DataFrame) -> pl.DataFrame:
    """[code, release, week_turnover_jpy, week_volume] over the sessions each release closes; no trade leaves nulls."""
    volume = (pl.col("volume_shares") * pl.col("factor")).alias("volume")
    traded = known.prices.select("code", "session", "turnover_jpy", volume).drop_nulls().sort("session", "code")
    closes = weekly.select("code", "release").sort("release", "code")
    mine = traded.join_asof(
        closes.with_columns(closed="release"),
        left_on="session",
        right_on="release",
        by="code",
        strategy="forward",
        check_sortedness=False,
    )
    # In the order of sessions within each group: the same sum wherever the range begins.
    sums = mine.drop_nulls("closed").sort("code", "session").group_by("code", "closed", maintain_order=True)
    return sums.agg(
        pl.col("turnover_jpy").sum().alias("week_turnover_jpy"), pl.col("volume").sum().alias("week_volume")
    ).rename({"closed": "release"})


STATE = State(
    alias="margin_week",
    axis="release",
    unit="code",
    tables=("margin_interest",),
    columns={
        "long_shares": "Bought on margin and open at the end of a week, shares on the forward volume basis.",
        "short_shares": "Sold on margin and open at the end of a week, shares on the forward volume basis.",
        "week_turnover_jpy": "Yen traded in the sessions since the week-end balance before.",
        "week_volume": "Shares traded in the same sessions, on the forward basis of prices.",
    },
    stage=stage,
    expires_sessions=EXPIRES_SESSIONS,
    history_sessions=2 * EXPIRES_SESSIONS,
    price_sessions=2 * EXPIRES_SESSIONS,
)
