"""What a company earns and owns: single quarters and trailing twelve months from de-cumulated statements.

All values are as known at t and hold for 250 sessions after the newest results document (cash flows for 500 after
theirs). Sales stand below a fraction only where they are positive. What the company promises is in `guidance`.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, K, larger
from gogoku_pipeline.features.operators.fractions import is_not_positive, positive
from gogoku_pipeline.features.operators.holding import capped

GROUP = "fundamentals"


def _average(item: str) -> Expr:
    """Mean of a balance now and twelve months earlier."""
    return (K(item) + K(f"{item}_before")) / 2.0


def _both(item: str) -> tuple[str, str]:
    """Needs of a value now and twelve months earlier."""
    return (f"{item}[t]", f"{item}_before[t]")


@per_stock(
    "fin_sales_ttm_growth",
    group=GROUP,
    unit="ratio",
    window="Q8",
    min_obs=8,
    sources=("summary.Sales",),
    needs=_both("fin.sales_ttm"),
    undefined=is_not_positive(K("fin.sales_ttm_before")),
)
def fin_sales_ttm_growth() -> Expr:
    """Growth of a year's sales: Sales_ttm / Sales_ttm 12 months earlier - 1."""
    return K("fin.sales_ttm") / positive(K("fin.sales_ttm_before")) - 1


@per_stock(
    "fin_op_ttm_chg_ta",
    group=GROUP,
    unit="ratio",
    window="Q8",
    min_obs=8,
    sources=("summary.OP", "summary.TA"),
    needs=(*_both("fin.op_ttm"), "fin.total_assets[t]"),
)
def fin_op_ttm_chg_ta() -> Expr:
    """Change of a year's operating profit on the assets: (OP_ttm - OP_ttm 12 months earlier) / TA: signs of losses cannot mislead."""  # noqa: E501
    return (K("fin.op_ttm") - K("fin.op_ttm_before")) / K("fin.total_assets")


@per_stock(
    "fin_sales_q_yoy",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("summary.Sales",),
    needs=("fin.sales_q[t]", "fin.sales_q4[t]"),
    undefined=larger(is_not_positive(K("fin.sales_q")), is_not_positive(K("fin.sales_q4"))),
)
def fin_sales_q_yoy() -> Expr:
    """Growth of a quarter's sales over the year: Sales_q / Sales_q4 - 1; null unless both are > 0."""
    return positive(K("fin.sales_q")) / positive(K("fin.sales_q4")) - 1


@per_stock(
    "fin_op_q_yoy_chg",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("summary.OP", "summary.Sales"),
    needs=("fin.op_q[t]", "fin.op_q4[t]", "fin.sales_q4[t]"),
    undefined=is_not_positive(K("fin.sales_q4")),
)
def fin_op_q_yoy_chg() -> Expr:
    """Change of a quarter's operating profit on its sales: (OP_q - OP_q4) / Sales_q4."""
    return (K("fin.op_q") - K("fin.op_q4")) / positive(K("fin.sales_q4"))


@per_stock(
    "fin_opm_ttm",
    group=GROUP,
    unit="ratio",
    window="Q4",
    min_obs=4,
    sources=("summary.OP", "summary.Sales"),
    needs=("fin.op_ttm[t]", "fin.sales_ttm[t]"),
    undefined=is_not_positive(K("fin.sales_ttm")),
)
def fin_opm_ttm() -> Expr:
    """Operating margin of a year: OP_ttm / Sales_ttm."""
    return K("fin.op_ttm") / positive(K("fin.sales_ttm"))


@per_stock(
    "fin_opm_q_diff",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("summary.OP", "summary.Sales"),
    needs=("fin.op_q[t]", "fin.sales_q[t]", "fin.op_q4[t]", "fin.sales_q4[t]"),
    undefined=larger(is_not_positive(K("fin.sales_q")), is_not_positive(K("fin.sales_q4"))),
)
def fin_opm_q_diff() -> Expr:
    """Change of the quarterly operating margin over the year: OP_q/Sales_q - OP_q4/Sales_q4."""
    return K("fin.op_q") / positive(K("fin.sales_q")) - K("fin.op_q4") / positive(K("fin.sales_q4"))


@per_stock(
    "fin_roe_ttm",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=5,
    sources=("summary.NP", "summary.Eq"),
    needs=("fin.np_ttm[t]", *_both("fin.equity")),
    undefined=is_not_positive(_average("fin.equity")),
)
def fin_roe_ttm() -> Expr:
    """Return on equity: NP_ttm / avg(Eq); null when avg(Eq) <= 0."""
    return K("fin.np_ttm") / positive(_average("fin.equity"))


