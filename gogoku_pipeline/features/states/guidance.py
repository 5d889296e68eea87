"""What a company promises, as known on each session: its forecast of the running year and how that has moved.

Forecasts are a state per target year: those of quarterly and revision documents are about their own fiscal year, those
of a full-year document about the next one. The running year is the one the newest forecast speaks of, among years
whose results are not known yet. Results that leave a figure open withdraw it. Forecasts hold for 250 sessions after
the newest document with one. A revision is a change of the operating profit forecast for the same year; the first
forecast of a year is none.
Source: features.md 3.17; J-Quants /fins/summary (F*, NxF*).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import polars as pl

from gogoku_pipeline.features.states.documents import documents
from gogoku_pipeline.features.states.forecasts import UNKNOWN, ForecastBook, Newest, Said, newest
from gogoku_pipeline.features.states.lifetimes import Lifetime, release_rows
from gogoku_pipeline.features.states.state import Known, State

FORECAST_SESSIONS = 250
REVISION_SESSIONS = 250
SALES, OP, NP = range(3)

FORECASTS = {
    "op": "Forecast operating profit of the running fiscal year, yen.",
    "op_before": "The newest forecast of it for the same year from an earlier day; null with one forecast only.",
    "sales": "Forecast sales of the running fiscal year, yen.",
    "np": "Forecast profit of the running fiscal year, yen.",
    "np_before": "The newest forecast of it for the same year from an earlier day; null with one forecast only.",
    "np_known": "Number of the session from which the newest profit forecast was usable.",
    "year_end": "Last day of the running fiscal year, days since 1970-01-01.",
}
AGES = {
    "told": "Number of the session from which the newest forecast of the running year was usable; never expires.",
    "revised": "Number of the session from which the newest revision of the operating profit was usable.",
    "net_250d": "Upward less downward revisions of the operating profit in 250 sessions.",
    "yen": "1 where the figures are in yen, null where they are in another currency.",
}
COLUMNS = {**FORECASTS, **AGES}

LIFETIMES = (Lifetime("told", FORECAST_SESSIONS, tuple(FORECASTS)),)


class Document(NamedTuple):
    """One document as the replay reads it; days since 1970-01-01."""

    code: str
    number: int
    order: int
    day: int
    is_results: bool
    period_end: int
    year_end: int
    target: int | None
    is_yen: bool
    sales: float
    op: float
    np: float
    serial: str


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever something known about an issue's forecasts changes."""
    rows: list[tuple[object, ...]] = []
    for code, mine in groupby(map(Document._make, _told(known).iter_rows()), key=itemgetter(0)):
        company = Company()
        told = ((number, company.hear(list(group))) for number, group in groupby(mine, key=itemgetter(1)))
        rows.extend((code, number, *values) for number, values in company.points(list(told)))
    schema = {"code": pl.String(), "number": pl.Int64(), **dict.fromkeys(COLUMNS, pl.Float64())}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(*COLUMNS).fill_nan(None))
    return release_rows(frame, LIFETIMES, known.sessions)


class Company:
    """The guidance of one company, document by document."""

    def __init__(self) -> None:
        self.book = ForecastBook()
        self.reported = -(2**31)
        self.promised: dict[int, float] = {}
        self.revisions: list[tuple[int, int]] = []
        self.has_guided = False

    def hear(self, documents: list[Document]) -> tuple[float, ...]:
        """Take all documents that became usable with one session; returns the columns but `net_250d`, see `points`."""
        for document in documents:
            self._take(document)
        target = self.book.running(self.reported)
        said = self.book.days(target)
        op, profit = newest(said, OP), newest(said, NP)
        self._revise(target, op, documents[0].number)
        return (
            *(op.value, op.before, newest(said, SALES).value),
            *(profit.value, profit.before, profit.number),
            UNKNOWN if target is None else float(target),
            UNKNOWN if target is None else self.book.told(target),
            float(self.revisions[-1][0]) if self.revisions else UNKNOWN,
            0.0 if self.has_guided else UNKNOWN,
            1.0 if documents[-1].is_yen else UNKNOWN,
        )

    def points(self, told: list[tuple[int, tuple[float, ...]]]) -> Iterator[tuple[int, tuple[float, ...]]]:
        """The rows of `hear`, and those on which a revision grows too old to count, with the net count in place."""
        rows = dict(told)
        place = tuple(COLUMNS).index("net_250d")
        held: tuple[float, ...] = ()
        for number in sorted({*rows, *(since + REVISION_SESSIONS for since, _ in self.revisions)}):
            held = rows.get(number, held)
            net = sum(sign for since, sign in self.revisions if number - REVISION_SESSIONS < since <= number)
            yield number, (*held[:place], held[place] + net, *held[place + 1 :])

    def _take(self, document: Document) -> None:
        if document.is_results and document.period_end == document.year_end:
            self.reported = max(self.reported, document.year_end)
        if document.target is None:
            return
        slot = (document.period_end, document.year_end) if document.is_results else document.serial
        values = (document.sales, document.op, document.np)
        said = Said(document.order, document.day, document.number, document.order, values, document.is_results)
        self.book.tell(document.target, slot, said)

    def _revise(self, target: int | None, op: Newest, number: int) -> None:
        if target is None or op.value != op.value:
            return
        promised = self.promised.get(target, op.value)
        if op.value != promised:
            self.revisions.append((number, 1 if op.value > promised else -1))
        self.promised[target] = op.value
        self.has_guided = True


def _told(known: Known) -> pl.DataFrame:
    """Documents with results or forecasts, in the order of `Document`."""
    names = ("sales_jpy", "operating_profit_jpy", "profit_jpy")
    wanted = (*(f"forecast_{name}" for name in names), *(f"next_forecast_{name}" for name in names))
    filed = documents(known, *wanted, "next_fiscal_year_end_date").drop_nulls("fiscal_year_end_date")
    is_year = pl.col("document_type").str.starts_with("FYFinancialStatements")
    end = pl.col("fiscal_year_end_date")
    later = end.dt.offset_by("1y")
    year_later = pl.when(end == end.dt.month_end()).then(later.dt.month_end()).otherwise(later)
    target = pl.when(is_year).then(pl.coalesce("next_fiscal_year_end_date", year_later)).otherwise(end)
    figures = [pl.when(is_year).then(f"next_forecast_{name}").otherwise(f"forecast_{name}") for name in names]
    rows = filed.select(
        "code",
        "number",
        "order",
        _day(pl.col("disclosed_date")).alias("day"),
        "is_results",
        _day(pl.col("period_end_date")).fill_null(-1).alias("period_end"),
        _day(end).alias("year_end"),
        _day(target).alias("target"),
        (pl.col("currency") == "JPY").alias("is_yen"),
        *(
            figure.cast(pl.Float64).fill_null(UNKNOWN).alias(name)
            for name, figure in zip(("sales", "op", "np"), figures, strict=True)
        ),
        pl.col("disclosure_number").alias("serial"),
    )
    told = pl.any_horizontal(pl.col(name).is_not_nan() for name in ("sales", "op", "np"))
    return rows.filter(pl.col("is_results") | told)


def _day(day: pl.Expr) -> pl.Expr:
    return day.to_physical().cast(pl.Int64)


STATE = State(
    alias="gd",
    axis="release",
    tables=("statements",),
    unit="code",
    columns=COLUMNS,
    stage=stage,
)
