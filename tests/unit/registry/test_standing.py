"""A champion's live record: from stored scores and labels alone, and never from what an evening could not know."""

import json
import math
from datetime import date, datetime, time

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.sequential import LiveTerms
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.champions import BASELINE, VerdictRecord, champion, record_verdict
from gogoku_pipeline.registry.serve import standings_of, suspension
from gogoku_pipeline.registry.standing import claim_of, live_rank_ic, standing_on
from gogoku_pipeline.registry.tables import GATE, SHADOW
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo, open_store

WHO = CommitInfo("run-1", "test")
DAYS = tse_calendar().between(date(2023, 1, 4), date(2024, 12, 30))
PROMOTED, DIES, REVIVES = 0, 60, 180
NAMES, SEEN = 60, 0.25
TERMS = Terms(gate=GateConfig(horizon_d=1), live=LiveTerms(false_alarm_every=490, false_return_every=245))


def signal(day: int) -> float:
    """What the champion's scores know of the labels on a day: its claim, nothing for half a year, its claim again."""
    return 0.0 if DIES <= day < REVIVES else SEEN


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return filled(tmp_path_factory.mktemp("store"), {PROMOTED: "r1"})


def filled(folder, recipes):
    """A store whose champion was promoted at some places by some recipe, with the same scores and labels each time."""
    made = open_store(f"file://{folder}")
    at = datetime(2023, 1, 4, 19, tzinfo=JST)
    for place, recipe in recipes.items():
        verdict = VerdictRecord(
            decided_for=DAYS[place], recorded_at=datetime.combine(DAYS[place], time(19), JST), model="apex_ranker",
            version=f"v{place}", decision="promote", reasons=("every criterion holds",), cutoff=DAYS[place],
            config_hash="c" * 64, feature_hash="f" * 64, recipe_hash=recipe,
        )  # fmt: skip
        record_verdict(made, verdict, commit=WHO)
        write_verdict(made, DAYS[place], mean=SEEN, ratio=SEEN / 0.13, at=at)
    scores, labels = record(np.random.default_rng(5), 300)
    made.tables.write_sessions(SHADOW, scores, DAYS[:300], commit=WHO)
    made.tables.write_whole(LABELS, labels, commit=WHO)
    return made


def write_verdict(store, day, *, mean: float, ratio: float, at: datetime) -> None:
    shared = {"session": day, "challenger": "apex_ranker", "baseline": BASELINE, "decision": "promote",
              "threshold": 0.0, "is_passed": True, "words": "", "on_failure": "inconclusive",
              "reasons": json.dumps([]), "paired_days": 200, "edge": 0.05, "edge_low": 0.01, "edge_high": 0.09,
              "detectable_effect": 0.02, "more_sessions": 0, "is_suspect": False, "config_hash": "c" * 64,
              "available_at": at}  # fmt: skip
    rows = [
        {**shared, "criterion": name, "value": value, "place": place}
        for place, (name, value) in enumerate({"edge_ratio": mean, "rank_icir": ratio}.items())
    ]
    frame = pl.DataFrame(rows, schema=GATE.polars_schema)
    store.tables.write_sessions(GATE, frame, [day], commit=WHO)


