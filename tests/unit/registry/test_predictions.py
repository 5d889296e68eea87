"""The list of an evening: order, ties, lineage; and the gate's answers as a table."""

import json
from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from gogoku_pipeline.registry.predictions import Lineage, gate_rows, ranked_predictions
from gogoku_pipeline.registry.promotions import verdict_of
from gogoku_pipeline.registry.tables import CHAMPIONS, GATE, PREDICTIONS
from gogoku_pipeline.schema.tables import by_name
from gogoku_pipeline.store import CommitInfo, open_store
from tests.unit.evaluation.panels import Panel

DAY = date(2024, 5, 8)
AT = datetime(2024, 5, 8, 19, 0, tzinfo=JST)
MADE_BY = Lineage("lightgbm", "v1", "f" * 64, "baseline: nothing was promoted", {"feat__prices": 3, "feat__market": 2})


def scores(values, horizon=5):
    codes = [f"{1001 + n}0" for n in range(len(values))]
    return pl.DataFrame(
        {"session": [DAY] * len(values), "code": codes, "horizon_d": [horizon] * len(values), "score": values},
        schema={"session": pl.Date, "code": pl.String, "horizon_d": pl.Int16, "score": pl.Float64},
    )


def test_rank_one_is_the_best_score_and_equal_scores_are_ordered_by_code():
    listed = ranked_predictions(scores([0.1, 0.9, 0.5, 0.9, None, float("nan")]), DAY, MADE_BY, available_at=AT)
    assert listed.select("rank", "code").rows() == [(1, "10020"), (2, "10040"), (3, "10030"), (4, "10010")]


def test_row_order_does_not_matter():
    values = scores([0.1, 0.9, 0.5, 0.9, 0.5])
    plain = ranked_predictions(values, DAY, MADE_BY, available_at=AT)
    assert plain.equals(ranked_predictions(values.reverse(), DAY, MADE_BY, available_at=AT))


def test_horizons_are_ranked_apart():
    both = pl.concat([scores([0.1, 0.9], 5), scores([0.9, 0.1], 10)])
    listed = ranked_predictions(both, DAY, MADE_BY, available_at=AT)
    assert listed.filter(rank=1).select("horizon_d", "code").rows() == [(5, "10020"), (10, "10010")]


def test_a_list_is_a_row_of_its_table_with_its_lineage(tmp_path):
    store = open_store(f"file://{tmp_path}")
    listed = ranked_predictions(scores([0.1, 0.9, 0.5]), DAY, MADE_BY, available_at=AT)
    store.tables.write_sessions(PREDICTIONS, listed, [DAY], commit=CommitInfo("run", "code"))
    back = store.tables.scan(PREDICTIONS).collect()
    assert back.equals(listed.sort(PREDICTIONS.key))
    assert json.loads(back["table_versions"][0]) == {"feat__market": 2, "feat__prices": 3}
    assert back["available_at"][0] == AT


@pytest.mark.parametrize(
    ("values", "session", "words"),
    [
        ([0.5] * 6, DAY, "differ"),
        ([None, None], DAY, "0 scores"),
        ([0.1, 0.2], date(2024, 5, 9), "scores for"),
    ],
)
def test_scores_that_must_not_be_served_are_refused(values, session, words):
    with pytest.raises(RegistryError, match=words):
        ranked_predictions(scores(values), session, MADE_BY, available_at=AT)


def test_every_criterion_becomes_a_row_of_the_gate_table(tmp_path):
    panel = Panel(days=30, names=40)
    verdict = decide(
        panel.scores("apex_ranker", 0.1), panel.scores("lightgbm", 0.03), None, None, panel.labels(), None,
        GateConfig(resamples=200), GateContext(audit_passed=None),
    )  # fmt: skip
    rows = gate_rows(verdict, DAY, available_at=AT)
    store = open_store(f"file://{tmp_path}")
    store.tables.write_sessions(GATE, rows, [DAY], commit=CommitInfo("run", "code"))
    back = store.tables.scan(GATE).collect()
    assert set(back["criterion"]) == {criterion.name for criterion in verdict.criteria}
    assert back.filter(criterion="calibration").select("value", "is_passed").row(0) == (None, None)
    again = verdict_of(back.sample(fraction=1, shuffle=True, seed=1))
    assert repr(again) == repr(verdict)
    assert again.text() == verdict.text()


def test_the_tables_of_this_room_have_distinct_names():
    assert set(by_name([CHAMPIONS, GATE, PREDICTIONS])) == {"registry__champions", "eval__gate", "pred__daily"}
