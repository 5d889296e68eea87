"""Four issues with bars and balances drawn at random, and every margin feature by its definition, written plainly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.event_days import is_margin_day
from tests.unit.features.position_rows import session_after

DAYS = tse_calendar().between(date(2022, 11, 1), date(2024, 6, 28))
CODES = ("10000", "20000", "30000", "40000")
SPLIT, RIGHTS = date(2023, 8, 30), date(2023, 10, 30)
STEPS = {"10000": (SPLIT, 0.5, "1"), "20000": (RIGHTS, 0.8, "3")}
ISSUED = {"10000": 1e6, "20000": 2e6, "30000": 4e6, "40000": 3e6}
TREASURY = 1e4


@dataclass(frozen=True)
class Issue:
    """Raw figures of one issue, and the features by their definitions."""

    code: str
    close: dict[date, float]
    volume: dict[date, float]
    long: dict[date, float]
    short: dict[date, float]

    def factor(self, day: date, *, of_volume: bool) -> float:
        at, step, kind = STEPS.get(self.code, (date.max, 1.0, "1"))
        return step if day >= at and not (of_volume and kind == "3") else 1.0

    def brought(self, shares: float, of: date, to: date) -> float:
        return shares * self.factor(of, of_volume=True) / self.factor(to, of_volume=True)

    @cached_property
    def weeks(self) -> list[date]:
        return sorted(self.long)

    def known(self, t: date) -> list[date]:
        return [day for day in self.weeks if session_after(day, 2) <= t]

    def longs(self, t: date) -> list[float]:
        return [self.brought(self.long[day], day, t) for day in self.known(t)]

    def shorts(self, t: date) -> list[float]:
        return [self.brought(self.short[day], day, t) for day in self.known(t)]

    def shares(self, t: date) -> float:
        return self.brought(ISSUED[self.code] - TREASURY, DAYS[0], t)

    def worth(self, t: date) -> float:
        return self.close[t] * self.shares(t)

    def mrg_long_ratio(self, t: date) -> float:
        return self.longs(t)[-1] / self.shares(t)

    def mrg_short_ratio(self, t: date) -> float:
        return self.shorts(t)[-1] / self.shares(t)

    def mrg_imbalance(self, t: date) -> float:
        bought, sold = self.longs(t)[-1], self.shorts(t)[-1]
        return (bought - sold) / (bought + sold)

    def mrg_long_cover_sessions(self, t: date) -> float:
        month = DAYS[DAYS.index(t) - 19 : DAYS.index(t) + 1]
        return self.longs(t)[-1] / np.mean([self.brought(self.volume[day], day, t) for day in month])

    def change(self, series: list[float], t: date, n: int) -> float:
        return (series[-1] - series[-1 - n]) / self.shares(t)

    def mrg_long_chg_1w(self, t: date) -> float:
        return self.change(self.longs(t), t, 1)

    def mrg_long_chg_4w(self, t: date) -> float:
        return self.change(self.longs(t), t, 4)

    def mrg_long_chg_13w(self, t: date) -> float:
        return self.change(self.longs(t), t, 13)

    def mrg_short_chg_4w(self, t: date) -> float:
        return self.change(self.shorts(t), t, 4)

    def mrg_long_z52(self, t: date) -> float:
        year = [self.mrg_long_ratio(session_after(day, 2)) for day in self.known(t)][-52:]
        return (year[-1] - np.mean(year)) / np.std(year, ddof=1)

    def mrg_long_pnl_26w(self, t: date) -> float:
        weeks = self.known(t)[-27:]
        paid = bought = 0.0
        for before, day in zip(weeks[:-1], weeks[1:], strict=True):
            inside = [s for s in DAYS if before < s <= day]
            more = max(self.brought(self.long[day], day, t) - self.brought(self.long[before], before, t), 0.0)
            price = [self.factor(t, of_volume=False) / self.factor(s, of_volume=False) for s in inside]
            yen = sum(self.close[s] * self.volume[s] for s in inside)
            shares = sum(self.volume[s] / on_t for s, on_t in zip(inside, price, strict=True))
            paid += more * yen / shares
            bought += more
        return self.close[t] / (paid / bought) - 1

    def mrg_age_sessions(self, t: date) -> float:
        return float(DAYS.index(t) - DAYS.index(self.known(t)[-1]))


def drawn(code: str) -> Issue:
    rng = stream(5, "margin", code)
    at, step, kind = STEPS.get(code, (date.max, 1.0, "1"))
    price = 1000.0 * np.exp(np.cumsum(rng.normal(0, 0.02, len(DAYS))))
    volume = np.round(np.exp(rng.normal(9, 0.5, len(DAYS)))) * 100
    longs = np.round(np.exp(10 + np.cumsum(rng.normal(0, 0.2, len(DAYS)))))
    basis = np.array([step if day >= at else 1.0 for day in DAYS])
    shares = np.ones(len(DAYS)) if kind == "3" else basis
    weekly = [i for i, day in enumerate(DAYS) if is_margin_day(day)]
    return Issue(
        code,
        dict(zip(DAYS, price * basis, strict=True)),
        dict(zip(DAYS, volume / shares, strict=True)),
        {DAYS[i]: float(longs[i] / shares[i]) for i in weekly},
        {DAYS[i]: float(np.round(longs[i] * rng.uniform(0.1, 1.5)) / shares[i]) for i in weekly},
    )
