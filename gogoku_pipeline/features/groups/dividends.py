"""What will be paid, when the right is lost, and how often the company changed its mind.

The first six read summaries of statements, the other six the log of dividend notices. Yen per share as filed stand
over the raw mark (mark x factor); notices are kept on the basis of adjusted prices and stand over the mark itself.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, K, P, equal
from gogoku_pipeline.features.operators.holding import capped

FORECASTS = ("summary.FDivAnn", "summary.NxFDivAnn")
NOTICES = (
    "dividend.CARefNo",
    "dividend.StatCode",
    "dividend.PubDate",
    "dividend.PubTime",
    "dividend.ExDate",
    "dividend.DivRate",
)
OLD_SESSIONS = 250
FAR_SESSIONS = 120


def _raw_mark() -> Expr:
    """The mark on the basis of the day, as quoted."""
    return P.mark * P.factor


def _since(event: str) -> Expr:
    """Sessions since a numbered session."""
    return K("clock.number") - K(event)


@per_stock(
    "div_fcst_yield",
    group="dividends",
    unit="ratio",
    window="P",
    sources=(*FORECASTS, "bars.C", "bars.AdjFactor"),
    needs=("payout.forecast[t]", "mark[t]"),
    at_least=0.0,
)
def div_fcst_yield() -> Expr:
    """Yield of the dividend the company forecasts: forecast annual dividend of the running fiscal year (FDivAnn, after the FY document NxFDivAnn) / m_raw.

    Results without the figure leave it undecided: null. Null also while a price factor lies between the start of the
    document's fiscal year and t, and 250 sessions after the document.
    """  # noqa: E501
    return K("payout.forecast") / _raw_mark()


@per_stock(
    "div_fy_yield",
    group="dividends",
    unit="ratio",
    window="P",
    sources=("summary.DivAnn", "bars.C", "bars.AdjFactor"),
    needs=("payout.paid[t]", "mark[t]"),
    at_least=0.0,
)
def div_fy_yield() -> Expr:
    """Yield of the last full year's dividend: DivAnn of the last FY document / m_raw."""
    return K("payout.paid") / _raw_mark()


@per_stock(
    "div_payout_fcst",
    group="dividends",
    unit="ratio",
    window="P",
    sources=("summary.FPayoutRatioAnn", "summary.NxFPayoutRatioAnn"),
    needs=("payout.ratio[t]",),
)
def div_payout_fcst() -> Expr:
    """Share of profit to be paid out: forecast payout ratio as filed (decimal)."""
    return K("payout.ratio")


@per_stock(
    "div_growth_fcst",
    group="dividends",
    unit="ratio",
    window="P",
    sources=(*FORECASTS, "summary.DivAnn"),
    needs=("payout.forecast[t]", "payout.paid[t]"),
    undefined=equal(K("payout.paid"), 0),
    at_least=-1.0,
)
def div_growth_fcst() -> Expr:
    """Growth of the forecast dividend: forecast annual dividend / last DivAnn - 1; null when DivAnn = 0."""
    return K("payout.forecast") / K("payout.paid") - 1


@per_stock(
    "div_fcst_rev",
    group="dividends",
    unit="ratio",
    window="P",
    sources=(*FORECASTS, "bars.C"),
    needs=("payout.forecast[t]", "payout.forecast_before[t]", "mark[t]"),
)
def div_fcst_rev() -> Expr:
    """Last change of the dividend forecast over the price: (newest forecast - the one before it for the same fiscal year) / m_raw; 0 when confirmed unchanged; null with one forecast only."""  # noqa: E501
    return (K("payout.forecast") - K("payout.forecast_before")) / _raw_mark()


@per_stock(
    "div_fcst_age_sessions",
    group="dividends",
    unit="sessions",
    window="P",
    sources=(*FORECASTS, "summary.DiscDate"),
    needs=("payout.told[t]",),
    at_least=0.0,
    at_most=float(OLD_SESSIONS),
)
def div_fcst_age_sessions() -> Expr:
    """Age of the dividend forecast: sessions since the newest document with a dividend forecast became usable, capped at 250."""  # noqa: E501
    return capped(_since("payout.told"), OLD_SESSIONS)


@per_stock(
    "div_to_ex_sessions",
    group="dividends",
    unit="sessions",
    window="P",
    plan="Premium",
    sources=NOTICES,
    needs=("div.next_ex[t]",),
    at_least=1.0,
    at_most=float(FAR_SESSIONS),
)
def div_to_ex_sessions() -> Expr:
    """Sessions to the next ex-date: sessions from t to the nearest ExDate > t in dividend_state(t), capped at 120 (1 = the entry session is ex)."""  # noqa: E501
    return capped(K("div.next_ex") - K("clock.number"), FAR_SESSIONS)


@per_stock(
    "div_since_ex_sessions",
    group="dividends",
    unit="sessions",
    window="P",
    plan="Premium",
    sources=NOTICES,
    needs=("div.last_ex[t]",),
    at_least=0.0,
    at_most=float(OLD_SESSIONS),
)
def div_since_ex_sessions() -> Expr:
    """Sessions since the last ex-date: sessions since the latest ExDate <= t, capped at 250."""
    return capped(_since("div.last_ex"), OLD_SESSIONS)


@per_stock(
    "div_next_yield",
    group="dividends",
    unit="ratio",
    window="P",
    plan="Premium",
    sources=(*NOTICES, "bars.C"),
    needs=("div.next_rate[t]", "mark[t]"),
    at_least=0.0,
)
def div_next_yield() -> Expr:
    """Yield of the next payment: sum of DivRate over the notices sharing the nearest ExDate > t, / m_raw.

    Null while one of these rates is undecided.
    """
    return K("div.next_rate") / P.mark


@per_stock(
    "div_yield_12m",
    group="dividends",
    unit="ratio",
    window="P",
    plan="Premium",
    sources=(*NOTICES, "bars.C"),
    needs=("div.year_rate[t]", "mark[t]"),
    at_least=0.0,
)
def div_yield_12m() -> Expr:
    """Yield of the past year's payments: sum of DivRate over notices with t - 365 days < ExDate <= t, / m_raw: each payment once, by CARefNo.

    Null without an ex-date in the year, while one of the rates is undecided, and in the source's first year.
    """  # noqa: E501
    return K("div.year_rate") / P.mark


@per_stock(
    "div_rev_last",
    group="dividends",
    unit="ratio",
    window="P",
    plan="Premium",
    sources=(*NOTICES, "bars.C"),
    needs=("div.change[t]", "mark[t]"),
)
def div_rev_last() -> Expr:
    """Last revision of a noticed dividend: (newest - previous DivRate within the newest revised CARefNo) / m_raw, held 60 sessions."""  # noqa: E501
    return K("div.change") / P.mark


@per_stock(
    "div_notice_age_sessions",
    group="dividends",
    unit="sessions",
    window="P",
    plan="Premium",
    sources=NOTICES,
    needs=("div.noticed[t]",),
    at_least=0.0,
    at_most=float(OLD_SESSIONS),
)
def div_notice_age_sessions() -> Expr:
    """Age of the newest dividend notice: sessions since the newest notice of the issue became usable, capped at 250."""
    return capped(_since("div.noticed"), OLD_SESSIONS)
