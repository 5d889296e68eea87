"""What was tried and what was opened stays written down."""

from datetime import date, datetime

import numpy as np
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError, RegistryError
from gogoku_pipeline.dataset.holdout import Holdout
from gogoku_pipeline.evaluation.trials import Trial, deflated_by_ledger, trial_rows
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict
from gogoku_pipeline.registry.ledgers import design_hash, open_holdout, openings, record_trials, trial_ledger
from gogoku_pipeline.store import CommitInfo, open_store

WHO = CommitInfo("run-1", "test")
WRITTEN = datetime(2024, 12, 31, 20, 0, tzinfo=JST)
HOLDOUT = Holdout(date(2024, 1, 4))
THROUGH = date(2024, 12, 20)


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}")


DESIGN = design_hash(config_hash="c", feature_hash="f", universe_hash="u")


def _judged(store, version, decision):
    day = date(2023, 5, 8)
    reasons = ("every criterion that applies holds",)
    fields = (day, WRITTEN, "apex_ranker", version, decision, reasons, day, "t" * 64, "f" * 64)
    record_verdict(store, VerdictRecord(*fields), commit=WHO)


def _open(store, version, design=DESIGN):
    return open_holdout(store, HOLDOUT, design, ("apex_ranker", version), THROUGH, opened_at=WRITTEN, commit=WHO)


def test_a_trial_is_written_once_however_often_its_fit_is_repeated(store):
    rng = np.random.default_rng(0)
    rows = trial_rows([(Trial("m", "c", "f", seed), rng.normal(size=90)) for seed in range(6)], recorded_at=WRITTEN)
    assert record_trials(store, rows.head(4), commit=WHO) == 4
    assert record_trials(store, rows, commit=WHO) == 2
    assert record_trials(store, rows, commit=WHO) == 0
    assert trial_ledger(store)["seed"].sort().to_list() == list(range(6))
    assert deflated_by_ledger(rng.normal(size=90), trial_ledger(store)).n_trials == 6


def test_a_promoted_design_opens_the_hold_out_once_and_the_log_keeps_it(store):
    _judged(store, "v1", "promote")
    _open(store, "v1")
    assert openings(store)["design"].to_list() == [DESIGN]
    with pytest.raises(DatasetError, match="second opening"):
        _open(store, "v1")


def test_a_design_that_was_not_promoted_or_never_judged_opens_nothing(store):
    _judged(store, "v2", "inconclusive")
    with pytest.raises(DatasetError, match="not promoted"):
        _open(store, "v2")
    with pytest.raises(RegistryError, match="no verdict"):
        _open(store, "v3")
    assert openings(store).is_empty()


def test_a_design_is_its_configuration_its_features_and_its_universe():
    parts = {design_hash(config_hash=c, feature_hash=f, universe_hash=u) for c in "ab" for f in "ab" for u in "ab"}
    assert len(parts) == 8
