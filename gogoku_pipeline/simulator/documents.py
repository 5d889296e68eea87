"""The documents that companies file: results, revisions and corrections, each with its day, minute and number.

An announcement becomes one to three documents: the results or the revision itself, a notice of the changed profit
forecast, a notice of the changed dividend forecast. About one set of results in forty is wrong in a detail and is
filed again later, under a new number, sometimes the same day, sometimes on a Saturday; nothing marks the correction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.companies import companies
from gogoku_pipeline.simulator.guidance import guidance
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.payouts import payouts

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

RESULTS, PROFIT_REVISION, DIVIDEND_REVISION = 0, 1, 2
ONE_WRONG_IN = 40
LATEST_CORRECTION_DAYS = 45
EVENING = 20 * 60
NUMBERS_FROM, NUMBERS_STEP = 400_000, 97
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Documents:
    """All documents of a market, sorted by number; arrays [documents].

    Attributes:
        event: the announcement it belongs to (place in Announcements).
        kind: results, revision of the profit forecast, revision of the dividend forecast.
        day: disclosure day, days since 1970-01-01.
        minute: minute of the day, -1 where the time is missing.
        number: disclosure number; its first eight digits are the day it was registered, normally `day`.
        slip: share by which profits are misprinted, 0 for documents that are right.
        is_correction: files known results again.
        is_sketchy: some figures are still missing from the preliminary edition.
    """

    event: Places
    kind: Places
    day: Places
    minute: Places
    number: Places
    slip: Floats
    is_correction: Flags
    is_sketchy: Flags

    def __len__(self) -> int:
        return len(self.event)

    @cached_property
    def _places(self) -> dict[int, list[int]]:
        places: dict[int, list[int]] = {}
        for place, day in enumerate(self.day.tolist()):
            places.setdefault(day, []).append(place)
        return places

    def on(self, day: date) -> list[int]:
        """Documents of a disclosure day, by ascending number."""
        return self._places.get((day - EPOCH).days, [])


@once_per_market
def documents(market: Market) -> Documents:
    """Every document that the companies of a market file."""
    told, rng = announcements(market), stream(market.config.seed, "documents")
    session_days = np.array([(day - EPOCH).days for day in market.sessions], dtype=np.int64)
    day, minute = session_days[told.session], told.minute
    results = np.flatnonzero(told.is_result)
    wrong = np.sort(rng.permutation(results)[: max(3, len(results) // ONE_WRONG_IN)]) if len(results) else results
    slip = np.zeros(len(told))
    slip[wrong] = rng.choice([-1.0, 1.0], len(wrong)) * rng.uniform(0.01, 0.05, len(wrong))
    event, kind = _filed(market)
    fixed_day, fixed_minute = _correction_times(market, wrong, day[wrong], minute[wrong], session_days)
    is_filed = fixed_day >= 0
    all_days = np.concatenate([day[event], fixed_day[is_filed]])
    all_minutes = np.concatenate([minute[event], fixed_minute[is_filed]])
    is_correction = np.arange(len(all_days)) >= len(event)
    event = np.concatenate([event, wrong[is_filed]])
    kind = np.concatenate([kind, np.full(int(is_filed.sum()), RESULTS)])
    clock = np.where(all_minutes < 0, EVENING, all_minutes)
    early = (rng.random(len(event)) < 0.03) & (clock < EVENING) & ~is_correction
    number = _numbers(all_days, clock, event, kind, session_days, early)
    order = np.argsort(number, kind="stable")
    return Documents(
        event[order],
        kind[order],
        all_days[order],
        all_minutes[order],
        number[order],
        np.where(is_correction | (kind != RESULTS), 0.0, slip[event])[order],
        is_correction[order],
        ((kind == RESULTS) & (rng.random(len(event)) < 0.03))[order],
    )


def _filed(market: Market) -> tuple[Places, Places]:
    """Announcement and kind of every document but the corrections."""
    told, traits, plan, paid = announcements(market), companies(market), guidance(market), payouts(market)
    everyone = np.arange(len(told))
    speaks = traits.guides[told.issue]
    revises = speaks & (plan.is_changed | ~told.is_result)
    pays = paid.is_changed & ~traits.is_vague[told.issue]
    parts = (
        (everyone[told.is_result], RESULTS),
        (everyone[revises], PROFIT_REVISION),
        (everyone[pays], DIVIDEND_REVISION),
    )
    event = np.concatenate([places for places, _ in parts])
    return event, np.concatenate([np.full(len(places), kind, dtype=np.int64) for places, kind in parts])


def _correction_times(
    market: Market, wrong: Places, day: Places, minute: Places, session_days: Places
) -> tuple[Places, Places]:
    """Day and minute of each correction, -1 where the market ends or the company leaves before it."""
    rng = stream(market.config.seed, "corrections")
    told = announcements(market)
    lag = np.where(rng.random(len(wrong)) < 0.2, 0, rng.integers(1, LATEST_CORRECTION_DAYS, len(wrong)))
    late = np.clip(np.where(minute < 0, EVENING, minute) + rng.integers(30, 150, len(wrong)), 0, 23 * 60 + 30)
    fixed_minute = np.where(lag == 0, late, rng.integers(9 * 60, 18 * 60, len(wrong)))
    fixed = day + lag
    weekday = (fixed + 3) % 7
    to_saturday = (rng.random(len(wrong)) < 0.25) & (lag > 0)
    fixed = np.where(to_saturday, fixed + (5 - weekday) % 7, fixed)
    is_saturday = (fixed + 3) % 7 == 5
    next_place = np.searchsorted(session_days, fixed)
    next_session = session_days[np.minimum(next_place, len(session_days) - 1)]
    fixed = np.where(is_saturday, fixed, next_session)
    last_day = session_days[market.listings.last[told.issue[wrong]]]
    is_gone = (next_place >= len(session_days)) | (fixed > last_day)
    return np.where(is_gone, -1, fixed), fixed_minute


def _numbers(day: Places, minute: Places, event: Places, kind: Places, session_days: Places, early: Flags) -> Places:
    """Disclosure numbers: ascending within a registration day, which for `early` documents is the session before."""
    before = session_days[np.maximum(np.searchsorted(session_days, day) - 1, 0)]
    registered = np.where(early, np.minimum(before, day), day)
    order = np.lexsort((kind, event, minute, day, registered))
    ranked = registered[order]
    rank = np.empty(len(day), dtype=np.int64)
    rank[order] = np.arange(len(day)) - np.searchsorted(ranked, ranked)
    known, back = np.unique(registered, return_inverse=True)
    prefix = np.array([int((EPOCH + timedelta(days=value)).strftime("%Y%m%d")) for value in known.tolist()])[back]
    scatter = (event * 31 + kind * 7) % NUMBERS_STEP
    return np.asarray(prefix * 1_000_000 + NUMBERS_FROM + rank * NUMBERS_STEP + scatter, dtype=np.int64)
