"""Who serves on a day: append-only history, a pure read, the baseline whenever in doubt."""

import json
from datetime import date, datetime

import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.registry.champions import BASELINE, VerdictRecord, champion, history, record_verdict, serving
from gogoku_pipeline.store import CommitInfo, open_store

WHO = CommitInfo("run-1", "test")
WRITTEN = datetime(2024, 12, 31, 20, 0, tzinfo=JST)


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}")


def record(day, decision="promote", model="apex_ranker", version="v1", **changes):
    fields = {
        "decided_for": day,
        "recorded_at": WRITTEN,
        "model": model,
        "version": version,
        "decision": decision,
        "reasons": ("every criterion that applies holds", "日本語"),
        "cutoff": day,
        "config_hash": "c" * 64,
        "feature_hash": "f" * 64,
    }
    return VerdictRecord(**{**fields, **changes})


def test_without_any_verdict_the_baseline_is_champion_and_says_why(store):
    found = champion(store, date(2024, 5, 8))
    assert (found.model, found.version) == (BASELINE, None)
    assert "nothing was promoted" in found.reason


def test_the_champion_is_the_newest_promotion_decided_for_the_day_or_earlier(store):
    for day, version in ((date(2024, 5, 8), "v1"), (date(2024, 6, 3), "v2")):
        assert record_verdict(store, record(day, version=version), commit=WHO)
    record_verdict(store, record(date(2024, 7, 1), "reject", version="v3"), commit=WHO)
    record_verdict(store, record(date(2024, 8, 1), "inconclusive", version="v4"), commit=WHO)
    answers = [
        (date(2024, 5, 7), None),
        (date(2024, 5, 8), "v1"),
        (date(2024, 6, 2), "v1"),
        (date(2024, 6, 3), "v2"),
        (date(2024, 12, 30), "v2"),
    ]
    assert [(day, champion(store, day).version) for day, _ in answers] == answers


def test_verdicts_written_in_any_order_give_the_same_champions(store):
    for day, version in ((date(2024, 6, 3), "v2"), (date(2024, 5, 8), "v1")):
        record_verdict(store, record(day, version=version), commit=WHO)
    assert champion(store, date(2024, 5, 20)).version == "v1"
    assert champion(store, date(2024, 6, 20)).version == "v2"


def test_a_later_verdict_never_changes_the_champion_of_an_earlier_day(store):
    record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    before = champion(store, date(2024, 5, 20))
    record_verdict(store, record(date(2024, 6, 3), version="v2"), commit=WHO)
    assert champion(store, date(2024, 5, 20)) == before


def test_a_reign_begins_with_the_first_of_the_promotions_of_one_design(store):
    designs = [("v1", "r1", "f1"), ("v2", "r1", "f1"), ("v3", "r2", "f1"), ("v4", "r2", "f2"), ("v5", "r2", "f2")]
    for month, (version, recipe, features) in enumerate(designs, 5):
        made = record(date(2024, month, 1), version=version, recipe_hash=recipe, feature_hash=features)
        record_verdict(store, made, commit=WHO)
    record_verdict(store, record(date(2024, 6, 10), "reject", version="v6"), commit=WHO)
    assert [champion(store, date(2024, month, 20)).since.month for month in range(5, 10)] == [5, 5, 7, 8, 8]
    assert champion(store, date(2024, 4, 30)).since is None


def test_two_promotions_for_one_session_are_refused(store):
    record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    with pytest.raises(RegistryError, match="second promotion"):
        record_verdict(store, record(date(2024, 5, 8), model="atft_gat_fan"), commit=WHO)
    assert history(store).height == 1
    assert record_verdict(store, record(date(2024, 5, 8), "reject", model="atft_gat_fan"), commit=WHO)


def test_repeating_a_run_writes_nothing_and_contradicting_it_is_refused(store):
    assert record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    assert not record_verdict(store, record(date(2024, 5, 8), recorded_at=datetime(2025, 1, 6, tzinfo=JST)), commit=WHO)
    assert history(store).height == 1
    with pytest.raises(RegistryError, match="stands"):
        record_verdict(store, record(date(2024, 5, 8), "reject"), commit=WHO)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cutoff": date(2024, 5, 9)}, "training up to 2024-05-09"),
        ({"recorded_at": datetime(2024, 5, 7, 23, 0, tzinfo=JST)}, "decision for 2024-05-08"),
        ({"recorded_at": datetime(2024, 5, 8, 19, 0)}, "naive"),  # noqa: DTZ001 - naive on purpose
    ],
)
def test_a_champion_from_the_future_is_refused(store, changes, words):
    with pytest.raises(RegistryError, match=words):
        record_verdict(store, record(date(2024, 5, 8), **changes), commit=WHO)
    assert history(store).is_empty()


def test_reasons_survive_as_they_were_said(store):
    record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    assert json.loads(history(store)["reasons"][0])[1] == "日本語"


def save(store, model, version, cutoff):
    store.artefacts.save(model, version, {"model.txt": version.encode()}, {"cutoff": cutoff})


def test_a_sound_champion_serves(store):
    save(store, "apex_ranker", "v1", "2024-05-08")
    record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    found = serving(store, date(2024, 5, 9))
    assert (found.model, found.version) == ("apex_ranker", "v1")
    assert found.manifest["cutoff"] == "2024-05-08"


def test_a_missing_champion_is_replaced_by_the_newest_baseline_and_the_reason_says_so(store):
    for version, cutoff in (("a", "2024-03-01"), ("b", "2024-04-01"), ("c", "2024-06-03")):
        save(store, BASELINE, version, cutoff)
    record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    found = serving(store, date(2024, 5, 9))
    assert (found.model, found.version) == (BASELINE, "b")
    assert "apex_ranker v1 cannot serve" in found.reason


def test_an_altered_champion_is_replaced_by_the_baseline(store, tmp_path):
    save(store, BASELINE, "b", "2024-04-01")
    save(store, "apex_ranker", "v1", "2024-05-08")
    record_verdict(store, record(date(2024, 5, 8)), commit=WHO)
    stored = next(path for path in tmp_path.rglob("model.txt") if "apex_ranker" in str(path))
    stored.write_bytes(b"other bytes")
    found = serving(store, date(2024, 5, 9))
    assert (found.model, found.version) == (BASELINE, "b")
    assert "altered" in found.reason


def test_an_altered_baseline_version_is_passed_over_for_an_older_one(store, tmp_path):
    save(store, BASELINE, "a", "2024-03-01")
    save(store, BASELINE, "b", "2024-04-01")
    stored = next(path for path in tmp_path.rglob("model.txt") if "/b/" in str(path))
    stored.write_bytes(b"other bytes")
    found = serving(store, date(2024, 5, 9))
    assert found.version == "a"
    assert "b passed over" in found.reason


def test_without_any_sound_version_nothing_serves_and_the_error_says_what_to_do(store):
    save(store, BASELINE, "late", "2024-06-03")
    with pytest.raises(RegistryError, match="Materialise model__lightgbm"):
        serving(store, date(2024, 5, 9))
