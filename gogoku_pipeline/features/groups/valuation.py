"""Fundamentals over what the market pays today. Yields, not multiples, so a loss is a number and zero is no cliff.

Totals over the market value of t, never per-share figures, so no split basis can slip in. Net cash counts every
liability as debt and takes cash, assets and equity from one document. Issues that report in another currency are null.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.declaration import per_day, per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    K,
    P,
    only_where_present,
    pointwise,
)
from gogoku_pipeline.features.operators.cross_section import leave_one_out_mean
from gogoku_pipeline.features.operators.fractions import is_not_positive, positive

MCAP = "@log10_mcap_jpy"
YEN = ("fin.yen[t]", f"{MCAP}[t]")
BALANCE = ("fin.cash[t]", "fin.cash_total_assets[t]", "fin.cash_equity[t]")


def _mcap() -> Expr:
    return pointwise("power", np.power, 10.0, F("log10_mcap_jpy"))


def _in_yen(x: Expr) -> Expr:
    return only_where_present(x, K("fin.yen"))


def _net_cash() -> Expr:
    return K("fin.cash") - (K("fin.cash_total_assets") - K("fin.cash_equity"))


@per_stock(
    "val_ep_ttm",
    group="valuation",
    unit="ratio",
    window="Q4",
    min_obs=4,
    sources=("summary.NP", MCAP),
    needs=("fin.np_ttm[t]", *YEN),
)
def val_ep_ttm() -> Expr:
    """Earnings yield of the last twelve months: NP_ttm / mcap_jpy."""
    return _in_yen(K("fin.np_ttm")) / _mcap()


@per_stock(
    "val_ep_fwd",
    group="valuation",
    unit="ratio",
    window="P",
    sources=("summary.FNP", "summary.NxFNp", MCAP),
    needs=("gd.np[t]", "gd.yen[t]", f"{MCAP}[t]"),
)
def val_ep_fwd() -> Expr:
    """Earnings yield that the company promises: guided NP of the running fiscal year / mcap_jpy."""
    return only_where_present(K("gd.np"), K("gd.yen")) / _mcap()


@per_stock(
    "val_bp",
    group="valuation",
    unit="ratio",
    window="P",
    sources=("summary.Eq", MCAP),
    needs=("fin.equity[t]", *YEN),
)
def val_bp() -> Expr:
    """Book value over market value: Eq / mcap_jpy."""
    return _in_yen(K("fin.equity")) / _mcap()


@per_stock(
    "val_sp_ttm",
    group="valuation",
    unit="ratio",
    window="Q4",
    min_obs=4,
    sources=("summary.Sales", MCAP),
    needs=("fin.sales_ttm[t]", *YEN),
)
def val_sp_ttm() -> Expr:
    """Sales over market value: Sales_ttm / mcap_jpy."""
    return _in_yen(K("fin.sales_ttm")) / _mcap()


@per_stock(
    "val_cfp_ttm",
    group="valuation",
    unit="ratio",
    window="Q4",
    min_obs=2,
    sources=("summary.CFO", MCAP),
    needs=("fin.cfo_ttm[t]", *YEN),
)
def val_cfp_ttm() -> Expr:
    """Cash flow over market value: CFO_ttm / mcap_jpy, for the newest twelve months for which CFO is known."""
    return _in_yen(K("fin.cfo_ttm")) / _mcap()


@per_stock(
    "val_op_ev",
    group="valuation",
    unit="ratio",
    window="Q4",
    min_obs=4,
    sources=("summary.OP", "summary.TA", "summary.Eq", "summary.CashEq", MCAP),
    needs=("fin.op_ttm[t]", *BALANCE, *YEN),
    undefined=is_not_positive(P.mark * P.factor * K("shares.net_basis") / P.volume_factor - _net_cash()),
)
def val_op_ev() -> Expr:
    """Operating profit over the price of the business: OP_ttm / (mcap_jpy - net cash); null when the denominator <= 0."""  # noqa: E501
    return _in_yen(K("fin.op_ttm")) / positive(_mcap() - _net_cash())


@per_stock(
    "val_ncash_mcap",
    group="valuation",
    unit="ratio",
    window="P",
    sources=("summary.CashEq", "summary.TA", "summary.Eq", MCAP),
    needs=(*BALANCE, *YEN),
)
def val_ncash_mcap() -> Expr:
    """Net cash over market value: net cash / mcap_jpy; net cash = CashEq - (TA - Eq)."""
    return _in_yen(_net_cash()) / _mcap()


@per_day(
    "val_ep_rel_sec33",
    group="valuation",
    unit="ratio",
    sources=("@val_ep_fwd", "master.S33"),
    needs=("@val_ep_fwd[t]",),
    by="sector33",
    members=3,
)
def val_ep_rel_sec33() -> Expr:
    """Promised earnings yield beyond the peers': val_ep_fwd minus its leave-one-out sector mean."""
    return F("val_ep_fwd") - leave_one_out_mean(F("val_ep_fwd"), by="sector33")


@per_day(
    "val_bp_rel_sec33",
    group="valuation",
    unit="ratio",
    sources=("@val_bp", "master.S33"),
    needs=("@val_bp[t]",),
    by="sector33",
    members=3,
)
def val_bp_rel_sec33() -> Expr:
    """Book yield beyond the peers': val_bp minus its leave-one-out sector mean."""
    return F("val_bp") - leave_one_out_mean(F("val_bp"), by="sector33")
