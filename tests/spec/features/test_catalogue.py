"""The forty features are the catalogue's: names, roles, units, plans, sources, windows, observations, formulas."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gogoku_pipeline.features.registry import all_features, feature

ROWS = {row["name"]: row for row in csv.DictReader((Path(__file__).parent / "catalogue.csv").read_text().splitlines())}


def test_the_registry_holds_the_catalogue_and_nothing_else():
    assert {member.name for member in all_features()} == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_declaration_says_what_the_catalogue_says(name):
    member, row = feature(name), ROWS[name]
    said = {
        "name": member.name,
        "group": member.group,
        "role": member.role,
        "unit": member.unit,
        "plan": member.plan,
        "sources": ";".join(member.sources),
        "window": str(member.window),
        "min_obs": str(member.min_obs),
        "formula": member.formula,
    }
    assert said == row
