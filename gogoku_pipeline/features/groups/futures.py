"""What futures said, night session included: TOPIX and Nikkei 225, volatility, and the ten-year bond.

Published at 03:00 of the next day, so one session behind under the evening cut-off. Windows count trading days of
futures; a session reads the newest one known, for at most three sessions. Futures settle fifteen minutes after the
cash close, so the basis is slightly asynchronous by construction. tpx = TOPIXF on TOPIX, nk = NK225F on the
underlying of the Nikkei 225 options.
"""

from __future__ import annotations

import math

from gogoku_pipeline.features.declaration import per_market, per_release
from gogoku_pipeline.features.expressions import Expr, F, K, equal, greater, log, where
from gogoku_pipeline.features.operators.compounding import compounded
from gogoku_pipeline.features.operators.windows import lag

INDEX = {"p": ("tpx", "nk")}
SHORTEST_DAYS = 5
DAYS_IN_YEAR = 365.0


def held_return(prefix: str) -> Expr:
    """Settlement of the contract held overnight over its own settlement of the row before, - 1."""
    return K(f"futures.{prefix}_held_settle") / lag(K(f"futures.{prefix}_settle"), 1) - 1


def carry(prefix: str) -> Expr:
    """Annualised logarithmic distance from the spot to the central contract, null under SHORTEST_DAYS."""
    days = K(f"futures.{prefix}_days_to_sq")
    basis = log(K(f"futures.{prefix}_settle") / K(f"futures.{prefix}_spot"))
    return where(greater(SHORTEST_DAYS, days), math.nan, basis * DAYS_IN_YEAR / days)


@per_release(
    "fut_{p}_ret_1d",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ratio",
    sources=("futures.Settle", "futures.CCMFlag", "futures.CM"),
    window="E2",
    min_obs=2,
    needs=("futures.{p}_held_settle[t]", "futures.{p}_settle[t-1]"),
    choices=INDEX,
    at_least=-1.0,
)
def fut_ret_1d(p: str) -> Expr:
    """Roll-adjusted return of the {p} futures: settle of contract k(d-1) on d / its own settle on d-1, - 1 (tpx = TOPIXF, nk = NK225F)."""  # noqa: E501
    return held_return(p)


@per_release(
    "fut_tpx_carry_ann",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ann_rate",
    sources=("futures.Settle", "futures.SQD", "topix.C"),
    needs=("futures.tpx_settle[t]", "futures.tpx_spot[t]", "futures.tpx_days_to_sq[t]"),
    undefined=greater(SHORTEST_DAYS, K("futures.tpx_days_to_sq")),
)
def fut_tpx_carry_ann() -> Expr:
    """What the TOPIX futures cost above the index per year: ln(Settle of k / spot) * 365 / calendar days to SQD of k; null under 5 days."""  # noqa: E501
    return carry("tpx")


@per_release(
    "fut_nk_carry_ann",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ann_rate",
    sources=("futures.Settle", "futures.SQD", "opt225.UnderPx"),
    needs=("futures.nk_settle[t]", "futures.nk_spot[t]", "futures.nk_days_to_sq[t]"),
    undefined=greater(SHORTEST_DAYS, K("futures.nk_days_to_sq")),
)
def fut_nk_carry_ann() -> Expr:
    """What the Nikkei futures cost above the index per year: ln(Settle of k / spot) * 365 / calendar days to SQD of k; null under 5 days."""  # noqa: E501
    return carry("nk")


@per_release(
    "fut_{p}_term_ann",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ann_rate",
    sources=("futures.Settle", "futures.SQD", "futures.OI"),
    needs=("futures.{p}_settle[t]", "futures.{p}_heaviest_settle[t]", "futures.{p}_heaviest_gap_days[t]"),
    choices=INDEX,
)
def fut_term_ann(p: str) -> Expr:
    """What rolling the {p} futures costs per year: ln(Settle next / Settle k) * 365 / days between the two SQD; next = later contract with the largest OI (tpx = TOPIXF, nk = NK225F)."""  # noqa: E501
    slope = log(K(f"futures.{p}_heaviest_settle") / K(f"futures.{p}_settle"))
    return slope * DAYS_IN_YEAR / K(f"futures.{p}_heaviest_gap_days")


