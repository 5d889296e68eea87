"""The hold-out stays shut: nothing from its first session on moves a verdict; a promoted design looks once."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError, RegistryError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.exits import open_to_open, price_grid
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.evaluation.gate import decide
from gogoku_pipeline.evaluation.verdict import GateConfig, GateContext
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict
from gogoku_pipeline.registry.holdout_judgement import Candidate, Witness, findings, judge_on_holdout
from gogoku_pipeline.registry.judging import Contest, judge
from gogoku_pipeline.registry.ledgers import open_holdout, openings
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from tests.unit.dataset.planted import planted_market

MARKET = planted_market(n_stocks=30, n_sessions=210, n_features=8, strength=3.0)
START = MARKET.sessions[110]
NOW = datetime(2024, 12, 27, 20, 0, tzinfo=JST)
WHO = CommitInfo("run-1", "test")


def terms(start=START, min_days=10):
    gate = GateConfig(holdout_start=start, min_days=min_days, resamples=200)
    return Terms(gate=gate, seeds=(1, 2, 3), n_folds=1, embargo=5, min_train=50, validation=12)


def data_of(folder, features, labels, universe):
    panel = build_panel(features, universe, MARKET.catalogue, Normaliser(MARKET.catalogue), folder, {"feat__prices": 1})
    return TrainingData(panel, labels)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return data_of(tmp_path_factory.mktemp("plain"), MARKET.features, MARKET.labels, MARKET.universe)


@pytest.fixture(scope="module")
def scrambled(tmp_path_factory):
    """Everything of the hold-out is another: features, outcomes (also of positions that end in it), membership."""
    rng = np.random.default_rng(9)
    inside = pl.col("session") >= START
    features = MARKET.features.with_columns(
        pl.when(inside).then(pl.Series(rng.normal(size=MARKET.features.height))).otherwise(pl.col(name)).alias(name)
        for name in MARKET.catalogue.names[:5]
    )
    late = pl.col("exit_session") >= START
    labels = MARKET.labels.with_columns(
        pl.when(late).then(pl.Series(rng.normal(size=MARKET.labels.height))).otherwise(pl.col(name)).alias(name)
        for name in ("ret_open", "gauss_open")
    )
    universe = MARKET.universe.with_columns(pl.col("is_tradable") & ~(inside & (pl.col("code") < "10150")))
    return data_of(tmp_path_factory.mktemp("scrambled"), features, labels, universe)


def judged(data, start):
    contest = Contest((LadderRecipe("ridge"),), (LadderRecipe("reversal_5d"),), (LadderRecipe("random"),))
    context = GateContext(universe=MARKET.universe, audit_passed=True, simulated=True)
    return judge(contest, data, MARKET.sessions[-8], terms(start), context, exposures=None)


def told(judgement):
    """The gate's answer to the one challenger."""
    (verdict,) = judgement.verdicts
    return verdict


def answers(judgement):
    verdict = told(judgement)
    return [(c.name, c.words, c.passed) for c in verdict.criteria], verdict.reasons


def test_changing_anything_from_the_first_sealed_session_on_changes_no_verdict(plain, scrambled):
    one, other = judged(plain, START), judged(scrambled, START)
    assert answers(one) == answers(other)
    assert one.scores.equals(other.scores)
    assert one.scores["scored_session"].max() < START
    assert told(one).criterion("holdout").passed


def test_without_a_hold_out_the_same_change_moves_the_verdict_and_the_verdict_says_that_nothing_is_set_aside(
    plain, scrambled
):
    one, other = judged(plain, None), judged(scrambled, None)
    assert answers(one) != answers(other)
    assert told(one).criterion("holdout").passed is None
    assert "no sessions are set aside" in told(one).criterion("holdout").words


def test_a_later_cut_off_adds_nothing_to_what_is_judged(plain):
    known = terms()
    assert known.folds(MARKET.sessions, MARKET.sessions[-1]) == known.folds(MARKET.sessions[:130], MARKET.sessions[129])
    assert known.last_known(MARKET.sessions[-1]) < START


