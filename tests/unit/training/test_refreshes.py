"""Daily refreshes: only what passes the cheap checks serves, from its own session on, and never before."""

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError, RegistryError
from gogoku_pipeline.evaluation.sequential import Claim
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.champions import VerdictRecord, champion, record_verdict, serving
from gogoku_pipeline.registry.refresh import band, checks, judge_refresh
from gogoku_pipeline.registry.refreshes import RefreshFigures, accepted_refreshes, record_refresh, refreshes
from gogoku_pipeline.registry.reproduce import reproduce
from gogoku_pipeline.registry.serve import serve_sessions
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS
from gogoku_pipeline.registry.terms import RefreshTerms, Terms
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.recipe_ladder import LadderRecipe

WHO = CommitInfo("run-1", "test")
TERMS = Terms(gate=GateConfig(horizon_d=5))
PROMOTED = 140
SEEN = Claim(mean=0.45, deviation=0.15, horizon_d=5)
RIDGE = "seed-1-ridge.f64"


def evening(session):
    return datetime.combine(session, time(19), JST)


def promote(store, session, version, feature_hash):
    record = VerdictRecord(
        decided_for=session, recorded_at=evening(session), model="ridge", version=version, decision="promote",
        reasons=("every criterion holds",), cutoff=session, config_hash="c" * 64, feature_hash=feature_hash,
    )  # fmt: skip
    record_verdict(store, record, commit=WHO)


def write_claim(store, session, claim):
    """The two criteria of the verdict from which a claim is read."""
    shared = {"session": session, "challenger": "ridge", "baseline": "lightgbm", "decision": "promote",
              "threshold": 0.0, "is_passed": True, "words": "", "on_failure": "inconclusive", "reasons": "[]",
              "paired_days": 200, "edge": 0.05, "edge_low": 0.01, "edge_high": 0.09, "detectable_effect": 0.02,
              "more_sessions": 0, "is_suspect": False, "config_hash": "c" * 64,
              "available_at": evening(session)}  # fmt: skip
    values = {"edge_ratio": claim.mean, "rank_icir": claim.mean / claim.deviation}
    rows = [shared | {"criterion": name, "value": value, "place": n} for n, (name, value) in enumerate(values.items())]
    frame = pl.DataFrame(rows, schema=GATE.polars_schema)
    store.tables.write_sessions(GATE, frame, [session], commit=WHO)


@pytest.fixture
def promoted(data, market, store, boosted):
    """A ridge promoted on one session, with what the gate saw of it, and a baseline that could stand in."""
    session = market.sessions[PROMOTED]
    train_version(boosted, data, session, (1,), store, validation=15)
    made = train_version(LadderRecipe("ridge"), data, session, (1,), store, validation=15)
    promote(store, session, made.version, made.feature_hash)
    write_claim(store, session, SEEN)
    return made


def trained(data, market, store, place):
    return train_version(LadderRecipe("ridge"), data, market.sessions[place], (1,), store, validation=15)


def bent(store, made, name, bend, **changes):
    """A version of the same session whose coefficients were bent, or whose manifest says something else."""
    kept = store.artefacts.load(made.model, made.version)
    weights = bend(np.frombuffer(kept.files[RIDGE], dtype="<f8"))
    files = kept.files | {RIDGE: weights.astype("<f8").tobytes()}
    store.artefacts.save(made.model, name, files, kept.manifest | changes)
    return name


def answered(store, data, version, terms=TERMS):
    """The answer to a version, written down."""
    day = date.fromisoformat(store.artefacts.manifest("ridge", version)["cutoff"])
    answer = judge_refresh(store, data, "ridge", version, terms, recorded_at=evening(day) + timedelta(hours=2))
    assert answer is not None
    assert record_refresh(store, answer, commit=WHO)
    return answer


def test_an_accepted_refresh_serves_from_its_session_on_and_not_before(store, data, market, promoted):
    fresh = trained(data, market, store, 143)
    assert answered(store, data, fresh.version).decision == "accepted"
    served = {place: serving(store, market.sessions[place]).version for place in (140, 142, 143, 150)}
    assert served == {140: promoted.version, 142: promoted.version, 143: fresh.version, 150: fresh.version}
    assert f"weights of {market.sessions[143]}" in serving(store, market.sessions[150]).reason


