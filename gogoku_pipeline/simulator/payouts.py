"""Dividend policy: how profit forecasts become dividends per share, decided or still forecast.

A company follows its payout ratio upwards by half a step at a time and cuts only in bad years. Rates are kept per
share of the market's first session; whoever prints one multiplies it by the split basis of that day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.companies import FINAL_ONLY, NO_PAYOUT, companies
from gogoku_pipeline.simulator.guidance import guidance, net_profit
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

WORTH_A_NOTICE = 0.08
"""Share of a year's dividend by which it must differ before a forecast is changed within the year."""


@dataclass(frozen=True)
class Payouts:
    """Dividends as of each announcement, yen per share of the first session; arrays [announcements].

    Attributes:
        interim, final: of the fiscal year that is forecast, special parts included.
        paid_interim, paid_final: of the fiscal year that ended; only with results of a full year.
        special: part of `paid_final` that is paid once.
        kind: 0 nothing special, 1 commemorative, 2 special, 3 both.
        is_changed: the forecast of the running year differs from the one before.
        basis: split basis on the day of the announcement.
    """

    interim: Floats
    final: Floats
    paid_interim: Floats
    paid_final: Floats
    special: Floats
    kind: Places
    is_changed: Flags
    basis: Floats


@once_per_market
def payouts(market: Market) -> Payouts:
    """The dividends of a market's companies."""
    traits, told, plan = companies(market), announcements(market), guidance(market)
    n, basis = len(told), basis_at(market, told.issue, told.session)
    _, profit = net_profit(traits, told.issue, plan.sales, plan.op)
    per_share = profit / market.listings.shares[told.issue]
    kind, once = _specials(market, n)
    interim, final, paid_interim, paid_final, special = (np.zeros(n) for _ in range(5))
    is_changed = np.zeros(n, dtype=np.bool_)
    state = _openings(market, per_share, basis)
    for wave in told.waves():
        issue, column, factor = told.issue[wave], told.column[wave], basis[wave]
        is_year = told.is_result[wave] & (plan.first[wave] == column + 1)
        special[wave] = np.where(is_year & (kind[wave] > 0), on_grid(state[1][issue] * once[wave], factor), 0.0)
        paid_interim[wave] = np.where(is_year, state[0][issue], 0.0)
        paid_final[wave] = np.where(is_year, state[1][issue] + special[wave], 0.0)
        wanted = _wanted(traits.payout[issue] * per_share[wave], state[0][issue] + state[1][issue])
        parts = _split(traits.payer[issue], wanted, factor)
        gap = np.abs(wanted - state[0][issue] - state[1][issue])
        is_large = gap > WORTH_A_NOTICE * (state[0][issue] + state[1][issue])
        moves = is_year | (plan.is_changed[wave] & traits.guides[issue] & is_large)
        is_open = is_year | (column <= plan.first[wave] + ~told.is_result[wave])
        interim_now = np.where(moves & is_open, parts[0], state[0][issue])
        final_now = np.where(moves, parts[1], state[1][issue])
        is_changed[wave] = ~is_year & ((interim_now != state[0][issue]) | (final_now != state[1][issue]))
        state[0][issue], state[1][issue] = interim_now, final_now
        interim[wave], final[wave] = interim_now, final_now
    kind = np.where(special > 0, kind, 0)
    return Payouts(interim, final, paid_interim, paid_final, special, kind, is_changed, basis)


def basis_at(market: Market, issue: Places, session: Places) -> Floats:
    """Product of an issue's split factors up to a session, for many (issue, session) pairs sorted by issue."""
    basis = np.ones(len(issue))
    for event in market.splits:
        first, stop = np.searchsorted(issue, [event.issue, event.issue + 1])
        later = session[first:stop] >= event.session
        basis[first:stop][later] *= event.factor
    return basis


def on_grid(rate: Floats, basis: Floats) -> Floats:
    """A rate per first-session share that prints as a multiple of half a yen (a yen from 20 on) on a split basis."""
    printed = rate * basis
    step = np.where(printed >= 20.0, 1.0, 0.5)
    return np.asarray(np.rint(printed / step) * step / basis, dtype=np.float64)


def _wanted(target: Floats, old: Floats) -> Floats:
    """The dividend of a year: half a step up towards the target, down only when the profit does not carry it."""
    up = old + 0.5 * np.maximum(target - old, 0.0)
    cut = np.where(target <= 0, 0.5 * old, np.maximum(1.2 * target, 0.5 * old))
    return np.asarray(np.where(old > 2.0 * np.maximum(target, 0.0), cut, up), dtype=np.float64)


def _split(payer: Places, yearly: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Interim and final part of a year's dividend."""
    interim = np.where(payer <= FINAL_ONLY, 0.0, on_grid(yearly * 0.48, basis))
    final = np.where(payer == NO_PAYOUT, 0.0, on_grid(np.maximum(yearly - interim, 0.0), basis))
    return interim, final


def _openings(market: Market, per_share: Floats, basis: Floats) -> tuple[Floats, Floats]:
    """Dividends in force before a company's first announcement, shape [issues] each."""
    traits, told = companies(market), announcements(market)
    interim, final = np.zeros(len(market.codes)), np.zeros(len(market.codes))
    who, places = np.unique(told.issue, return_index=True)
    wanted = np.maximum(traits.payout[who] * per_share[places], 0.0) * 0.9
    interim[who], final[who] = _split(traits.payer[who], wanted, basis[places])
    return interim, final


def _specials(market: Market, n: int) -> tuple[Places, Floats]:
    """Which announcements of a full year would carry a once-only part, and how large it is against the final one."""
    rng = stream(market.config.seed, "special-dividends")
    kind = rng.choice([0, 1, 2, 3], n, p=[0.93, 0.03, 0.03, 0.01])
    return np.asarray(kind, dtype=np.int64), rng.uniform(0.2, 0.6, n)
