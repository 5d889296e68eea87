"""The planted truth as a document: what a model may find in this market, and what it must not."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np

from gogoku_pipeline.simulator import signals
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.history import History
from gogoku_pipeline.simulator.listings import Listings

SEGMENTS_FROM = date(2022, 4, 4)
LATER_CLOSE_FROM = date(2024, 11, 5)

EFFECTS = (
    (
        "reversal",
        "Last week's relative losers recover.",
        "-k * (Q[t] - Q[t-5])",
        "k",
        "REVERSAL",
        "ret_5d, rel_sec33_5d, resid_ret_5d",
    ),
    (
        "momentum",
        "Winners of the sessions t-100..t-20 go on.",
        "k * (Q[t-20] - Q[t-100])",
        "k",
        "MOMENTUM",
        "ret_120d with ret_20d",
    ),
    (
        "interaction",
        "Last month's move goes on in liquid issues and turns back in illiquid ones; neither side shows alone.",
        "k * (Q[t] - Q[t-20]) * tilt[t]",
        "k",
        "INTERACTION",
        "ret_20d with log10_adv_20d_jpy",
    ),
    (
        "graph",
        "A week's move goes on when relatives with a positive edge trade much and turns back when those with a "
        "negative edge do; no catalogue column aggregates neighbours' volume.",
        "k * (Q[t] - Q[t-5]) * pull[t]",
        "k",
        "GRAPH",
        "needs the signed graph: neighbours' volume_ratio_5_60 and the own ret_5d",
    ),
    (
        "lead",
        "Followers do tomorrow what their group's leader did today, with the sign of their edge.",
        "k * sign_i * sign_leader * (Q_leader[t] - Q_leader[t-1])",
        "k",
        "LEAD",
        "g_lead_lag_1d",
    ),
    (
        "earnings",
        "Prices jump at a disclosure and drift on in its direction for weeks.",
        "k * news[t], news fading by half in 20 sessions",
        "k",
        "EARNINGS",
        "pead_sue, pead_guidance, sue_op_z with earn_age_sessions; through the jump pead_reaction, earn_reaction_1d",
    ),
    (
        "crowding",
        "Issues crowded with margin buyers fall behind.",
        "-k * crowding_known[t] / CROWD_SPREAD",
        "k",
        "CROWDING",
        "mrg_long_ratio, mrg_long_z52; in part mrg_long_cover_sessions, mrg_long_chg_4w (none for margin class 3)",
    ),
    (
        "flow",
        "When foreigners buy, large issues gain on small ones.",
        "k * flow[t] * standardised log market value",
        "k",
        "FLOW",
        "flow_frgn_net_share with log10_mcap_jpy; x_flow_size",
    ),
    (
        "skew",
        "When puts are dear against calls, issues with a high beta fall behind.",
        "-k * (skew_known[t] - SKEW_MEAN) * (beta - 1)",
        "k",
        "SKEW",
        "opt_skew_25d_30d with beta_60d",
    ),
)


DATED_EVENTS = {
    "2020-10-01": "exchange outage: bars null for all issues, TOPIX repeats the previous close",
    SEGMENTS_FROM.isoformat(): "market sections 0101 0102 0104 0106 0107 become 0111 0112 0113",
    LATER_CLOSE_FROM.isoformat(): "the cash session closes at 15:30 instead of 15:00",
}

NOT_PLANTED = (
    "disclosure dates, their hours and the jump at a disclosure predict nothing before the disclosure",
    "level and term structure of the option surface, other investor types and all further books are noise or "
    "follow from what is listed above",
    "nothing in volatility, ticks, limits, halts, splits, listings or delistings predicts a relative return",
    "the drift that all issues share and that lets the index grow by 7 % a year (tide.py) has no part in any rank",
    "log returns are symmetric: simple returns of volatile issues have a higher mean, but no higher rank",
)


def truth_document(
    config: MarketConfig, sessions: list[date], listings: Listings, exposures: Exposures, history: History
) -> dict[str, Any]:
    """Everything planted in a market, as plain data (numbers, text, lists, dictionaries)."""
    codes = listings.codes
    end = len(sessions) - 1
    return {
        "market": {
            "size": config.size,
            "issues": len(codes),
            "sessions": len(sessions),
            "first_session": sessions[0].isoformat(),
            "last_session": sessions[-1].isoformat(),
            "seed": config.seed,
            "dials": asdict(config.dials),
        },
        "turns": [{"from": day.isoformat(), "dials": asdict(dials)} for day, dials in config.turns],
        "law": signals.__doc__ or "",
        "planted_in": "open(t+1) -> open(t+2), 60 % in the day of t+1 and 40 % in the night after it",
        "effects": [
            {
                "dial": dial,
                "words": words,
                "formula": formula,
                name: getattr(signals, constant),
                "strength": getattr(config.dials, dial) * config.dials.overall,
                "seen_by": seen_by,
            }
            for dial, words, formula, name, constant, seen_by in EFFECTS
        ],
        "groups": _groups(codes, exposures),
        "splits": [
            {"session": sessions[event.session].isoformat(), "code": codes[event.issue], "factor": event.factor}
            for event in history.splits
        ],
        "arrivals": [
            {"code": codes[place], "session": sessions[int(listings.first[place])].isoformat()}
            for place in np.flatnonzero(listings.first > 0)
        ],
        "departures": [
            {"code": codes[place], "last_session": sessions[int(listings.last[place])].isoformat()}
            for place in np.flatnonzero(listings.last < end)
        ],
        "dated_events": dict(DATED_EVENTS),
        "not_planted": list(NOT_PLANTED),
    }


def _groups(codes: tuple[str, ...], exposures: Exposures) -> list[dict[str, Any]]:
    """Members of each group of relatives with their signs, and its leader."""
    found = []
    for number in range(len(exposures.members)):
        places = np.flatnonzero(exposures.group == number)
        found.append(
            {
                "members": [codes[place] for place in places],
                "signs": [int(exposures.sign[place]) for place in places],
                "leader": codes[int(exposures.leader[places[0]])],
            }
        )
    return found


def truth_text(document: dict[str, Any]) -> str:
    """The truth document as text for a terminal."""
    market = document["market"]
    lines = [
        f"Market {market['size']}: {market['issues']} issues, {market['sessions']} sessions "
        f"{market['first_session']} .. {market['last_session']}, seed {market['seed']}",
        f"Planted in {document['planted_in']}.",
        "",
    ]
    for effect in document["effects"]:
        lines += [
            f"{effect['dial']} (strength {effect['strength']:g}, k = {effect['k']:g}): {effect['words']}",
            f"    {effect['formula']}",
            f"    seen by: {effect['seen_by']}",
        ]
    dials = market["dials"]
    for turn in document["turns"]:
        changed = [f"{name} {value:g}" for name, value in turn["dials"].items() if value != dials[name]]
        lines.append(f"From {turn['from']}: {', '.join(changed) or 'the dials as they were at first'}")
    lines += [
        "",
        f"Groups of relatives: {len(document['groups'])}; splits: {len(document['splits'])}; "
        f"arrivals: {len(document['arrivals'])}; departures: {len(document['departures'])}",
        *(f"{day}: {words}" for day, words in document["dated_events"].items()),
        *(f"Not planted: {words}" for words in document["not_planted"]),
    ]
    return "\n".join(lines)