def test_a_refresh_prints_every_figure_it_was_judged_by(store, data, market, promoted):
    answer = answered(store, data, trained(data, market, store, 143).version)
    (row,) = refreshes(store).to_dicts()
    assert (row["promoted_version"], row["previous_version"]) == (promoted.version, promoted.version)
    assert tuple(json.loads(row["reasons"])) == answer.reasons
    said = " ".join(answer.reasons)
    for name in ("rank_correlation", "correlation_floor"):
        assert f"{row[name]:.3f}" in said
    for name in ("rank_ic", "rank_ic_low", "rank_ic_high"):
        assert f"{row[name]:+.4f}" in said
    assert f"{row['unique_ratio']:.0%}" in said and f"over {row['validation_days']} sessions" in said
    assert row["rank_correlation"] > 0.9 and row["validation_days"] == 15
    assert (row["rank_ic_low"], row["rank_ic_high"]) == band(SEEN, 15, TERMS.refresh.band)


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        (np.zeros_like, "degenerate"),
        (np.negative, "rank correlation with yesterday's weights -"),
        (lambda weights: np.random.default_rng(1).normal(size=weights.size), "rank correlation"),
    ],
    ids=["collapsed", "upside down", "another opinion"],
)
def test_a_refresh_that_fails_a_check_never_serves(store, data, market, promoted, bend, words):
    made = trained(data, market, store, 143)
    version = bent(store, made, "bent", bend)
    answer = answered(store, data, version)
    assert answer.decision == "rejected"
    assert any(words in reason for reason in answer.reasons) and len(answer.reasons) == 3
    assert serving(store, market.sessions[145]).version == promoted.version


@pytest.mark.parametrize("mean", [0.05, 0.95], ids=["above the band", "below the band"])
def test_a_validation_rank_ic_outside_its_band_rejects_on_either_side(store, data, market, promoted, mean):
    write_claim(store, market.sessions[PROMOTED], Claim(mean, 0.05, 5))
    answer = answered(store, data, trained(data, market, store, 143).version)
    assert answer.decision == "rejected"
    assert [passed for passed, _ in checks(answer.figures)] == [True, True, False]


def test_a_refresh_without_a_claim_to_compare_with_is_rejected(store, data, market, promoted):
    store.tables.write_sessions(GATE, GATE.empty(), [market.sessions[PROMOTED]], commit=WHO)
    answer = answered(store, data, trained(data, market, store, 143).version)
    assert answer.decision == "rejected"
    assert refreshes(store)["rank_ic_low"].to_list() == [None]


def test_what_could_not_be_measured_is_not_passed():
    assert [passed for passed, _ in checks(RefreshFigures())] == [False, False, False]


def test_a_refresh_of_another_design_is_refused_by_name(store, data, market, promoted):
    made = trained(data, market, store, 143)
    version = bent(store, made, "other", np.array, config_hash="0" * 64)
    answer = answered(store, data, version)
    assert answer.decision == "rejected"
    assert "another design" in answer.reasons[0] and "config hash 000000000000" in answer.reasons[0]
    with pytest.raises(RegistryError, match="config hash 000000000000"):
        record_refresh(store, replace(answer, decision="accepted"), commit=WHO)
    assert serving(store, market.sessions[145]).version == promoted.version


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_damaged_refresh_is_passed_over_for_the_accepted_one_before(store, tmp_path, data, market, promoted, damage):
    first, second = (trained(data, market, store, place) for place in (142, 144))
    for made in (first, second):
        assert answered(store, data, made.version).decision == "accepted"
    stored = next(path for path in tmp_path.rglob(RIDGE) if second.version in str(path))
    stored.unlink() if damage == "missing" else stored.write_bytes(b"other bytes")
    found = serving(store, market.sessions[145])
    assert found.version == first.version
    assert f"refresh {second.version} passed over" in found.reason