def test_labels_that_end_before_the_hold_out_do_not_know_what_its_prices_are():
    """Late exits and delistings are decided by prices before the start as well."""
    rng = np.random.default_rng(3)
    days, codes = MARKET.sessions[:60], [f"{1000 + n}0" for n in range(12)]
    price = 1000 * np.exp(np.cumsum(rng.normal(0, 0.02, (len(days), len(codes))), axis=0))
    traded = rng.random(price.shape) > 0.15
    after = np.arange(len(days))[:, None] >= 45
    other = np.where(after, price[::-1], price)
    still = np.where(after, rng.random(price.shape) > 0.5, traded)
    last = len(terms(days[45]).holdout.before(days, 5))
    frames = [
        pl.DataFrame(
            {
                "session": np.repeat(np.array(days, dtype="datetime64[D]"), len(codes)),
                "code": codes * len(days),
                "open": np.where(there, values, np.nan).ravel(),
                "close": np.where(there, values, np.nan).ravel(),
            }
        ).with_columns(pl.col("session").cast(pl.Date))
        for values, there in ((price, traded), (other, still))
    ]
    one, two = (open_to_open(price_grid(frame, days), 5) for frame in frames)
    for name in ("ret_open", "exit_row", "known_row", "reason"):
        np.testing.assert_array_equal(getattr(one, name)[:last], getattr(two, name)[:last], name)
    assert not np.array_equal(one.ret_open[last : last + 8], two.ret_open[last : last + 8], equal_nan=True)


def test_scores_of_sealed_sessions_are_rejected_by_the_gate_itself(plain):
    start = MARKET.sessions[95]
    held = judged(plain, START)
    rows = held.scores.rename({"session": "cutoff", "scored_session": "session"})
    mine, bar, rung = (rows.filter(model=name) for name in ("ridge", "reversal_5d", "random"))
    context = GateContext(audit_passed=True, simulated=True)
    said = decide(mine, bar, rung, None, MARKET.labels, None, terms(start).gate, context)
    assert said.decision == "reject"
    assert said.criterion("holdout").passed is False


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}")


def candidate(store, decision="promote", design="d" * 64):
    day = MARKET.sessions[100]
    fields = (day, NOW, "ridge", "v1", decision, ("so it is",), day, "t" * 64, "f" * 64)
    record_verdict(store, VerdictRecord(*fields), commit=WHO)
    return Candidate(LadderRecipe("ridge"), "v1", design, LadderRecipe("random"))


def test_a_promoted_design_looks_once_and_what_it_saw_is_written_down(store, plain):
    who, witness = candidate(store), Witness(NOW, WHO)
    found, row = judge_on_holdout(store, who, plain, terms(), MARKET.universe, witness)
    assert row["finding"].to_list() == ["confirmed"]
    assert found.sessions[0] == MARKET.sessions[115], "the embargo is not counted"
    assert found.sessions[1] == openings(store)["read_through"][0]
    assert findings(store).equals(row)
    with pytest.raises(DatasetError, match="second opening"):
        judge_on_holdout(store, who, plain, terms(), MARKET.universe, witness)
    assert findings(store).height == openings(store).height == 1


def test_an_opening_that_stopped_before_its_finding_is_finished_with_the_sessions_it_was_opened_for(store, plain):
    who, through = candidate(store), MARKET.sessions[180]
    open_holdout(store, terms().holdout, who.design, ("ridge", "v1"), through, opened_at=NOW, commit=WHO)
    found, row = judge_on_holdout(store, who, plain, terms(), MARKET.universe, Witness(NOW, WHO))
    assert found.sessions[1] == row["read_through"][0] == through
    assert openings(store).height == 1


def test_too_few_sealed_sessions_are_refused_before_the_one_opening_is_spent(store, plain):
    who = candidate(store)
    with pytest.raises(DatasetError, match="99 sessions|100 sessions") as refused:
        judge_on_holdout(store, who, plain, terms(min_days=96), MARKET.universe, Witness(NOW, WHO))
    assert "5 of embargo and 96 to judge" in str(refused.value)
    with pytest.raises(DatasetError, match="no sessions that are set aside"):
        judge_on_holdout(store, who, plain, terms(None), MARKET.universe, Witness(NOW, WHO))
    assert openings(store).is_empty()


def test_a_design_that_was_not_promoted_does_not_look(store, plain):
    who = candidate(store, "inconclusive")
    with pytest.raises(DatasetError, match="not promoted"):
        judge_on_holdout(store, who, plain, terms(), MARKET.universe, Witness(NOW, WHO))
    stranger = Candidate(LadderRecipe("ridge"), "v9", "e" * 64, LadderRecipe("random"))
    with pytest.raises(RegistryError, match="no verdict"):
        judge_on_holdout(store, stranger, plain, terms(), MARKET.universe, Witness(NOW, WHO))
    assert findings(store).is_empty()
