"""What the page of a version says about fresh weights of the champion."""

from datetime import date, datetime

import dagster as dg

from assets.models import refresh_record, refresh_serves
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.registry.refreshes import RefreshFigures, RefreshRecord


def answer(decision, **figures):
    return RefreshRecord(
        decided_for=date(2024, 5, 9),
        recorded_at=datetime(2024, 5, 9, 21, tzinfo=JST),
        model="apex_ranker",
        version="fresh",
        promoted_version="promoted",
        previous_version="yesterday",
        decision=decision,
        reasons=("rank correlation with yesterday's weights 0.310, at least 0.500 needed",),
        figures=RefreshFigures(**figures),
        config_hash="c" * 64,
        feature_hash="f" * 64,
    )


def test_a_rejected_refresh_warns_and_says_that_yesterdays_weights_serve():
    found = refresh_serves("model__apex_ranker", answer("rejected", rank_correlation=0.31))
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description.startswith("yesterday's weights go on serving: rank correlation")


def test_an_accepted_refresh_passes_with_its_figures():
    found = refresh_serves("model__apex_ranker", answer("accepted", rank_correlation=0.93, validation_days=40))
    assert found.passed and "0.310" in found.description
    assert {name: found.metadata[name].value for name in ("refresh", "before", "rank_correlation")} == {
        "refresh": "accepted",
        "before": "yesterday",
        "rank_correlation": 0.93,
    }


def test_a_version_that_refreshes_nothing_passes_and_says_why():
    found = refresh_serves("model__lightgbm", None)
    assert found.passed and "not a refresh" in found.description
    assert refresh_record(None) == {}


def test_what_could_not_be_measured_is_not_shown_as_a_number():
    shown = refresh_record(answer("rejected"))
    assert "rank_ic" not in shown and shown["validation_days"] == 0
