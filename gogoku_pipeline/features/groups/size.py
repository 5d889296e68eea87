"""How big a company is and how its share count moves, from the counts its statements tell.

What needs the listing alone is declared in `listing`. Market value is the price of the day, raw, times the shares of
the day: a split moves both and their product not at all.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, K, P, log, log10
from gogoku_pipeline.features.operators.windows import lag

COUNTS = ("summary.ShOutFY", "summary.TrShFY")


@per_stock(
    "log10_mcap_jpy",
    group="size",
    unit="log10_jpy",
    window="P",
    sources=("bars.C", "bars.AdjFactor", *COUNTS),
    needs=("mark[t]", "shares.net_basis[t]"),
)
def log10_mcap_jpy() -> Expr:
    """Market value of the shares outstanding, as a power of ten: log10(mcap_jpy), mcap_jpy = m_raw[t] * shares_net[t]."""  # noqa: E501
    return log10(P.mark * P.factor * K("shares.net_basis") / P.volume_factor)


@per_stock(
    "share_issuance_250d",
    group="size",
    unit="log",
    window="E251",
    min_obs=2,
    sources=(*COUNTS, "bars.AdjFactor"),
    needs=("shares.net_basis[t]", "shares.net_basis[t-250]"),
)
def share_issuance_250d() -> Expr:
    """Growth of the share count over 250 sessions: ln(shares_net[t] / shares_net[t-250]), both on the split basis of t: dilution above 0, buy-back below."""  # noqa: E501
    return log(K("shares.net_basis") / lag(K("shares.net_basis"), 250))


@per_stock(
    "treasury_ratio",
    group="size",
    unit="ratio",
    window="P",
    sources=("summary.TrShFY", "summary.ShOutFY"),
    needs=("shares.treasury_ratio[t]",),
    at_least=0.0,
)
def treasury_ratio() -> Expr:
    """Share of its own shares the company holds: TrShFY / ShOutFY of the latest statement with both."""
    return K("shares.treasury_ratio")
