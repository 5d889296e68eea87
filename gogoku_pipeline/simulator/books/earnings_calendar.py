"""/equities/earnings-calendar: who reports on the next session, renewed about 19:00; yesterday's list is gone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.code_lists import MARKET_NAMES, SECTOR33
from gogoku_pipeline.simulator.documents import EPOCH
from gogoku_pipeline.simulator.fiscal import fiscal_calendar
from gogoku_pipeline.simulator.other_rows import exchange_calendar
from gogoku_pipeline.simulator.schedules import schedules
from gogoku_pipeline.simulator.truth import SEGMENTS_FROM

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

PATH = "/equities/earnings-calendar"
KEYS = ("Date", "Code", "CoName", "FY", "SectorNm", "FQ", "Section")
RENEWED_AT = time(19, 0)
YEAR_ENDS = (3, 9)
QUARTERS = {"1Q": "第１四半期", "2Q": "第２四半期", "3Q": "第３四半期", "FY": "通期"}
ONE_UNDATED_IN = 97


def rows_now(market: Market, now: datetime) -> list[dict[str, str]]:
    """The list in force at an instant: companies with a March or September year end that report next."""
    calendar, exchange = fiscal_calendar(market), exchange_calendar()
    wall = now.replace(tzinfo=None)
    day = wall.date() if wall.time() >= RENEWED_AT else wall.date() - timedelta(days=1)
    made_on = exchange.on_or_before(day)
    target = exchange.shift(made_on, 1)
    known = exchange.shift(made_on, -1)
    plans = schedules(market)
    sections = market.listings.market_after if target >= SEGMENTS_FROM else market.listings.market_before
    rows = []
    for place in plans.valid_for((target - EPOCH).days, (known - EPOCH).days):
        issue, column = int(plans.issue[place]), int(plans.column[place])
        year_end = calendar.year_end(issue, column)
        if year_end.month not in YEAR_ENDS:
            continue
        values = (
            "" if (issue * 31 + column) % ONE_UNDATED_IN == 0 else target.isoformat(),
            market.codes[issue],
            market.listings.names[issue],
            f"{year_end.month}月{year_end.day}日",
            SECTOR33[int(market.listings.sector[issue])][1],
            QUARTERS[calendar.label(issue, column)],
            MARKET_NAMES[sections[issue]],
        )
        rows.append(dict(zip(KEYS, values, strict=True)))
    return sorted(rows, key=lambda row: row["Code"])
