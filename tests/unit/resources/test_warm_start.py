"""A daily refresh starts from the weights that serve, a week from scratch; another design never starts warm."""

from dataclasses import replace
from datetime import datetime, time

import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError, LeakError
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.training.warm_start import warmed
from resources.recipes import recipe
from resources.training_order import starting, trained_here
from tests.unit.resources.training_house import MODEL, House

WHO = CommitInfo("run", "test")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def promoted(house):
    """A store whose champion is a version of the network, promoted on a Wednesday; sizes that refresh it warmly."""
    store, compute = house.store("promoted"), replace(house.compute, warm_epochs=1)
    day = next(day for day in house.market.sessions[49:] if day.isoweekday() == 3)
    version = trained_here(store, compute, house.data(store), MODEL, day)
    at = datetime.combine(day, time(19), JST)
    record = VerdictRecord(
        decided_for=day, recorded_at=at, model=MODEL, version=version.version, decision="promote",
        reasons=("every criterion holds",), cutoff=day, config_hash=version.config_hash,
        feature_hash=version.feature_hash,
    )  # fmt: skip
    record_verdict(store, record, commit=WHO)
    return store, compute, version


def after(house, day, weekday):
    return next(other for other in house.market.sessions if other > day and other.isoweekday() == weekday)


def test_a_refresh_starts_from_the_weights_that_serve_and_says_so(house, promoted):
    store, compute, version = promoted
    thursday = after(house, version.cutoff, 4)
    fresh = trained_here(store, compute, house.data(store), MODEL, thursday)
    elsewhere = house.store("cold")
    cold = trained_here(elsewhere, replace(compute, warm_epochs=0), house.data(store), MODEL, thursday)
    assert version.cutoff < thursday and fresh.manifest["warm_start"] == version.version
    assert "warm_start" not in cold.manifest and "warm_start" not in version.manifest
    assert fresh.config_hash == version.config_hash == cold.config_hash, "a refresh is no other design"
    assert {seed: len(curve) for seed, curve in fresh.curves.items()} == {1: 1, 2: 1}, "in few epochs"
    for seed in (1, 2):
        assert fresh.curves[seed][0]["loss"] < cold.curves[seed][0]["loss"], "it begins where the other one ended"
    assert trained_here(store, compute, house.data(store), MODEL, thursday).version == fresh.version


def test_the_first_session_of_a_week_is_trained_from_scratch(house, promoted):
    store, compute, version = promoted
    monday = after(house, version.cutoff, 1)
    made = recipe(MODEL, compute)
    assert starting(store, compute, house.data(store), made, monday) is made


def test_before_the_promotion_and_for_other_designs_nothing_starts_warm(house, promoted):
    store, compute, version = promoted
    thursday, data = after(house, version.cutoff, 4), house.data(store)
    other = recipe(MODEL, replace(compute, training={**compute.training, "epochs": 3}))
    assert starting(store, compute, data, other, thursday) is other
    baseline = recipe("lightgbm", compute)
    assert starting(store, compute, data, baseline, thursday) is baseline
    made = recipe(MODEL, compute)
    assert starting(store, compute, data, made, version.cutoff) is made
    assert starting(store, replace(compute, warm_epochs=0), data, made, thursday) is made


def test_weights_of_another_design_or_of_the_future_are_refused(house, promoted):
    store, compute, version = promoted
    kept, data = store.artefacts.load(MODEL, version.version), house.data(store)
    other = recipe(MODEL, replace(compute, training={**compute.training, "epochs": 3}))
    with pytest.raises(DatasetError, match="another design has to be judged"):
        warmed(other, kept, data, after(house, version.cutoff, 4), 1)
    with pytest.raises(DatasetError, match="of a network"):
        warmed(recipe("lightgbm", compute), kept, data, after(house, version.cutoff, 4), 1)
    with pytest.raises(LeakError, match="weights that knew everything up to"):
        warmed(recipe(MODEL, compute), kept, data, version.cutoff, 1)
