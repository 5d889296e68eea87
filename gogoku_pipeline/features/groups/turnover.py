"""How much of the company changes hands: yen traded over market cap. Part of group liquidity."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, P
from gogoku_pipeline.features.operators.compounding import power_of_ten
from gogoku_pipeline.features.operators.windows import count, total


@per_stock(
    "turnover_rate_1d",
    group="liquidity",
    unit="ratio",
    sources=("bars.Va", "@log10_mcap_jpy"),
    needs=("turnover[t]", "@log10_mcap_jpy[t]"),
    at_least=0.0,
)
def turnover_rate_1d() -> Expr:
    """Share of the company that changed hands in a session: va / mcap_jpy."""
    return P.turnover / power_of_ten(F("log10_mcap_jpy"))


@per_stock(
    "turnover_rate_20d",
    group="liquidity",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=("bars.Va", "@log10_mcap_jpy"),
    observes=("open_session",),
    needs=("turnover[t-19..t]", "@log10_mcap_jpy[t]"),
    at_least=0.0,
)
def turnover_rate_20d() -> Expr:
    """Share of the company that changes hands in an average session of a month: adv_20(va) / mcap_jpy; min_obs counts listed sessions."""  # noqa: E501
    return total(P.turnover, 20) / count(P.open_session, 20) / power_of_ten(F("log10_mcap_jpy"))
