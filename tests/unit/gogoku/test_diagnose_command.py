"""`gogoku diagnose`: a run or a design by name, the rungs as a table and as JSON."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from gogoku.commands.diagnose import asked, chosen, document, table_of
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.config import Place
from gogoku_pipeline.training.diagnosis import Diagnosis, diagnose
from gogoku_pipeline.training.diagnosis_fits import RungResult
from gogoku_pipeline.training.diagnosis_rungs import NAMES, Budget
from gogoku_pipeline.training.run_ledger import LEDGER, read_run
from resources.recipes import recipe
from tests.unit.resources.training_house import MODEL, House

BUDGET = Budget(epochs=1, train_days=10, validation_days=8)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def data(house):
    return house.data(house.store("diagnosed"))


@pytest.fixture(scope="module")
def run(house, data):
    """A run that was kept, and what it was."""
    made = recipe(MODEL, house.compute)
    folder = house.compute.cache_dir / "runs" / MODEL / "a-version" / "seed-3"
    train, validation = house.market.sessions[10:30], house.market.sessions[36:48]
    made.kept_in(Place(folder)).fit(data, train, validation, 3, 5)
    return folder, made, train, validation


def test_a_kept_run_is_diagnosed_by_its_folder_with_its_own_days_and_seed(house, data, run):
    folder, made, train, validation = run
    for name in (str(folder), f"{MODEL}/a-version/seed-3"):
        compute, design, kept = chosen(name, house.compute, ())
        case, said = asked(design, kept, compute, data, None)
        assert case.recipe.config_hash == made.config_hash and (case.seed, case.horizon_d) == (3, 5)
        assert (tuple(case.train), tuple(case.validation)) == (train, validation)
        assert not any("collapsed" in words or "panel has changed" in words for words in said)
    found = diagnose(case, data, BUDGET)
    rows = json.loads(json.dumps(document(name, case, found, said)))
    assert [row["name"] for row in rows["rungs"]] == list(NAMES) and rows["seed"] == 3
    assert rows["rungs"][1]["figures"]["score_std"] > 0 and rows["rungs"][1]["adds"].startswith("the road")


def test_a_run_that_ended_badly_says_so_itself(house, data, run):
    folder, *_ = run
    lines = read_run(folder)
    flat = {"kind": "epoch", "epoch": 2, "score_std": 0.0, "flat_days": 1.0, "unique_ratio": 0.1}
    event = {"kind": "event", "event": "failed", "where": "epoch 2", "words": "scores stopped telling stocks apart"}
    other = folder.parent / "seed-4"
    other.mkdir()
    panel = {**lines[0], "panel": "another"}
    (other / LEDGER).write_text("\n".join(json.dumps(line) for line in (panel, *lines[1:], flat, event)))
    compute, design, kept = chosen(str(other), house.compute, ())
    _, said = asked(design, kept, compute, data, None)
    assert said[0] == "100% of days have constant scores" and "failed at epoch 2" in said[-2]
    assert "the panel has changed" in said[-1]


def test_a_run_that_tells_no_design_is_refused(house, tmp_path):
    (tmp_path / LEDGER).write_text('{"kind": "run", "run": "1", "seed": 1}\n')
    with pytest.raises(ConfigError, match="a ledger without family, model.*Name the design instead"):
        chosen(str(tmp_path), house.compute, ())


def test_a_design_is_named_by_its_network_or_as_a_preset(house, data):
    terms = Terms(seeds=(7,), n_folds=1, embargo=5, min_train=10, validation=10)
    compute, design, kept = chosen(MODEL, replace(house.compute, terms=terms), ["loss.listnet=0.0"])
    case, said = asked(design, kept, compute, data, None)
    assert case.recipe.train.loss.listnet == 0.0 and case.seed == 7 and said == ()
    assert len(case.validation) == 10 and max(case.train) < min(case.validation)
    compute, preset, _ = chosen("atft_seed", house.compute, ())
    assert preset.name == "atft_seed" and preset.train.device == "cpu" and "atft_gat_fan" in compute.challengers
    with pytest.raises(ConfigError, match="no run and no design of this name.*apex_base.*runs"):
        chosen("apex_rnaker", house.compute, ())
    with pytest.raises(ConfigError, match="--set for atft_seed"):
        chosen("atft_seed", house.compute, ["loss.listnet=0.0"])


def test_the_rungs_are_a_table_that_fits_a_terminal():
    figures = {"rank_ic": 0.0512, "t": 12.3, "learnt_rank_ic": -0.0212, "score_std": 1.3e-5, "gradient_norm": 0.0123}
    rungs = tuple(RungResult(name, "learns nothing", "no reason", figures) for name in NAMES)
    page = io.StringIO()
    Console(file=page, width=80).print(table_of(Diagnosis(rungs, "minimal", "", ""), "apex_ranker"))
    lines = page.getvalue().splitlines()
    assert any("without normalisers" in line and "+0.0512" in line and "1.3e-05" in line for line in lines)
    assert all("…" not in line for line in lines) and sum("learns nothing" in line for line in lines) == len(NAMES)
