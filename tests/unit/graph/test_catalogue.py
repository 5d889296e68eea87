"""The catalogue holds every feature once, says its role, and changes its hash when the graph does."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import catalogue, family_table, registry
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.formulas import MEASURES


def test_the_catalogue_is_the_features_room_plus_the_graph():
    names = catalogue().names
    assert names == (*(feature.name for feature in house().public), *MEASURES)
    assert len(set(names)) == len(names)


def test_every_graph_feature_declared_is_computed_and_every_one_computed_is_declared():
    declared = [feature for feature in catalogue().features if feature.family == "feat__graph"]
    assert [feature.name for feature in declared] == list(MEASURES)
    assert {feature.role for feature in declared} == {"stock", "mask"}
    assert catalogue().roles["has_graph"] == "mask"
    assert catalogue().families["feat__graph"] == tuple(MEASURES)


def test_the_hash_is_stable_and_follows_the_settings():
    assert catalogue().hash == catalogue(GraphConfig()).hash != catalogue(GraphConfig(k=21)).hash
    assert len(catalogue().hash) == 64


def test_the_table_of_the_family_has_key_features_and_availability():
    schema = family_table().polars_schema
    assert list(schema) == ["session", "code", *MEASURES, "available_at"]
    assert all(schema[name] == pl.Float32 for name in MEASURES)


def test_an_unknown_feature_is_refused():
    with pytest.raises(FeatureError, match="g_nothing"):
        catalogue().feature("g_nothing")
    assert catalogue().feature("g_strength").unit == "ratio"


def test_the_register_takes_nothing_more():
    with pytest.raises(FeatureError, match="freeze"):
        registry().add(catalogue().feature("g_strength"))
