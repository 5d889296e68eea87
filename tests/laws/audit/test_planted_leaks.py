"""Every leak this house knows of, planted on purpose: the audit names it, the check, and whom to ask.

Leaks are real altered rows and functions, handed in; the tables are in_tables, in_features and in_models. What the
laws of single rooms say about the same defects stands in ALSO, by test. That a leak is seen by one part alone is asked
in the slow run (`pytest tests/laws/audit -m slow`), since every part has to be asked. That every check is silent on the
sound market is asked in tests/unit/audit/test_leak_audit.py.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gogoku_pipeline.audit.leak_audit import CHECKS, OF_A_PANEL, run_audit
from tests.house.named_tests import exists
from tests.laws.audit import in_features, in_models, in_tables
from tests.laws.audit.plant import Planted

PLANTED: tuple[Planted, ...] = (*in_tables.PLANTED, *in_features.PLANTED, *in_models.PLANTED)

ALSO = {
    "a feature with shift(-1)": "tests/laws/features/test_laws_bite.py::test_a_look_ahead_breaks_truncation",
    "a window across stocks": "tests/laws/features/test_laws_bite.py::test_a_window_across_stocks_breaks_isolation",
    "a rank by row order": "tests/laws/features/test_laws_bite.py::test_ranking_ties_by_row_breaks_the_law_of_names",
    "a graph of the next session": (
        "tests/laws/graph/test_graph_laws.py::test_a_window_that_reads_the_next_session_breaks_truncation"
    ),
    "a graph that keeps the first rows": (
        "tests/laws/graph/test_graph_laws.py::test_ties_broken_by_row_order_break_the_row_order_law"
    ),
    "a scaler fitted on the test": (
        "tests/unit/training/test_walk_forward.py::test_a_panel_whose_scaler_saw_the_test_is_refused_by_name"
    ),
    "a version on a scaler from after its cut-off": (
        "tests/unit/training/test_versions.py::test_a_version_on_a_scaler_that_saw_beyond_the_cut_off_is_refused"
    ),
    "labels known after the cut-off": (
        "tests/unit/training/test_versions.py::test_labels_known_after_the_cut_off_change_nothing"
    ),
    "features normalised twice": "tests/laws/dataset/test_normaliser_laws.py::test_norm_of_norm_is_refused",
}


def only(check):
    """The checks of the audit that this name stands for."""
    return [one for one in CHECKS if one.name == check]


@pytest.mark.parametrize("leak", PLANTED, ids=lambda leak: leak.name)
def test_a_planted_leak_is_named_with_whom_it_concerns(case, leak):
    report = run_audit(leak.spoil(replace(case, sample=leak.sample)), (leak.part,), only(leak.check))
    (seen,) = report.findings
    assert seen.violations and not seen.passed
    assert any(leak.guilty in name for name in seen.guilty), seen.words
    assert "could not run" not in seen.guilty, "red because of what was seen, not because nothing could be asked"


def test_a_sound_feature_in_the_place_of_a_planted_one_passes(case):
    report = run_audit(in_features.SOUND(case), ("truncation", "isolation", "chunks"))
    assert report.passed, report.words


@pytest.mark.parametrize(
    ("check", "silent"),
    [
        ("availability", "sources_a_day_early"),
        ("truncation_of_features", "known_leaks"),
        ("truncation_of_scaler", "known_leaks"),
        ("label_windows", "known_leaks"),
        ("folds", "known_leaks"),
    ],
)
def test_an_audit_with_a_blind_check_names_it(case, check, silent):
    checks = [replace(one, look=in_models.blind) if one.name == check else one for one in CHECKS]
    report = run_audit(case, ("self_test",), checks)
    assert report.failed == (silent,)
    guilty = report.finding(silent).guilty
    market = case.market
    with_rows = {"bars", "listed", "topix", *(name for name, frame in market.tables.items() if frame.height)}
    assert set(guilty) == ({check} if silent == "known_leaks" else with_rows)


def test_there_are_more_than_a_dozen_leaks_and_every_part_of_a_panel_has_one():
    assert len({leak.name for leak in PLANTED}) == len(PLANTED) >= 12
    # the self test is spoilt by blinding checks above, the planted market in test_planted_market.py
    assert {leak.part for leak in PLANTED} == set(OF_A_PANEL) - {"self_test"}


@pytest.mark.slow
@pytest.mark.parametrize("leak", [leak for leak in PLANTED if leak.is_alone], ids=lambda leak: leak.name)
def test_without_its_part_the_leak_would_pass(case, leak):
    report = run_audit(leak.spoil(replace(case, sample=leak.sample)), OF_A_PANEL)
    assert report.failed_parts == (leak.part,), report.words


def test_every_part_of_a_panel_has_a_leak_that_no_other_part_sees():
    assert {leak.part for leak in PLANTED if leak.is_alone} == set(OF_A_PANEL) - {"self_test"}


@pytest.mark.parametrize(("defect", "test"), ALSO.items(), ids=lambda value: value.rpartition("::")[2][:60])
def test_the_laws_of_single_rooms_name_their_defects_too(defect, test):
    assert exists(test), f"{defect}: {test} is gone; point to the test that replaced it"
