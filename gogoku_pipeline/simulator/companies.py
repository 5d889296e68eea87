"""The companies behind the issues: how large, how profitable, under which rules they report, how they pay.

Traits are drawn once and fit the company's market value at the start: profit through a price-earnings ratio, equity
through a price-book ratio, sales through a margin. Some earn next to nothing. Nothing here predicts prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.fiscal import YEARS_AFTER, YEARS_BEFORE, fiscal_calendar
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

MODEC = "62690"
POOR_SHARE, LEAST_MARGIN = 0.12, 0.012
NO_PAYOUT, FINAL_ONLY, INTERIM_AND_FINAL = 0, 1, 2
BANKS = frozenset({"7050"})


@dataclass(frozen=True)
class Companies:
    """Traits of the companies; arrays [issues].

    Attributes:
        reports: discloses statements at all (ordinary shares that announce something).
        unit: yen to which amounts are rounded: a thousand or a million.
        sales: sales of a year at the market's start, yen.
        growth: growth of sales a year, log.
        season: share of a quarter in a year's sales times four, shape [issues, 4].
        margin, margin_scale: normal operating margin, and how far one standard surprise moves it.
        below_line: ordinary profit minus operating profit, as a share of sales.
        tax: share of ordinary profit that taxes take.
        equity: equity at the market's start, yen.
        debts: liabilities as a share of a year's sales.
        cash: cash as a share of a year's sales.
        parent_share: the parent's part of the group's figures.
        treasury: share of issued shares the company holds itself.
        ifrs_from: first column reported under IFRS, beyond the last one for none.
        is_us: reports under US GAAP.
        single_until: first column with subsidiaries; reports non-consolidated before, 0 for groups.
        guides, guides_half: publishes forecasts for the year, and for its first half.
        caution: part of the expected profit a first forecast holds back.
        is_diluted: prints diluted earnings.
        counts_new_shares: files the number of shares after a split that follows the period.
        payer: pays nothing, a final dividend, or an interim and a final one.
        payout: part of the profit it wants to pay out.
        is_vague: leaves the dividend forecast undecided until the third quarter.
        dollars_from: first column in which figures are in US dollars.
    """

    reports: Flags
    unit: Floats
    sales: Floats
    growth: Floats
    season: Floats
    margin: Floats
    margin_scale: Floats
    below_line: Floats
    tax: Floats
    equity: Floats
    debts: Floats
    cash: Floats
    parent_share: Floats
    treasury: Floats
    ifrs_from: Places
    is_us: Flags
    single_until: Places
    guides: Flags
    guides_half: Flags
    caution: Floats
    is_diluted: Flags
    counts_new_shares: Flags
    payer: Places
    payout: Floats
    is_vague: Flags
    dollars_from: Places


@once_per_market
def companies(market: Market) -> Companies:
    """The companies of a market."""
    rng = stream(market.config.seed, "companies")
    n = len(market.codes)
    reports = np.zeros(n, dtype=np.bool_)
    reports[announcements(market).issue] = True
    value = market.listings.shares * market.exposures.start_price
    margin, sales_value = _margins(rng, n)
    tax = rng.uniform(0.28, 0.34, n)
    below_line = rng.normal(0.001, 0.003, n)
    below_line = np.maximum(below_line, -0.5 * np.abs(margin))
    profit = value / np.exp(rng.normal(np.log(15.0), 0.4, n))
    earns = margin > LEAST_MARGIN
    sales = np.where(earns, profit / np.where(earns, (margin + below_line) * (1.0 - tax), 1.0), value * sales_value)
    season = np.exp(rng.normal(0.0, 0.12, (n, 4)))
    is_bank = np.array([SECTOR33[place][0] in BANKS for place in market.listings.sector.tolist()])
    standard, single = rng.random(n), rng.random(n)
    is_large = value > np.median(value)
    is_single = (single < np.where(is_large, 0.04, 0.22)) & (standard >= 0.2)
    return Companies(
        reports=reports,
        unit=np.where(value < 1.5e10, 1e3, 1e6),
        sales=sales,
        growth=rng.normal(0.03, 0.05, n),
        season=season / season.mean(axis=1, keepdims=True),
        margin=margin,
        margin_scale=0.25 * np.abs(margin) + 0.004,
        below_line=below_line,
        tax=tax,
        equity=value / np.exp(rng.normal(np.log(1.2), 0.45, n)),
        debts=np.where(is_bank, 25.0, np.exp(rng.normal(np.log(0.6), 0.5, n))),
        cash=np.exp(rng.normal(np.log(0.18), 0.5, n)),
        parent_share=rng.uniform(0.45, 0.9, n),
        treasury=rng.uniform(0.0, 0.04, n) * (rng.random(n) < 0.85),
        ifrs_from=_ifrs_from(market, standard, rng.random(n)),
        is_us=(standard >= 0.19) & (standard < 0.2),
        single_until=np.where(is_single, _single_until(market), 0),
        guides=rng.random(n) >= 0.07,
        guides_half=rng.random(n) < 0.5,
        caution=rng.uniform(0.0, 0.1, n),
        is_diluted=(rng.random(n) < 0.35),
        counts_new_shares=rng.random(n) < 0.5,
        payer=rng.choice([NO_PAYOUT, FINAL_ONLY, INTERIM_AND_FINAL], n, p=[0.12, 0.33, 0.55]),
        payout=rng.uniform(0.2, 0.45, n),
        is_vague=rng.random(n) < 0.06,
        dollars_from=_dollars_from(market, reports, is_single, rng),
    )


def _margins(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Operating margins; one company in eight earns next to nothing, and its sales are drawn against its value."""
    margin = np.clip(np.exp(rng.normal(np.log(0.07), 0.6, n)), 0.012, 0.35)
    poor = rng.random(n) < POOR_SHARE
    margin = np.where(poor, rng.uniform(-0.05, LEAST_MARGIN, n), margin)
    return margin, np.exp(rng.normal(0.0, 0.5, n))


