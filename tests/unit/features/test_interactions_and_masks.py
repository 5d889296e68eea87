"""Interactions are the products their names tell, and masks are bits that are never null."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.declaration import declared, per_market, per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, F
from gogoku_pipeline.features.groups.masks import is_at_most, is_there
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.operators.cross_section import members_median
from gogoku_pipeline.features.registry import Registry, house

DAY = tse_calendar(date(2024, 1, 4)).sessions[0]
GIVEN = {
    "ret_60d": [0.1, -0.1, None, 0.3],
    "vol_60d": [0.2, 0.2, 0.2, 0.5],
    "rel_sec33_5d": [0.02, -0.02, 0.01, None],
    "volume_ratio_5_60": [0.5, 1.5, None, 1.0],
    "sec33_leader_ret_5d": [0.05, 0.05, 0.01, None],
    "ret_5d": [0.01, -0.02, 0.01, 0.0],
    "ret_250d_skip20": [0.5, -0.5, 0.2, None],
    "dist_high_250d": [-0.1, -0.4, 0.0, -0.2],
    "gd_progress_op_excess": [0.2, 0.2, -0.1, None],
    "earn_age_sessions": [0.0, 20.0, 40.0, 5.0],
    "val_bp": [2.0, 2.0, 1.0, 0.5],
    "pead_sue": [1.0, -2.0, None, 1.0],
    "amihud_20d_per_bnjpy": [0.0, 1.0, 1.0, None],
    "beta_250d": [1.5, -0.5, 1.0, None],
    "mkt_ret_5d": [-0.02] * 4,
    "flow_frgn_net_share_4r": [0.1] * 4,
    "log10_mcap_jpy": [11.0, 10.0, 9.0, None],
    "ssp_cover_sessions": [3.0, 3.0, None, 2.0],
    "ret_20d": [0.1, -0.1, 0.1, 0.2],
    "mrg_long_cover_sessions": [4.0, 4.0, None, 1.0],
    "mrg_long_pnl_26w": [-0.25, 0.25, -0.1, -0.5],
    "beta_60d": [1.2, 0.5, None, 1.0],
    "fut_tpx_night_ret": [0.01] * 4,
}
EXPECTED = {
    "x_mom_sharpe_60d": [
        0.1 / (0.2 * np.sqrt(60 / 245)),
        -0.1 / (0.2 * np.sqrt(60 / 245)),
        None,
        0.6 / np.sqrt(60 / 245),
    ],
    "x_rev_quiet_5d": [-0.02, 0.01, None, None],
    "x_leader_gap_5d": [0.04, 0.07, 0.0, None],
    "x_high_mom": [0.45, -0.3, 0.2, None],
    "x_progress_fresh": [0.2, 0.1, -0.025, None],
    "x_value_momentum": [0.2, 0.0, None, 0.15],
    "x_pead_illiquid": [0.0, -2 * np.log(2), None, None],
    "x_beta_market_5d": [-0.03, 0.01, -0.02, None],
    "x_flow_size": [0.1, 0.0, -0.1, None],
    "x_short_squeeze_sessions": [0.3, 0.0, None, 0.4],
    "x_margin_pain_sessions": [1.0, 0.0, None, 0.5],
    "x_beta_night": [0.012, 0.005, None, 0.01],
}


def inputs(**given) -> FeatureInputs:
    codes = [f"{1000 + n}0" for n in range(4)]
    prices = pl.DataFrame({"session": [DAY] * 4, "code": codes}).with_columns(
        *(pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close", "volume", "turnover_jpy", "mark")),
        is_market_halt=False,
        is_gap=False,
    )
    universe = prices.select(
        "session", "code", is_in_universe=True, sector33_code=pl.lit("0050"), sector17_code=pl.lit("1")
    )
    topix = pl.DataFrame({"session": [DAY], "close_points": [1500.0], "is_market_halt": [False]})
    values = pl.DataFrame(
        {"session": [DAY] * 4, "code": codes, **given}, schema_overrides=dict.fromkeys(given, pl.Float64)
    )
    return FeatureInputs(prices, universe, topix, values)


def with_given(names, axis=per_stock, **formulas) -> Registry:
    """A registry in which the ingredients are handed in, and formulas stand on them."""
    registry = Registry("given")

    def handed() -> None:
        """An ingredient: handed in."""

    for name in names:
        declared(name, registry=registry, group="returns", unit="moment", sources=("bars.C",))(handed)
    for name, expr in formulas.items():
        axis_of = per_market if name == "_log10_mcap_median" else per_stock

        def formula(made: Expr = expr) -> Expr:
            """A formula of the house: see its group."""
            return made

        used = {leaf.name.removeprefix("feature.") for leaf in expr.leaves() if leaf.name.startswith("feature.")}
        sources = tuple(f"@{one}" for one in sorted(used) if not one.startswith("_")) or ("bars.C",)
        axis_of(name, registry=registry, group="interactions", unit="moment", sources=sources)(formula)
    return registry.freeze()


@pytest.mark.parametrize("name", EXPECTED)
def test_an_interaction_is_its_product(name):
    used = [one for one in house().in_order([name]) if one.group == "interactions"]
    below = {source[1:] for one in used for source in one.sources}
    registry = with_given(below, **{one.name: one.expr for one in used})
    found = compute([name], inputs(**{one: GIVEN[one] for one in below}), start=DAY, end=DAY, registry=registry)
    assert found[name].to_list() == [
        None if value is None else pytest.approx(value, abs=1e-6) for value in EXPECTED[name]
    ]


def test_every_interaction_of_the_catalogue_is_held_to_figures():
    assert {one.name for one in house().public if one.group == "interactions"} == set(EXPECTED)


@pytest.mark.parametrize(
    ("values", "middle"), [([4.0, 1.0, 3.0, None], 3.0), ([4.0, 1.0, 3.0, 2.0], 2.5), ([None] * 4, None)]
)
def test_the_median_of_the_members_is_the_value_in_the_middle(values, middle):
    registry = with_given(["x"], _log10_mcap_median=members_median(F("x")), y=F("_log10_mcap_median") + 0 * F("x"))
    found = compute(["_log10_mcap_median"], inputs(x=values), start=DAY, end=DAY, registry=registry)
    assert found["_log10_mcap_median"].to_list() == [middle] * 4


def test_a_mask_is_one_where_the_block_is_there_and_fresh_and_zero_elsewhere():
    made = {"there": is_there(F("x")), "fresh": is_at_most(F("x"), 3)}
    registry = with_given(["x"], **made)
    found = compute(list(made), inputs(x=[None, 3.0, 4.0, 0.0]), start=DAY, end=DAY, registry=registry)
    assert found["there"].to_list() == [0, 1, 1, 1]
    assert found["fresh"].to_list() == [0, 1, 0, 1]


def test_masks_are_declared_as_claims_and_nobody_normalises_them():
    masks = [one for one in house().public if one.group == "masks"]
    assert len(masks) == 13
    assert all(one.name.startswith(("is_", "has_")) and one.role == "mask" and one.unit == "flag" for one in masks)
    assert all(not one.observes and not one.needs for one in masks)