def record(rng: np.random.Generator, days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Shadow scores and labels of one-session positions; the champion's knowledge follows `signal`."""
    outcome = rng.normal(size=(days, NAMES))
    known = np.array([signal(day) for day in range(days)])[:, None]
    score = known * outcome + np.sqrt(1 - known**2) * rng.normal(size=outcome.shape)
    keys = {
        "session": [day for day in DAYS[:days] for _ in range(NAMES)],
        "code": [f"{1000 + n}0" for n in range(NAMES)] * days,
    }
    frame = pl.DataFrame(keys, schema={"session": pl.Date, "code": pl.String}).with_columns(
        pl.lit(1, dtype=pl.Int16).alias("horizon_d"),
        pl.lit(datetime(2023, 1, 4, 19, tzinfo=JST), dtype=LABELS.column("available_at").dtype).alias("available_at"),
    )
    scores = frame.with_columns(
        pl.lit("apex_ranker").alias("model"), pl.lit("v1").alias("model_version"), pl.Series("score", score.ravel())
    )
    entries = {day: DAYS[place + 1] for place, day in enumerate(DAYS[:-1])}
    exits = {day: DAYS[place + 2] for place, day in enumerate(DAYS[:-2])}
    returns = ("ret_open", "excess_open", "residual_open", "gauss_open", "ret_close")
    labels = frame.with_columns(
        pl.col("session").replace_strict(entries).alias("entry_session"),
        pl.col("session").replace_strict(exits).alias("exit_session"),
        *(pl.Series(name, outcome.ravel() * 0.02) for name in returns),
        pl.lit(None, dtype=pl.String).alias("reason"),
    )
    return (
        scores.select(SHADOW.polars_schema.names()).cast(SHADOW.polars_schema),
        labels.select(LABELS.polars_schema.names()).cast(LABELS.polars_schema),
    )


def test_a_dying_signal_suspends_the_champion_and_its_revival_brings_it_back(store):
    found = standings_of(store, DAYS[:300], TERMS)
    states = [found[day].state for day in DAYS[:300]]
    turned = states.index("suspended")
    assert DIES < turned < DIES + 60
    assert states[299] == "serves"
    back = turned + states[turned:].index("serves")
    assert REVIVES < back < REVIVES + 60


def test_a_design_promoted_again_and_again_keeps_its_record_and_its_suspension(store, tmp_path):
    """The gate judges every week: a record that began anew each time would never hold enough days to say anything."""
    again = filled(tmp_path, dict.fromkeys(range(0, 300, 50), "r1"))
    assert standings_of(again, DAYS[:300], TERMS) == standings_of(store, DAYS[:300], TERMS)


def test_another_recipe_begins_a_record_of_its_own(store, tmp_path):
    before = standings_of(store, DAYS[:300], TERMS)
    turned = [before[day].state for day in DAYS[:300]].index("suspended")
    made = standings_of(filled(tmp_path, {0: "r1", turned + 1: "r2"}), DAYS[:300], TERMS)
    assert (made[DAYS[turned]].state, made[DAYS[turned + 1]].state) == ("suspended", "serves")
    assert made[DAYS[turned + 1]].days == 0


def test_a_standing_is_the_same_whoever_asks_later(store):
    some = DAYS[100:110]
    every = standings_of(store, DAYS[:300], TERMS)
    assert standings_of(store, some, TERMS) == {day: every[day] for day in some}


def test_scores_not_yet_stored_count_as_if_they_were(store, tmp_path):
    """A range of evenings in one run sees its own earlier scores."""
    every = store.tables.scan(SHADOW).collect()
    stored = standings_of(store, DAYS[:300], TERMS)
    fresh = every.filter(pl.col("session") >= DAYS[150])
    assert standings_of(store, DAYS[150:300], TERMS, fresh) == {day: stored[day] for day in DAYS[150:300]}


def test_an_evening_knows_no_outcome_of_its_own_day(store):
    scores = store.tables.scan(SHADOW).select("session", "code", "horizon_d", "score").collect()
    labels = store.tables.scan(LABELS).collect()
    live = live_rank_ic(scores, labels, 1, DAYS[50])
    assert live["session"][-1] == DAYS[47]


def test_a_position_that_closed_late_never_changes_a_days_figure(store):
    scores = store.tables.scan(SHADOW).select("session", "code", "horizon_d", "score").collect()
    labels = store.tables.scan(LABELS).collect()
    late = labels.with_columns(
        pl.when((pl.col("session") == DAYS[10]) & (pl.col("code") == "10000"))
        .then(pl.lit(DAYS[15]))
        .otherwise("exit_session")
        .alias("exit_session")
    )
    without = labels.filter((pl.col("session") != DAYS[10]) | (pl.col("code") != "10000"))
    assert live_rank_ic(scores, late, 1, DAYS[200]).equals(live_rank_ic(scores, without, 1, DAYS[200]))


def test_the_claim_is_what_the_gate_saw(store):
    claim = claim_of(store, champion(store, DAYS[5]), 1)
    assert claim is not None
    assert math.isclose(claim.mean, SEEN)
    assert math.isclose(claim.deviation, 0.13)


def test_the_baseline_by_default_has_no_standing(tmp_path):
    empty = open_store(f"file://{tmp_path}")
    assert standings_of(empty, DAYS[:3], TERMS) == {}
    with pytest.raises(EvaluationError, match="champion"):
        standing_on(pl.DataFrame(), champion(empty, DAYS[0]), DAYS[:3], None, LiveTerms())


def test_a_suspension_says_why_in_figures(store):
    found = standings_of(store, DAYS[:300], TERMS)
    words = suspension(
        next(found[day] for day in DAYS[:300] if found[day].state == "suspended" and found[day].days > 5)
    )
    first = next(found[day] for day in DAYS[:300] if found[day].state == "suspended")
    assert f"live RankIC of {first.turn_mean:+.4f} over {first.turn_days} days" in words
    assert first.turn_days > 20 and first.turn_mean < SEEN
    assert "days since" in words
    assert "245" in words
