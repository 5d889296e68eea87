"""What a company promises for its running fiscal year, how far it has come, and how often it changed its mind.

Part of the catalogue's group `fundamentals`; results themselves are declared in `fundamentals`. Figures of a year to
date are set against the forecast of the same fiscal year only.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    K,
    P,
    constant,
    equal,
    is_missing,
    larger,
    only_where_present,
    pointwise,
    where,
)
from gogoku_pipeline.features.operators.fractions import is_not_positive, positive
from gogoku_pipeline.features.operators.holding import at_event, capped

GROUP = "fundamentals"
HELD_SESSIONS = 250


def _same_year() -> Expr:
    """Whether the newest results are of the fiscal year that the forecast is about."""
    return equal(K("fin.year_end"), K("gd.year_end"))


def _of_same_year(x: Expr) -> Expr:
    return where(_same_year(), x, constant(float("nan")))


def _rest_before() -> Expr:
    """Operating profit that the previous year still made after the same period."""
    return K("fin.op_year_before") - K("fin.op_ytd_before")


def _sessions_since(event: str) -> Expr:
    return K("clock.number") - K(event)


def _when_told(x: Expr) -> Expr:
    """X on the session from which the newest profit forecast was usable."""
    return at_event(x, _sessions_since("gd.np_known"), HELD_SESSIONS)


@per_stock(
    "gd_progress_op",
    group=GROUP,
    unit="ratio",
    window="P",
    sources=("summary.OP", "summary.FOP"),
    needs=("fin.op_ytd[t]", "gd.op[t]"),
    undefined=larger(is_not_positive(K("gd.op")), 1 - _same_year()),
)
def gd_progress_op() -> Expr:
    """How much of the year's forecast is already earned: year-to-date OP / FOP for the same fiscal year; null when FOP <= 0; null after the FY document."""  # noqa: E501
    return _of_same_year(K("fin.op_ytd") / positive(K("gd.op")))


@per_stock(
    "gd_progress_op_excess",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("@gd_progress_op", "summary.OP"),
    needs=("@gd_progress_op[t]", "fin.op_ytd_before[t]", "fin.op_year_before[t]"),
    undefined=is_not_positive(K("fin.op_year_before")),
)
def gd_progress_op_excess() -> Expr:
    """Progress beyond that of the year before: gd_progress_op - (OP year-to-date / OP full year) of the previous fiscal year at the same period.

    Null where the previous year made no operating profit: a share of a loss is no progress.
    """  # noqa: E501
    return F("gd_progress_op") - K("fin.op_ytd_before") / positive(K("fin.op_year_before"))


@per_stock(
    "gd_rev_op_sales",
    group=GROUP,
    unit="ratio",
    window="P",
    sources=("summary.FOP", "summary.NxFOP", "summary.FSales", "summary.NxFSales"),
    needs=("gd.op[t]", "gd.op_before[t]", "gd.sales[t]"),
    undefined=is_not_positive(K("gd.sales")),
)
def gd_rev_op_sales() -> Expr:
    """Last change of the forecast operating profit, on sales: (newest FOP - the one before it for the same target year) / newest FSales; 0 when confirmed; null with one forecast only."""  # noqa: E501
    return (K("gd.op") - K("gd.op_before")) / positive(K("gd.sales"))


@per_stock(
    "gd_rev_np_mcap",
    group=GROUP,
    unit="ratio",
    window="P",
    sources=("summary.FNP", "summary.NxFNp", "@log10_mcap_jpy"),
    needs=("gd.np[t]", "gd.np_before[t]", "gd.yen[t]"),
    undefined=is_missing(_when_told(only_where_present(P.mark, K("shares.net_basis")))),
)
def gd_rev_np_mcap() -> Expr:
    """Last change of the forecast profit, on market value: (newest FNP - the one before it for the same target year) / mcap_jpy on the session it became usable.

    Null for an issue that reports in another currency, and 250 sessions after the forecast became usable.
    """  # noqa: E501
    worth = pointwise("power", np.power, 10.0, _when_told(F("log10_mcap_jpy")))
    return only_where_present(K("gd.np") - K("gd.np_before"), K("gd.yen")) / worth


@per_stock(
    "gd_rev_net_250d_count",
    group=GROUP,
    unit="count",
    window="S250",
    sources=("summary.FOP", "summary.NxFOP"),
    needs=("gd.net_250d[t]",),
)
def gd_rev_net_250d_count() -> Expr:
    """Which way the forecasts went lately: up revisions minus down revisions of FOP in 250 sessions.

    A revision is a change of FOP for the same target year; null before the first FOP.
    """
    return K("gd.net_250d")


@per_stock(
    "gd_rev_age_sessions",
    group=GROUP,
    unit="sessions",
    window="P",
    sources=("summary.FOP", "summary.NxFOP", "summary.DiscDate"),
    needs=("gd.revised[t]",),
    at_least=0.0,
    at_most=250.0,
)
def gd_rev_age_sessions() -> Expr:
    """Age of the last revision: sessions since FOP last changed, capped at 250.

    Null before the first revision; the first forecast of a new year is none.
    """
    return capped(_sessions_since("gd.revised"), 250)


@per_stock(
    "gd_fcst_op_growth",
    group=GROUP,
    unit="ratio",
    window="Q4",
    sources=("summary.FOP", "summary.NxFOP", "summary.OP", "summary.Sales"),
    needs=("gd.op[t]", "fin.op_last_year[t]", "fin.sales_last_year[t]"),
    undefined=is_not_positive(K("fin.sales_last_year")),
)
def gd_fcst_op_growth() -> Expr:
    """Growth that the company promises, on sales: (FOP of the running year - OP of the last full year) / Sales of the last full year."""  # noqa: E501
    return (K("gd.op") - K("fin.op_last_year")) / positive(K("fin.sales_last_year"))


@per_stock(
    "gd_rest_op_growth",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("summary.FOP", "summary.OP"),
    needs=("gd.op[t]", "fin.op_ytd[t]", "fin.op_year_before[t]", "fin.op_ytd_before[t]"),
    undefined=larger(is_not_positive(_rest_before()), 1 - _same_year()),
)
def gd_rest_op_growth() -> Expr:
    """Growth that the rest of the year must bring: (FOP - OP year-to-date) / (OP last year - OP year-to-date one year earlier) - 1; null unless the denominator is > 0."""  # noqa: E501
    return _of_same_year((K("gd.op") - K("fin.op_ytd")) / positive(_rest_before()) - 1)
