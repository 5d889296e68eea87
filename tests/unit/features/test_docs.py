"""The generated page is whole, and every feature can be described."""

from __future__ import annotations

import re

import pytest

from gogoku_pipeline.features.bridge import FORMER_NAMES
from gogoku_pipeline.features.codes import AVAILABILITY, NULLS, availability_code, null_codes
from gogoku_pipeline.features.description import describe, description, used_by
from gogoku_pipeline.features.docs import render_features
from gogoku_pipeline.features.registry import all_features, feature, house, registry_hash
from gogoku_pipeline.features.states.register import STATES


@pytest.fixture(scope="module")
def page():
    return render_features()


def test_the_page_names_every_feature_once_and_the_hash(page):
    assert registry_hash() in page
    listed = re.findall(r"^\| `([a-z0-9_]+)` \| (?:stock|sector|market|calendar|mask) \|", page, re.M)
    assert listed.count("ret_1d") == 1
    assert sorted(listed) == sorted(member.name for member in house().public)
    assert not [name for name in listed if name.startswith("_")]


def test_the_page_counts_by_group_and_plan_like_page_one_of_the_catalogue(page):
    members = [member for member in house().public if member.group == "market"]
    by_plan = [str(sum(m.plan == plan for m in members) or "") for plan in ("Free", "Light", "Standard", "Premium")]
    assert f"| [market](#market) | {len(members)} | {' | '.join(by_plan)} | `feat__market` | 0.1% |" in page
    assert "| **cumulative** |  | " in page


def test_the_page_shows_every_state_that_formulas_read(page):
    read = {alias for member in house().features for alias in member.states}
    for alias in read:
        assert f"### {alias}\n" in page
        assert all(f"`{alias}.{leaf}`" in page for leaf in STATES[alias].columns)


def test_every_row_of_every_table_of_the_page_has_the_cells_of_its_head(page):
    width = 0
    for line in page.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells


def test_names_of_the_earlier_system_lead_to_names_that_exist():
    known = {member.name for member in house().public} | {"g_degree_count", "g_peer_corr_mean"}
    prefixes = {name.split("_")[0] for name in known}
    for _, here, _ in FORMER_NAMES:
        for name in re.findall(r"`([a-z0-9_{}*]+)`", here):
            if name.endswith("*"):
                assert name.split("_")[0] in prefixes
            elif "{n}" in name:
                assert name.replace("{n}", "5") in known
            else:
                assert name in known


@pytest.mark.parametrize("name", ["ret_1d", "rsi_14_score", "rel_sec33_5d", "mkt_vol_20d", "val_bp", "mrg_long_z52"])
def test_a_description_tells_formula_window_unit_and_hour(name):
    text, member = describe(feature(name)), feature(name)
    told = (member.formula, str(member.window), member.unit, member.family, "JST", *member.sources)
    assert all(part in text for part in told)


def test_a_feature_of_every_kind_is_described_without_an_intermediate():
    kinds = {(member.group, member.axis): member for member in house().public}
    for member in kinds.values():
        rows = description(member)
        assert {"what it is", "formula", "null", "known", "made of"} <= set(rows)
        assert not re.search(r"(?<![A-Za-z0-9_.])_[a-z]", " ".join(rows.values())), member.name


def test_users_are_seen_through_intermediates():
    assert "resid_mom_250d" in used_by(feature("resid_ret_1d"), house())
    assert "ret_1d" not in used_by(feature("ret_1d"), house())


@pytest.mark.parametrize(
    ("name", "code"),
    [("ret_1d", "A0"), ("opt_iv_30d", "A1"), ("fut_age_sessions", "A1"), ("flow_smart_z", "AR"), ("val_bp", "AE")]
    + [("mrg_long_ratio", "AR"), ("turnover_rate_20d", "A0"), ("cal_month_code", "AC"), ("ssp_sum", "AE")]
    + [("has_ttm", "A0"), ("x_beta_night", "A1"), ("x_flow_size", "AR"), ("div_next_yield", "AE")],
)
def test_the_availability_code_is_that_of_the_slowest_source(name, code):
    assert availability_code(feature(name), house()) == code


@pytest.mark.parametrize(
    ("name", "codes"),
    [("ret_1d", "W T"), ("close_location", "T Z"), ("vol_20d", "W T"), ("xs_ret_1d", "W"), ("opt_pcr_oi", "Z N S")]
    + [("has_beta", ""), ("rel_sec33_5d", "W T M"), ("fin_roa_ttm", "W N E")],
)
def test_null_codes_follow_the_declaration(name, codes):
    assert null_codes(feature(name), house()) == codes


def test_codes_are_from_the_closed_lists():
    for member in all_features():
        if not member.is_internal:
            assert availability_code(member, house()) in AVAILABILITY
            assert set(null_codes(member, house()).split()) <= set(NULLS)
