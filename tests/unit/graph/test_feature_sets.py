"""Named sets: closed rules, nothing above the plan, something for every plan, one hash for one content."""

from __future__ import annotations

import pytest

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features import sets
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.graph.catalogue import catalogue, feature_set, registry
from gogoku_pipeline.graph.config import GraphConfig

NAMED = [name for name in sets.RULES if name.capitalize() not in PLANS]
REACHED = [(name, plan) for name in NAMED for plan in PLANS] + [
    (smaller.lower(), plan) for plan in PLANS for smaller in PLANS[: PLANS.index(plan) + 1]
]


@pytest.mark.parametrize(("name", "plan"), REACHED)
def test_every_set_holds_something_and_nothing_above_the_plan(name, plan):
    chosen = catalogue(plan=plan, set_name=name)
    reach = PLANS[: PLANS.index(plan) + 1]
    assert chosen.features
    assert {feature.plan for feature in chosen.features} <= set(reach)
    assert set(chosen.names) <= set(registry(plan).names)
    assert not [name for name in chosen.names if name.startswith("_")]
    assert chosen.names == feature_set(name, plan)
    assert chosen.set_name == name


@pytest.mark.parametrize("plan", PLANS)
def test_the_set_of_a_plan_is_all_the_plan_can_compute_and_the_default(plan):
    assert catalogue(plan=plan).names == tuple(feature.name for feature in registry(plan).public)
    assert catalogue(plan=plan).hash == catalogue(plan=plan, set_name=plan.lower()).hash


@pytest.mark.parametrize(("name", "plan"), [(larger.lower(), plan) for plan in PLANS for larger in PLANS])
def test_one_content_has_one_hash_whatever_the_plan_it_is_asked_on(name, plan):
    if PLANS.index(name.capitalize()) > PLANS.index(plan):
        with pytest.raises(FeatureError, match=f"{plan} plan"):
            catalogue(plan=plan, set_name=name)
    else:
        assert catalogue(plan=plan, set_name=name).hash == catalogue(plan=name.capitalize()).hash


def test_sets_differ_and_so_do_their_hashes():
    hashes = {catalogue(set_name=name).hash for name in sets.RULES}
    assert len(hashes) == len(sets.RULES)
    assert catalogue(GraphConfig(k=21), set_name="core").hash not in hashes


def test_core_stands_for_every_group_of_a_plan_in_a_handful_of_columns():
    for plan in PLANS:
        groups = {feature.group for feature in registry(plan).public}
        assert {feature.group for feature in catalogue(plan=plan, set_name="core").features} == groups
    for group, names in sets.CORE.items():
        assert {registry().feature(name).group for name in names} == {group}
    plain = [feature for feature in catalogue(set_name="core").features if feature.role != "mask"]
    assert 60 <= len(plain) <= 80


@pytest.mark.parametrize(
    ("name", "session"),
    [("close_location", 1), ("ret_1d", 2), ("ret_20d", 21), ("vol_20d", 16), ("vov_60d", 60), ("beta_60d", 46)]
    + [("resid_ret_1d", 47), ("resid_ret_20d", 61), ("beta_stability_250d", 165), ("resid_mom_250d", 236)],
)
def test_the_first_value_after_a_listing_comes_on_the_session_the_null_budget_works_out(name, session):
    assert sets.null_head(registry().feature(name), registry()) == session


@pytest.mark.parametrize(
    ("name", "sessions"),
    [("cal_weekday_code", 0), ("ret_1d", 1), ("ret_20d", 20), ("rel_sec33_20d", 20), ("vol_20d", 20), ("vov_60d", 79)]
    + [("fin_sales_ttm_growth", 480)],
)
def test_the_look_back_adds_up_along_the_inputs(name, sessions):
    assert sets.look_back(registry().feature(name), registry()) == sessions


def test_low_null_has_month_long_windows_and_no_company_documents():
    names = feature_set("low_null")
    assert {"ret_20d", "vol_20d", "opt_iv_30d", "cal_month_code", "is_traded"} <= set(names)
    assert not {"vol_60d", "val_bp", "div_to_ex_sessions", "mrg_long_ratio", "g_degree_count", "has_ttm"} & set(names)


def test_short_term_has_events_and_no_accounts():
    names = feature_set("short_term")
    assert {"ret_20d", "earn_age_sessions", "log10_mcap_jpy", "alert_active_flag", "ssp_chg_20d"} <= set(names)
    assert not {"ret_60d", "val_bp", "fin_roe_ttm", "mrg_long_chg_4w", "g_peer_ret_1d", "has_guidance"} & set(names)


def test_masks_follow_their_blocks():
    assert "has_graph" in feature_set("core") and "has_graph" not in feature_set("short_term")
    assert "has_margin" in feature_set("core", "Standard") and "has_margin" not in feature_set("core", "Light")
    assert "has_dividend" not in feature_set("free")


def test_an_unknown_set_is_refused_by_name():
    with pytest.raises(FeatureError, match="shortish"):
        catalogue(set_name="shortish")


def test_the_set_outside_the_registry_has_qlibs_names_a_hash_of_its_code_and_every_plan():
    books = [catalogue(plan=plan, set_name="alpha158") for plan in PLANS]
    assert len({book.hash for book in books}) == 1 and books[0].hash != catalogue(GraphConfig(k=21)).hash
    assert (len(books[0].names), books[0].names[0], books[0].names[-1]) == (158, "KMID", "VSUMD60")
    assert books[0].families == {"alpha158": books[0].names}
    assert not set(books[0].names) & set(registry().names)
