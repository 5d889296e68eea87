"""Everything bad that may come in, and the tests that show what happens then: a clear message, and nothing lost.

A row is one kind of bad input; its tests answer three questions: what does the person read (thing, got, want, remedy),
is every row and byte still there or accounted for, and is anything half-written visible to a reader.
"""

from __future__ import annotations

import pytest

from gogoku_pipeline.core import errors
from tests.house.named_tests import exists

FETCH, TYPED, STORE = "tests/unit/ingest", "tests/unit/tables", "tests/unit/store"
TRAINING, MODELS = "tests/unit/training", "tests/unit/models"
CLIENT, ENDURANCE, FEATURES = "tests/unit/jquants", "tests/endurance", "tests/unit/features"

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
    "prices and volumes that cannot be": [
        f"{FEATURES}/test_bad_input.py::test_bad_bars_of_one_stock_become_nulls_that_are_owed_and_no_numbers",
        f"{FEATURES}/test_bad_input.py::test_a_price_of_zero_is_no_price",
        f"{FEATURES}/test_bad_input.py::test_a_negative_amount_never_becomes_a_row_of_the_table",
        f"{FEATURES}/test_bad_input.py::test_what_is_no_finite_number_never_becomes_a_value_of_the_table",
        f"{FEATURES}/test_bad_input.py::test_a_single_wrong_price_is_forgotten_by_every_window_that_has_passed_it",
    ],
    "a stock with hardly any history": [
        f"{FEATURES}/test_bad_input.py::test_a_stock_with_one_row_has_facts_of_that_day_and_nothing_that_looks_back",
        f"{FEATURES}/test_bad_input.py::test_a_stock_that_comes_back_after_ten_years_starts_anew",
        f"{FEATURES}/test_bad_input.py::test_a_history_shorter_than_a_window_gives_nulls_and_no_shorter_window",
    ],
    "features of a source that is not there": [
        f"{FEATURES}/test_bad_input.py::test_a_feature_of_a_source_that_was_not_handed_in_is_refused_by_the_sources_name",
        f"{FEATURES}/test_bad_input.py::test_a_feature_beyond_the_plan_is_unknown_to_it",
    ],
    "duplicate rows": [
        f"{FEATURES}/test_bad_input.py::test_a_repeated_session_is_refused_when_prices_are_staged",
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
    "every form of a missing value": [
        f"{TYPED}/test_missing_forms.py::test_a_documented_form_of_nothing_is_null_in_a_page_and_in_a_file",
        f"{TYPED}/test_missing_forms.py::test_a_form_of_nothing_where_none_is_documented_is_quarantined_whole",
        f"{TYPED}/test_missing_forms.py::test_derivatives_without_trades_are_zero_and_not_null",
        f"{TYPED}/test_missing_forms.py::test_keys_a_plan_lacks_are_null_and_one_lost_from_a_single_row_is_quarantined",
        f"{TYPED}/test_missing_forms.py::test_an_item_a_company_does_not_report_stays_an_absent_key",
        f"{TYPED}/test_missing_forms.py::test_an_empty_list_is_a_day_without_rows_where_that_may_be",
        "tests/laws/tables/test_parser_laws.py"
        "::test_every_missing_value_form_is_null_where_it_is_documented_and_quarantined_elsewhere",
        "tests/laws/tables/test_parser_laws.py"
        "::test_a_key_absent_from_one_row_only_is_quarantined_unless_it_came_later",
    ],
    "every status of the service": [
        f"{FETCH}/test_status_forms.py::test_a_refusal_is_an_error_of_its_kind_and_asked_once",
        f"{FETCH}/test_status_forms.py::test_a_server_that_stays_broken_is_reported_after_six_attempts",
        f"{FETCH}/test_status_forms.py::test_a_rate_limit_that_lasts_is_reported_and_the_rest_is_fetched_later",
        f"{FETCH}/test_present.py::test_morning_bars_are_captured_in_their_hours_and_not_available_outside",
        f"{FETCH}/test_missing.py::test_uncovered_is_never_mistaken_for_refused",
        f"{CLIENT}/test_client.py::test_refusals_are_told_apart_and_never_repeated",
        f"{CLIENT}/test_client.py::test_a_stumble_is_repeated_until_it_succeeds",
        f"{CLIENT}/test_client.py::test_a_rate_limit_pauses_and_then_goes_on",
        f"{CLIENT}/test_client.py::test_json_of_another_shape_is_refused_at_once",
        f"{CLIENT}/test_client.py::test_no_match_is_an_answer",
    ],
    "bytes lost on the wire": [
        f"{CLIENT}/test_client.py::test_a_lost_byte_is_never_silent",
        f"{CLIENT}/test_bulk.py::test_a_lost_byte_is_never_silent",
        f"{CLIENT}/test_client.py::test_a_slow_answer_is_given_up_and_asked_again",
        f"{FETCH}/test_stumbles.py::test_a_stumbling_service_costs_time_and_no_row",
        f"{ENDURANCE}/test_ten_thousand_requests.py"
        "::test_ten_thousand_requests_through_a_service_that_stumbles_leave_no_trace",
    ],
    "a storm of 429": [
        f"{FETCH}/test_stumbles.py::test_a_storm_of_refusals_stops_all_requests_together",
        f"{CLIENT}/test_budgets.py::test_a_rejection_that_asks_for_the_blocks_length_stops_everything",
    ],
    "a page that changes between two calls": [
        f"{TYPED}/test_changing_pages.py::test_a_row_served_on_two_pages_is_counted_and_kept_once",
        f"{TYPED}/test_changing_pages.py"
        "::test_a_row_that_says_two_things_on_two_pages_stops_the_day_until_it_is_fetched_again",
        f"{TYPED}/test_changing_pages.py"
        "::test_a_row_that_slipped_between_two_pages_comes_with_the_next_fetch_and_is_known_from_then",
        f"{FETCH}/test_stumbles.py::test_a_page_key_the_service_forgot_starts_the_day_over",
        f"{FETCH}/test_event_days.py::test_pages_of_the_preliminary_edition_are_not_continued_after_the_final_hour",
    ],
    "a key revoked in mid-run": [
        f"{FETCH}/test_group.py::test_a_key_revoked_in_mid_run_stops_every_source_and_a_new_key_completes",
    ],
    "a plan downgraded in mid-backfill": [
        f"{FETCH}/test_group.py::test_a_plan_downgraded_in_mid_run_keeps_what_landed_and_says_so",
        f"{TYPED}/test_typed.py::test_a_plan_downgraded_later_keeps_its_topix_and_misses_the_rest",
    ],
    "a clock ten minutes off": [
        f"{FETCH}/test_event_days.py::test_a_clock_ten_minutes_ahead_makes_an_error_and_no_complete_day",
        f"{FETCH}/test_event_days.py::test_a_clock_ten_minutes_ahead_does_not_make_an_empty_evening_complete",
        f"{FETCH}/test_event_days.py::test_a_clock_ten_minutes_behind_waits_longer_and_loses_nothing",
    ],
    "a full disk": [
        f"{FETCH}/test_full_disk.py::test_a_full_disk_is_said_and_a_second_run_completes",
        f"{FETCH}/test_full_disk.py::test_a_disk_that_fills_up_is_said_and_with_room_again_the_fetch_completes",
    ],
    "a process killed at any moment": [
        f"{ENDURANCE}/test_sigkill.py::test_a_backfill_killed_three_times_ends_like_one_left_alone",
        f"{FETCH}/test_stumbles.py::test_a_killed_fetch_goes_on_where_the_index_ends",
        f"{FETCH}/test_key.py::test_the_lock_of_a_killed_process_is_free",
        f"{STORE}/test_commits.py::test_a_killed_writer_leaves_a_whole_version",
        "tests/flow/test_tiny_road.py::test_a_demo_killed_twice_ends_like_one_left_alone",
    ],
    "two backfills over the same range": [
        f"{FETCH}/test_two_backfills.py::test_two_backfills_of_one_range_land_twice_and_type_as_one",
        f"{FETCH}/test_group.py::test_two_fetches_of_one_key_do_not_run_at_once_and_the_second_finds_everything",
        f"{FETCH}/test_key.py::test_a_key_serves_one_fetch_at_a_time",
    ],
    "a bulk file that is broken, absurd or of something else": [
        f"{FETCH}/test_bad_files.py::test_a_bad_file_is_named_and_its_month_comes_day_by_day",
        f"{FETCH}/test_month_files.py::test_a_file_that_is_no_good_leaves_its_month_to_the_days_and_nothing_is_lost",
        f"{FETCH}/test_user_files.py::test_a_bad_file_is_named_with_its_fault_and_stops_no_other",
        f"{CLIENT}/test_bulk.py::test_a_claimed_size_above_the_cap_is_refused_before_a_byte_is_read",
        f"{CLIENT}/test_bulk.py::test_a_bomb_is_refused_while_it_unpacks_and_several_members_are_one_file",
        f"{CLIENT}/test_bulk.py::test_what_is_not_gzip_is_refused_at_once",
    ],
    "a signed address that leads elsewhere": [
        f"{FETCH}/test_bad_files.py::test_a_bad_file_is_named_and_its_month_comes_day_by_day",
        f"{CLIENT}/test_hosts.py::test_a_listed_host_at_a_private_address_is_refused",
        f"{CLIENT}/test_hosts.py::test_a_name_server_that_changes_its_mind_changes_nothing",
        f"{CLIENT}/test_hosts.py::test_a_redirect_is_not_followed",
        f"{CLIENT}/test_simulated_service.py::test_files_that_lead_astray_are_refused",
        f"{CLIENT}/test_bulk.py::test_a_signed_address_that_leads_elsewhere_is_not_followed",
    ],
    "failures that would tell a secret": [
        "tests/flow/test_canaries.py::test_no_secret_is_told_by_a_house_on_files_whose_steps_fail",
        "tests/flow/test_canaries.py::test_no_secret_is_told_by_a_house_in_a_bucket_that_goes_away",
        f"{CLIENT}/test_bulk_secrets.py::test_neither_key_nor_signature_is_told_in_any_mishap",
    ],
    "evidence that cannot be judged": [
        "tests/spec/evaluation/test_bad_evidence.py::test_bad_evidence_is_a_named_error_or_a_documented_answer",
        "tests/flow/test_evaluate_command.py::test_what_cannot_be_asked_is_named",
        "tests/unit/evaluation/test_bad_inputs.py::test_a_gate_with_dishonest_terms_cannot_be_made",
        "tests/unit/training/test_walk_forward.py"
        "::test_a_model_that_fails_on_one_fold_is_named_with_the_fold_and_judged_on_none",
    ],
    "a champion whose files are missing or altered, a second one, one from the future": [
        "tests/spec/evaluation/test_bad_evidence.py::test_bad_evidence_is_a_named_error_or_a_documented_answer",
        "tests/unit/registry/test_champions.py::test_an_altered_champion_is_replaced_by_the_baseline",
        "tests/unit/registry/test_champions.py::test_two_promotions_for_one_session_are_refused",
        "tests/unit/registry/test_champions.py::test_a_champion_from_the_future_is_refused",
    ],
    "a look into the hold-out that is too early, repeated or unearned": [
        "tests/laws/evaluation/test_holdout_laws.py::test_a_design_that_was_not_promoted_does_not_look",
        "tests/laws/evaluation/test_holdout_laws.py"
        "::test_too_few_sealed_sessions_are_refused_before_the_one_opening_is_spent",
        "tests/unit/dataset/test_holdout.py::test_a_rewritten_log_is_noticed",
    ],
    "features that differ between weights, configuration and data": [
        f"{TRAINING}/test_bad_training_input.py"
        "::test_a_fit_refuses_other_features_another_order_and_another_normalisation",
        f"{TRAINING}/test_bad_training_input.py::test_weights_of_other_features_horizons_or_blocks_are_refused_by_name",
        f"{TRAINING}/test_versions.py::test_a_panel_of_other_features_is_refused",
        f"{TRAINING}/test_served_lists.py::test_a_champion_of_other_features_is_replaced_and_the_list_says_so",
        "tests/unit/dataset/test_panel.py::test_a_panel_of_other_features_is_never_opened",
    ],
    "horizons that differ between weights, configuration and data": [
        f"{TRAINING}/test_graph_network.py::test_the_judged_horizon_must_be_one_of_the_networks",
        f"{TRAINING}/test_decisions.py::test_horizons_the_network_does_not_have_are_refused",
        f"{TRAINING}/test_bad_training_input.py::test_a_horizon_without_labels_is_refused",
        f"{TRAINING}/test_bad_training_input.py::test_weights_of_other_features_horizons_or_blocks_are_refused_by_name",
    ],
    "a universe that differs between weights and data": [
        f"{TRAINING}/test_bad_training_input.py::test_a_checkpoint_of_another_universe_is_refused",
        f"{TRAINING}/test_bad_training_input.py::test_a_list_of_another_cross_section_is_refused",
    ],
    "inputs that are no finite numbers": [
        f"{TRAINING}/test_bad_training_input.py::test_a_value_that_is_no_number_is_refused_with_its_days",
        f"{TRAINING}/test_steps.py::test_an_input_that_is_not_finite_is_an_error_that_names_the_days",
        f"{MODELS}/test_apex_ranker.py::test_a_value_behind_a_missing_bit_is_never_read",
        f"{MODELS}/test_atft_gat_fan.py::test_a_value_behind_a_missing_bit_is_never_read",
    ],
    "labels that are no finite numbers": [
        f"{TRAINING}/test_bad_training_input.py::test_a_label_that_is_no_number_is_no_label",
        f"{TRAINING}/test_steps.py::test_an_infinite_label_is_an_error_that_names_its_day",
    ],
    "losses and gradients that are no finite numbers": [
        f"{TRAINING}/test_bad_training_input.py"
        "::test_a_gradient_that_is_not_finite_names_weights_and_days_and_is_told_in_the_ledger",
        f"{TRAINING}/test_steps.py::test_weights_that_are_not_finite_are_an_error_that_names_the_loss_term",
        "tests/laws/models/test_loss_laws.py::test_gradients_stay_finite_at_constant_scores",
    ],
    "a network whose scores collapse": [
        f"{TRAINING}/test_loop.py::test_a_model_that_cannot_tell_stocks_apart_fails_the_run",
        f"{TRAINING}/test_bad_training_input.py::test_a_collapsed_run_leaves_the_figures_of_its_last_epoch",
        f"{TRAINING}/test_diagnosis.py::test_fan_over_a_time_constant_tensor_is_named",
        f"{TRAINING}/test_diagnosis.py::test_listnet_on_raw_returns_is_named",
        f"{TRAINING}/test_diagnosis.py::test_a_dead_graph_gate_is_named",
        f"{MODELS}/test_atft_gat_fan.py::test_a_channel_that_never_changes_in_time_is_refused",
    ],
    "a day with three stocks": [
        f"{TRAINING}/test_bad_training_input.py::test_a_day_of_three_stocks_is_scored_and_never_learnt_from",
        f"{TRAINING}/test_bad_training_input.py::test_nothing_but_days_of_three_stocks_is_an_error",
        f"{MODELS}/test_atft_gat_fan.py::test_three_stocks_are_a_day",
        "tests/laws/models/test_loss_laws.py::test_small_and_constant_days_are_dropped_and_the_rest_weigh_the_same",
    ],
    "an empty graph, isolated stocks": [
        f"{MODELS}/test_atft_gat_fan.py::test_an_empty_graph_and_an_isolated_stock_are_the_same_to_that_stock",
        f"{MODELS}/test_graph_attention.py::test_a_stock_without_edges_gets_nothing_from_the_graph",
        f"{TRAINING}/test_diagnosis.py::test_a_graph_without_edges_is_named",
        "tests/unit/dataset/test_companions.py::test_a_graph_without_any_pair_is_a_graph",
    ],
    "a graph of another session, or none": [
        f"{TRAINING}/test_graph_network.py::test_the_graph_of_another_session_or_of_other_stocks_is_refused",
        f"{TRAINING}/test_graph_network.py::test_it_walks_forward_is_kept_and_serves_the_same_list",
        f"{MODELS}/test_atft_gat_fan.py::test_inputs_of_another_shape_are_refused_by_name",
        "tests/unit/dataset/test_companions.py"
        "::test_a_drawn_session_without_a_pair_is_an_empty_graph_and_any_other_is_refused",
    ],
    "settings nobody knows": [
        "tests/unit/gogoku/test_train_command.py::test_a_dial_nobody_reads_is_refused_by_name",
        f"{MODELS}/test_atft_gat_fan.py::test_contradicting_shapes_are_refused_by_name",
        f"{TRAINING}/test_search.py::test_dials_the_recipe_does_not_have_are_refused_by_name",
    ],
    "settings nothing reads": [
        f"{TRAINING}/test_bad_training_input.py::test_a_dial_that_nothing_reads_is_refused_by_name",
        f"{TRAINING}/test_bad_training_input.py::test_dials_that_are_read_or_left_alone_are_fine",
    ],
    "settings that contradict each other": [
        f"{MODELS}/test_atft_gat_fan.py::test_contradicting_shapes_are_refused_by_name",
        f"{MODELS}/test_apex_ranker.py::test_contradicting_shapes_are_refused_by_name",
        f"{TRAINING}/test_loop.py::test_contradicting_settings_are_refused_by_name",
        f"{TRAINING}/test_decisions.py::test_rules_that_watch_nothing_are_refused",
        "tests/laws/models/test_loss_oracles.py::test_terms_that_need_what_is_not_there_are_refused_by_name",
        "tests/laws/models/test_loss_oracles.py::test_more_than_four_terms_are_refused_by_name",
    ],
    "a checkpoint with a changed byte, a foreign class or of another run": [
        f"{TRAINING}/test_resume.py::test_a_changed_byte_is_refused",
        f"{TRAINING}/test_resume.py::test_a_checkpoint_with_a_class_in_it_is_refused",
        f"{TRAINING}/test_resume.py::test_the_checkpoint_of_another_run_is_refused",
    ],
    "a training that runs out of memory": [
        f"{TRAINING}/test_steps.py::test_a_network_that_does_not_fit_goes_on_in_halves_and_learns_the_same",
        f"{TRAINING}/test_steps.py::test_a_repeated_step_draws_the_same_numbers_as_one_that_fitted_at_once",
        f"{TRAINING}/test_steps.py::test_one_day_that_does_not_fit_is_an_error_with_a_remedy",
    ],
    "a training that is killed": [
        f"{TRAINING}/test_resume.py::test_a_killed_run_ends_with_the_bytes_of_an_undisturbed_one",
        f"{TRAINING}/test_versions.py::test_a_training_that_was_interrupted_goes_on_with_the_seeds_that_are_missing",
        f"{TRAINING}/test_search.py::test_an_interrupted_search_goes_on_with_what_is_left_and_repeats",
    ],
    "two trainings of one cut-off at once": [
        f"{TRAINING}/test_two_walks.py::test_a_cut_off_is_trained_once_at_a_time",
        f"{TRAINING}/test_two_walks.py::test_a_fit_is_never_made_twice_at_once",
        f"{TRAINING}/test_resume.py::test_the_same_training_twice_at_once_is_refused",
    ],
    "a training order of other code or of a panel that is not there": [
        "tests/unit/resources/test_training_order.py::test_a_panel_that_is_not_there_and_other_code_are_refused",
        "tests/unit/resources/test_training_order.py::test_an_order_that_lacks_something_is_refused_by_name",
    ],
    "a warm start from other or later weights": [
        "tests/unit/resources/test_warm_start.py::test_weights_of_another_design_or_of_the_future_are_refused",
    ],
    "a diagnosis of nothing": [
        f"{TRAINING}/test_diagnosis.py::test_too_few_days_are_refused_before_anything_is_trained",
        "tests/unit/gogoku/test_diagnose_command.py::test_a_run_that_tells_no_design_is_refused",
        "tests/unit/gogoku/test_diagnose_command.py::test_a_design_is_named_by_its_network_or_as_a_preset",
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