def dollar_reporter(market: Market) -> str:
    """Code of the company that reports in US dollars from 2022 on, MODEC where it is listed; no row says so."""
    places = np.flatnonzero(companies(market).dollars_from < fiscal_calendar(market).columns)
    return market.codes[int(places[0])] if len(places) else ""


def _ifrs_from(market: Market, standard: Floats, draws: Floats) -> Places:
    """15 % always, 3 % from a fiscal year inside the market on, the others never."""
    change = _some_year(market, draws)
    result = np.where(standard < 0.15, 0, np.where(standard < 0.18, change, fiscal_calendar(market).columns))
    return np.asarray(result, dtype=np.int64)


def _single_until(market: Market) -> Places:
    """One company in eight without subsidiaries gets some and reports consolidated from the next fiscal year on."""
    rng = stream(market.config.seed, "first-subsidiaries")
    draws, change = rng.random((2, len(market.codes)))
    result = np.where(draws < 0.125, _some_year(market, change), fiscal_calendar(market).columns)
    return np.asarray(result, dtype=np.int64)


def _some_year(market: Market, draws: Floats) -> Places:
    """First column of a fiscal year of each issue, somewhere in the market."""
    calendar = fiscal_calendar(market)
    years = (calendar.columns - 4 * YEARS_AFTER - 4 * YEARS_BEFORE) * draws
    column = 4 * YEARS_BEFORE + years.astype(np.int64)
    return np.asarray(calendar.start[np.arange(len(draws)), column], dtype=np.int64)


def _dollars_from(market: Market, reports: Flags, is_single: Flags, rng: np.random.Generator) -> Places:
    """One company, from its first fiscal year that begins in 2022."""
    calendar = fiscal_calendar(market)
    n, columns = calendar.end.shape
    result = np.full(n, columns, dtype=np.int64)
    able = np.flatnonzero(reports & ~is_single)
    draw = int(rng.integers(0, max(len(able), 1)))
    if len(able) == 0:
        return result
    place = market.codes.index(MODEC) if MODEC in market.codes else int(able[draw])
    starts = [c for c in range(columns) if calendar.start[place, c] == c and calendar.period_end(place, c).year >= 2022]
    result[place] = starts[0] if starts else columns
    return result
