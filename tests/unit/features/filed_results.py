"""Results and forecasts filed by one company, written by hand, and what the states make of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.state import Known, State
from tests.unit.features.company_rows import CODE, statement_rows

Row = dict[str, Any]
SESSIONS = tse_calendar(end=date(2026, 6, 30)).sessions
FIGURES = {
    "sales": "sales_jpy",
    "op": "operating_profit_jpy",
    "np": "profit_jpy",
    "cfo": "operating_cash_flow_jpy",
    "cfi": "investing_cash_flow_jpy",
    "ta": "total_assets_jpy",
    "eq": "equity_jpy",
    "cash": "cash_jpy",
    "issued": "issued_shares",
    "own": "treasury_shares",
}
MONTHS = {(end.month, end.day) for end in (date(2023, 3, 31), date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31))}


def year(starts: date) -> tuple[date, date]:
    """A fiscal year of twelve months from its first day."""
    return starts, date(starts.year + 1, starts.month, starts.day) - timedelta(days=1)


def results(end: date, of: tuple[date, date], *, basis: str = "Consolidated_JP", **said: Any) -> Row:
    """A results document 40 days after its period; `said` are figures by short name or columns."""
    label = "FY" if end == of[1] else f"{round((end - of[0]).days / 91)}Q"
    label = label if label in ("1Q", "2Q", "3Q", "FY") else "OtherPeriod"
    return {
        "disclosed_date": end + timedelta(days=40),
        "disclosed_time": "15:00:00",
        "document_type": f"{label}FinancialStatements_{basis}",
        "period_type": label,
        "period_end_date": end,
        "fiscal_year_start_date": of[0],
        "fiscal_year_end_date": of[1],
        **{FIGURES.get(name, name): value for name, value in said.items()},
    }


def revision(disclosed: date, of: tuple[date, date], **said: Any) -> Row:
    """A revision of the forecast for a fiscal year."""
    return {
        "disclosed_date": disclosed,
        "disclosed_time": "15:00:00",
        "document_type": "EarnForecastRevision",
        "period_end_date": of[1],
        "fiscal_year_start_date": of[0],
        "fiscal_year_end_date": of[1],
        **said,
    }


def forecast(op: float | None = None, np: float | None = None, sales: float | None = None, ahead: bool = False) -> Row:
    """Columns of a forecast, of the next year where it is `ahead`."""
    prefix = "next_forecast" if ahead else "forecast"
    return {
        f"{prefix}_sales_jpy": sales,
        f"{prefix}_operating_profit_jpy": op,
        f"{prefix}_profit_jpy": np,
    }


def quarters_of(of: tuple[date, date], cumulated: Mapping[date, float], item: str = "sales") -> list[Row]:
    """One document per period end with the year to date of one figure."""
    return [results(end, of, **{item: value}) for end, value in cumulated.items()]


def known(*rows: Row, factors: pl.DataFrame | None = None, last: date = SESSIONS[-1]) -> Known:
    """What staging functions are given once these documents lie in the table."""
    sessions = pl.Series("session", [day for day in SESSIONS if day <= last])
    events = (
        pl.DataFrame({"session": [SESSIONS[0]], "code": [CODE], "factor": [1.0], "volume_factor": [1.0]})
        if factors is None
        else factors
    )
    nothing = pl.DataFrame()
    return Known({"statements": statement_rows(*rows)}, nothing, nothing, sessions, time(19, 0), events)


def stated(state: State, *rows: Row, **more: Any) -> dict[date, Row]:
    """Session from which something changes to all that is said from then on, for the one company."""
    return rows_of(state.frame(known(*rows, **more)))


def rows_of(frame: pl.DataFrame) -> dict[date, Row]:
    """Known session to the row in force; of several, the last."""
    return {row["known_session"]: row for row in frame.sort("release").iter_rows(named=True)}


def newest(state: State, *rows: Row) -> Row:
    """What is said right after the last of these documents became usable."""
    made = state.frame(known(*rows)).filter(pl.col("known_session").is_not_null())
    last = max(row["disclosed_date"] for row in rows)
    usable = made.filter(pl.col("known_session") >= last).sort("release")
    return usable.row(0, named=True)
