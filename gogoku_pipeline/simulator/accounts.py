"""Quarter after quarter: sales, profits, balance sheets, cash flows and shares of every company.

A quarter is compared with the same quarter a year before: margins return to normal slowly, growth goes on, and the
quarter's news (the surprise of the announcement) moves both. Amounts are rounded to the company's unit quarter by
quarter, so figures added up over a fiscal year agree to the yen. Cash flows account for the change in cash; equity
grows by profit less dividends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.companies import NO_PAYOUT, Companies, companies
from gogoku_pipeline.simulator.fiscal import YEARS_BEFORE, fiscal_calendar
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

MARGIN_MEMORY, SALES_MEMORY, SALES_SCALE = 0.7, 0.8, 0.03


@dataclass(frozen=True)
class Accounts:
    """Single quarters, not year to date; arrays [issues, columns], yen unless said.

    Attributes:
        swing: log deviation of sales from their path.
        deviation: deviation of the margin from normal, in standard surprises.
        path: sales without deviation.
        sales, op, odp, np: sales, operating, ordinary and net profit.
        equity, assets: at the quarter's end.
        cfo, cfi, cff: cash flows; they add up to the change in cash.
        cash: at the quarter's end.
        basis: product of split factors up to the quarter's end.
        treasury: share of issued shares the company holds itself.
    """

    swing: Floats
    deviation: Floats
    path: Floats
    sales: Floats
    op: Floats
    odp: Floats
    np: Floats
    equity: Floats
    assets: Floats
    cfo: Floats
    cfi: Floats
    cff: Floats
    cash: Floats
    basis: Floats
    treasury: Floats


@once_per_market
def accounts(market: Market) -> Accounts:
    """The accounts of a market's companies."""
    traits, calendar, told = companies(market), fiscal_calendar(market), announcements(market)
    rng = stream(market.config.seed, "accounts")
    shape = calendar.end.shape
    news = np.where(told.has_news, told.news, rng.normal(0.0, 1.0, shape))
    swing, deviation = _swings(news, rng.normal(0.0, 1.0, shape))
    axis = np.arange(shape[1])
    season = traits.season[:, axis % 4]
    path = traits.sales[:, None] / 4.0 * season * np.exp(traits.growth[:, None] / 4.0 * (axis - 4 * YEARS_BEFORE))
    unit = traits.unit[:, None]
    sales = _rounded(path * np.exp(swing), unit)
    op = _rounded(sales * (traits.margin[:, None] + traits.margin_scale[:, None] * deviation), unit)
    odp = _rounded(op + traits.below_line[:, None] * sales, unit)
    special = (rng.random(shape) < 0.03) * rng.exponential(0.5, shape) * (np.abs(traits.margin[:, None]) * path)
    profit = _rounded(odp * np.where(odp > 0, 1.0 - traits.tax[:, None], 0.95) - special, unit)
    sheets = _sheets(traits, path, profit, rng)
    return Accounts(
        swing,
        deviation,
        path,
        sales,
        op,
        odp,
        profit,
        *sheets,
        split_basis(market, calendar.end_places),
        _treasury(traits, shape),
    )


def expected(traits: Companies, book: Accounts, issue: Places, column: Places, known: Places) -> tuple[Floats, Floats]:
    """Sales and operating profit of a later quarter as seen when quarter `known` is the last one reported.

    Args:
        traits: the companies.
        book: their accounts.
        issue: places, shape [n].
        column: quarters to be judged, later than `known`, shape [n].
        known: last reported quarters, shape [n].
    """
    years = np.maximum((column - known + 3) // 4, 1)
    like = np.maximum(column - 4 * years, 0)
    sales = book.path[issue, column] * np.exp(SALES_MEMORY**years * book.swing[issue, like])
    margin = traits.margin[issue] + traits.margin_scale[issue] * MARGIN_MEMORY**years * book.deviation[issue, like]
    return np.asarray(sales, dtype=np.float64), np.asarray(sales * margin, dtype=np.float64)


def split_basis(market: Market, places: Places) -> Floats:
    """Product of the split factors up to sessions given by place, shape [issues, columns] like `places`."""
    basis = np.ones(places.shape)
    for event in market.splits:
        basis[event.issue, places[event.issue] >= event.session] *= event.factor
    return basis


def _swings(news: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Deviations of sales and margins: what is left of last year's, plus news."""
    swing, deviation = np.zeros_like(news), np.zeros_like(news)
    for column in range(news.shape[1]):
        fresh = 0.5 * news[:, column] + 0.87 * noise[:, column]
        swing[:, column] = SALES_SCALE * fresh
        deviation[:, column] = news[:, column]
        if column >= 4:
            swing[:, column] += SALES_MEMORY * swing[:, column - 4]
            deviation[:, column] += MARGIN_MEMORY * deviation[:, column - 4]
    return swing, deviation


def _sheets(
    traits: Companies, path: Floats, profit: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Equity, assets, the three cash flows and cash."""
    unit = traits.unit[:, None]
    yearly = path / traits.season[:, np.arange(path.shape[1]) % 4] * 4.0
    debts = _rounded(traits.debts[:, None] * yearly * np.exp(rng.normal(0.0, 0.02, path.shape)), unit)
    paid = np.where(traits.payer == NO_PAYOUT, 0.0, traits.payout)[:, None] * np.maximum(profit, 0.0)
    kept = _rounded(profit - paid, unit)
    start = 4 * YEARS_BEFORE
    equity = _rounded(traits.equity[:, None], unit) + np.cumsum(kept, axis=1)
    equity = equity - (np.cumsum(kept, axis=1)[:, start : start + 1])
    floor = _rounded(np.maximum(0.04 * debts, 1.0), unit) + unit
    equity = np.maximum(equity, floor)
    assets = equity + debts
    cash = _rounded(
        np.minimum(traits.cash[:, None] * yearly * np.exp(rng.normal(0.0, 0.1, path.shape)), 0.5 * assets), unit
    )
    wear = 0.01 * yearly
    cfo = _rounded(profit + wear * (1.0 + rng.normal(0.0, 0.8, path.shape)), unit)
    cfi = _rounded(-wear * np.exp(rng.normal(0.0, 0.5, path.shape)), unit)
    change = np.diff(cash, axis=1, prepend=cash[:, :1])
    return equity, assets, cfo, cfi, change - cfo - cfi, cash


def _treasury(traits: Companies, shape: tuple[int, ...]) -> Floats:
    """Own shares: a little more every year."""
    axis = np.arange(shape[1])
    return np.minimum(traits.treasury[:, None] * (1.0 + 0.02 * axis), 0.15)


def _rounded(values: Floats, unit: Floats) -> Floats:
    return np.asarray(np.rint(values / unit) * unit, dtype=np.float64)
