"""Dividend notices, reporting days and reactions against a plain replay of all rows known by each session."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.inputs import FeatureInputs
from tests.unit.features.company_rows import CODE, market, notice_rows, schedule_rows, series, statement_rows

CALENDAR = tse_calendar()
FIRST, LAST = date(2018, 10, 1), date(2020, 12, 30)
SESSIONS = CALENDAR.between(FIRST, LAST)
SPLITS = {(CODE, SESSIONS[150]): 0.5, (CODE, SESSIONS[320]): 2.0}
CLOCKS = ("09:00:00", "12:30:00", "15:00:00", "17:31:00", "18:20:00", None)
Row = dict[str, object]


def known_rows(table: pl.DataFrame, session: date) -> list[Row]:
    """Rows available before 19:00 of a session, in the order in which they were published."""
    limit = datetime.combine(session, time(19), tzinfo=JST)
    rows = [row for row in table.iter_rows(named=True) if row["available_at"] < limit]
    return sorted(rows, key=lambda row: row["available_at"])


def first_session(row: Row) -> int:
    """Place in the calendar of the first session whose 19:00 lies after the row."""
    at = row["available_at"].astimezone(JST)
    day = at.date() if at.time() < time(19) else at.date() + timedelta(days=1)
    return CALENDAR.index(CALENDAR.on_or_after(day))


def factor(day: date) -> float:
    """Product of the splits up to a day."""
    return math.prod(step for (_, at), step in SPLITS.items() if at <= day)


def close_to(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return found == pytest.approx(expected, rel=1e-5, abs=1e-7)


def random_notices(rng: np.random.Generator) -> pl.DataFrame:
    rows: list[Row] = []
    for chain in range(12):
        ex = SESSIONS[int(rng.integers(20, len(SESSIONS)))]
        day = ex - timedelta(days=int(rng.integers(5, 200)))
        for version in range(int(rng.integers(1, 5))):
            status = "1" if version == 0 else "3" if rng.random() < 0.15 else "2"
            rate = None if status == "3" or rng.random() < 0.2 else float(rng.integers(0, 60))
            rows.append(
                {
                    "reference_number": f"{len(rows):04d}",
                    "original_reference_number": f"A{chain}",
                    "status": status,
                    "published_date": day,
                    "published_time": CLOCKS[int(rng.integers(len(CLOCKS)))],
                    "ex_date": None if rng.random() < 0.1 else ex,
                    "dividend_jpy": rate,
                }
            )
            day += timedelta(days=int(rng.integers(1, 70)))
    return notice_rows(*rows)


def sum_or_null(rates: list[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if rates and len(known) == len(rates) else None


def dividends_by_hand(table: pl.DataFrame) -> Iterator[tuple[date, tuple[float | None, ...]]]:
    """To the next ex-date, since the last one, next yield, twelve months' yield, last revision, age; close is 1,000."""
    for session in SESSIONS:
        here = CALENDAR.index(session)
        chains: dict[object, list[Row]] = {}
        for row in known_rows(table, session):
            chains.setdefault(row["original_reference_number"], []).append(row)

        def per_price(row: Row, *, session: date = session) -> float | None:
            past = row["ex_date"] is not None and row["ex_date"] <= session
            since = row["ex_date"] - timedelta(days=1) if past else row["published_date"]
            rate = row["dividend_jpy"]
            return None if rate is None else rate * factor(session) / factor(since) / 1000

        newest = [rows[-1] for rows in chains.values() if rows[-1]["status"] != "3"]
        ahead = [row for row in newest if row["ex_date"] and row["ex_date"] > session]
        past = [row for row in newest if row["ex_date"] and row["ex_date"] <= session]
        to_ex = min((row["ex_date"] for row in ahead), default=None)
        year = [row for row in past if row["ex_date"] > session - timedelta(days=365)]
        revised = [rows for rows in chains.values() if len(rows) > 1 and rows[-1]["status"] != "3"]
        latest = max(
            revised,
            key=lambda rows: (
                rows[-1]["available_at"],
                rows[-1]["published_date"],
                rows[-1]["published_time"] or "~",
                rows[-1]["reference_number"],
            ),
            default=None,
        )
        change = None
        if latest and here - first_session(latest[-1]) <= 60:
            both = [per_price(row) for row in latest[:-3:-1]]
            change = None if None in both else both[0] - both[1]
        every = [first_session(row) for rows in chains.values() for row in rows]
        yield (
            session,
            (
                min(CALENDAR.index(to_ex) - here, 120) if to_ex else None,
                min(here - max(CALENDAR.index(row["ex_date"]) for row in past), 250) if past else None,
                sum_or_null([per_price(row) for row in ahead if row["ex_date"] == to_ex]),
                sum_or_null([per_price(row) for row in year]),
                change,
                min(here - max(every), 250) if every else None,
            ),
        )


