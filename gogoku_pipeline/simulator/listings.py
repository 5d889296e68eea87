"""Which issues exist, from when to when, under which codes, in which sector, section and size class.

Every market holds, whatever its size: ordinary shares, a preferred share, the Nikkei 225 ETF 13210 and other funds in
section 0109, an issue with a letter code, issues that list later and issues that leave. Listing and delisting dates
are drawn beforehand and have nothing to do with prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.config import MarketConfig

FUNDS = (("13210", "日経225連動型　上場投信"), ("13060", "TOPIX連動型　上場投信"), ("15550", "豪州リート　上場投信"))
LETTER_CODE = "130A0"
PREFERRED_CLASS = "5"


@dataclass(frozen=True)
class Listings:
    """The issues of a market, columns in code order; all arrays have shape [issues].

    Attributes:
        codes: five characters.
        names, names_english: as the master prints them.
        sector: place in code_lists.SECTOR33.
        market_before, market_after: section codes before and from 2022-04-04 on.
        scale: TOPIX size class.
        product: ProdCat.
        margin: margin class.
        first, last: first and last session (indices) on which the issue is listed.
        shares: shares outstanding at the start, on the basis of the first session.
        is_stock: ordinary domestic shares; only these carry planted effects.
        is_fund: funds of section 0109, without a market value.
        is_fine: TOPIX 500 members, which have finer ticks.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    names_english: tuple[str, ...]
    sector: npt.NDArray[np.int16]
    market_before: tuple[str, ...]
    market_after: tuple[str, ...]
    scale: tuple[str, ...]
    product: tuple[str, ...]
    margin: tuple[str, ...]
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float64]
    is_stock: npt.NDArray[np.bool_]
    is_fund: npt.NDArray[np.bool_]
    is_fine: npt.NDArray[np.bool_]

    def listed(self, session: int) -> npt.NDArray[np.bool_]:
        """Which issues are listed on a session (by index), shape [issues]."""
        return (self.first <= session) & (session <= self.last)


def make_listings(config: MarketConfig) -> Listings:
    """Draw the issues of a market from its seed."""
    rng = stream(config.seed, "listings")
    codes, parent_of_preferred = _codes(config.n_issues, rng)
    n = len(codes)
    fund_codes = {code for code, _ in FUNDS}
    is_fund = np.array([code in fund_codes for code in codes])
    is_preferred = np.array([code.endswith(PREFERRED_CLASS) for code in codes])
    is_stock = ~is_fund & ~is_preferred
    sector = np.where(is_fund, len(SECTOR33) - 1, rng.integers(0, len(SECTOR33) - 1, n)).astype(np.int16)
    value = np.exp(rng.normal(np.log(4e10), 1.5, n))
    value[is_fund] = 5e11
    sector[is_preferred] = sector[codes.index(parent_of_preferred)]
    first, last = _intervals(config, codes, is_stock, rng)
    order = np.argsort(np.argsort(np.where(is_stock, -value, np.inf)))
    n_stocks = int(is_stock.sum())
    scale = [_scale(place / n_stocks) if place < n_stocks else "-" for place in order.tolist()]
    before, after = _sections(is_fund, order / n_stocks, rng)
    return Listings(
        codes=tuple(codes),
        names=tuple(_name(code, fund_codes) for code in codes),
        names_english=tuple(f"SIM {code} {'FUND' if code in fund_codes else 'CORPORATION'}" for code in codes),
        sector=sector,
        market_before=before,
        market_after=after,
        scale=tuple(scale),
        product=tuple("014" if fund else "011" for fund in is_fund),
        margin=tuple(rng.choice(["1", "2", "2", "3"], n).tolist()),
        first=first,
        last=last,
        shares=np.rint(value / _typical_price(rng, n) / 100.0) * 100.0,
        is_stock=is_stock,
        is_fund=is_fund,
        is_fine=np.array([label in ("TOPIX Core30", "TOPIX Large70", "TOPIX Mid400") for label in scale]),
    )


def _codes(n: int, rng: np.random.Generator) -> tuple[list[str], str]:
    """N distinct codes in text order, and the ordinary share whose company also has a preferred one."""
    fixed = [code for code, _ in FUNDS] + [LETTER_CODE]
    taken = {int(code[:4]) for code, _ in FUNDS}
    pool = np.array([number for number in range(1332, 10000) if number not in taken])
    numbers = rng.choice(pool, size=n - len(fixed) - 1, replace=False)
    ordinary = [f"{number}0" for number in numbers]
    parent = ordinary[0]
    return sorted([*fixed, *ordinary, parent[:4] + PREFERRED_CLASS]), parent


def _intervals(
    config: MarketConfig, codes: list[str], is_stock: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """First and last session of each issue: about 2.5 % a year arrive and 1.5 % a year leave, at least two of each."""
    n, n_sessions = len(codes), config.n_sessions
    first = np.zeros(n, dtype=np.int32)
    last = np.full(n, n_sessions - 1, dtype=np.int32)
    stocks = rng.permutation(np.flatnonzero(is_stock))
    years = n_sessions / 245.0
    arriving = max(2, round(0.025 * years * n))
    leaving = max(2, round(0.015 * years * n))
    letter = codes.index(LETTER_CODE)
    stocks = np.array([letter, *[place for place in stocks if place != letter]])
    first[stocks[:arriving]] = rng.integers(n_sessions // 8, n_sessions * 7 // 8, arriving)
    last[stocks[arriving : arriving + leaving]] = rng.integers(n_sessions // 4, n_sessions * 9 // 10, leaving)
    return first, last


def _scale(share: float) -> str:
    """TOPIX size class of the stock at this share of the ranking by market value, in the real proportions."""
    for bound, label in ((0.014, "TOPIX Core30"), (0.046, "TOPIX Large70"), (0.23, "TOPIX Mid400")):
        if share < bound:
            return label
    return "TOPIX Small 1" if share < 0.45 else "TOPIX Small 2" if share < 0.9 else "-"


def _sections(
    is_fund: npt.NDArray[np.bool_], size_place: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Section before and after the reorganisation of 2022-04-04, larger companies in the higher sections."""
    before, after = [], []
    for fund, place, draw in zip(is_fund, size_place, rng.random(len(is_fund)), strict=True):
        if fund:
            pair = ("0109", "0109")
        elif place < 0.55:
            pair = ("0101", "0111" if draw < 0.85 else "0112")
        elif place < 0.68:
            pair = ("0102", "0112")
        elif place < 0.85:
            pair = ("0106", "0112") if draw < 0.9 else ("0107", "0113")
        else:
            pair = ("0104", "0113")
        before.append(pair[0])
        after.append(pair[1])
    return tuple(before), tuple(after)


def _typical_price(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    return np.exp(rng.normal(np.log(1500.0), 0.5, n))


def _name(code: str, fund_codes: set[str]) -> str:
    if code in fund_codes:
        return dict(FUNDS)[code]
    if code.endswith(PREFERRED_CLASS):
        return f"模擬{code[:4]}工業第1種優先株式"
    return f"模擬{code[:4]}工業"