def test_where_no_refresh_is_sound_the_promoted_version_serves(store, tmp_path, data, market, promoted):
    made = trained(data, market, store, 142)
    answered(store, data, made.version)
    next(path for path in tmp_path.rglob(RIDGE) if made.version in str(path)).write_bytes(b"")
    assert serving(store, market.sessions[145]).version == promoted.version


def test_a_promotion_forgets_the_refreshes_of_the_one_before(store, data, market, promoted):
    answered(store, data, trained(data, market, store, 142).version)
    again = trained(data, market, store, 144)
    promote(store, market.sessions[144], again.version, again.feature_hash)
    assert serving(store, market.sessions[146]).version == again.version


def test_each_refresh_is_compared_with_the_one_that_serves_before_it(store, data, market, promoted):
    first, second = (trained(data, market, store, place) for place in (142, 143))
    answered(store, data, first.version)
    assert answered(store, data, second.version).previous_version == first.version


def test_nothing_dated_later_changes_who_serves_on_a_session(store, data, market, promoted):
    """Refreshes, verdicts and promotions of later sessions, in any order of writing."""
    days = market.sessions[PROMOTED:150]
    answered(store, data, trained(data, market, store, 142).version)

    def seen(until):
        asked = [day for day in days if day < until]
        return [(champion(store, day), serving(store, day).version) for day in asked]

    for place in (149, 146, 148, 144):
        before = seen(market.sessions[place])
        made = trained(data, market, store, place)
        if place % 2:
            promote(store, market.sessions[place], made.version, made.feature_hash)
        else:
            answered(store, data, made.version)
        assert seen(market.sessions[place]) == before
    accepted = accepted_refreshes(store, "ridge", promoted.version, market.sessions[143])
    assert [day for day, _ in accepted] == [market.sessions[142]]


def test_a_refresh_from_the_future_is_refused(store, data, market, promoted):
    made = trained(data, market, store, 143)
    answer = judge_refresh(store, data, "ridge", made.version, TERMS, recorded_at=evening(market.sessions[143]))
    for early in (evening(market.sessions[142]), datetime.combine(market.sessions[150], time(19))):
        with pytest.raises(RegistryError, match="recorded at"):
            record_refresh(store, replace(answer, recorded_at=early), commit=WHO)
    assert refreshes(store).is_empty()


def test_a_repeated_run_writes_nothing(store, data, market, promoted):
    answer = answered(store, data, trained(data, market, store, 143).version)
    assert not record_refresh(store, replace(answer, recorded_at=evening(market.sessions[160])), commit=WHO)
    assert refreshes(store).height == 1


def test_only_the_champion_is_refreshed(store, data, market, promoted, boosted):
    earlier = trained(data, market, store, 135)
    other = train_version(boosted, data, market.sessions[143], (1,), store, validation=15)
    now = evening(market.sessions[150])
    for model, version in (("ridge", earlier.version), ("ridge", promoted.version), ("lightgbm", other.version)):
        assert judge_refresh(store, data, model, version, TERMS, recorded_at=now) is None


def test_a_list_by_refreshed_weights_names_them_and_is_made_again_to_the_bit(store, data, panel, market, promoted):
    fresh = trained(data, market, store, 142)
    answered(store, data, fresh.version)
    days = market.sessions[141:144]
    made = serve_sessions(store, panel, days, TERMS, available_at=evening)
    versions = made.lists.group_by("session").agg(pl.col("model_version").unique().first()).sort("session")
    assert versions["model_version"].to_list() == [promoted.version, fresh.version, fresh.version]
    store.tables.write_sessions(PREDICTIONS, made.lists, days, commit=WHO)
    answered(store, data, trained(data, market, store, 143).version)
    assert reproduce(store, days[2], lambda versions: panel).is_equal


@pytest.mark.parametrize("changes", [{"min_rank_correlation": 1.0}, {"band": 0.0}, {"band": float("nan")}])
def test_terms_that_pass_everything_or_nothing_are_refused(changes):
    with pytest.raises(ConfigError, match="RefreshTerms"):
        RefreshTerms(**changes)
