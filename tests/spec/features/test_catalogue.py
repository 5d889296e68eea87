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

REWORDED = """
fut_tpx_ret_1d fut_nk_ret_1d fut_tpx_carry_ann fut_nk_carry_ann fut_tpx_term_ann fut_nk_term_ann fut_tpx_oi_chg_5d
fut_nk_oi_chg_5d fut_tpx_night_ret fut_nk_night_ret bd_nomargin_short_share g_lead_lag_1d
"""
"""Features whose formula is told in other words than the catalogue's; all others begin with its words."""


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


def test_the_registry_holds_the_catalogue_and_nothing_else():
    assert sorted(set(ROWS) - set(DECLARED)) == []
    assert sorted(set(DECLARED) - set(ROWS)) == []


@pytest.mark.parametrize("name", [name for name in ROWS if name in DECLARED])
def test_a_declaration_says_what_the_catalogue_says(name):
    _, differs = ON_PURPOSE.get(name, ("", {}))
    assert said(DECLARED[name]) == {**wanted(name), **differs}


def test_a_formula_begins_with_the_catalogues_words_unless_it_is_known_to_say_them_otherwise():
    otherwise = [
        name
        for name, row in ROWS.items()
        if name in DECLARED and not DECLARED[name].formula.startswith(row["formula"].rstrip(". "))
    ]
    assert sorted(otherwise) == sorted(REWORDED.split())


def test_every_difference_on_purpose_has_its_decision_page_and_is_still_one():
    for name, (page, differs) in ON_PURPOSE.items():
        assert (DECISIONS / page).is_file(), name
        assert name in DECLARED
        assert [field for field, value in differs.items() if wanted(name)[field] == value] == []
