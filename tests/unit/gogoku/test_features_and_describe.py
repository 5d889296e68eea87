"""`gogoku features` and `gogoku describe`: filters by plan, set and group; everything around one feature."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku_pipeline.core.errors import ConfigError, FeatureError
from gogoku_pipeline.graph.catalogue import registry

WIDE = {"COLUMNS": "400"}


def run(*arguments):
    return CliRunner().invoke(build_app(), list(arguments), env=WIDE)


def listed(*arguments):
    return {row["name"]: row for row in json.loads(run("features", "--json", *arguments).stdout)}


def test_a_plan_lists_its_features_and_none_above():
    free, premium = listed("--plan", "free"), listed()
    assert set(free) < set(premium) == {feature.name for feature in registry().public}
    assert {row["plan"] for row in free.values()} == {"Free"}
    assert not [name for name in premium if name.startswith("_")]


def test_set_and_group_filter_together():
    core = listed("--set", "core", "--plan", "light")
    assert set(listed("--set", "core", "--plan", "light", "--group", "beta")) == {
        name for name, row in core.items() if row["group"] == "beta"
    }
    assert "mrg_long_ratio" not in core and "beta_60d" in core


def test_the_table_says_which_set_and_which_hash():
    shown = run("features", "--set", "low_null", "--group", "calendar")
    assert shown.exit_code == 0
    assert "set low_null" in shown.stdout and "cal_weekday_code" in shown.stdout and "0..4" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"), [(("--plan", "gold"), "is no plan"), (("--group", "nothing"), "no feature in group")]
)
def test_an_unknown_plan_or_group_is_a_wrong_use(arguments, words):
    shown = run("features", *arguments)
    assert shown.exit_code == 2 and words in shown.stderr


@pytest.mark.parametrize("arguments", [("--set", "shortish"), ("--set", "premium", "--plan", "light")])
def test_an_unknown_set_or_one_above_the_plan_is_refused(arguments):
    assert isinstance(run("features", *arguments).exception, FeatureError)


def test_a_feature_is_described_with_its_sources_its_hours_its_nulls_and_its_users():
    shown = run("describe", "vol_20d").stdout
    for words in (
        "sd_20(r) * sqrt(245)",
        "@ret_1d",
        "vov_60d",
        "fewer than 15 observations",
        "session 16",
        "16:30 JST",
    ):
        assert words in shown
    assert "low_null" in shown
    assert " _" not in run("describe", "ret_1d").stdout


def test_an_intermediate_is_nobody_to_the_command_line():
    hidden = next(feature.name for feature in registry().features if feature.is_internal)
    assert isinstance(run("describe", hidden).exception, ConfigError)
