"""/fins/dividend: the log of dividend notices, delivered at the full hours from 12:00 to 19:00."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.fiscal import fiscal_calendar
from gogoku_pipeline.simulator.notices import FINAL, Notices, ex_day, notices
from gogoku_pipeline.simulator.other_rows import exchange_calendar
from gogoku_pipeline.simulator.payouts import payouts

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Row = dict[str, Any]

FIRST_HOUR, LAST_HOUR = 12, 19
TAX_COLUMNS_FROM, SPECIAL_RATES_FROM = date(2014, 2, 24), date(2022, 6, 6)
COMMEMORATIVE, SPECIAL, BOTH = 1, 2, 3
UNDECIDED, NOT_SET = "-", ""
DAYS_TO_PAYMENT = {True: 85, False: 66}
_TAX_KEYS = ("DistAmt", "RetEarn", "DeemDiv", "DeemCapGains", "NetAssetDecRatio")
KEYS = (
    "PubDate",
    "PubTime",
    "Code",
    "RefNo",
    "StatCode",
    "BoardDate",
    "IFCode",
    "FRCode",
    "IFTerm",
    "DivRate",
    "RecDate",
    "ExDate",
    "ActRecDate",
    "PayDate",
    "CARefNo",
    *_TAX_KEYS,
    "CommSpecCode",
    "CommDivRate",
    "SpecDivRate",
)


def delivered_until(day: date, now: datetime) -> int:
    """Minute of a day up to which its notices have been delivered at an instant; -1 for none yet."""
    wall = now.replace(tzinfo=None)
    hours = int((wall - datetime.combine(day, time())) // timedelta(hours=1))
    return -1 if hours < FIRST_HOUR else min(hours, LAST_HOUR) * 60


def rows_of_day(market: Market, day: date, now: datetime) -> Sequence[Row]:
    """Notices of a publication day as delivered at an instant, in order of their numbers."""
    place = bisect_left(market.sessions, day)
    until = delivered_until(day, now)
    if until < 0 or place == len(market.sessions) or market.sessions[place] != day:
        return []
    log, calendar = notices(market), exchange_calendar()
    return [_row(market, log, calendar, notice) for notice in log.on(place) if int(log.minute[notice]) <= until]


def version(market: Market, day: date, now: datetime) -> Hashable:
    """Changes with every delivery."""
    return delivered_until(day, now)


def _row(market: Market, log: Notices, calendar: SessionCalendar, place: int) -> Row:
    event, part = int(log.event[place]), int(log.part[place])
    issue = int(announcements(market).issue[event])
    published, minute = market.sessions[int(log.session[place])], int(log.minute[place])
    record = fiscal_calendar(market).period_end(issue, int(log.column[place]))
    is_open, is_decided = bool(log.is_open[place]), bool(log.is_decided[place])
    rate = round(float(log.rate[place]), 2)
    row: Row = {
        "PubDate": published.isoformat(),
        "PubTime": f"{minute // 60:02d}:{minute % 60:02d}",
        "Code": market.codes[issue],
        "RefNo": _reference(market, log, place),
        "StatCode": str(int(log.status[place])),
        "BoardDate": published.isoformat(),
        "IFCode": str(part),
        "FRCode": "1" if is_decided else "2",
        "IFTerm": record.strftime("%Y-%m"),
        "DivRate": UNDECIDED if is_open else rate,
        "RecDate": record.isoformat(),
        "ExDate": ex_day(calendar, record).isoformat(),
        "ActRecDate": calendar.on_or_before(record).isoformat(),
        "PayDate": _payment_day(calendar, record, part, is_decided=is_decided, is_open=is_open),
        "CARefNo": _reference(market, log, int(log.origin[place])),
    }
    row |= _tax_columns(published, event, rate, is_decided=is_decided)
    return row | _special_columns(market, published, event, round(float(log.special[place]), 2))


def _reference(market: Market, log: Notices, place: int) -> str:
    day = market.sessions[int(log.session[place])]
    return f"{day:%Y%m%d}1B{int(log.number[place]):05d}"


def _payment_day(calendar: SessionCalendar, record: date, part: int, *, is_decided: bool, is_open: bool) -> str:
    """Known once decided; a forecast leaves it open, or blank where even the rate is open."""
    if not is_decided:
        return NOT_SET if is_open else UNDECIDED
    return calendar.on_or_after(record + timedelta(days=DAYS_TO_PAYMENT[part == FINAL])).isoformat()


def _tax_columns(published: date, event: int, rate: float, *, is_decided: bool) -> Row:
    """Filled where a dividend comes out of capital surplus, about one decided notice in fifty."""
    if published < TAX_COLUMNS_FROM or not is_decided or event % 50 != 7 or rate <= 0:
        return dict.fromkeys(_TAX_KEYS, NOT_SET)
    earned = round(rate * 0.6, 2)
    return {
        "DistAmt": rate,
        "RetEarn": earned,
        "DeemDiv": UNDECIDED,
        "DeemCapGains": round(rate - earned, 2),
        "NetAssetDecRatio": 0.012,
    }


def _special_columns(market: Market, published: date, event: int, special: float) -> Row:
    """What is paid once: for an anniversary, for a special reason, or half for either."""
    kind = int(payouts(market).kind[event]) if special > 0 else 0
    row: Row = {"CommSpecCode": str(kind), "CommDivRate": NOT_SET, "SpecDivRate": NOT_SET}
    if kind == 0 or published < SPECIAL_RATES_FROM:
        return row
    commemorative = {COMMEMORATIVE: special, SPECIAL: 0.0, BOTH: round(special / 2, 2)}[kind]
    if commemorative > 0:
        row["CommDivRate"] = commemorative
    if commemorative < special:
        row["SpecDivRate"] = round(special - commemorative, 2)
    return row


BOOK = Book(
    path="/fins/dividend",
    lowest_plan="premium",
    starts=date(2013, 2, 20),
    day=rows_of_day,
    event="PubDate",
    keys=KEYS,
    version=version,
)
