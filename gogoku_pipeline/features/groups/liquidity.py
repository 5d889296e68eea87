"""How easily the stock trades and how much attention it gets. Turnover is yen and never split-adjusted."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    P,
    greater,
    is_missing,
    log10,
    magnitude,
    only_where_present,
    where,
)
from gogoku_pipeline.features.operators.windows import count, mean, total

BILLION = 1e9


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
    return log10(total(P.turnover, 20) / count(P.open_session, 20))


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
