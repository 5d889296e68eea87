"""`gogoku explain` on a finished demo: why a stock, what a model lives on, and clear answers where there is none."""

import json
from contextlib import chdir

import polars as pl
import pytest
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku_pipeline.core.errors import ConfigError, DataError, PartitionMissingError
from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.tables.universe import UNIVERSE

PLACE = ("speak_for", "against", "rest")


def ask(tiny, *words):
    """What the command says in the demo's folder; its errors are raised."""
    with chdir(tiny.folder):
        said = CliRunner().invoke(build_app(), ["explain", *words], env={"COLUMNS": "220"})
    if said.exception is not None:
        raise said.exception
    return said.output


@pytest.fixture(scope="module")
def listed(tiny):
    return tiny.store.tables.scan(PREDICTIONS).collect().sort("rank")


def test_the_evening_explained_three_stocks_and_every_model_of_the_contest(tiny, listed):
    rows = tiny.store.tables.scan(EXPLAINED).collect()
    assert sorted(rows["rank"].unique()) == [1, (listed.height + 1) // 2, listed.height]
    importance = tiny.store.tables.scan(IMPORTANCE).collect()
    assert set(importance["model"]) == {"lightgbm", "apex_ranker", "atft_gat_fan"}
    assert set(importance.filter(kind="feature")["model"]) == set(listed["model"])


@pytest.mark.parametrize("model", ["", "apex_ranker", "atft_gat_fan"])
def test_a_stocks_lines_add_up_to_its_place_whoever_is_asked(tiny, listed, model):
    session, code = str(listed["session"][0]), listed["code"][0]
    whose = ("--model", model) if model else ()
    told = json.loads(ask(tiny, session, code[:4], *whose, "--json"))
    lines = [line for side in PLACE for line in told[side]]
    assert sum(line["contribution"] for line in lines) == pytest.approx(told["place"], abs=0.02)
    assert told["model"] == (model or listed["model"][0]) and told["code"] == code and told["listed"] == listed.height
    assert any(line["words"] and line["percentile"] not in ("", "–") for line in told["speak_for"])
    if model:
        assert (told["attended"] != []) == (model == "atft_gat_fan")
        return
    assert (told["rank"], told["score"]) == (1, listed["score"][0])
    stored = tiny.store.tables.scan(EXPLAINED).filter(pl.col("code") == code).collect()
    sums = stored.filter(pl.col("part").is_in(["feature", "companion", "baseline", "missed"]))["contribution"].sum()
    assert told["place"] == pytest.approx(sums, abs=1e-9), "the command and the evening say the same"


def test_a_person_reads_a_table(tiny, listed):
    page = ask(tiny, str(listed["session"][0]), listed["code"][0])
    for words in (f"rank 1 of {listed.height}", "against", "distance from the mean", "above the day's mean"):
        assert words in page, words


def test_importance_is_told_as_the_evening_stored_it(tiny, listed):
    rows = json.loads(ask(tiny, "--json"))
    stored = tiny.store.tables.scan(IMPORTANCE).filter(pl.col("model") == listed["model"][0]).collect()
    assert len(rows) == stored.height and {row["kind"] for row in rows} == {"group", "feature"}
    page = ask(tiny)
    assert "RankIC lost without a group" in page and "stopped its training" in page


def test_what_cannot_be_explained_is_said(tiny, listed):
    session = str(listed["session"][0])
    with pytest.raises(DataError, match="99990.*no listing"):
        ask(tiny, session, "9999")
    universe = tiny.store.tables.scan(UNIVERSE, start=listed["session"][0]).collect()
    unscored = universe.filter(~pl.col("code").is_in(listed["code"].implode())).row(0, named=True)
    outside = "in the universe, but not tradable" if unscored["is_in_universe"] else "outside the universe"
    with pytest.raises(DataError, match=f"{unscored['code']} on {session}.*{outside}"):
        ask(tiny, session, unscored["code"])
    with pytest.raises(PartitionMissingError, match="none stored"):
        ask(tiny, "2019-01-04", listed["code"][0])
    with pytest.raises(ConfigError, match="no version trained up to .*apex_ranker, atft_gat_fan, lightgbm"):
        ask(tiny, session, listed["code"][0], "--model", "oracle")
