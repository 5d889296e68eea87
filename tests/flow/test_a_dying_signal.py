"""A planted edge dies and comes back: the champion is suspended, a person is told, the baseline stands in, it returns.

The road is the real one: a market over HTTP, typed tables, labels, panel, versions, the history of verdicts, one run
per few evenings, the alert sensor, a webhook. Last week's losers recover, strongly, until one session, not at all for
a month, and then again. Champion and baseline read the same features and feed on the same edge, so neither is worth
anything while it is dead: what is shown is that the champion's own record suspends it and brings it back, under the
registered terms of the live test. The promotion's figures are the walk's own, its decision is signed by hand: a
market as small as this one need not convince the gate.
"""

import re
from dataclasses import dataclass, replace
from functools import partial

import dagster as dg
import polars as pl
import pytest

from assets.dataset import house_panel
from assets.models import training_data
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.gate import GateContext, decide
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.monitoring.notify import Notifier
from gogoku_pipeline.registry.predictions import gate_rows
from gogoku_pipeline.registry.refreshes import refreshes
from gogoku_pipeline.registry.reproduce import reproduce
from gogoku_pipeline.registry.tables import GATE
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.registry.timeline import champion_timeline
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.training.walk_forward import run_walk_forward
from resources.compute import NetworkDials
from resources.recipes import BASELINE, recipe
from tests.flow.small_house import RAW, TABLES, WHOLE, causes, failed_checks, small_house
from tests.unit.monitoring.receivers import webhook

pytestmark = pytest.mark.slow

SESSIONS, PROMOTED, REFRESHED, DIES, REVIVES = 184, 121, 125, 136, 168
EVENINGS_PER_RUN = 3
CHALLENGER = "apex_ranker"
LOUD = replace(Dials.only("reversal"), reversal=6.0)
TERMS = Terms(
    gate=GateConfig(horizon_d=1, min_days=40, resamples=300),
    seeds=(1, 2, 3),
    n_folds=1,
    embargo=2,
    min_train=40,
    validation=15,
)
SIZES = {
    "feature_set": "alpha158",
    "terms": TERMS,
    "challengers": (CHALLENGER,),
    "preset": "tiny",
    "networks": {CHALLENGER: NetworkDials(shape={"horizons": (1,)})},
    "training": {
        "epochs": 12, "patience": 12, "smoothing": 1, "min_names": 10, "learning_rate": 5e-3, "days_per_step": 4
    },
    "boosted": {"rounds": 40, "lambda_l2": 1.0},
}  # fmt: skip


def turning_market():
    """Sixty issues whose one edge is dead from one session to another."""
    config = MarketConfig(n_issues=60, n_sessions=SESSIONS, seed=5, dials=LOUD)
    days = tse_calendar(config.start).sessions
    return generate_market(replace(config, turns=((days[DIES], Dials.zero()), (days[REVIVES], LOUD))))


@dataclass
class Story:
    """What an instance, a store and a webhook know in the end.

    Attributes:
        timeline: one row per session from the promotion on.
        asked_early: the same, asked for the first sessions alone.
        failed: last session of each run to its failed checks with their words.
        alerts: what the webhook received.
        refreshes: their history.
        again: places of lists that were made again, and whether every bit came out.
    """

    timeline: pl.DataFrame
    asked_early: pl.DataFrame
    failed: dict
    alerts: list
    refreshes: pl.DataFrame
    again: dict

    @property
    def suspended(self):
        """Places of the sessions on which the champion might not serve."""
        return [PROMOTED + n for n, state in enumerate(self.timeline["state"]) if state == "suspended"]


class Evenings:
    """Runs of the list, each followed by a tick of the alert sensor."""

    def __init__(self, house):
        self.house, self.failed, self.cursor = house, {}, None
        (self.sensor,) = (one for one in house.definitions.sensors if one.name == "alerts")
        self.tick()

    def tick(self):
        context = dg.build_sensor_context(instance=self.house.instance, cursor=self.cursor)
        self.cursor = self.sensor.evaluate_tick(context).cursor

    def through(self, first, last):
        keys = self.house.keys
        for start in range(first, last + 1, EVENINGS_PER_RUN):
            end = min(start + EVENINGS_PER_RUN - 1, last)
            result = self.house.run(("pred__daily",), keys[start], keys[end])
            assert result.success
            self.failed[end] = {check: words for (_, check, _), words in failed_checks(result).items()}
            self.tick()


