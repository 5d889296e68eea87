"""When companies report, and by how much the figures beat what was expected: the state behind the fins books.

Fiscal years end mostly in March; results follow 24 to 55 days after the period, each company keeping to its own rhythm
and hour. Forecast revisions come between results, or together with them (several documents on one day). Surprises are
independent standard normal draws (half as large for a revision filed together with results): before the disclosure
nobody can know them.

    drifting[t] = 2^(-1/20) * drifting[t-1] + surprises that became known between the evenings of t-1 and t

Known at the evening of its own session is a disclosure with a time up to 17:30; a later one, or one without a time,
counts from the next session. The price reacts at once: within the session to a disclosure before the close, else in
the night that follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.listings import Listings

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int32]
Days = npt.NDArray[np.datetime64]

DRIFT_HALF_LIFE = 20.0
DRIFT_DECAY = 0.5 ** (1.0 / DRIFT_HALF_LIFE)
KNOWN_BY = 17 * 60 + 30
LATER_CLOSE_FROM = date(2024, 11, 5)
OLD_CLOSE, NEW_CLOSE = 15 * 60, 15 * 60 + 30
SAME_DAY_REVISION, LONE_REVISIONS_A_QUARTER, REVISION_SIZE = 0.12, 0.12, 0.5

YEAR_ENDS = ((3, 0.66), (12, 0.13), (2, 0.05), (6, 0.05), (9, 0.05), (1, 0.02), (5, 0.02), (8, 0.02))
"""Month in which a fiscal year ends, and the share of companies."""

HOURS = (
    (15 * 60, 0.33),
    (15 * 60 + 30, 0.16),
    (15 * 60 + 15, 0.05),
    (15 * 60 + 40, 0.04),
    (14 * 60, 0.07),
    (14 * 60 + 30, 0.03),
    (13 * 60, 0.04),
    (12 * 60, 0.03),
    (11 * 60 + 30, 0.07),
    (16 * 60, 0.08),
    (16 * 60 + 30, 0.04),
    (17 * 60, 0.02),
    (17 * 60 + 25, 0.01),
    (17 * 60 + 45, 0.015),
    (19 * 60, 0.01),
    (-1, 0.005),
)
"""Usual minute of disclosure (-1: none) and the share of companies; 15:00 becomes 15:30 with the later close."""


@dataclass(frozen=True)
class Reports:
    """Every disclosure with news about profits, sorted by (session, issue); arrays [disclosures] unless said.

    Attributes:
        issue, session: places in the market.
        minute: minute of the day, -1 where the publisher prints no time.
        fiscal_year_end, period_end: days (datetime64[D]); a revision names the period it speaks of.
        quarter: 0 to 3 for 1Q, 2Q, 3Q, FY.
        surprise: how far profit beat expectation, standard normal for results.
        is_revision: a forecast revision, not results.
        is_late: not yet known at the evening of its own session.
        after_close: the price reacts in the following night, not in the session itself.
        drifting: surprises known at each evening, fading by half in 20 sessions, float32 [sessions, issues].
        starts: place of each session's first disclosure, and the end, shape [sessions + 1].
    """

    issue: Places
    session: Places
    minute: Places
    fiscal_year_end: Days
    period_end: Days
    quarter: Places
    surprise: Floats
    is_revision: npt.NDArray[np.bool_]
    is_late: npt.NDArray[np.bool_]
    after_close: npt.NDArray[np.bool_]
    drifting: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.issue)

    def on(self, session: int) -> slice:
        """The disclosures of a session."""
        inside = 0 <= session < len(self.drifting)
        return slice(int(self.starts[session]), int(self.starts[session + 1])) if inside else slice(0, 0)

    def shocks(self, session: int) -> tuple[Floats, Floats]:
        """Surprises the price takes in during the night before a session and during its day, shape [issues]."""
        night, day = np.zeros((2, self.drifting.shape[1]))
        yesterday, today = self.on(session - 1), self.on(session)
        np.add.at(night, self.issue[yesterday], self.surprise[yesterday] * self.after_close[yesterday])
        np.add.at(day, self.issue[today], self.surprise[today] * ~self.after_close[today])
        return night, day

    def pending(self, session: int) -> Floats:
        """Surprises known at the evening of a session that no price has taken in yet, shape [issues]."""
        waiting = np.zeros(self.drifting.shape[1])
        today = self.on(session)
        open_news = self.after_close[today] & ~self.is_late[today]
        np.add.at(waiting, self.issue[today], self.surprise[today] * open_news)
        return waiting


def make_reports(seed: int, sessions: list[date], listings: Listings) -> Reports:
    """Draw the disclosures of a market's ordinary shares; revisions between results speak of the next results."""
    rng = stream(seed, "reports")
    axis = np.array(sessions, dtype="datetime64[D]")
    issues = np.flatnonzero(listings.is_stock)
    year_end = _choose(rng, YEAR_ENDS, len(issues))
    hour = _choose(rng, HOURS, len(issues))
    months = np.arange(axis[0].astype("datetime64[M]") - 6, axis[-1].astype("datetime64[M]") + 12)
    rows, column = np.nonzero((_month_of(months)[None, :] - year_end[:, None]) % 3 == 0)
    period = months[column]
    quarter = ((_month_of(period) - year_end[rows]) % 12 // 3 - 1) % 4
    habit = np.clip(rng.normal(38.0, 5.0, len(issues)), 26.0, 47.0)
    lag = np.clip(habit[rows] + 3.0 * (quarter == 3) + rng.normal(0.0, 2.0, len(rows)), 24.0, 55.0).astype(np.int64)
    day = _last_day(period) + lag
    minute = np.where(rng.random(len(rows)) < 0.85, hour[rows], _choose(rng, HOURS, len(rows)))
    lone = rng.random(len(rows)) < LONE_REVISIONS_A_QUARTER
    lone_day = day - rng.integers(12, 80, len(rows))
    lone_minute = _choose(rng, HOURS, len(rows))
    joined = rng.random(len(rows)) < SAME_DAY_REVISION
    surprises = rng.standard_normal((3, len(rows)))
    parts = [
        (np.ones(len(rows), dtype=np.bool_), day, minute, surprises[0], False),
        (joined, day, minute, surprises[1] * REVISION_SIZE, True),
        (lone, lone_day, lone_minute, surprises[2], True),
    ]
    table = {
        "issue": np.concatenate([issues[rows][keep] for keep, *_ in parts]),
        "session": np.concatenate([np.searchsorted(axis, days[keep]) for keep, days, *_ in parts]),
        "before": np.concatenate([days[keep] < axis[0] for keep, days, *_ in parts]),
        "minute": np.concatenate([minutes[keep] for keep, _, minutes, *_ in parts]),
        "period": np.concatenate([period[keep] for keep, *_ in parts]),
        "quarter": np.concatenate([quarter[keep] for keep, *_ in parts]),
        "surprise": np.concatenate([values[keep] for keep, _, _, values, _ in parts]),
        "is_revision": np.concatenate([np.full(int(keep.sum()), revision) for keep, *_, revision in parts]),
    }
    return _assembled(table, axis, listings)


def _assembled(table: dict[str, npt.NDArray[np.generic]], axis: Days, listings: Listings) -> Reports:
    """The disclosures that fall into the market while their issue is listed, sorted, and what follows from them."""
    issue, session = table["issue"].astype(np.int32), table["session"].astype(np.int32)
    inside = ~table["before"].astype(np.bool_) & (session < len(axis))
    inside &= (listings.first[issue] <= session) & (session <= listings.last[issue])
    order = np.flatnonzero(inside)
    order = order[np.lexsort((table["is_revision"][order], issue[order], session[order]))]
    issue, session = issue[order], session[order]
    later = axis[session] >= np.datetime64(LATER_CLOSE_FROM)
    minute = table["minute"][order].astype(np.int32)
    minute = np.where(later & (minute == OLD_CLOSE), NEW_CLOSE, minute).astype(np.int32)
    is_late = (minute < 0) | (minute > KNOWN_BY)
    surprise, quarter = table["surprise"][order].astype(np.float64), table["quarter"][order].astype(np.int32)
    period = table["period"][order].astype("datetime64[M]")
    return Reports(
        issue=issue,
        session=session,
        minute=minute,
        fiscal_year_end=_last_day(period + (3 * (3 - quarter)).astype(np.int64)),
        period_end=_last_day(period),
        quarter=quarter,
        surprise=surprise,
        is_revision=table["is_revision"][order].astype(np.bool_),
        is_late=is_late,
        after_close=(minute < 0) | (minute >= np.where(later, NEW_CLOSE, OLD_CLOSE)),
        drifting=_drifting(session + is_late, issue, surprise, (len(axis), len(listings.codes))),
        starts=np.searchsorted(session, np.arange(len(axis) + 1, dtype=np.int32)),
    )


def _drifting(known: Places, issue: Places, surprise: Floats, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Fading sum of the surprises known at each evening."""
    result = np.zeros(shape, dtype=np.float32)
    inside = known < shape[0]
    np.add.at(result, (known[inside], issue[inside]), surprise[inside].astype(np.float32))
    for session in range(1, shape[0]):
        result[session] += np.float32(DRIFT_DECAY) * result[session - 1]
    return result


def _choose(rng: np.random.Generator, weighted: tuple[tuple[int, float], ...], n: int) -> npt.NDArray[np.int64]:
    """N draws from values with weights."""
    values, weights = np.array([value for value, _ in weighted]), np.array([weight for _, weight in weighted])
    drawn: npt.NDArray[np.int64] = rng.choice(values, size=n, p=weights / weights.sum())
    return drawn


def _month_of(months: Days) -> npt.NDArray[np.int64]:
    """Month of the year, 1 to 12."""
    return months.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _last_day(months: Days) -> Days:
    """Last day of a month."""
    days: Days = (months.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    return days
