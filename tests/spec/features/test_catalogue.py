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
g_signed_degree g_clustering g_core_count g_pagerank g_eigencentrality g_component_share g_peer_corr_max g_peer_ret_5d
g_peer_resid_rev_5d g_degree_chg_20d_count
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