@pytest.mark.parametrize("seed", range(6))
def test_dividend_notices(seed):
    table = random_notices(stream(seed, "notices"))
    names = ("div_to_ex_sessions", "div_since_ex_sessions", "div_next_yield", "div_yield_12m", "div_rev_last")
    inputs = market(FIRST, LAST, splits=SPLITS, dividends=table)
    found = series(inputs, *names, "div_notice_age_sessions")
    wrong = [
        (session, found[session], expected)
        for session, expected in dividends_by_hand(table)
        if not all(map(close_to, found[session], expected))
    ]
    assert wrong == []


def quarter_ends() -> list[tuple[date, str, date]]:
    """Period end, quarter and fiscal year end of a company whose year ends in March."""
    months = ((6, 30, "1Q"), (9, 30, "2Q"), (12, 31, "3Q"), (3, 31, "FY"))
    years = range(FIRST.year - 2, LAST.year + 1)
    found = [(date(y + (m == 3), m, d), name, date(y + 1, 3, 31)) for y in years for m, d, name in months]
    return [row for row in sorted(found) if row[0] < LAST]


def random_company(rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Documents with corrections and late ones, and announced days with changes and open ones."""
    filed: list[Row] = []
    told: list[Row] = []
    for end, quarter, year_end in quarter_ends():
        due = end + timedelta(days=int(rng.integers(30, 50)))
        common = {"quarter": quarter, "fiscal_year_end_text": "0331"}
        first_told = due - timedelta(days=int(rng.integers(15, 40)))
        named = None if rng.random() < 0.2 else due + timedelta(days=int(rng.integers(-3, 4)))
        told.append({**common, "published_date": first_told, "scheduled_date": named})
        if rng.random() < 0.5:
            told.append({**common, "published_date": first_told + timedelta(days=9), "scheduled_date": due})
        document = {
            "document_type": f"{quarter}FinancialStatements_Consolidated_JP",
            "period_end_date": end,
            "fiscal_year_start_date": date(year_end.year - 1, 4, 1),
            "fiscal_year_end_date": year_end,
        }
        if rng.random() < 0.9:
            late = int(rng.integers(0, 4)) * (rng.random() < 0.3)
            disclosed = due + timedelta(days=int(late))
            filed.append({**document, "disclosed_date": disclosed, "disclosed_time": str(rng.choice(CLOCKS[:5]))})
            if rng.random() < 0.3:
                again = disclosed + timedelta(days=int(rng.integers(1, 60)))
                filed.append({**document, "disclosed_date": again, "disclosed_time": None})
    return {"statements": statement_rows(*filed), "earnings_dates": schedule_rows(*told)}


def disclosures(table: pl.DataFrame, session: date) -> list[Row]:
    """Results of new periods known on a session, each with its event session."""
    seen: dict[object, Row] = {}
    for row in sorted(known_rows(table, session), key=lambda row: (first_session(row), row["disclosed_date"])):
        if row["period_end_date"] not in seen:
            clock, day = row["disclosed_time"], row["disclosed_date"]
            later = timedelta(days=0 if clock is not None and clock < "15:00:00" else 1)
            seen[row["period_end_date"]] = {**row, "event": CALENDAR.index(CALENDAR.on_or_after(day + later))}
    return list(seen.values())


def schedule_by_hand(tables: dict[str, pl.DataFrame], session: date) -> tuple[float | None, float | None]:
    """Sessions to the next results, and their delay."""
    ends = {quarter: [row for row in quarter_ends() if row[1] == quarter] for quarter in ("1Q", "2Q", "3Q", "FY")}
    newest: dict[date, date | None] = {}
    for row in known_rows(tables["earnings_dates"], session):
        due, day = row["scheduled_date"], row["published_date"]
        candidates = [end for end, _, _ in ends[row["quarter"]]]
        end = max(e for e in candidates if e < due) if due else min(candidates, key=lambda e: abs((e - day).days))
        newest[end] = due
    reported = {row["period_end_date"]: row["disclosed_date"] for row in disclosures(tables["statements"], session)}
    last = max(reported, default=date.min)
    waiting = {
        end: due for end, due in newest.items() if end > last and (due is None or CALENDAR.on_or_after(due) >= session)
    }
    if not waiting or waiting[min(waiting)] is None:
        return None, None
    end = min(waiting)
    due = waiting[end]
    assert due is not None
    before = next((e for e in reported if (e.year + 1, e.month) == (end.year, end.month)), None)
    delay = None if before is None else (due - end).days - (reported[before] - before).days
    return CALENDAR.index(CALENDAR.on_or_after(due)) - CALENDAR.index(session), delay


def walk(rng: np.random.Generator) -> dict[str, list[float | None]]:
    """Closes of two stocks, some sessions without a trade."""
    moves = rng.normal(0, 0.02, (2, len(SESSIONS)))
    closes = 1000 * np.exp(np.cumsum(moves, axis=1))
    silent = rng.random(closes.shape) < 0.03
    return {
        code: [None if gone else float(close) for close, gone in zip(row, hole, strict=True)]
        for code, row, hole in zip((CODE, "99990"), closes, silent, strict=True)
    }


def excess_by_hand(closes: dict[str, list[float | None]]) -> list[float | None]:
    """Return of the stock less the mean of both."""

    def move(row: list[float | None], t: int) -> float | None:
        now, before = row[t], row[t - 1] if t else None
        return None if now is None or before is None else now / before - 1

    out: list[float | None] = []
    for t in range(len(SESSIONS)):
        both = [move(row, t) for row in closes.values()]
        own, known = both[0], [x for x in both if x is not None]
        out.append(None if own is None else own - sum(known) / len(known))
    return out


def earnings_by_hand(
    tables: dict[str, pl.DataFrame], excess: list[float | None]
) -> Iterator[tuple[date, tuple[float | None, ...]]]:
    """Age, pending, reaction over one and three sessions, sessions to the next results, delay."""
    start = CALENDAR.index(SESSIONS[0])
    for session in SESSIONS:
        here = CALENDAR.index(session)
        to_next, delay = schedule_by_hand(tables, session)
        known = disclosures(tables["statements"], session)
        if not known:
            yield session, (None, None, None, None, to_next, delay)
            continue
        newest = max(known, key=lambda row: (first_session(row), row["disclosed_date"]))
        event = newest["event"]
        told = [excess[event - start + n] if 0 <= event - start + n <= here - start else None for n in range(3)]
        fresh = here - event <= 250
        three = sum(told) if here >= event + 2 and None not in told else None
        age = min(here - first_session(newest), 250)
        yield session, (age, float(event > here), told[0] if fresh else None, three if fresh else None, to_next, delay)


@pytest.mark.parametrize("seed", range(4))
def test_disclosures_reactions_and_reporting_days(seed):
    rng = stream(seed, "company")
    tables, closes = random_company(rng), walk(rng)
    inputs: FeatureInputs = market(FIRST, LAST, closes=closes, **tables)
    names = ("earn_age_sessions", "earn_pending_flag", "earn_reaction_1d", "earn_reaction_3d")
    found = series(inputs, *names, "earn_to_sessions", "earn_delay_yoy_days")
    wrong = [
        (session, found[session], expected)
        for session, expected in earnings_by_hand(tables, excess_by_hand(closes))
        if not all(map(close_to, found[session], expected))
    ]
    assert wrong == []
