"""How much of the selling is short, and which holders sit on disclosed short positions.

Sums over positions run over everybody still outstanding, not over the day's filings (`states.short_positions`).
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_group, per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, F, K, P, equal
from gogoku_pipeline.features.operators.windows import count, lag, mean, total

RATIO_SOURCES = ("short_ratio.SellExShortVa", "short_ratio.ShrtWithResVa", "short_ratio.ShrtNoResVa")
POSITION_SOURCES = tuple(
    f"short_report.{field}" for field in ("DiscDate", "CalcDate", "SSName", "DICName", "FundName", "ShrtPosToSO")
)


def _short(state: str) -> Expr:
    """Yen sold short, of a state with the three amounts."""
    return K(f"{state}.short_sell_restricted_jpy") + K(f"{state}.short_sell_unrestricted_jpy")


def _sold(state: str) -> Expr:
    """All yen sold; a sector whose few issues did not trade sold none and has no share."""
    return K(f"{state}.long_sell_jpy") + _short(state)


def _short_share(state: str) -> Expr:
    return _short(state) / _sold(state)


@per_group(
    "shr_sec_ratio",
    group="short",
    role="sector",
    unit="ratio",
    plan="Standard",
    sources=RATIO_SOURCES,
    needs=("short_ratio.long_sell_jpy[t]",),
    undefined=equal(_sold("short_ratio"), 0.0),
    by="sector33",
    at_least=0.0,
    at_most=1.0,
)
def shr_sec_ratio() -> Expr:
    """Share of the sector's selling that is short: (ShrtWithResVa + ShrtNoResVa) / (SellExShortVa + ShrtWithResVa + ShrtNoResVa)."""  # noqa: E501
    return _short_share("short_ratio")


@per_group(
    "shr_sec_nores_share",
    group="short",
    role="sector",
    unit="ratio",
    plan="Standard",
    sources=("short_ratio.ShrtNoResVa", "short_ratio.ShrtWithResVa"),
    needs=("short_ratio.short_sell_unrestricted_jpy[t]",),
    undefined=equal(_short("short_ratio"), 0.0),
    by="sector33",
    at_least=0.0,
    at_most=1.0,
)
def shr_sec_nores_share() -> Expr:
    """Share of the sector's short selling free of the price restriction (market makers, small orders): ShrtNoResVa / (ShrtWithResVa + ShrtNoResVa)."""  # noqa: E501
    return K("short_ratio.short_sell_unrestricted_jpy") / _short("short_ratio")


@per_group(
    "shr_sec_chg_5_20",
    group="short",
    role="sector",
    unit="ratio",
    plan="Standard",
    window="S20",
    min_obs=15,
    sources=("@shr_sec_ratio",),
    observes=("@shr_sec_ratio",),
    needs=("@shr_sec_ratio[t-4..t]",),
    by="sector33",
    at_least=-1.0,
    at_most=1.0,
)
def shr_sec_chg_5_20() -> Expr:
    """Short selling of the sector in a week against a month: mean_5 - mean_20 of shr_sec_ratio."""
    return mean(F("shr_sec_ratio"), 5) - mean(F("shr_sec_ratio"), 20)


@per_market(
    "shr_mkt_ratio",
    group="short",
    role="market",
    unit="ratio",
    plan="Standard",
    sources=RATIO_SOURCES,
    needs=("short_ratio_market.long_sell_jpy[t]",),
    undefined=equal(_sold("short_ratio_market"), 0.0),
    at_least=0.0,
    at_most=1.0,
)
def shr_mkt_ratio() -> Expr:
    """Share of all selling that is short: the same ratio of the sums over all sectors."""
    return _short_share("short_ratio_market")


@per_market(
    "shr_mkt_chg_5_20",
    group="short",
    role="market",
    unit="ratio",
    plan="Standard",
    window="S20",
    min_obs=15,
    sources=("@shr_mkt_ratio",),
    observes=("@shr_mkt_ratio",),
    needs=("@shr_mkt_ratio[t-4..t]",),
    at_least=-1.0,
    at_most=1.0,
)
def shr_mkt_chg_5_20() -> Expr:
    """Short selling of the market in a week against a month: mean_5 - mean_20 of shr_mkt_ratio."""
    return mean(F("shr_mkt_ratio"), 5) - mean(F("shr_mkt_ratio"), 20)


@per_stock(
    "ssp_sum",
    group="short",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=POSITION_SOURCES,
    needs=("short_positions.ratio_sum[t]",),
    at_least=0.0,
)
def ssp_sum() -> Expr:
    """Disclosed short positions outstanding, over the shares outstanding: sum of ShrtPosToSO over short_state(t); 0 when nobody."""  # noqa: E501
    return K("short_positions.ratio_sum")


