"""How easily the stock trades and how much attention it gets. Turnover is yen and never split-adjusted.

Capacity counts listed sessions (adv_20), every other mean the sessions that traded. A window of returns that looks at
neighbours (Roll) or ranges of two sessions (Corwin-Schultz) holds one pair fewer than it has sessions; min_obs counts
the sessions.
"""

from __future__ import annotations

import math

from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    P,
    constant,
    greater,
    is_missing,
    log10,
    magnitude,
    only_where_present,
    where,
)
from gogoku_pipeline.features.operators.ages import sessions_since
from gogoku_pipeline.features.operators.cross_section import members_total
from gogoku_pipeline.features.operators.spreads import corwin_schultz, roll_spread
from gogoku_pipeline.features.operators.windows import count, lag, mean, total

BILLION = 1e9
LOT = 100.0
"""Shares of one round lot: the same for every issue since 2018-10, used for the years before as well."""

LONGEST_AGE = 60
"""Sessions from which on a stock without a trade is as old as it gets."""


def adv_20() -> Expr:
    """Yen traded on an average listed session of the last 20; halts are no sessions."""
    return total(P.turnover, 20) / count(P.open_session, 20)


def traded(x: Expr) -> Expr:
    """X on sessions on which shares changed hands, null on others."""
    return where(greater(P.volume, 0.0), x, constant(math.nan))


@per_stock(
    "log10_adv_20d_jpy",
    group="liquidity",
    unit="log10_jpy",
    window="S20",
    min_obs=15,
    sources=("bars.Va",),
    observes=("open_session",),
    needs=("turnover[t-19..t]",),
)
def log10_adv_20d_jpy() -> Expr:
    """Yen traded on an average listed session of a month: log10(adv_20(va)); min_obs counts listed sessions."""
    return log10(adv_20())


@per_stock(
    "volume_ratio_1_20",
    group="liquidity",
    unit="ratio",
    window="S21",
    min_obs=16,
    sources=("bars.Vo", "bars.AdjFactor"),
    observes=("volume",),
    needs=("volume[t]",),
    at_least=0.0,
)
def volume_ratio_1_20() -> Expr:
    """Volume of the day against the month before it: v[t] / mean of v over t-20..t-1."""
    return P.volume / mean(lag(P.volume, 1), 20)


@per_stock(
    "volume_ratio_5_60",
    group="liquidity",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("bars.Vo", "bars.AdjFactor"),
    observes=("volume",),
    needs=("volume[t-4..t]",),
    at_least=0.0,
)
def volume_ratio_5_60() -> Expr:
    """Volume of a week against a quarter: mean_5(v) / mean_60(v)."""
    return mean(P.volume, 5) / mean(P.volume, 60)


@per_stock(
    "amihud_20d_per_bnjpy",
    group="liquidity",
    unit="per_bn_jpy",
    window="S20",
    min_obs=15,
    sources=("@ret_1d", "bars.Va"),
    observes=("@ret_1d", "traded_value"),
)
def amihud_20d_per_bnjpy() -> Expr:
    """Price move per billion yen traded (Amihud): mean_20(|ret_1d| / (va / 1e9)); sessions with va = 0 or null are left out."""  # noqa: E501
    return mean(magnitude(F("ret_1d")) / (P.traded_value / BILLION), 20)


@per_stock(
    "zero_volume_share_60d",
    group="liquidity",
    unit="ratio",
    window="S60",
    min_obs=60,
    sources=("bars.Vo",),
    observes=("listed",),
    at_least=0.0,
    at_most=1.0,
)
def zero_volume_share_60d() -> Expr:
    """How often nothing traded: share of the last 60 listed sessions with Vo null or 0; market-wide halt sessions are left out of both counts."""  # noqa: E501
    idle = where(is_missing(P.volume), 1.0, 1.0 - greater(P.volume, 0.0))
    return mean(only_where_present(idle, P.open_session), 60)


@per_stock(
    "trade_age_sessions",
    group="liquidity",
    unit="sessions",
    window="X1",
    min_obs=1,
    sources=("bars.Vo",),
    observes=("volume",),
    at_least=0.0,
    at_most=float(LONGEST_AGE),
)
def trade_age_sessions() -> Expr:
    """How stale the last price is: sessions since the last traded session (0 = today), capped at 60."""
    return sessions_since(traded(P.volume), LONGEST_AGE)


@per_stock(
    "roll_spread_60d",
    group="liquidity",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
)
def roll_spread_60d() -> Expr:
    """Bid-ask spread seen in the bounce of closes (Roll): -sign(g)*2*sqrt(|g|), g = cov(ret_1d[t], ret_1d[t-1]) over complete pairs: signed, so a positive covariance is kept as information."""  # noqa: E501
    return roll_spread(F("ret_1d"), 60)


@per_stock(
    "cs_spread_20d",
    group="liquidity",
    unit="ratio",
    window="S21",
    min_obs=15,
    sources=("bars.H", "bars.L", "bars.C", "bars.AdjFactor"),
    observes=("high", "low", "close"),
    at_least=0.0,
    at_most=2.0,
)
def cs_spread_20d() -> Expr:
    """Bid-ask spread seen in highs and lows: mean_20 of max(0, 2(e^a - 1)/(1 + e^a)); a = (sqrt(2b)-sqrt(b))/(3-2sqrt2) - sqrt(g/(3-2sqrt2)); b = sum of ln(h/l)^2 over t-1,t; g = ln(max h / min l)^2 over both; when c[t-1] lies outside [l,h] both h[t], l[t] are first moved by the gap (Corwin-Schultz)."""  # noqa: E501
    return mean(corwin_schultz(P.high, P.low, P.close), 20)


@per_stock(
    "log10_lot_jpy",
    group="liquidity",
    unit="log10_jpy",
    sources=("bars.C",),
    needs=("raw_close[t]",),
)
def log10_lot_jpy() -> Expr:
    """What it costs to take part at all: log10(100 * C): what one round lot costs, from the raw price of the day."""
    return log10(P.raw_close * LOT)


@per_stock("_turnover_jpy", group="liquidity", unit="count", sources=("bars.Va",), needs=("turnover[t]",), at_least=0.0)
def turnover_jpy() -> Expr:
    """Yen traded in the session: va."""
    return P.turnover


@per_market(
    "_universe_turnover_jpy",
    group="liquidity",
    role="market",
    unit="count",
    sources=("bars.Va",),
    needs=("@_turnover_jpy[t]",),
    at_least=0.0,
)
def universe_turnover_jpy() -> Expr:
    """Yen traded in all members of the universe: sum of va over U."""
    return members_total(F("_turnover_jpy"))


@per_stock(
    "attention_5_60",
    group="liquidity",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("bars.Va",),
    observes=("turnover", "@_universe_turnover_jpy"),
    needs=("turnover[t-4..t]",),
    at_least=-1.0,
)
def attention_5_60() -> Expr:
    """Whether the stock draws more of the market's money than usual: mean_5(s) / mean_60(s) - 1; s = va / sum of va over the universe that day."""  # noqa: E501
    share = P.turnover / F("_universe_turnover_jpy")
    return mean(share, 5) / mean(share, 60) - 1