@per_release(
    "fut_{p}_oi_chg_5d",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="log",
    sources=("futures.OI",),
    window="E6",
    min_obs=2,
    needs=("futures.{p}_open_interest[t]", "futures.{p}_open_interest[t-5]"),
    undefined=lambda p: equal(K(f"futures.{p}_open_interest") * lag(K(f"futures.{p}_open_interest"), 5), 0.0),
    choices=INDEX,
)
def fut_oi_chg_5d(p: str) -> Expr:
    """Positions opened in the {p} futures in a week: ln(total OI over all months / the same 5 rows earlier), so rolls cancel (tpx = TOPIXF, nk = NK225F)."""  # noqa: E501
    interest = K(f"futures.{p}_open_interest")
    return log(interest / lag(interest, 5))


@per_release(
    "fut_{p}_night_ret",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ratio",
    sources=("futures.EC", "futures.AC", "futures.CCMFlag"),
    window="E2",
    min_obs=2,
    needs=("futures.{p}_held_night_close[t]", "futures.{p}_day_close[t-1]"),
    choices=INDEX,
    at_least=-1.0,
)
def fut_night_ret(p: str) -> Expr:
    """What the {p} futures did overnight: night close EC of row d / day close AC of row d-1, both of k(d-1), - 1 (tpx = TOPIXF, nk = NK225F)."""  # noqa: E501
    return K(f"futures.{p}_held_night_close") / lag(K(f"futures.{p}_day_close"), 1) - 1


@per_release(
    "fut_nkvi_level",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ann_vol",
    sources=("futures.Settle", "futures.CCMFlag"),
    needs=("futures.nkvi_settle[t]",),
)
def fut_nkvi_level() -> Expr:
    """Volatility the futures on the Nikkei volatility index expect: Settle of the central NKVIF contract / 100."""
    return K("futures.nkvi_settle") / 100.0


@per_release(
    "fut_nkvi_term",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ratio",
    sources=("futures.Settle", "futures.SQD"),
    needs=("futures.nkvi_following_settle[t]", "futures.nkvi_settle[t]"),
    at_least=-1.0,
)
def fut_nkvi_term() -> Expr:
    """Slope of expected volatility: next NKVIF settle / central settle - 1, next = the following contract in time."""
    return K("futures.nkvi_following_settle") / K("futures.nkvi_settle") - 1


@per_release(
    "_fut_jgb_ret_1d",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ratio",
    sources=("futures.Settle", "futures.CCMFlag"),
    window="E2",
    min_obs=2,
    needs=("futures.jgb_held_settle[t]", "futures.jgb_settle[t-1]"),
)
def fut_jgb_ret_1d() -> Expr:
    """Roll-adjusted return of the bond futures: settle of contract k(d-1) on d / its own settle on d-1, - 1."""
    return held_return("jgb")


@per_release(
    "fut_jgb_ret_20d",
    group="futures",
    role="market",
    plan="Premium",
    by="futures",
    unit="ratio",
    sources=("futures.Settle", "futures.CCMFlag"),
    window="S20",
    min_obs=15,
    observes=("@_fut_jgb_ret_1d",),
    at_least=-1.0,
)
def fut_jgb_ret_20d() -> Expr:
    """What government bonds did in a month: compounded roll-adjusted return of JGBLF over 20 rows: the only rate variable in the data."""  # noqa: E501
    return compounded(F("_fut_jgb_ret_1d"), 20)


@per_market(
    "fut_age_sessions",
    group="futures",
    role="market",
    plan="Premium",
    unit="sessions",
    sources=("futures.Date",),
    window="P",
    needs=("futures.session_number[t]",),
    at_least=0.0,
    may_be_constant="1 as long as every session is published on time",
)
def fut_age_sessions() -> Expr:
    """Age of the newest futures row: sessions between the row's Date and t."""
    return K("clock.number") - K("futures.session_number")
