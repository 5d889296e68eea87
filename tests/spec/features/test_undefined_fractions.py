"""What stands below a fraction must be above zero where the catalogue says so: zero and losses give a null."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gogoku_pipeline.features.expressions import Expr
from gogoku_pipeline.features.registry import house

BELOW = {
    "fin_sales_ttm_growth": ("fin.sales_ttm_before",),
    "fin_sales_q_yoy": ("fin.sales_q", "fin.sales_q4"),
    "fin_op_q_yoy_chg": ("fin.sales_q4",),
    "fin_opm_ttm": ("fin.sales_ttm",),
    "fin_opm_q_diff": ("fin.sales_q", "fin.sales_q4"),
    "fin_cfo_np_ttm": ("fin.np_ttm_cfo",),
    "gd_rev_op_sales": ("gd.sales",),
    "gd_fcst_op_growth": ("fin.sales_last_year",),
    "gd_progress_op": ("gd.op",),
}
CASES = [(name, leaf, value) for name, leaves in BELOW.items() for leaf in leaves for value in (0.0, -3.0)]


def value(expr: Expr, leaves: dict[str, float]) -> np.ndarray:
    """A formula of one row, worked out from its leaves; leaves without a number are 2."""
    if expr.name.startswith("constant."):
        return np.array([float(expr.name.removeprefix("constant."))])
    if expr.kind == "leaf":
        return np.array([leaves.get(expr.name.removeprefix("state."), 2.0)])
    with np.errstate(all="ignore"):
        return np.asarray(expr.kernel(*(value(arg, leaves) for arg in expr.args)))


@pytest.mark.parametrize(("name", "leaf", "low"), CASES)
def test_a_fraction_over_nothing_or_a_loss_is_null_and_said_to_be(name, leaf, low):
    feature = house().feature(name)
    assert np.isfinite(value(feature.expr, {leaf: 1.5})).all()
    assert np.isnan(value(feature.expr, {leaf: low})).all()
    assert feature.undefined is not None
    assert (value(feature.undefined, {leaf: 1.5}) == 0).all()
    assert (value(feature.undefined, {leaf: low}) == 1).all()


@pytest.mark.parametrize("equity", [-5.0, -2.0])
def test_a_return_on_no_equity_is_null(equity):
    feature = house().feature("fin_roe_ttm")
    assert np.isfinite(value(feature.expr, {"fin.equity": 2.0, "fin.equity_before": -1.0})).all()
    assert np.isnan(value(feature.expr, {"fin.equity": equity})).all()


def test_a_business_that_costs_nothing_has_no_yield():
    rich = {"fin.cash": 1e9, "fin.cash_total_assets": 2.0, "fin.cash_equity": 2.0, "feature.log10_mcap_jpy": 6.0}
    feature = house().feature("val_op_ev")
    assert np.isnan(value(feature.expr, rich)).all()
    assert np.isfinite(value(feature.expr, {**rich, "fin.cash": 1e5})).all()


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        *((f"val_{name}", "fin.yen") for name in ("ep_ttm", "bp", "sp_ttm", "cfp_ttm", "op_ev", "ncash_mcap")),
        ("val_ep_fwd", "gd.yen"),
    ],
)
def test_dollars_are_never_set_against_a_market_value_in_yen(name, leaf):
    assert np.isfinite(value(house().feature(name).expr, {leaf: 1.0})).all()
    assert np.isnan(value(house().feature(name).expr, {leaf: math.nan})).all()
