"""Market state from the index: one value per session, the same for every stock, built on a (session) table and joined.

The index is TOPIX at the close; on a market halt its row is null (the publisher repeats the previous close). As an end
point it is carried over at most one halt; in windows a halt gives no observation. The Nikkei 225 is seen through its
ETF, whose mark stands at end points like that of any stock.
"""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_market
from gogoku_pipeline.features.expressions import Expr, F, K, M, log1p
from gogoku_pipeline.features.operators.regression import trend_tstat
from gogoku_pipeline.features.operators.windows import deviation, highest, lag, mean

YEAR = math.sqrt(SESSIONS_PER_YEAR)

LARGEST_Z = 249 / math.sqrt(250)
"""No value can be further from the mean of the 250 it belongs to, in their deviations."""


@per_market(
    "mkt_ret_1d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="E2",
    min_obs=2,
    sources=("topix.C",),
    needs=("index.close[t]", "index.close[t-1]"),
    at_least=-1.0,
)
def mkt_ret_1d() -> Expr:
    """Change of TOPIX from the previous session: M[t] / M[t-1] - 1 (M carried at most one halt session for n > 1)."""
    return M.close / lag(M.close, 1) - 1


@per_market(
    "mkt_ret_{n}d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="E{n+1}",
    min_obs=2,
    sources=("topix.C",),
    needs=("index.carried[t]", "index.carried[t-{n}]"),
    windows=(5, 20, 60, 250),
    at_least=-1.0,
)
def mkt_ret(n: int) -> Expr:
    """Change of TOPIX over {n} sessions: M[t] / M[t-{n}] - 1 (M carried at most one halt session for n > 1)."""
    return M.carried / lag(M.carried, n) - 1


@per_market(
    "mkt_vol_20d",
    group="market",
    role="market",
    unit="ann_vol",
    plan="Light",
    window="S20",
    min_obs=15,
    sources=("@mkt_ret_1d",),
    observes=("@mkt_ret_1d",),
)
def mkt_vol_20d() -> Expr:
    """Volatility of TOPIX over a month: sd_20(ln(1+mkt_ret_1d)) * sqrt(245)."""
    return deviation(log1p(F("mkt_ret_1d")), 20) * YEAR


@per_market(
    "mkt_sma_gap_200d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="S200",
    min_obs=150,
    sources=("topix.C",),
    observes=("index.close",),
    needs=("index.carried[t]",),
    at_least=-1.0,
)
def mkt_sma_gap_200d() -> Expr:
    """TOPIX against its own mean of ten months: M / mean_200(M) - 1."""
    return M.carried / mean(M.close, 200) - 1


@per_market(
    "mkt_vol_ratio_20_250",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="S250",
    min_obs=180,
    sources=("@mkt_vol_20d", "@mkt_ret_1d"),
    observes=("@mkt_ret_1d",),
    needs=("@mkt_vol_20d[t]",),
    at_least=0.0,
)
def mkt_vol_ratio_20_250() -> Expr:
    """Volatility of TOPIX of a month against a year: mkt_vol_20d / (sd_250(ln(1+mkt_ret_1d)) * sqrt(245))."""
    return F("mkt_vol_20d") / (deviation(log1p(F("mkt_ret_1d")), 250) * YEAR)


@per_market(
    "mkt_vol_z250",
    group="market",
    role="market",
    unit="zscore",
    plan="Light",
    window="S250",
    min_obs=180,
    sources=("@mkt_vol_20d",),
    observes=("@mkt_vol_20d",),
    needs=("@mkt_vol_20d[t]",),
    at_least=-LARGEST_Z,
    at_most=LARGEST_Z,
)
def mkt_vol_z250() -> Expr:
    """Whether the market is more restless than it was for a year: (mkt_vol_20d - mean_250) / sd_250: here the trailing z itself is the quantity (high-volatility regime)."""  # noqa: E501
    vol = F("mkt_vol_20d")
    return (vol - mean(vol, 250)) / deviation(vol, 250)


@per_market(
    "mkt_drawdown_250d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="S250",
    min_obs=180,
    sources=("topix.C",),
    observes=("index.close",),
    needs=("index.carried[t]",),
    at_least=-1.0,
    at_most=0.0,
)
def mkt_drawdown_250d() -> Expr:
    """How far TOPIX is below its highest close of a year: M / max_250(M) - 1."""
    return M.carried / highest(M.close, 250) - 1


@per_market(
    "mkt_trend_tstat_60d",
    group="market",
    role="market",
    unit="tstat",
    plan="Light",
    window="S60",
    min_obs=45,
    sources=("topix.C",),
    observes=("index.close",),
)
def mkt_trend_tstat_60d() -> Expr:
    """How straight TOPIX went one way for a quarter: t statistic of the OLS slope of ln M over 60 sessions."""
    return trend_tstat(M.close, 60)


@per_market(
    "nk_ret_20d",
    group="market",
    role="market",
    unit="ratio",
    window="E21",
    min_obs=2,
    sources=("bars.C", "bars.AdjFactor"),
    needs=("nikkei_etf.mark[t]", "nikkei_etf.mark[t-20]"),
    at_least=-1.0,
)
def nk_ret_20d() -> Expr:
    """Change of the Nikkei 225 over a month, seen through its ETF: nk[t] / nk[t-20] - 1."""
    nk = K("nikkei_etf.mark")
    return nk / lag(nk, 20) - 1


@per_market(
    "nk_topix_gap_20d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    sources=("@nk_ret_20d", "@mkt_ret_20d"),
    needs=("@nk_ret_20d[t]", "@mkt_ret_20d[t]"),
)
def nk_topix_gap_20d() -> Expr:
    """Large growth stocks against the whole market: nk_ret_20d - mkt_ret_20d (NT ratio drift)."""
    return F("nk_ret_20d") - F("mkt_ret_20d")
