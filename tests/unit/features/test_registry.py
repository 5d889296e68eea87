"""The house registry: unique, acyclic, hashed, and a table per family."""

from __future__ import annotations

import graphlib
import pkgutil
from dataclasses import replace

import polars as pl
import pytest

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features import groups
from gogoku_pipeline.features.availability import publication_rules, stamp_available_at
from gogoku_pipeline.features.engine import stages, warmup_sessions
from gogoku_pipeline.features.expressions import PRICE_INPUTS
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.features.feature import FAMILIES
from gogoku_pipeline.features.registry import Registry, all_features, feature, house, registry_hash
from gogoku_pipeline.schema.availability import AFTER_CLOSE, MORNING_EDITION

FIELDS = {
    "open": "bars.O", "high": "bars.H", "low": "bars.L", "close": "bars.C", "mark": "bars.C", "volume": "bars.Vo",
    "turnover": "bars.Va", "traded_value": "bars.Va",
}  # fmt: skip


def test_every_public_feature_lies_in_exactly_one_family():
    members = [feature.name for family in families().values() for feature in family]
    assert sorted(members) == sorted(feature.name for feature in all_features() if not feature.is_internal)
    assert set(families()) <= set(FAMILIES.values())


def test_every_file_of_the_groups_declares_features_of_one_group():
    files = {f"{groups.__name__}.{found.name}" for found in pkgutil.iter_modules(groups.__path__)}
    assert files == {member.module for member in all_features()}
    assert all(len({member.group for member in all_features() if member.module == file}) == 1 for file in files)
    assert {member.group for member in all_features()} == set(FAMILIES) - {"graph"}


def test_features_stand_in_the_order_of_the_documentation():
    order = list(dict.fromkeys(member.group for member in all_features()))
    assert order == [group for group in FAMILIES if group != "graph"]


def test_groups_form_no_cycle():
    order = graphlib.TopologicalSorter()
    for group, needed in house().groups_graph():
        order.add(group, needed)
    assert list(order.static_order())


def test_dependencies_are_at_most_four_deep():
    depth = {}
    for member in house().in_order(house().names):
        own = 0 if member.is_internal else 1
        depth[member.name] = own + max((depth[name] for name in member.depends_on), default=0)
    assert max(depth.values()) <= 4


@pytest.mark.parametrize("member", all_features(), ids=lambda member: member.name)
def test_every_input_of_a_formula_is_among_its_sources(member):
    leaves = {leaf.name.removeprefix("price.") for leaf in member.expr.leaves() if leaf.name.startswith("price.")}
    assert leaves <= set(PRICE_INPUTS)
    # A limit flag says nothing without a trade: the close is asked only whether it exists.
    judged = leaves - {"close"} if member.name.endswith("touch_flag") else leaves
    assert member.is_internal or {FIELDS[name] for name in judged if name in FIELDS} <= set(member.sources)


def test_the_hash_moves_with_any_formula_and_only_then():
    def registry(**changes):
        made = Registry("copy")
        for member in all_features():
            made.add(replace(member, **changes) if member.name == "vol_20d" else member)
        return made.freeze().hash()

    assert registry() == registry_hash()
    changed = {registry(formula="another"), registry(min_obs=16), registry(source_code="another"), registry()}
    assert len(changed) == 4


def test_an_unknown_name_or_family_is_refused():
    with pytest.raises(FeatureError, match="ret_1D"):
        feature("ret_1D")
    with pytest.raises(FeatureError, match="feat__nothing"):
        family_table("feat__nothing")


def test_a_family_table_has_one_nullable_float32_column_per_feature():
    table = family_table("feat__market")
    names = [member.name for member in families()["feat__market"]]
    assert list(table.polars_schema.names()) == ["session", "code", *names, "available_at"]
    assert all(table.column(name).dtype == pl.Float32 and table.column(name).nullable for name in names)
    assert table.column("idio_vol_60d").unit == "ann_vol"
    assert table.column("idio_vol_60d").at_least == 0.0


def test_warm_up_adds_the_windows_along_a_chain_of_features():
    assert warmup_sessions(["ret_1d"]) == 1
    assert warmup_sessions(["vol_20d"]) == 20
    assert warmup_sessions(["vol_yz_20d"]) == 20
    assert warmup_sessions(["resid_ret_5d"]) == 1 + 59 + 1 + 4
    assert warmup_sessions(["ret_1d", "rsi_14_score"]) is None


def test_a_stock_feature_waits_for_the_market_series_it_is_made_of():
    order = stages(house().in_order(house().names))
    assert order["ret_1d"] == order["xs_ret_1d"] == 0
    assert order["beta_60d"] == 1


def test_features_are_known_after_the_close_of_their_session():
    assert publication_rules(feature("rel_sec33_5d")) == {AFTER_CLOSE, MORNING_EDITION}
    frame = pl.DataFrame({"session": ["2024-05-08"], "code": ["72030"], "ret_1d": [0.1]})
    stamped = stamp_available_at(frame.with_columns(pl.col("session").str.to_date()))
    assert str(stamped["available_at"][0]) == "2024-05-08 16:30:00+09:00"
