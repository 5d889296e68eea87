"""Part 8, markets with known truth: what is there is found, nothing where nothing is, and a lost signal shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.audit.case import Case
from gogoku_pipeline.audit.leak_audit import run_audit
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import Catalogue
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from resources.planted_market import NAMES, planted_markets
from tests.laws.audit.in_models import Recipe, with_outcomes

PART = ("planted_market",)


@dataclass(frozen=True)
class LateRecipe:
    """A model that is fed last week's panel: no law of time is broken, and the signal is gone."""

    name: str = "late"

    def fit(self, data, train, validation, seed, horizon_d, report=None):
        return Late(LadderRecipe("ridge").fit(data, train, validation, seed, horizon_d))


@dataclass(frozen=True)
class Late:
    fitted: object

    def score(self, data, sessions):
        days = list(data.sessions)
        before: dict[date, date] = {days[days.index(session) - 6]: session for session in sessions}
        stale = self.fitted.score(data, list(before))
        return stale.with_columns(pl.col("session").replace_strict(before, return_dtype=pl.Date))


@pytest.fixture(scope="module")
def markets():
    return planted_markets()


@pytest.fixture(scope="module")
def quick(markets):
    """The same without node features, for leaks that are elsewhere."""
    panel = Catalogue(tuple(house().feature(name) for name in NAMES), "planted market, no graph")
    return replace(markets, road=replace(markets.road, panel=panel))


def audited(markets, folder, **functions):
    other = replace(markets, road=replace(markets.road, **functions))
    return run_audit(Case(markets.loud, markets.road, folder, sample=1, planted=lambda: other), PART)


def test_what_is_planted_is_found_and_silence_is_silent(markets, tmp_path):
    report = audited(markets, tmp_path)
    assert report.passed, report.words
    assert all(finding.compared > 1_000 for finding in report.findings)


def test_a_signal_that_arrives_late_is_lost_and_only_the_planted_market_tells(quick, tmp_path):
    report = audited(quick, tmp_path, recipes=(LateRecipe(),))
    assert report.failed == ("planted_signal",)
    assert "of the 0.2" in report.words and "less than 80%" in report.words


def test_a_model_that_reads_the_test_speaks_where_there_is_nothing_to_say(quick, tmp_path):
    report = audited(quick, tmp_path, recipes=(Recipe("knows", with_outcomes, horizon_d=1),))
    assert report.failed == ("silent_market",)
    assert report.finding("silent_market").guilty == ("knows",)


def test_without_a_simulated_market_the_part_has_not_passed(markets, tmp_path):
    report = run_audit(Case(markets.loud, markets.road, tmp_path, sample=1), PART)
    assert report.failed == ("planted_signal", "silent_market")
    assert "no simulated market" in report.words