def sign_a_promotion(house, compute, cutoff):
    """The walk of both recipes and the gate's figures, with a promotion instead of its decision, written down."""
    data = training_data(house.store, compute)
    folds = TERMS.folds(data.sessions, cutoff)
    recipes = [recipe(name, compute) for name in (CHALLENGER, BASELINE)]
    walks = [run_walk_forward(one, data, folds, TERMS.seeds, TERMS.gate.horizon_d).scores for one in recipes]
    known = data.labels.filter(pl.col("exit_session") <= cutoff)
    verdict = decide(*walks, None, None, known, None, TERMS.gate, GateContext(simulated=True))
    signed = replace(verdict, decision="promote", reasons=("signed by hand", *verdict.reasons))
    rows = gate_rows(signed, cutoff, available_at=compute.decision(cutoff))
    house.store.tables.write_sessions(GATE, rows, [cutoff], commit=CommitInfo("test", "1"))
    assert house.run(("registry__champions",)).success


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Everything, once."""
    market = turning_market()
    folder = tmp_path_factory.mktemp("turning")
    with webhook() as (url, received), small_house(market, folder, sizes=SIZES, notifier=Notifier(url)) as house:
        compute, keys, days = house.definitions.resources["compute"], house.keys, market.sessions
        assert house.run(WHOLE).success
        assert house.run((*RAW, *TABLES), keys[0], keys[-1]).success
        assert house.run(("core_jquants__security_master", "data__labels", "data__panel")).success
        trained = house.run((f"model__{BASELINE}", f"model__{CHALLENGER}"), keys[PROMOTED])
        assert trained.success, causes(trained)
        sign_a_promotion(house, compute, days[PROMOTED])
        evenings = Evenings(house)
        evenings.through(PROMOTED, REFRESHED - 1)
        assert house.run((f"model__{CHALLENGER}",), keys[REFRESHED]).success
        evenings.through(REFRESHED, SESSIONS - 1)

        def is_made_again(place):
            return reproduce(house.store, days[place], partial(house_panel, house.store, compute)).is_equal

        timeline = champion_timeline(house.store, TERMS)
        yield Story(
            timeline=timeline,
            asked_early=champion_timeline(house.store, TERMS, days[PROMOTED:REVIVES]),
            failed=evenings.failed,
            alerts=[message["text"] for _, message in received],
            refreshes=refreshes(house.store),
            again={place: is_made_again(place) for place in (PROMOTED, REFRESHED, REVIVES)},
        )


def test_the_champion_is_suspended_while_its_edge_is_dead_and_returns_after_it_lives_again(story):
    suspended = story.suspended
    assert suspended == list(range(suspended[0], suspended[-1] + 1))
    assert DIES < suspended[0] < REVIVES < suspended[-1] < SESSIONS - 1


def test_the_baseline_serves_exactly_while_the_champion_is_suspended_and_every_list_says_why(story):
    away = pl.col("state") == "suspended"
    assert set(story.timeline["champion"]) == {CHALLENGER}
    assert set(story.timeline.filter(away)["server"]) == {BASELINE}
    assert set(story.timeline.filter(~away)["server"]) == {CHALLENGER}
    assert all("suspended by its live RankIC" in reason for reason in story.timeline.filter(away)["reason"])
    assert all(reason.startswith("champion: promoted for") for reason in story.timeline.filter(~away)["reason"])


def test_evidence_passes_its_threshold_before_every_turn_and_is_kept(story):
    """Of decline while the champion serves, of recovery while it does not; after a turn it starts anew."""
    shown = story.timeline.select("evidence", "threshold", "live_rank_ic", "live_days")
    assert shown.null_count().select("evidence", "threshold", "live_days").row(0) == (0, 0, 0)
    assert (shown["evidence"] < shown["threshold"]).all()
    first, back = story.suspended[0] - PROMOTED, story.suspended[-1] + 1 - PROMOTED
    dead, recovering = shown.row(first - 1, named=True), shown.row(back - 1, named=True)
    assert (dead["threshold"], recovering["threshold"]) == (
        TERMS.live.false_alarm_every, TERMS.live.false_return_every
    )  # fmt: skip
    assert shown["live_days"][first] == shown["live_days"][back] == 0
    assert dead["evidence"] > shown["evidence"][DIES - PROMOTED]


def test_a_warning_goes_out_for_every_evening_on_which_the_baseline_stands_in_and_for_no_other(story):
    keys = [session.isoformat() for session in story.timeline["session"]]
    warned = [end for end, checks in story.failed.items() if "champion_serves" in checks]
    assert warned == [end for end in story.failed if end in story.suspended]
    assert all("suspended by its live RankIC" in story.failed[end]["champion_serves"] for end in warned)
    told = [text for text in story.alerts if text.startswith("[WARN champion_serves]")]
    assert len(told) == len(warned)
    assert re.search(r"live RankIC of \+0\.\d{4} over \d\d days; no day since is known yet", told[0])
    for text, end in zip(told, warned, strict=True):
        assert f"pred__daily {keys[end - PROMOTED]}" in text and "suspended by its live RankIC" in text


def test_a_refresh_of_the_champion_serves_from_its_session_on(story):
    (row,) = story.refreshes.to_dicts()
    assert row["decision"] == "accepted", row["reasons"]
    own = story.timeline.filter(server=CHALLENGER)
    fresh = pl.col("session") >= story.timeline["session"][REFRESHED - PROMOTED]
    assert set(own.filter(fresh)["server_version"]) == {row["version"]}
    assert set(own.filter(~fresh)["server_version"]) == {row["promoted_version"]}


def test_asked_on_an_earlier_session_the_timeline_says_the_same(story):
    assert story.asked_early.equals(story.timeline.head(story.asked_early.height))


def test_lists_of_promoted_refreshed_and_standing_in_weights_are_made_again_to_the_bit(story):
    assert story.again == dict.fromkeys(story.again, True)
