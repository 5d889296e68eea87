"""Staleness by the publication clock, coverage by who should be there, and the words about both."""

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from gogoku_pipeline.monitoring.coverage import coverage_by_session
from gogoku_pipeline.monitoring.freshness import expected_session, freshness
from gogoku_pipeline.monitoring.words import (
    coverage_alerts,
    freshness_alert,
    serving_alert,
    verdict_alert,
    verdict_words,
)
from gogoku_pipeline.registry.champions import Serving
from tests.unit.evaluation.panels import Panel

CALENDAR = tse_calendar(date(2024, 4, 1), date(2024, 6, 28))
GRACE = timedelta(hours=2)


@pytest.mark.parametrize(
    ("now", "want"),
    [
        ("2024-05-08T18:29", date(2024, 5, 7)),  # published 16:30, two hours of grace not over
        ("2024-05-08T18:30", date(2024, 5, 8)),
        ("2024-05-08T09:00", date(2024, 5, 7)),
        ("2024-05-11T12:00", date(2024, 5, 10)),  # Saturday
        ("2024-05-06T23:00", date(2024, 5, 2)),  # Golden Week
        ("2024-05-07T09:00", date(2024, 5, 2)),
    ],
)
def test_what_must_have_arrived(now, want):
    aware = datetime.fromisoformat(now).replace(tzinfo=JST)
    assert expected_session(CALENDAR, aware, time(16, 30), grace=GRACE) == want


@pytest.mark.parametrize(
    ("newest", "behind"), [(date(2024, 5, 8), 0), (date(2024, 5, 7), 1), (date(2024, 5, 2), 2), (date(2024, 5, 1), 3)]
)
def test_sessions_behind_are_counted_in_sessions_not_days(newest, behind):
    held = CALENDAR.between(CALENDAR.first, newest)
    now = datetime(2024, 5, 8, 20, 0, tzinfo=JST)
    found = freshness("core__x", held, CALENDAR, now=now, published_at=time(16, 30), grace=GRACE)
    assert (found.sessions_behind, found.is_fresh) == (behind, behind == 0)
    alert = freshness_alert(found)
    assert (alert is None) == (behind == 0)
    if alert:
        assert f"{behind} sessions behind" in alert.text


def test_an_empty_table_is_not_fresh():
    now = datetime(2024, 5, 8, 20, 0, tzinfo=JST)
    found = freshness("core__x", [], CALENDAR, now=now, published_at=time(16, 30))
    assert not found.is_fresh
    assert "is empty" in found.words


def test_a_naive_instant_is_refused():
    with pytest.raises(DataError, match="naive"):
        expected_session(CALENDAR, datetime(2024, 5, 8, 20, 0), time(16, 30), grace=GRACE)  # noqa: DTZ001


def _frame(rows):
    return pl.DataFrame(rows, schema={"session": pl.Date, "code": pl.String}, orient="row")


def test_coverage_counts_listed_stocks_that_have_a_row_and_shows_days_without_any():
    one, two = date(2024, 5, 7), date(2024, 5, 8)
    listed = _frame([(one, "10010"), (one, "10020"), (two, "10010"), (two, "10020")])
    bars = _frame([(one, "10010"), (one, "10020"), (one, "99990")])
    topix = pl.DataFrame({"session": [one, two]})
    table = coverage_by_session({"bars": bars, "topix": topix}, listed, [one, two])
    assert table.rows() == [
        ("bars", one, 3, 2, 2, 1.0),
        ("bars", two, 0, 2, 0, 0.0),
        ("topix", one, 1, 2, None, None),
        ("topix", two, 1, 2, None, None),
    ]
    alerts = coverage_alerts(table)
    assert len(alerts) == 1
    assert "2024-05-08 with 0.0%" in alerts[0].text


def test_a_frame_without_sessions_has_no_coverage():
    with pytest.raises(DataError, match="coverage of bars"):
        coverage_by_session({"bars": pl.DataFrame({"code": ["10010"]})}, _frame([]), [date(2024, 5, 8)])


def test_nobody_listed_means_no_share():
    table = coverage_by_session({"bars": _frame([])}, _frame([]), [date(2024, 5, 8)])
    assert table["coverage"].to_list() == [None]


def test_the_words_of_a_verdict_name_the_models_the_edge_and_the_first_reason():
    panel = Panel(days=40, names=40)
    bad = panel.scores("apex_ranker", -0.2)
    verdict = decide(
        bad, panel.scores("lightgbm", 0.05), None, None, panel.labels(), None, GateConfig(resamples=200), GateContext()
    )
    words = verdict_words(verdict)
    assert words.startswith("apex_ranker is rejected; the champion stays.")
    assert verdict.reasons[0] in words
    alert = verdict_alert(verdict, date(2024, 5, 8))
    assert alert.key == ("gate", "apex_ranker 2024-05-08 reject")


def test_people_hear_when_another_model_serves_than_the_champion():
    stand_in = Serving("lightgbm", "b", {}, "baseline: apex_ranker v1 cannot serve (no manifest)")
    assert serving_alert(stand_in, date(2024, 5, 8), champion_model="lightgbm") is None
    alert = serving_alert(stand_in, date(2024, 5, 8), champion_model="apex_ranker")
    assert "instead of apex_ranker" in alert.text
