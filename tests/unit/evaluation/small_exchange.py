"""Tiny markets made by chance, with everything that can go wrong in them, as the tables of the house."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.market import MarketFrames

BAR = {
    "session": pl.Date,
    "code": pl.String,
    "open_jpy": pl.Float64,
    "high_jpy": pl.Float64,
    "low_jpy": pl.Float64,
    "close_jpy": pl.Float64,
    "volume_shares": pl.Float64,
    "adjustment_factor": pl.Float64,
    "ex_rights_type": pl.String,
    "is_limit_up": pl.Boolean,
    "is_limit_down": pl.Boolean,
}
LISTED = {
    "session": pl.Date,
    "code": pl.String,
    "scale_category": pl.String,
    "margin_class": pl.String,
    "sector33_code": pl.String,
}
NOTICE = {
    "code": pl.String,
    "reference_number": pl.String,
    "original_reference_number": pl.String,
    "status": pl.String,
    "published_date": pl.Date,
    "published_time": pl.String,
    "ex_date": pl.Date,
    "dividend_jpy": pl.Float64,
}
SCALES = ("TOPIX Core30", "TOPIX Mid400", "TOPIX Small 1", "-")
DAYS = tse_calendar(date(2023, 5, 8), date(2023, 12, 29)).sessions
FREE = replace(BacktestConfig(), capital_jpy=1e6, enter=2, leave=3, min_names=2, rebalance="daily", horizon_d=1,
               participation=1.0, drift_band=0.0, costs=CostConfig.free())  # fmt: skip
"""A small strategy without any cost, for markets of a few issues."""


def bar(day, code, opening, closing=None, *, volume=1e6, factor=1.0, rights=None, up=False, down=False):
    """One row of bars; None for the open is a session without a trade."""
    if opening is None:
        return (day, code, None, None, None, None, None, factor, rights, False, False)
    closing = opening if closing is None else closing
    high, low = max(opening, closing), min(opening, closing)
    return (day, code, opening, high, low, closing, volume, factor, rights, up, down)


def frames(bars, *, margin=None, scale="-", notices=(), universe=None, topix=None):
    """Tables around rows of `bar`; every issue is loan-eligible unless `margin` says otherwise."""
    table = pl.DataFrame(bars, schema=BAR, orient="row")
    listed = [
        (day, code, scale, (margin or {}).get(code, "2"), "3250")
        for day, code in table.select("session", "code").rows()
    ]
    return MarketFrames(
        table,
        pl.DataFrame(listed, schema=LISTED, orient="row"),
        universe,
        topix,
        pl.DataFrame(notices, schema=NOTICE, orient="row"),
    )


def scored(by_session):
    """{session: {code: score}} as a frame."""
    rows = [(day, code, score) for day, scores in by_session.items() for code, score in scores.items()]
    return pl.DataFrame(rows, schema={"session": pl.Date, "code": pl.String, "score": pl.Float64}, orient="row")


def made_by_chance(seed, *, sessions=36, names=9):
    """(tables, {session: {code: score}}): halts, locks, splits, rights, delistings, newcomers, gaps, dividends."""
    rng = np.random.default_rng(seed)
    days, codes = DAYS[:sessions], [f"{1300 + place}0" for place in range(names)]
    rows, listed, members = [], [], []
    for place, code in enumerate(codes):
        price = float(rng.integers(150, 4000))
        first = int(rng.integers(0, 12)) if place % 4 == 3 else 0
        last = int(rng.integers(20, sessions)) if place % 5 == 4 else sessions - 1
        volume = float(rng.choice([2e2, 3e3, 4e4]))
        for row in range(first, last + 1):
            if rng.random() < 0.02 and first < row < last:
                continue
            factor, rights = 1.0, None
            if rng.random() < 0.04 and row > first:
                factor, rights = [(0.5, "1"), (0.333333, "1"), (0.666667, "1"), (10.0, "2"), (0.92, "3")][
                    rng.integers(5)
                ]
            price *= factor
            width = 30 if price < 100 else 50 if price < 200 else 80 if price < 500 else 100
            kind = rng.random()
            opening = round(max(price * (1 + 0.03 * rng.standard_normal()), 5.0))
            opening = round(price) + width if kind < 0.05 else max(round(price) - width, 5) if kind < 0.10 else opening
            closing = round(max(opening * (1 + 0.02 * rng.standard_normal()), 5.0))
            flags = {"up": bool(kind < 0.03), "down": bool(0.05 < kind < 0.08)}
            traded = None if kind > 0.94 else float(opening)
            shares = round(volume * float(np.exp(0.5 * rng.standard_normal())) / 100 + 1) * 100.0
            rows.append(
                bar(days[row], code, traded, float(closing), volume=shares, factor=factor, rights=rights, **flags)
            )
            price = float(closing) if traded else price
            listed.append(
                (days[row], code, SCALES[(place + row // 20) % 4], str(rng.choice(["2", "2", "1"])), f"{place % 3}050")
            )
            members.append((days[row], code, bool(rng.random() < 0.93)))
    tables = MarketFrames(
        pl.DataFrame(rows, schema=BAR, orient="row"),
        pl.DataFrame(listed, schema=LISTED, orient="row"),
        pl.DataFrame(members, schema={"session": pl.Date, "code": pl.String, "is_tradable": pl.Boolean}, orient="row"),
        None,
        pl.DataFrame(_notices(rng, days, codes), schema=NOTICE, orient="row"),
    )
    scores = {
        day: {code: round(float(rng.standard_normal()), 1) for code in codes if rng.random() < 0.9}
        for day in days[int(rng.integers(3, 12)) :]
        if rng.random() < 0.9
    }
    return tables, {day: found for day, found in scores.items() if found}


def _notices(rng, days, codes):
    """Forecasts, revisions, deletions and an undecided rate."""
    rows = []
    for number in range(40):
        code, ex = str(rng.choice(codes)), days[int(rng.integers(5, len(days)))]
        origin = str(number)
        rows.append((code, origin, origin, "1", days[0], "15:00:00", ex, float(rng.integers(1, 40))))
        if rng.random() < 0.4:
            status = str(rng.choice(["2", "3"]))
            rate = None if rng.random() < 0.3 else float(rng.integers(1, 40))
            rows.append((code, f"{number}9", origin, status, days[2], "16:00:00", ex, rate))
    return rows
