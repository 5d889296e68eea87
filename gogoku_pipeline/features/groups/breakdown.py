"""Cash, new margin, closing margin and short orders inside the auction, of the same session (published 18:00).

T = LongSellVa + ShrtNoMrgnVa + MrgnSellNewVa + MrgnSellCloseVa, which equals LongBuyVa + MrgnBuyNewVa +
MrgnBuyCloseVa: whatever is sold is bought. A session without auction trade has T = 0 and no shares of it. A row
that says otherwise, with more of one kind than of all, contradicts itself and has no shares either.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, F, K, equal, greater, magnitude
from gogoku_pipeline.features.operators.cross_section import members_mean
from gogoku_pipeline.features.operators.windows import mean, total

SELLS = (
    "breakdown.LongSellVa",
    "breakdown.ShrtNoMrgnVa",
    "breakdown.MrgnSellNewVa",
    "breakdown.MrgnSellCloseVa",
)
SELL_STATE = ("long_sell_jpy", "short_sell_jpy", "margin_sell_new_jpy", "margin_sell_close_jpy")
ROW = "breakdown.long_sell_jpy"


def _jpy(name: str) -> Expr:
    return K(f"breakdown.{name}_jpy")


def _sold() -> Expr:
    """T: yen traded in the auction."""
    first, *others = (K(f"breakdown.{name}") for name in SELL_STATE)
    for other in others:
        first = first + other
    return first


def _cash_net() -> Expr:
    return _jpy("long_buy") - _jpy("long_sell")


def _margin_new_net() -> Expr:
    return _jpy("margin_buy_new") - _jpy("margin_sell_new")


def _margin() -> Expr:
    return _jpy("margin_buy_new") + _jpy("margin_buy_close") + _jpy("margin_sell_new") + _jpy("margin_sell_close")


@per_stock(
    "bd_cash_net",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=("breakdown.LongBuyVa", *SELLS),
    needs=(f"{ROW}[t]",),
    undefined=equal(_sold(), 0.0),
    impossible=greater(magnitude(_cash_net()), _sold()),
    at_least=-1.0,
    at_most=1.0,
)
def bd_cash_net() -> Expr:
    """Net buying for cash: (LongBuyVa - LongSellVa) / T."""
    return _cash_net() / _sold()


@per_stock(
    "bd_margin_new_net",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=("breakdown.MrgnBuyNewVa", *SELLS),
    needs=(f"{ROW}[t]",),
    undefined=equal(_sold(), 0.0),
    impossible=greater(magnitude(_margin_new_net()), _sold()),
    at_least=-1.0,
    at_most=1.0,
)
def bd_margin_new_net() -> Expr:
    """Net opening of margin positions, mostly private traders: (MrgnBuyNewVa - MrgnSellNewVa) / T."""
    return _margin_new_net() / _sold()


@per_stock(
    "bd_short_share",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=SELLS,
    needs=(f"{ROW}[t]",),
    undefined=equal(_sold(), 0.0),
    at_least=0.0,
    at_most=1.0,
)
def bd_short_share() -> Expr:
    """Share of the selling that is short, new margin sales included: (ShrtNoMrgnVa + MrgnSellNewVa) / T."""
    return (_jpy("short_sell") + _jpy("margin_sell_new")) / _sold()


@per_stock(
    "bd_nomargin_short_share",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=SELLS,
    needs=(f"{ROW}[t]",),
    undefined=equal(_sold(), 0.0),
    at_least=0.0,
    at_most=1.0,
)
def bd_nomargin_short_share() -> Expr:
    """Share of the selling by professional shorts: ShrtNoMrgnVa / T."""
    return _jpy("short_sell") / _sold()


@per_stock(
    "bd_margin_share",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=("breakdown.MrgnBuyNewVa", "breakdown.MrgnBuyCloseVa", *SELLS),
    needs=(f"{ROW}[t]",),
    undefined=equal(_sold(), 0.0),
    impossible=greater(_margin(), 2 * _sold()),
    at_least=0.0,
    at_most=1.0,
)
def bd_margin_share() -> Expr:
    """Share of margin orders in the trading, both sides: (MrgnBuyNewVa + MrgnBuyCloseVa + MrgnSellNewVa + MrgnSellCloseVa) / (2T)."""  # noqa: E501
    return _margin() / (2 * _sold())


@per_stock(
    "bd_cash_net_20d",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    window="S20",
    min_obs=15,
    sources=("breakdown.LongBuyVa", *SELLS),
    observes=(ROW,),
    undefined=equal(total(_sold(), 20), 0.0),
    impossible=greater(magnitude(total(_cash_net(), 20)), total(_sold(), 20)),
    at_least=-1.0,
    at_most=1.0,
)
def bd_cash_net_20d() -> Expr:
    """Net buying for cash over a month: sum_20(LongBuyVa - LongSellVa) / sum_20(T)."""
    return total(_cash_net(), 20) / total(_sold(), 20)


@per_stock(
    "bd_margin_new_net_5d",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    window="S5",
    min_obs=4,
    sources=("breakdown.MrgnBuyNewVa", *SELLS),
    observes=(ROW,),
    undefined=equal(total(_sold(), 5), 0.0),
    impossible=greater(magnitude(total(_margin_new_net(), 5)), total(_sold(), 5)),
    at_least=-1.0,
    at_most=1.0,
)
def bd_margin_new_net_5d() -> Expr:
    """Net opening of margin positions over a week: sum_5(MrgnBuyNewVa - MrgnSellNewVa) / sum_5(T)."""
    return total(_margin_new_net(), 5) / total(_sold(), 5)


@per_stock(
    "bd_short_share_chg_5_60",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    window="S60",
    min_obs=45,
    sources=("@bd_short_share",),
    observes=("@bd_short_share",),
    needs=("@bd_short_share[t-4..t]",),
    at_least=-1.0,
    at_most=1.0,
)
def bd_short_share_chg_5_60() -> Expr:
    """Short selling of a week against a quarter: mean_5 - mean_60 of bd_short_share."""
    return mean(F("bd_short_share"), 5) - mean(F("bd_short_share"), 60)


@per_stock(
    "_bd_traded_jpy",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=SELLS,
    needs=(f"{ROW}[t]",),
    impossible=greater(magnitude(_margin_new_net()), _sold()),
    at_least=0.0,
)
def traded_jpy() -> Expr:
    """Yen traded in the auction: T; null where more was newly margined than traded."""
    return _sold()


@per_stock(
    "_bd_margin_new_net_jpy",
    group="breakdown",
    unit="ratio",
    plan="Premium",
    sources=("breakdown.MrgnBuyNewVa", "breakdown.MrgnSellNewVa"),
    needs=(f"{ROW}[t]",),
    impossible=greater(magnitude(_margin_new_net()), _sold()),
)
def margin_new_net_jpy() -> Expr:
    """Net opening of margin positions in yen: MrgnBuyNewVa - MrgnSellNewVa."""
    return _margin_new_net()


@per_market(
    "bd_mkt_margin_new_net",
    group="breakdown",
    role="market",
    unit="ratio",
    plan="Premium",
    sources=("breakdown.MrgnBuyNewVa", *SELLS),
    observes=("@_bd_traded_jpy",),
    at_least=-1.0,
    at_most=1.0,
)
def bd_mkt_margin_new_net() -> Expr:
    """Net opening of margin positions in the whole market: sum over U of (MrgnBuyNewVa - MrgnSellNewVa) / sum over U of T."""  # noqa: E501
    return members_mean(F("_bd_margin_new_net_jpy")) / members_mean(F("_bd_traded_jpy"))
