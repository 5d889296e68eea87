"""/markets/margin-alert: daily margin balances of the issues under publication, asked by publication date.

Balances of a session (AppDate) come out on the next one (PubDate), 16:30, and are those of the credit ledger. A change
is `-` when the issue was not published the day before, a ratio to listed shares is `*` for funds. Some rows are wrong
at first; the right one follows a session later with the same AppDate and a newer PubDate. Source: API reference 2.17.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.ledgers import LOT, balances, normals
from gogoku_pipeline.simulator.ledgers_alerts import DAILY, NONE, RESTRICTED, WARNED, watch
from gogoku_pipeline.simulator.ledgers_release import is_out, issue_by_issue, once_out, place_of, sessions_later

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(16, 30)
WRONG_SHARE = 0.02
LIFTED, ON_ALERT = "101", "102"
BALANCES = ("ShrtOut", "LongOut", "ShrtNegOut", "ShrtStdOut", "LongNegOut", "LongStdOut")
KEYS = (
    "PubDate",
    "Code",
    "AppDate",
    "PubReason",
    "ShrtOut",
    "ShrtOutChg",
    "ShrtOutRatio",
    "LongOut",
    "LongOutChg",
    "LongOutRatio",
    "SLRatio",
    "ShrtNegOut",
    "ShrtNegOutChg",
    "ShrtStdOut",
    "ShrtStdOutChg",
    "LongNegOut",
    "LongNegOutChg",
    "LongStdOut",
    "LongStdOutChg",
    "TSEMrgnRegCls",
)


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """The rows published on a day in code order: of the session before, and corrections of the one before that."""
    if not is_out(day, OUT_AT, now):
        return []
    rows: list[dict[str, Any]] = []
    for age in (2, 1):
        applied = sessions_later(day, -age)
        place = None if applied is None else place_of(market, applied)
        if place is not None:
            rows += _rows_of(market, place, day, is_correction=age == 2)
    return sorted(rows, key=lambda row: (row["Code"], row["AppDate"]))


def _rows_of(market: Market, place: int, published: date, *, is_correction: bool) -> list[dict[str, Any]]:
    """Rows about one session: the first printing of all of them, or the right version of the wrong ones."""
    watched = watch(market).watched(place)
    errors = _errors(market, place)
    issues = np.flatnonzero(watched & (errors > 0) if is_correction else watched)
    if len(issues) == 0:
        return []
    was_watched = watch(market).watched(place - 1) if place else np.zeros_like(watched)
    now = _numbers(market, place, place)
    before = _numbers(market, max(place - 1, 0), place)
    if not is_correction:
        now = {name: now[name] + errors * (name in ("LongOut", "LongNegOut")) for name in BALANCES}
    outstanding = market.listings.shares / market.split_table.on_day(-1, place)
    applied = market.sessions[place].isoformat()
    rows = []
    for issue in issues.tolist():
        row: dict[str, Any] = {"PubDate": published.isoformat(), "Code": market.codes[issue], "AppDate": applied}
        row |= _measure(market, place, issue)
        for name in BALANCES:
            row[name] = float(now[name][issue])
            row[name + "Chg"] = float(now[name][issue] - before[name][issue]) if was_watched[issue] else "-"
        for name in ("ShrtOut", "LongOut"):
            ratio = round(100.0 * row[name] / float(outstanding[issue]), 2)
            row[name + "Ratio"] = "*" if market.listings.is_fund[issue] else ratio
        row["SLRatio"] = round(100.0 * row["ShrtOut"] / row["LongOut"], 2) if row["LongOut"] else 0.0
        rows.append({key: row[key] for key in KEYS})
    return rows


def _numbers(market: Market, place: int, basis_of: int) -> dict[str, npt.NDArray[np.int64]]:
    """The ledger's balances of a session under the publisher's names."""
    told = balances(market, place, basis_of=basis_of)
    values = (
        told.short,
        told.long,
        told.short_negotiable,
        told.short_standard,
        told.long_negotiable,
        told.long_standard,
    )
    return dict(zip(BALANCES, values, strict=True))


def _errors(market: Market, place: int) -> npt.NDArray[np.int64]:
    """Shares by which the first printing of a row is too high, 0 for almost all; shape [issues]."""
    rng = stream(market.config.seed, "alert-errors", place)
    n = len(market.codes)
    lots = rng.integers(1, 50, n) * (rng.random(n) < WRONG_SHARE)
    result: npt.NDArray[np.int64] = lots * LOT * normals(market).has_margin
    return result


def _measure(market: Market, place: int, issue: int) -> dict[str, Any]:
    """Why the issue is published, and the exchange's classification."""
    seen = watch(market)
    stage, is_monitored = int(seen.stage[place, issue]), bool(seen.is_monitored[place, issue])
    was_restricted = place > 0 and int(seen.stage[place - 1, issue]) >= RESTRICTED
    is_halted = bool(seen.is_halted[place, issue])
    flags = {
        "Restricted": stage >= RESTRICTED,
        "DailyPublication": stage == DAILY,
        "Monitoring": is_monitored,
        "RestrictedByJSF": is_halted,
        "PrecautionByJSF": stage == WARNED and not is_halted,
        "UnclearOrSecOnAlert": is_monitored and stage == NONE,
    }
    if is_monitored:
        classification = ON_ALERT
    elif was_restricted and stage < RESTRICTED:
        classification = LIFTED
    else:
        classification = f"{stage:03d}"
    return {
        "PubReason": {name: str(int(value)) for name, value in flags.items()},
        "TSEMrgnRegCls": classification,
    }


def _may_be_published(market: Market, place: int, issue: int) -> bool:
    """Whether the issue was watched on one of the two sessions before."""
    return any(
        watch(market).watched(before)[issue] for before in range(max(place - 2, 0), min(place, len(market.sessions)))
    )


BOOK = Book(
    "/markets/margin-alert",
    "standard",
    date(2008, 5, 8),
    day_rows,
    event="PubDate",
    keys=KEYS,
    span=issue_by_issue(day_rows, _may_be_published),
    version=once_out(OUT_AT),
)
