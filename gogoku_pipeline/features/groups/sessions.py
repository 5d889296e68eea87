"""How the day was split by the lunch break: raw morning and afternoon prices of one day against each other.

Raw against raw of the same session, so no adjustment enters. Half-day sessions have no afternoon.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, P, equal, greater, larger, only_where_present
from gogoku_pipeline.features.operators.windows import lag, mean


@per_stock(
    "am_ret",
    group="sessions",
    unit="ratio",
    plan="Premium",
    sources=("bars.MO", "bars.MC"),
    needs=("am_open[t]", "am_close[t]"),
    at_least=-1.0,
)
def am_ret() -> Expr:
    """Move of the morning: MC / MO - 1."""
    return P.am_close / P.am_open - 1


@per_stock(
    "pm_ret",
    group="sessions",
    unit="ratio",
    plan="Premium",
    sources=("bars.AO", "bars.AC"),
    needs=("pm_open[t]", "pm_close[t]"),
    at_least=-1.0,
)
def pm_ret() -> Expr:
    """Move of the afternoon: AC / AO - 1."""
    return P.pm_close / P.pm_open - 1


@per_stock(
    "lunch_gap",
    group="sessions",
    unit="ratio",
    plan="Premium",
    sources=("bars.AO", "bars.MC"),
    needs=("pm_open[t]", "am_close[t]"),
    at_least=-1.0,
)
def lunch_gap() -> Expr:
    """Jump over the lunch break: AO / MC - 1."""
    return P.pm_open / P.am_close - 1


@per_stock(
    "am_range_share",
    group="sessions",
    unit="ratio",
    plan="Premium",
    sources=("bars.MH", "bars.ML", "bars.H", "bars.L"),
    needs=("am_high[t]", "am_low[t]", "raw_high[t]", "raw_low[t]"),
    undefined=equal(P.raw_high, P.raw_low),
    impossible=larger(greater(P.am_low, P.am_high), greater(P.am_high - P.am_low, P.raw_high - P.raw_low)),
    at_least=0.0,
    at_most=1.0,
)
def am_range_share() -> Expr:
    """How much of the day's range the morning covered: (MH - ML) / (H - L).

    Null where the morning claims more than the whole range.
    """
    return (P.am_high - P.am_low) / (P.raw_high - P.raw_low)


@per_stock(
    "am_value_share",
    group="sessions",
    unit="ratio",
    plan="Premium",
    sources=("bars.MVa", "bars.Va"),
    needs=("am_turnover[t]", "turnover[t]"),
    undefined=equal(P.turnover, 0.0),
    impossible=greater(P.am_turnover, P.turnover),
    at_least=0.0,
    at_most=1.0,
)
def am_value_share() -> Expr:
    """Share of the day's yen traded in the morning: MVa / Va.

    Null where the morning claims more than the day.
    """
    return P.am_turnover / P.turnover


@per_stock(
    "am_value_share_dev_20d",
    group="sessions",
    unit="ratio",
    plan="Premium",
    window="S21",
    min_obs=16,
    sources=("@am_value_share",),
    observes=("@am_value_share",),
    needs=("@am_value_share[t]",),
    at_least=-1.0,
    at_most=1.0,
)
def am_value_share_dev_20d() -> Expr:
    """The morning's share of trading against its month: am_value_share - mean over t-20..t-1."""
    return F("am_value_share") - mean(lag(F("am_value_share"), 1), 20)


@per_stock(
    "pm_am_diff_20d",
    group="sessions",
    unit="ratio",
    plan="Premium",
    window="S20",
    min_obs=15,
    sources=("@am_ret", "@pm_ret"),
    observes=("@am_ret", "@pm_ret"),
)
def pm_am_diff_20d() -> Expr:
    """Afternoons against mornings over a month: mean_20(pm_ret - am_ret)."""
    return mean(F("pm_ret") - F("am_ret"), 20)


@per_stock(
    "am_limit_flag",
    group="sessions",
    unit="flag",
    plan="Premium",
    sources=("bars.MUL", "bars.MLL"),
    needs=("am_limit_up[t]", "am_limit_down[t]", "am_close[t]"),
)
def am_limit_flag() -> Expr:
    """Whether the morning touched a daily limit: MUL = '1' or MLL = '1'; null when nothing traded in the morning."""
    return only_where_present(larger(P.am_limit_up, P.am_limit_down), P.am_close)
