"""The hold-out on the terminal: one answer, shown, kept, and shown again beside the refusal of a second one."""

from dataclasses import replace
from datetime import datetime

import pytest

from gogoku.commands.holdout import answer, candidate
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import build_panel
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.universe import UniverseConfig
from resources.compute import Compute
from resources.recipes import BASELINE, recipe
from tests.unit.dataset.planted import planted_market

WHO = CommitInfo("run-1", "test")
NOW = datetime(2024, 12, 27, 20, 0, tzinfo=JST)
MARKET = planted_market(n_stocks=24, n_sessions=190, n_features=7, strength=3.0)
TERMS = Terms(
    gate=GateConfig(holdout_start=MARKET.sessions[110], min_days=20, resamples=100),
    seeds=(1,), n_folds=1, embargo=5, min_train=50, validation=12,
)  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """A store with one promoted version of the baseline's design, and the sizes it was made with."""
    store = open_store(f"file://{tmp_path}/store")
    compute = Compute(
        cache_dir=tmp_path, first_session=MARKET.sessions[0], terms=TERMS, threads=1, boosted={"rounds": 8, "leaves": 7}
    )
    manifest = {"config_hash": recipe(BASELINE, compute).config_hash, "feature_hash": "f" * 64}
    store.artefacts.save(BASELINE, "v1", {"model.txt": b"x"}, manifest)
    day = MARKET.sessions[100]
    fields = (day, NOW, BASELINE, "v1", "promote", ("so it is",), day, "t" * 64, "f" * 64)
    record_verdict(store, VerdictRecord(*fields), commit=WHO)
    return store, compute


def test_the_hold_out_answers_once_and_its_answer_is_shown_again(place, tmp_path, capsys):
    store, compute = place
    panel = build_panel(MARKET.features, MARKET.universe, MARKET.catalogue, Normaliser(MARKET.catalogue),
                        tmp_path / "panel", {"feat__prices": 1})  # fmt: skip
    evidence = TrainingData(panel, MARKET.labels), MARKET.universe
    who = candidate(store, compute, BASELINE, "v1")
    answer(store, compute, who, evidence, NOW)
    said = " ".join(capsys.readouterr().out.split())
    assert "undecided" in said, "a design against itself shows no difference"
    assert "written down, never repeated" in said
    with pytest.raises(DatasetError, match="second opening"):
        answer(store, compute, who, evidence, NOW)
    again = " ".join(capsys.readouterr().out.split())
    assert "undecided" in again
    assert again in said


def test_another_universe_is_another_design(place):
    store, compute = place
    other = replace(compute, universe=UniverseConfig(min_listed_sessions=20))
    designs = {candidate(store, one, BASELINE, "v1").design for one in (compute, other)}
    assert len(designs) == 2