@per_stock(
    "fin_roa_ttm",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=5,
    sources=("summary.NP", "summary.TA"),
    needs=("fin.np_ttm[t]", *_both("fin.total_assets")),
)
def fin_roa_ttm() -> Expr:
    """Return on assets: NP_ttm / avg(TA)."""
    return K("fin.np_ttm") / _average("fin.total_assets")


@per_stock(
    "fin_accruals_ttm",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("summary.NP", "summary.CFO", "summary.TA"),
    needs=("fin.np_ttm_cfo[t]", "fin.cfo_ttm[t]", *_both("fin.total_assets")),
)
def fin_accruals_ttm() -> Expr:
    """Profit that is no cash yet, on the assets: (NP_ttm - CFO_ttm) / avg(TA), both for the newest twelve months for which CFO is known."""  # noqa: E501
    return (K("fin.np_ttm_cfo") - K("fin.cfo_ttm")) / _average("fin.total_assets")


@per_stock(
    "fin_cfo_np_ttm",
    group=GROUP,
    unit="ratio",
    window="Q4",
    min_obs=2,
    sources=("summary.CFO", "summary.NP"),
    needs=("fin.cfo_ttm[t]", "fin.np_ttm_cfo[t]"),
    undefined=is_not_positive(K("fin.np_ttm_cfo")),
)
def fin_cfo_np_ttm() -> Expr:
    """Cash flow behind a yen of profit: CFO_ttm / NP_ttm; null when NP_ttm <= 0.

    Both for the newest twelve months for which CFO is known.
    """
    return K("fin.cfo_ttm") / positive(K("fin.np_ttm_cfo"))


@per_stock(
    "fin_fcf_ta_ttm",
    group=GROUP,
    unit="ratio",
    window="Q4",
    min_obs=2,
    sources=("summary.CFO", "summary.CFI", "summary.TA"),
    needs=("fin.cfo_ttm[t]", "fin.cfi_ttm[t]", "fin.total_assets[t]"),
)
def fin_fcf_ta_ttm() -> Expr:
    """Free cash flow on the assets: (CFO_ttm + CFI_ttm) / TA."""
    return (K("fin.cfo_ttm") + K("fin.cfi_ttm")) / K("fin.total_assets")


@per_stock(
    "fin_equity_ratio",
    group=GROUP,
    unit="ratio",
    window="P",
    sources=("summary.EqAR",),
    needs=("fin.equity_ratio[t]",),
)
def fin_equity_ratio() -> Expr:
    """Equity as a share of total assets, as filed: EqAR."""
    return K("fin.equity_ratio")


@per_stock(
    "fin_cash_ta",
    group=GROUP,
    unit="ratio",
    window="P",
    sources=("summary.CashEq", "summary.TA"),
    needs=("fin.cash[t]", "fin.cash_total_assets[t]"),
)
def fin_cash_ta() -> Expr:
    """Cash as a share of total assets: CashEq / TA of the same document."""
    return K("fin.cash") / K("fin.cash_total_assets")


@per_stock(
    "fin_asset_growth",
    group=GROUP,
    unit="ratio",
    window="Q5",
    min_obs=2,
    sources=("summary.TA",),
    needs=_both("fin.total_assets"),
)
def fin_asset_growth() -> Expr:
    """Growth of the assets over a year: TA / TA 12 months earlier - 1."""
    return K("fin.total_assets") / K("fin.total_assets_before") - 1


@per_stock(
    "fin_np_stability_8q",
    group=GROUP,
    unit="ratio",
    window="Q8",
    min_obs=6,
    sources=("summary.NP", "summary.TA"),
    needs=("fin.np_q_sd8[t]", "fin.total_assets[t]"),
    at_least=0.0,
)
def fin_np_stability_8q() -> Expr:
    """How much quarterly profit moves, on the assets: sd of NP_q / TA over 8 quarters.

    TA is the newest one, as everywhere in this group.
    """
    return K("fin.np_q_sd8") / K("fin.total_assets")


@per_stock(
    "fin_age_sessions",
    group=GROUP,
    unit="sessions",
    window="P",
    sources=("summary.DiscDate", "summary.DiscTime", "summary.DocType"),
    needs=("fin.known[t]",),
    at_least=0.0,
    at_most=250.0,
)
def fin_age_sessions() -> Expr:
    """Age of the newest results: sessions since the newest results document became usable, capped at 250."""
    return capped(K("clock.number") - K("fin.known"), 250)


@per_stock(
    "fin_cfo_age_sessions",
    group=GROUP,
    unit="sessions",
    window="P",
    sources=("summary.CFO", "summary.DiscDate"),
    needs=("fin.cfo_known[t]",),
    at_least=0.0,
    at_most=500.0,
)
def fin_cfo_age_sessions() -> Expr:
    """Age of the newest cash flow: sessions since the newest document with CFO became usable, capped at 500."""
    return capped(K("clock.number") - K("fin.cfo_known"), 500)