@per_stock(
    "ssp_holders_count",
    group="short",
    unit="count",
    plan="Standard",
    window="P",
    sources=POSITION_SOURCES,
    needs=("short_positions.holders[t]",),
    at_least=0.0,
)
def ssp_holders_count() -> Expr:
    """How many holders are short: number of holders in short_state(t)."""
    return K("short_positions.holders")


@per_stock(
    "ssp_top",
    group="short",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=POSITION_SOURCES,
    needs=("short_positions.top_ratio[t]",),
    at_least=0.005,
)
def ssp_top() -> Expr:
    """The largest short position: largest ShrtPosToSO in short_state(t); null when nobody."""
    return K("short_positions.top_ratio")


@per_stock(
    "ssp_hhi",
    group="short",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=POSITION_SOURCES,
    needs=("short_positions.top_ratio[t]",),
    at_least=0.0,
    at_most=1.0,
)
def ssp_hhi() -> Expr:
    """How concentrated the short side is: sum of w^2, w = ShrtPosToSO / ssp_sum; null when nobody."""
    held = K("short_positions.ratio_sum")
    return K("short_positions.square_sum") / (held * held)


@per_stock(
    "ssp_chg_{n}d",
    group="short",
    unit="ratio",
    plan="Standard",
    window="E{n+1}",
    min_obs=2,
    sources=("@ssp_sum",),
    needs=("@ssp_sum[t]", "@ssp_sum[t-{n}]"),
    windows=(5, 20),
)
def ssp_chg(n: int) -> Expr:
    """Change of the disclosed short positions over {n} sessions: ssp_sum[t] - ssp_sum[t-{n}]."""
    return F("ssp_sum") - lag(F("ssp_sum"), n)


@per_stock(
    "ssp_new_20d_count",
    group="short",
    unit="count",
    plan="Standard",
    window="S20",
    min_obs=20,
    sources=POSITION_SOURCES,
    observes=("short_positions.ratio_sum",),
    needs=("short_positions.new_holders[t]",),
    at_least=0.0,
)
def ssp_new_20d_count() -> Expr:
    """Who joined the short side in a month: holders in short_state(t) that were not in short_state(t-20)."""
    return K("short_positions.new_holders")


@per_stock(
    "ssp_exit_20d_count",
    group="short",
    unit="count",
    plan="Standard",
    window="S20",
    min_obs=20,
    sources=POSITION_SOURCES,
    observes=("short_positions.ratio_sum",),
    needs=("short_positions.left_holders[t]",),
    at_least=0.0,
)
def ssp_exit_20d_count() -> Expr:
    """Who left the short side in a month: holders in short_state(t-20) that are not in short_state(t)."""
    return K("short_positions.left_holders")


@per_stock(
    "ssp_cover_sessions",
    group="short",
    unit="sessions",
    plan="Standard",
    window="S20",
    min_obs=15,
    sources=(*POSITION_SOURCES, "short_report.ShrtPosShares", "bars.Vo", "bars.AdjFactor"),
    observes=("open_session",),
    needs=("volume[t-19..t]", "short_positions.shares[t]"),
    undefined=equal(total(P.volume, 20), 0.0),
)
def ssp_cover_sessions() -> Expr:
    """Sessions of average volume it takes to buy the disclosed positions back: sum of ShrtPosShares (basis of t, factors after CalcDate) / adv_20(v); 0 when nobody; min_obs counts listed sessions."""  # noqa: E501
    return K("short_positions.shares") / (total(P.volume, 20) / count(P.open_session, 20))


@per_stock(
    "ssp_pnl",
    group="short",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=(*POSITION_SOURCES, "bars.C", "bars.AdjFactor"),
    needs=("mark[t]", "short_positions.top_ratio[t]", "short_positions.ratio_per_mark[t]"),
    at_most=1.0,
)
def ssp_pnl() -> Expr:
    """What the shorts have made since they reported: sum of w*(1 - m[t]/m[CalcDate]); below 0 the shorts are losing; null when nobody."""  # noqa: E501
    return 1 - P.mark * K("short_positions.ratio_per_mark") / K("short_positions.ratio_sum")


@per_stock(
    "ssp_age_sessions",
    group="short",
    unit="sessions",
    plan="Standard",
    window="P",
    sources=("short_report.DiscDate",),
    needs=("short_positions.age_sessions[t]",),
    at_most=250.0,
)
def ssp_age_sessions() -> Expr:
    """Age of what is known about the short side: sessions since the newest report on the issue became available, capped at 250; null without a report in 500 sessions."""  # noqa: E501
    return K("short_positions.age_sessions")
