"""Who bought and who sold in a week, by section and type of investor, in whole thousands of yen.

A section's total follows its turnover of the week. In the main section foreigners' balance is FOREIGN_ON_Z x z of their
total, so its sign and rank are those of the planted flow; in the others it is the same with some noise. Individuals,
trust banks, dealers and companies take the other side, each with errors of its own, so sells and buys do not match
exactly. A few weeks are printed wrong at first (an amount moved between individuals and other financials).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.ledgers_orders import turnover
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.truth import SEGMENTS_FROM

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Thousands = npt.NDArray[np.int64]

SECTIONS_BEFORE = {
    "TSE1st": ("0101",),
    "TSE2nd": ("0102",),
    "TSEMothers": ("0104",),
    "TSEJASDAQ": ("0106", "0107"),
}
SECTIONS_AFTER = {"TSEPrime": ("0111",), "TSEStandard": ("0112",), "TSEGrowth": ("0113",)}
WHOLE = "TokyoNagoya"
TYPES: dict[str, tuple[float, float]] = {
    "Prop": (0.120, -0.15),
    "Ind": (0.200, -0.60),
    "Frgn": (0.580, 1.00),
    "SecCo": (0.010, 0.00),
    "InvTr": (0.020, -0.03),
    "BusCo": (0.012, -0.04),
    "OthCo": (0.004, -0.01),
    "InsCo": (0.003, -0.01),
    "Bank": (0.004, -0.01),
    "TrstBnk": (0.035, -0.13),
    "OthFin": (0.012, -0.02),
}
"""Share of the total, and how much of foreigners' balance each type takes."""

FOREIGN_ON_Z, OWN_BALANCE, SIZE_NOISE, SECTION_NOISE = 0.02, 0.01, 0.05, 0.25
NAGOYA_SHARE = 0.001
WRONG_CHANCE = 0.06
FOREIGN, INDIVIDUAL, OTHER_FINANCIAL = (list(TYPES).index(name) for name in ("Frgn", "Ind", "OthFin"))


@dataclass(frozen=True)
class Week:
    """One week's table. Arrays [sections, types] in the order of `sections` and TYPES.

    Attributes:
        first, last: its first and last session.
        sections: names, the whole market last.
        sells, buys: right numbers.
        wrong: what the first printing of `buys` adds (zero for almost all weeks).
    """

    first: date
    last: date
    sections: tuple[str, ...]
    sells: Thousands
    buys: Thousands
    wrong: Thousands

    @property
    def is_wrong_at_first(self) -> npt.NDArray[np.bool_]:
        """Which sections are corrected later, shape [sections]."""
        result: npt.NDArray[np.bool_] = (self.wrong != 0).any(axis=1)
        return result


@once_per_market
def weeks(market: Market) -> tuple[Week, ...]:
    """Every week with a session in the market, in order of market.flows."""
    before, after = np.array(market.listings.market_before), np.array(market.listings.market_after)
    members = np.array(
        [np.isin(before, codes) for codes in SECTIONS_BEFORE.values()]
        + [np.isin(after, codes) for codes in SECTIONS_AFTER.values()],
        dtype=np.float64,
    )
    money = np.array([members @ turnover(market, place) for place in range(len(market.sessions))]) / 1000.0
    flows = market.flows
    return tuple(
        _week(market, number, money[int(start) : int(end) + 1].sum(axis=0))
        for number, (start, end) in enumerate(zip(flows.week_start, flows.week_end, strict=True))
    )


def _week(market: Market, number: int, money: npt.NDArray[np.float64]) -> Week:
    """One week from the turnover of every section, old and new, in thousand yen."""
    flows = market.flows
    first, last = market.sessions[int(flows.week_start[number])], market.sessions[int(flows.week_end[number])]
    is_after = last >= SEGMENTS_FROM
    names = SECTIONS_AFTER if is_after else SECTIONS_BEFORE
    totals = money[len(SECTIONS_BEFORE) :] if is_after else money[: len(SECTIONS_BEFORE)]
    rng = stream(market.config.seed, "investors", number)
    tilt = np.r_[0.0, SECTION_NOISE * rng.standard_normal(len(names) - 1)]
    sells, buys = _split(totals, float(flows.z[number]) + tilt, rng)
    nagoya = np.floor(NAGOYA_SHARE * np.stack([sells.sum(axis=0), buys.sum(axis=0)])).astype(np.int64)
    sells, buys = np.vstack([sells, sells.sum(axis=0) + nagoya[0]]), np.vstack([buys, buys.sum(axis=0) + nagoya[1]])
    return Week(first, last, (*names, WHOLE), sells, buys, _first_error(buys, rng))


def _split(
    totals: npt.NDArray[np.float64], z: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[Thousands, Thousands]:
    """Sells and buys [sections, types] of sections with these one-sided totals and foreign flows."""
    share, takes = (np.array(column) for column in zip(*TYPES.values(), strict=True))
    shape = (len(totals), len(TYPES))
    both = 2.0 * totals[:, None] * share * np.exp(SIZE_NOISE * rng.standard_normal(shape))
    foreign = FOREIGN_ON_Z * z[:, None] * both[:, FOREIGN, None]
    own = OWN_BALANCE * rng.standard_normal(shape) * both
    own[:, FOREIGN] = 0.0
    balance = np.clip(foreign * takes + own, -0.9 * both, 0.9 * both)
    return np.rint((both - balance) / 2.0).astype(np.int64), np.rint((both + balance) / 2.0).astype(np.int64)


def _first_error(buys: Thousands, rng: np.random.Generator) -> Thousands:
    """What the first printing adds to the buys: mostly nothing, else an amount in the wrong column of one section."""
    wrong = np.zeros_like(buys)
    is_wrong, section = rng.random() < WRONG_CHANCE, int(rng.integers(0, len(buys) - 1))
    if is_wrong:
        amount = min(buys[section, INDIVIDUAL] // 50, buys[section, OTHER_FINANCIAL] // 2)
        wrong[[section, -1], INDIVIDUAL] += amount
        wrong[[section, -1], OTHER_FINANCIAL] -= amount
    return wrong
