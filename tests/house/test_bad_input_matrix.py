"""Everything bad that may come in, and the tests that show what happens then: a clear message, and nothing lost.

A row is one kind of bad input; its tests answer three questions: what does the person read (thing, got, want, remedy),
is every row and byte still there or accounted for, and is anything half-written visible to a reader.
"""

from __future__ import annotations

import pytest

from gogoku_pipeline.core import errors
from tests.house.named_tests import exists

FETCH, TYPED, STORE = "tests/unit/ingest", "tests/unit/tables", "tests/unit/store"

MATRIX = {
    "a missing key": [
        "tests/unit/jquants/test_key_and_plan.py::test_what_cannot_be_a_key_is_refused_before_any_call",
        "tests/unit/jquants/test_client.py::test_refusals_are_told_apart_and_never_repeated",
    ],
    "a wrong key": [
        f"{FETCH}/test_key.py::test_a_wrong_key_stops_everything_at_once",
        "tests/unit/jquants/test_client.py::test_refusals_are_told_apart_and_never_repeated",
    ],
    "a plan that lacks an endpoint": [
        f"{FETCH}/test_missing.py::test_an_endpoint_outside_the_plan_lands_its_refusal_and_says_so",
        "tests/unit/simulator/test_service_rules.py::test_free_has_no_topix_and_light_has",
    ],
    "a plan that lacks a date": [
        f"{FETCH}/test_missing.py::test_dates_outside_the_plan_are_skipped_with_few_calls",
        f"{FETCH}/test_missing.py::test_a_plan_that_lags_skips_the_newest_sessions",
        f"{FETCH}/test_missing.py::test_a_range_wholly_beyond_the_plan_is_reported_and_not_an_error",
        "tests/unit/jquants/test_client.py::test_dates_outside_the_plan_tell_the_window",
    ],
    "an unknown code": [
        f"{FETCH}/test_unknown_code.py::test_an_unknown_code_is_an_answer_without_rows",
        f"{FETCH}/test_unknown_code.py::test_a_malformed_code_is_refused_once_and_says_how_a_code_looks",
        f"{TYPED}/test_bad_days.py::test_a_bar_of_an_issue_nobody_lists_is_kept_and_never_compared",
        "tests/unit/gogoku/test_unknown_code.py::test_an_issue_that_was_not_ranked_is_named_with_a_remedy",
        "tests/unit/gogoku/test_unknown_code.py::test_describing_an_issue_nobody_lists_fails_by_name",
        "tests/house/test_core.py::test_other_codes_are_refused_with_a_remedy",
    ],
    "an empty day on a session": [
        f"{FETCH}/test_missing.py::test_an_empty_day_on_a_session_is_an_error_and_is_asked_again",
        f"{FETCH}/test_missing.py::test_before_its_hour_a_day_is_not_yet_published_and_the_others_land",
    ],
    "an empty day on a holiday": [f"{FETCH}/test_missing.py::test_an_empty_holiday_is_fine"],
    "null prices": [
        f"{TYPED}/test_typed.py::test_a_day_without_trade_is_a_row_of_nulls",
        f"{TYPED}/test_bad_days.py::test_rows_of_a_bad_day_are_typed_rejected_or_counted_and_never_lost",
        "tests/laws/features/test_laws_hold.py::test_nulls_are_exactly_the_ones_the_inputs_owe",
    ],
    "duplicate rows": [
        f"{TYPED}/test_typed.py::test_identical_repetitions_are_counted_and_contradictions_refused",
        f"{TYPED}/test_bad_days.py::test_rows_of_a_bad_day_are_typed_rejected_or_counted_and_never_lost",
        f"{TYPED}/test_bad_days.py::test_two_different_rows_for_one_issue_are_refused_and_nothing_is_written",
        f"{TYPED}/test_bad_days.py::test_fetching_a_bad_day_again_heals_it_and_its_rows_are_known_from_then",
        f"{STORE}/test_tables.py::test_a_frame_that_contradicts_the_declaration_writes_nothing",
    ],
    "rows outside the requested partition": [
        f"{TYPED}/test_bad_days.py::test_rows_of_a_bad_day_are_typed_rejected_or_counted_and_never_lost",
        f"{STORE}/test_tables.py::test_rows_of_other_sessions_are_refused",
        "tests/unit/resources/test_io_manager.py::test_rows_of_another_session_cannot_land",
    ],
    "missing columns": [
        f"{TYPED}/test_bad_days.py::test_a_day_without_a_column_stops_by_name_and_its_neighbour_stays_visible",
        f"{STORE}/test_tables.py::test_a_frame_that_contradicts_the_declaration_writes_nothing",
    ],
    "renamed columns": [
        f"{TYPED}/test_bad_days.py::test_a_day_without_a_column_stops_by_name_and_its_neighbour_stays_visible",
        f"{TYPED}/test_typed.py::test_a_renamed_field_stops_everything_and_names_the_likely_new_one",
    ],
    "extra columns": [
        f"{TYPED}/test_bad_days.py::test_rows_of_a_bad_day_are_typed_rejected_or_counted_and_never_lost",
        f"{TYPED}/test_typed.py::test_a_new_field_is_a_warning_and_stays_in_the_landing",
        f"{STORE}/test_tables.py::test_a_frame_that_contradicts_the_declaration_writes_nothing",
    ],
    "strings in numbers": [
        f"{TYPED}/test_typed.py::test_a_value_of_another_kind_sends_its_row_to_the_rejects",
        f"{TYPED}/test_bad_days.py::test_rows_of_a_bad_day_are_typed_rejected_or_counted_and_never_lost",
    ],
    "a store that refuses conditional writes": [
        f"{STORE}/test_opening.py::test_a_server_that_ignores_or_refuses_conditions_is_refused",
    ],
    "a store that ignores conditional writes": [
        f"{STORE}/test_opening.py::test_a_server_that_ignores_or_refuses_conditions_is_refused",
    ],
    "a partition asked for that does not exist": [
        f"{STORE}/test_tables.py::test_an_empty_session_is_written_and_only_unwritten_ones_are_missing",
        f"{TYPED}/test_typed.py::test_sessions_without_a_complete_landing_are_named",
        "tests/unit/resources/test_io_manager.py::test_missing_sessions_are_named_before_anything_is_computed",
        "tests/unit/assets/test_road.py::test_holes_before_a_session_are_named_before_anything_is_computed",
    ],
    "a model artefact with a changed byte": [
        f"{STORE}/test_artefacts.py::test_one_changed_byte_anywhere_is_noticed",
        "tests/unit/training/test_versions.py::test_one_changed_byte_is_an_error",
        "tests/unit/registry/test_champions.py::test_an_altered_champion_is_replaced_by_the_baseline",
    ],
    "a writer that dies or loses half-way": [
        f"{STORE}/test_commits.py::test_a_killed_writer_leaves_a_whole_version",
        f"{STORE}/test_commits.py::test_a_writer_who_always_loses_gets_an_error_and_changes_nothing",
        f"{STORE}/test_artefacts.py::test_without_manifest_there_is_no_version",
        f"{FETCH}/test_stumbles.py::test_a_killed_fetch_goes_on_where_the_index_ends",
        "tests/unit/dataset/test_panel.py::test_a_build_that_fails_leaves_nothing_behind",
    ],
}

PAIRS = [(kind, test) for kind, tests in MATRIX.items() for test in tests]


@pytest.mark.parametrize(("kind", "test"), PAIRS, ids=[f"{kind} - {test.rpartition('::')[2]}" for kind, test in PAIRS])
def test_every_kind_of_bad_input_points_at_tests_that_are_there(kind, test):
    assert exists(test), f"{kind}: {test} is gone; point to the test that replaced it"


def test_a_test_that_is_not_there_is_noticed():
    assert not exists("tests/house/test_bad_input_matrix.py::test_nobody_wrote")
    assert not exists("tests/house/test_no_such_file.py::test_nobody_wrote")


def _tree(error):
    return [error, *(below for child in error.__subclasses__() for below in _tree(child))]


@pytest.mark.parametrize("error", _tree(errors.GogokuError), ids=lambda error: error.__name__)
def test_every_error_of_the_house_says_thing_got_want_and_remedy(error):
    told = str(error("daily_bars 2024-05-08", got="no rows", want="rows", remedy="Fetch the day again."))
    assert told == "daily_bars 2024-05-08: got no rows; want rows. Fetch the day again."
    with pytest.raises(TypeError):
        error("daily_bars 2024-05-08", got="no rows", want="rows")
