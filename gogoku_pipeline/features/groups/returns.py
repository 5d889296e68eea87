"""Returns, gaps and ranges: how far a price travelled, and where inside the day. Smoothed shapes live in trend."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, P, equal, log1p
from gogoku_pipeline.features.operators.streaks import direction, signed_run
from gogoku_pipeline.features.operators.windows import highest, lag, lowest, mean, total

CLOSE = ("bars.C", "bars.AdjFactor")


@per_stock(
    "ret_1d",
    group="returns",
    unit="ratio",
    window="E2",
    min_obs=2,
    sources=CLOSE,
    needs=("close[t]", "close[t-1]"),
    at_least=-1.0,
)
def ret_1d() -> Expr:
    """Price change from the previous session's close: c[t] / c[t-1] - 1; both sessions traded, no carry of any kind."""
    return P.close / lag(P.close, 1) - 1


@per_stock(
    "ret_{n}d",
    group="returns",
    unit="ratio",
    window="E{n+1}",
    min_obs=2,
    sources=CLOSE,
    needs=("mark[t]", "mark[t-{n}]"),
    windows=(5, 10, 20, 60, 120, 250),
    at_least=-1.0,
)
def return_over(n: int) -> Expr:
    """Price change over {n} sessions: m[t] / m[t-{n}] - 1."""
    return P.mark / lag(P.mark, n) - 1


@per_stock(
    "ret_250d_skip20",
    group="returns",
    unit="ratio",
    window="E251",
    min_obs=2,
    sources=CLOSE,
    needs=("mark[t-20]", "mark[t-250]"),
    at_least=-1.0,
)
def ret_250d_skip20() -> Expr:
    """Price change over a year without its last month (momentum): m[t-20] / m[t-250] - 1."""
    return lag(P.mark, 20) / lag(P.mark, 250) - 1


@per_stock(
    "ret_season_20d",
    group="returns",
    unit="ratio",
    window="E251",
    min_obs=2,
    sources=CLOSE,
    needs=("mark[t-230]", "mark[t-250]"),
    at_least=-1.0,
)
def ret_season_20d() -> Expr:
    """What this stretch of the year brought one year ago: m[t-230] / m[t-250] - 1, i.e. what this stretch of the year brought one year ago."""  # noqa: E501
    return lag(P.mark, 230) / lag(P.mark, 250) - 1


@per_stock(
    "ret_overnight",
    group="returns",
    unit="ratio",
    window="E2",
    min_obs=2,
    sources=("bars.O", *CLOSE),
    needs=("open[t]", "close[t-1]"),
    at_least=-1.0,
)
def ret_overnight() -> Expr:
    """Price change while the market was closed: o[t] / c[t-1] - 1."""
    return P.open / lag(P.close, 1) - 1


@per_stock(
    "ret_intraday",
    group="returns",
    unit="ratio",
    sources=("bars.O", "bars.C"),
    observes=("open", "close"),
    at_least=-1.0,
)
def ret_intraday() -> Expr:
    """Price change while the market was open: c / o - 1."""
    return P.close / P.open - 1


@per_stock(
    "ret_overnight_sum_20d",
    group="returns",
    unit="log",
    window="S20",
    min_obs=15,
    sources=("@ret_overnight",),
    observes=("@ret_overnight",),
)
def ret_overnight_sum_20d() -> Expr:
    """What a month of nights brought: sum_20 of ln(1 + ret_overnight)."""
    return total(log1p(F("ret_overnight")), 20)


@per_stock(
    "range_1d",
    group="returns",
    unit="ratio",
    window="E2",
    min_obs=2,
    sources=("bars.H", "bars.L", *CLOSE),
    needs=("high[t]", "low[t]", "close[t-1]"),
    at_least=0.0,
)
def range_1d() -> Expr:
    """How wide the session's prices ranged, against the previous close: (h[t] - l[t]) / c[t-1]."""
    return (P.high - P.low) / lag(P.close, 1)


@per_stock(
    "range_ratio_20d",
    group="returns",
    unit="ratio",
    window="S21",
    min_obs=16,
    sources=("@range_1d",),
    observes=("@range_1d",),
    needs=("@range_1d[t]",),
    undefined=equal(mean(lag((P.high - P.low) / lag(P.close, 1), 1), 20), 0.0),
    at_least=0.0,
)
def range_ratio_20d() -> Expr:
    """Today's range against a month's: range_1d[t] / mean of range_1d over t-20..t-1."""
    return F("range_1d") / mean(lag(F("range_1d"), 1), 20)


@per_stock(
    "close_location",
    group="returns",
    unit="ratio",
    sources=("bars.H", "bars.L", "bars.C"),
    observes=("high", "low", "close"),
    undefined=equal(P.high, P.low),
    at_least=0.0,
    at_most=1.0,
)
def close_location() -> Expr:
    """Where in the session's range it closed, 0 at the low and 1 at the high: (c - l) / (h - l); null when h = l."""
    return (P.close - P.low) / (P.high - P.low)


@per_stock(
    "dist_high_250d",
    group="returns",
    unit="ratio",
    window="S250",
    min_obs=120,
    sources=("bars.H", "bars.L", *CLOSE),
    observes=("high",),
    needs=("mark[t]",),
    at_least=-1.0,
    at_most=0.0,
)
def dist_high_250d() -> Expr:
    """Distance below the highest price of a year: m[t] / max_250(h) - 1."""
    return P.mark / highest(P.high, 250) - 1


@per_stock(
    "dist_low_250d",
    group="returns",
    unit="ratio",
    window="S250",
    min_obs=120,
    sources=("bars.H", "bars.L", *CLOSE),
    observes=("low",),
    needs=("mark[t]",),
    at_least=0.0,
)
def dist_low_250d() -> Expr:
    """Distance above the lowest price of a year: m[t] / min_250(l) - 1."""
    return P.mark / lowest(P.low, 250) - 1


@per_stock(
    "up_streak_sessions",
    group="returns",
    unit="sessions",
    window="X1",
    min_obs=1,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    needs=("@ret_1d[t]",),
)
def up_streak_sessions() -> Expr:
    """How long the price has risen, or fallen if negative: u = sign(ret_1d) * (1 + |u[t-1]| if same sign as u[t-1] else 1); 0 when ret_1d = 0; a null session ends the run."""  # noqa: E501
    return signed_run(F("ret_1d"))


@per_stock(
    "ret_discreteness_250d",
    group="returns",
    unit="ratio",
    window="S250",
    min_obs=180,
    sources=("@ret_1d", "@ret_250d"),
    observes=("@ret_1d",),
    needs=("@ret_250d[t]",),
    at_least=-1.0,
    at_most=1.0,
)
def ret_discreteness_250d() -> Expr:
    """Whether a year's move came in few big days (above 0) or many small ones: sign(ret_250d) * (share of ret_1d < 0 minus share of ret_1d > 0 over 250)."""  # noqa: E501
    return -direction(F("ret_250d")) * mean(direction(F("ret_1d")), 250)
