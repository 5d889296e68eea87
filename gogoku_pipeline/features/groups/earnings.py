"""The moment of disclosure: when it comes, and how the market took it.

Ages count from the session on which results became usable, reactions from the one that could first price them.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    K,
    constant,
    equal,
    greater,
    is_missing,
    log,
    pointwise,
    where,
)
from gogoku_pipeline.features.operators.holding import at_event, capped
from gogoku_pipeline.features.operators.peers import LEAST_PEERS, peers_count, peers_mean
from gogoku_pipeline.features.operators.windows import lag

DISCLOSURE = ("summary.DiscDate", "summary.DiscTime")
SCHEDULE = ("earn_date.PubDate", "earn_date.SchDate", "earn_date.FQName", "earn_date.FYE")
EXCESS = ("@ret_1d", "@xs_ret_1d")

HELD_SESSIONS = 250
"""How long an event is told; ages are capped here."""

RECENT_SESSIONS = 20


def _sessions_since(event: str) -> Expr:
    return K("clock.number") - K(event)


def _excess() -> Expr:
    return F("ret_1d") - F("xs_ret_1d")


def _at_event_session(x: Expr) -> Expr:
    return at_event(x, _sessions_since("earn.priced"), HELD_SESSIONS)


def _three_sessions() -> Expr:
    return _excess() + lag(_excess(), 1) + lag(_excess(), 2)


def _when_usable(x: Expr) -> Expr:
    return at_event(x, _sessions_since("earn.known"), HELD_SESSIONS)


def _when_settled(x: Expr) -> Expr:
    return at_event(x, _sessions_since("earn.settled") - 2, HELD_SESSIONS)


@per_stock(
    "earn_age_sessions",
    group="earnings",
    unit="sessions",
    window="P",
    sources=(*DISCLOSURE, "summary.DocType"),
    needs=("earn.known[t]",),
    at_least=0.0,
    at_most=float(HELD_SESSIONS),
)
def earn_age_sessions() -> Expr:
    """Age of the newest results: sessions since usable_session of the newest **new-period** results document (a correction of a period already known does not restart it), capped at 250."""  # noqa: E501
    return capped(_sessions_since("earn.known"), HELD_SESSIONS)


@per_stock(
    "earn_to_sessions",
    group="earnings",
    unit="sessions",
    window="P",
    sources=SCHEDULE,
    needs=("sched.next[t]",),
    at_least=0.0,
)
def earn_to_sessions() -> Expr:
    """Sessions to the next results: sessions from t to the newest SchDate known for the next unreported quarter; null when undetermined or passed.

    0 on the day itself while nothing has been reported. Of several open quarters the earliest counts.
    """  # noqa: E501
    return K("sched.next") - K("clock.number")


@per_stock(
    "earn_next_flag",
    group="earnings",
    unit="flag",
    window="P",
    sources=SCHEDULE,
    needs=("sched.next[t]",),
)
def earn_next_flag() -> Expr:
    """Whether results come tomorrow: earn_to_sessions = 1: results are due in the entry session."""
    return equal(K("sched.next") - K("clock.number"), 1)


@per_stock(
    "earn_pending_flag",
    group="earnings",
    unit="flag",
    window="P",
    sources=(*DISCLOSURE, "summary.DocType"),
    needs=("earn.pending[t]",),
)
def earn_pending_flag() -> Expr:
    """Whether results wait for the market's answer: results are usable at t but no session has priced them yet."""
    return K("earn.pending")


@per_stock(
    "earn_reaction_1d",
    group="earnings",
    unit="ratio",
    window="P",
    sources=(*DISCLOSURE, *EXCESS),
    needs=("earn.priced[t]",),
    undefined=is_missing(_at_event_session(_excess())),
)
def earn_reaction_1d() -> Expr:
    """How the market took the results: ret_1d - xs_ret_1d on event_session, held until the next event.

    Null while results are pending, when the stock did not trade on the event session or the one before, and 250
    sessions after it.
    """
    return _at_event_session(_excess())


@per_stock(
    "earn_reaction_3d",
    group="earnings",
    unit="ratio",
    window="P",
    min_obs=3,
    sources=(*DISCLOSURE, *EXCESS),
    needs=("earn.settled[t]",),
    undefined=is_missing(_when_settled(_three_sessions())),
)
def earn_reaction_3d() -> Expr:
    """How the market took the results over three sessions: sum of the same over event_session .. +2, known from +2."""
    return _when_settled(_three_sessions())


@per_stock(
    "earn_volume_reaction",
    group="earnings",
    unit="log",
    window="P",
    sources=(*DISCLOSURE, "@volume_ratio_1_20"),
    needs=("earn.priced[t]",),
    undefined=is_missing(_at_event_session(F("volume_ratio_1_20"))),
)
def earn_volume_reaction() -> Expr:
    """How much the results were traded: ln(volume_ratio_1_20) on event_session."""
    return _at_event_session(log(F("volume_ratio_1_20")))


@per_stock(
    "earn_guidance_miss",
    group="earnings",
    unit="ratio",
    window="P",
    sources=("summary.NP", "summary.FNP", "@log10_mcap_jpy"),
    needs=("earn.miss[t]",),
    undefined=is_missing(_when_usable(F("log10_mcap_jpy"))),
)
def earn_guidance_miss() -> Expr:
    """Profit beyond what the company had promised: (NP of the FY document - last FNP before it) / mcap_jpy on usable_session; held until the next results document, then null.

    The last forecast from an earlier day counts, be it the NxFNp of the full-year document before: what is revised on
    the day of the results is part of their news. Corrections do not end it; null for an issue that reports in dollars.
    """  # noqa: E501
    worth = pointwise("power", np.power, 10.0, F("log10_mcap_jpy"))
    return K("earn.miss") / _when_usable(worth)


@per_stock(
    "earn_delay_yoy_days",
    group="earnings",
    unit="days",
    window="Q5",
    min_obs=2,
    sources=("earn_date.SchDate", "earn_date.FYE", "summary.DiscDate", "summary.CurPerEn"),
    needs=("sched.delay[t]",),
)
def earn_delay_yoy_days() -> Expr:
    """How much later than a year ago results will come: (SchDate - period end) - (DiscDate - CurPerEn of the same quarter one year earlier), calendar days: late is bad news."""  # noqa: E501
    return K("sched.delay")


def _recent_only(x: Expr) -> Expr:
    recent = greater(RECENT_SESSIONS, _sessions_since("earn.priced"))
    return where(recent, x, constant(float("nan")))


@per_day(
    "earn_peer_reaction_20d",
    group="earnings",
    unit="ratio",
    window="S20",
    sources=("@earn_reaction_1d", "master.S33"),
    by="sector33",
    undefined=greater(LEAST_PEERS, peers_count(_recent_only(F("earn_reaction_1d")), by="sector33")),
)
def earn_peer_reaction_20d() -> Expr:
    """How the market took the results of others in the sector: leave-one-out mean of earn_reaction_1d over sector peers whose event_session lies in the last 20 sessions (at least 2)."""  # noqa: E501
    return peers_mean(_recent_only(F("earn_reaction_1d")), by="sector33")
