"""The registry is the catalogue: every row of the specification is declared as it says, and nothing else is.

`catalogue.csv` is the specification, one row per feature. Where a declaration says something else on purpose, a
decision page says why and the tables below name it; what no longer differs must leave them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.graph.catalogue import registry

ROWS = {row["name"]: row for row in csv.DictReader((Path(__file__).parent / "catalogue.csv").read_text().splitlines())}
DECISIONS = Path(__file__).parents[3] / "docs" / "decisions"
DECLARED = {member.name: member for member in registry().public}

COMPARED = ("group", "role", "unit", "plan", "sources", "window", "min_obs")

ON_PURPOSE: dict[str, tuple[str, dict[str, str]]] = {}
"""Feature to the decision page that explains it, and what the declaration says instead of the catalogue."""

MISSING = """
log10_mcap_jpy share_issuance_250d treasury_ratio
opt_iv_near opt_iv_30d opt_term_30_90 opt_skew_25d_30d opt_pcr_volume opt_pcr_oi opt_vrp_var opt_vrp_log opt_iv_chg_5d
opt_iv_rank_250d opt_age_sessions
fut_tpx_ret_1d fut_nk_ret_1d fut_tpx_carry_ann fut_nk_carry_ann fut_tpx_term_ann fut_nk_term_ann fut_tpx_oi_chg_5d
fut_nk_oi_chg_5d fut_tpx_night_ret fut_nk_night_ret fut_nkvi_level fut_nkvi_term fut_jgb_ret_20d fut_age_sessions
fin_sales_ttm_growth fin_op_ttm_chg_ta fin_sales_q_yoy fin_op_q_yoy_chg fin_opm_ttm fin_opm_q_diff fin_roe_ttm
fin_roa_ttm fin_accruals_ttm fin_cfo_np_ttm fin_fcf_ta_ttm fin_equity_ratio fin_cash_ta fin_asset_growth
fin_np_stability_8q fin_age_sessions fin_cfo_age_sessions gd_progress_op gd_progress_op_excess gd_rev_op_sales
gd_rev_np_mcap gd_rev_net_250d_count gd_rev_age_sessions gd_fcst_op_growth gd_rest_op_growth
val_ep_ttm val_ep_fwd val_bp val_sp_ttm val_cfp_ttm val_op_ev val_ncash_mcap val_ep_rel_sec33 val_bp_rel_sec33
x_mom_sharpe_60d x_rev_quiet_5d x_leader_gap_5d x_high_mom x_progress_fresh x_value_momentum x_pead_illiquid
x_beta_market_5d x_flow_size x_short_squeeze_sessions x_margin_pain_sessions x_beta_night
g_signed_degree g_clustering g_core_count g_pagerank g_eigencentrality g_component_share g_peer_corr_max g_peer_ret_5d
g_peer_resid_rev_5d g_degree_chg_20d_count
is_traded is_seasoned has_shares has_ttm has_guidance has_earn_date has_beta has_margin has_short_state has_options
has_futures has_breakdown has_dividend
"""
"""Names of catalogue rows that nobody has declared yet; the end is no name."""


def said(member: Feature) -> dict[str, str]:
    """A declaration in the words of the catalogue."""
    return {
        "group": member.group,
        "role": member.role,
        "unit": member.unit,
        "plan": member.plan,
        "sources": ";".join(member.sources),
        "window": str(member.window),
        "min_obs": str(member.min_obs),
    }


def wanted(name: str) -> dict[str, str]:
    """A row of the catalogue; a source that a template names twice counts once."""
    row = {field: ROWS[name][field] for field in COMPARED}
    return {**row, "sources": ";".join(dict.fromkeys(row["sources"].split(";")))}


def test_the_specification_holds_365_rows():
    assert len(ROWS) == 365


def test_what_is_missing_is_exactly_what_is_written_down():
    assert sorted(set(ROWS) - set(DECLARED)) == sorted(MISSING.split())


def test_nothing_is_declared_that_the_catalogue_does_not_have():
    assert sorted(set(DECLARED) - set(ROWS)) == []


@pytest.mark.parametrize("name", [name for name in ROWS if name in DECLARED])
def test_a_declaration_says_what_the_catalogue_says(name):
    _, differs = ON_PURPOSE.get(name, ("", {}))
    assert said(DECLARED[name]) == {**wanted(name), **differs}


def test_every_difference_on_purpose_has_its_decision_page_and_is_still_one():
    for name, (page, differs) in ON_PURPOSE.items():
        assert (DECISIONS / page).is_file(), name
        assert name in DECLARED
        assert [field for field, value in differs.items() if wanted(name)[field] == value] == []
