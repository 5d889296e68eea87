"""One document at a time: the figures it reports, on the share basis it uses, in the currency it uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gogoku_pipeline.simulator.accounts import Accounts, accounts
from gogoku_pipeline.simulator.announcements import Announcements, announcements
from gogoku_pipeline.simulator.companies import Companies, companies
from gogoku_pipeline.simulator.documents import RESULTS, Documents, documents
from gogoku_pipeline.simulator.fiscal import FiscalCalendar, fiscal_calendar
from gogoku_pipeline.simulator.guidance import Guidance, guidance, net_profit
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.payouts import Payouts, payouts

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

YEN_PER_DOLLAR = 115.0


@dataclass(frozen=True)
class Archive:
    """Everything the documents of a market are printed from."""

    codes: tuple[str, ...]
    shares: list[float]
    traits: Companies
    calendar: FiscalCalendar
    told: Announcements
    book: Accounts
    plan: Guidance
    paid: Payouts
    documents: Documents
    plan_odp: np.ndarray[tuple[int], np.dtype[np.float64]]
    plan_np: np.ndarray[tuple[int], np.dtype[np.float64]]


@once_per_market
def archive(market: Market) -> Archive:
    """The archive of a market."""
    told, plan, traits = announcements(market), guidance(market), companies(market)
    odp, profit = net_profit(traits, told.issue, plan.sales, plan.op)
    return Archive(
        market.codes,
        market.listings.shares.tolist(),
        traits,
        fiscal_calendar(market),
        told,
        accounts(market),
        plan,
        payouts(market),
        documents(market),
        odp,
        profit,
    )


class Filing:
    """A document with its figures.

    Args:
        archive: the archive of the market.
        place: place of the document.
    """

    def __init__(self, archive: Archive, place: int) -> None:
        self.archive, self.place = archive, place
        papers, told = archive.documents, archive.told
        self.event = int(papers.event[place])
        self.kind = int(papers.kind[place])
        self.minute = int(papers.minute[place])
        self.slip = float(papers.slip[place])
        self.is_results = self.kind == RESULTS
        self.issue = int(told.issue[self.event])
        self.column = int(told.column[self.event])
        self.label = archive.calendar.label(self.issue, self.column)
        self.is_year = self.is_results and self.label == "FY"
        self.first = int(archive.calendar.start[self.issue, self.column])

    @property
    def code(self) -> str:
        """Code of the company's ordinary share."""
        return self.archive.codes[self.issue]

    def rate(self, column: int) -> float:
        """Currency units per yen in the figures of a quarter."""
        return 1.0 / YEN_PER_DOLLAR if column >= self.archive.traits.dollars_from[self.issue] else 1.0

    def standard(self, column: int) -> str:
        """Accounting standard of a quarter: JP, US or IFRS."""
        traits = self.archive.traits
        if column >= traits.ifrs_from[self.issue]:
            return "IFRS"
        return "US" if traits.is_us[self.issue] else "JP"

    @property
    def is_single(self) -> bool:
        """Whether the figures are those of a company without subsidiaries."""
        return self.column < int(self.archive.traits.single_until[self.issue])

    @property
    def document_type(self) -> str:
        """The publisher's name of this kind of document."""
        if not self.is_results:
            return ("", "EarnForecastRevision", "DividendForecastRevision")[self.kind]
        period = self.label if self.label in ("1Q", "2Q", "3Q", "FY") else "OtherPeriod"
        scope = "NonConsolidated" if self.is_single else "Consolidated"
        return f"{period}FinancialStatements_{scope}_{self.standard(self.column)}"

    def to_date(self, name: str) -> float:
        """A flow added up from the beginning of the fiscal year, as this document prints it."""
        values = getattr(self.archive.book, name)[self.issue, self.first : self.column + 1]
        return self._misprinted(float(values.sum()), name)

    @cached_property
    def misprint(self) -> float:
        """Yen by which the net profit is misprinted."""
        profit = float(self.archive.book.np[self.issue, self.first : self.column + 1].sum())
        unit = float(self.archive.traits.unit[self.issue])
        return round(profit * self.slip / unit) * unit

    @property
    def assets(self) -> float:
        """Total assets at the period's end."""
        return float(self.archive.book.assets[self.issue, self.column]) + self.misprint

    @property
    def equity(self) -> float:
        """Equity at the period's end."""
        return float(self.archive.book.equity[self.issue, self.column]) + self.misprint

    @property
    def equity_before(self) -> float:
        """Equity at the beginning of the fiscal year."""
        return float(self.archive.book.equity[self.issue, self.first - 1])

    @cached_property
    def basis(self) -> float:
        """Split basis of the shares this document counts."""
        if self.archive.traits.counts_new_shares[self.issue] or not self.is_results:
            return float(self.archive.paid.basis[self.event])
        return float(self.archive.book.basis[self.issue, self.column])

    @cached_property
    def shares(self) -> int:
        """Issued shares, own ones included."""
        return round(self.archive.shares[self.issue] / self.basis)

    @cached_property
    def own_shares(self) -> int:
        """Shares the company holds itself."""
        return round(self.shares * float(self.archive.book.treasury[self.issue, self.column]))

    @cached_property
    def average_shares(self) -> int:
        """Average of the shares outstanding since the beginning of the fiscal year, on this document's basis."""
        own = self.archive.book.treasury[self.issue, self.first : self.column + 1].mean()
        return round(self.shares * (1.0 - float(own)))

    def per_share(self, yen_per_first_share: float, column: int) -> float:
        """A dividend as printed: on the basis of its record day once that has passed, else of the announcement."""
        return yen_per_first_share * self.dividend_basis(column)

    def dividend_basis(self, column: int) -> float:
        """Split basis of a dividend recorded at a quarter's end."""
        known = self.column if self.is_results else self.column - 1
        if column <= known:
            return float(self.archive.book.basis[self.issue, column])
        return float(self.archive.paid.basis[self.event])

    def _misprinted(self, value: float, name: str) -> float:
        return value + self.misprint if name in ("op", "odp", "np") else value
