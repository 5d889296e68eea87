"""What the option market charges for risk: Nikkei 225 options, one value per trading day of options.

Published at 03:00 of the next day, so with the evening cut-off the newest usable row is the previous session's. Windows
count trading days of options; a session reads the newest one known, for at most three sessions.
"""

from __future__ import annotations

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_market, per_release
from gogoku_pipeline.features.expressions import Expr, F, K, equal, log, sqrt
from gogoku_pipeline.features.operators.own_past import rank_in_own_past
from gogoku_pipeline.features.operators.windows import lag, mean

SMILE = ("IV", "Strike", "PCDiv", "SQD", "UnderPx", "CM", "EmMrgnTrgDiv")
WIDEST = 3.0
"""No two volatilities of the surface, each within 0.01..3, differ by more."""
SURFACE = tuple(f"opt225.{name}" for name in SMILE)


@per_release(
    "opt_iv_near",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="ann_vol",
    sources=SURFACE,
    needs=("options.iv_near[t]",),
)
def opt_iv_near() -> Expr:
    """Volatility charged for the next weeks: ATM IV of the nearest expiry with at least 5 days."""
    return K("options.iv_near")


@per_release(
    "opt_iv_30d",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="ann_vol",
    sources=SURFACE,
    needs=("options.iv_30d[t]",),
)
def opt_iv_30d() -> Expr:
    """Volatility charged for a month: ATM IV at 30 calendar days by total variance, linear in T between the neighbouring expiries; where the nearest expiry with at least 5 days lies beyond 30 (at most 45) its IV holds down to 30 days."""  # noqa: E501
    return K("options.iv_30d")


@per_release(
    "opt_term_30_90",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="ann_vol",
    at_least=-WIDEST,
    sources=SURFACE,
    needs=("options.iv_30d[t]", "options.iv_90d[t]"),
)
def opt_term_30_90() -> Expr:
    """Slope of volatility from one month to three: ATM IV at 90 days - opt_iv_30d."""
    return K("options.iv_90d") - K("options.iv_30d")


@per_release(
    "opt_skew_25d_30d",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="ann_vol",
    at_least=-WIDEST,
    sources=(*SURFACE, "opt225.IR"),
    needs=("options.put_iv_30d[t]", "options.call_iv_30d[t]"),
)
def opt_skew_25d_30d() -> Expr:
    """How much more protection costs than hope: IV(25-delta put) - IV(25-delta call): each linear in |delta| within an expiry, then to 30 days by total variance, below the nearest expiry as in opt_iv_30d."""  # noqa: E501
    return K("options.put_iv_30d") - K("options.call_iv_30d")


@per_release(
    "opt_pcr_volume",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="log",
    sources=("opt225.Vo", "opt225.PCDiv", "opt225.CM"),
    needs=("options.put_volume[t]", "options.call_volume[t]"),
    undefined=equal(K("options.put_volume") * K("options.call_volume"), 0.0),
)
def opt_pcr_volume() -> Expr:
    """Puts traded against calls: ln(sum of put Vo / sum of call Vo) over all monthly expiries."""
    return log(K("options.put_volume") / K("options.call_volume"))


@per_release(
    "opt_pcr_oi",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="log",
    sources=("opt225.OI", "opt225.PCDiv", "opt225.CM"),
    needs=("options.put_open_interest[t]", "options.call_open_interest[t]"),
    undefined=equal(K("options.put_open_interest") * K("options.call_open_interest"), 0.0),
)
def opt_pcr_oi() -> Expr:
    """Puts open against calls: ln(sum of put OI / sum of call OI)."""
    return log(K("options.put_open_interest") / K("options.call_open_interest"))


@per_release(
    "_opt_underlying_move",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="log",
    sources=("opt225.UnderPx",),
    window="E2",
    min_obs=2,
    needs=("options.underlying[t]", "options.underlying[t-1]"),
)
def opt_underlying_move() -> Expr:
    """Change of the underlying between two rows: d = ln(UnderPx / UnderPx of the row before)."""
    return log(K("options.underlying") / lag(K("options.underlying"), 1))


def realised_variance() -> Expr:
    """Annualised variance of the underlying over twenty rows: 245*mean_20(d^2)."""
    move = F("_opt_underlying_move")
    return SESSIONS_PER_YEAR * mean(move * move, 20)


@per_release(
    "opt_vrp_var",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="ann_var",
    sources=("@opt_iv_30d", "opt225.UnderPx"),
    window="S20",
    min_obs=15,
    observes=("@_opt_underlying_move",),
    needs=("@opt_iv_30d[t]",),
)
def opt_vrp_var() -> Expr:
    """Variance charged over variance seen: opt_iv_30d^2 - 245*mean_20(d^2), d = daily ln change of UnderPx: both terms annualised variances of one underlying."""  # noqa: E501
    return F("opt_iv_30d") * F("opt_iv_30d") - realised_variance()


@per_release(
    "opt_vrp_log",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="log",
    sources=("@opt_iv_30d", "opt225.UnderPx"),
    window="S20",
    min_obs=15,
    observes=("@_opt_underlying_move",),
    needs=("@opt_iv_30d[t]",),
)
def opt_vrp_log() -> Expr:
    """Volatility charged over volatility seen: ln(opt_iv_30d / sqrt(245*mean_20(d^2)))."""
    return log(F("opt_iv_30d") / sqrt(realised_variance()))


@per_release(
    "opt_iv_chg_5d",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="ann_vol",
    at_least=-WIDEST,
    sources=("@opt_iv_30d",),
    window="E6",
    min_obs=2,
    needs=("@opt_iv_30d[t]", "@opt_iv_30d[t-5]"),
)
def opt_iv_chg_5d() -> Expr:
    """Change of volatility in a week: opt_iv_30d - its value 5 option sessions earlier."""
    return F("opt_iv_30d") - lag(F("opt_iv_30d"), 5)


@per_release(
    "opt_iv_rank_250d",
    group="options",
    role="market",
    plan="Standard",
    by="options",
    unit="rank_0_1",
    sources=("@opt_iv_30d",),
    window="S250",
    min_obs=180,
    observes=("@opt_iv_30d",),
    needs=("@opt_iv_30d[t]",),
)
def opt_iv_rank_250d() -> Expr:
    """Whether volatility is dear by the standards of a year: (average rank - 1)/(j - 1) of today's opt_iv_30d among the last j <= 250 values: position in its own past is the quantity."""  # noqa: E501
    return rank_in_own_past(F("opt_iv_30d"), 250)


@per_market(
    "opt_age_sessions",
    group="options",
    role="market",
    plan="Standard",
    unit="sessions",
    sources=("opt225.Date",),
    window="P",
    needs=("options.session_number[t]",),
    at_least=0.0,
    may_be_constant="1 as long as every session is published on time",
)
def opt_age_sessions() -> Expr:
    """Age of the newest option row: sessions between the row's Date and t (1 in normal running)."""
    return K("clock.number") - K("options.session_number")
