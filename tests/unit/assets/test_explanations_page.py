"""The page and the check of explanations: a warning in words, tables and a picture of what there is."""

import dagster as dg
import polars as pl
import pytest
from pydantic import ValidationError

from assets.explanations import ExplanationSettings, explains, shown
from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
from gogoku_pipeline.registry.explanations import Explanations
from gogoku_pipeline.training.importance import ImportanceConfig

NOTHING = Explanations(EXPLAINED.empty(), IMPORTANCE.empty(), ("artefact lightgbm v1: no manifest",))


def of(table, rows):
    """Rows of a table, columns that are not named null."""
    blank = dict.fromkeys(table.polars_schema.names())
    return pl.DataFrame([blank | row for row in rows], schema=table.polars_schema)


@pytest.fixture
def whole():
    stock = {"code": "72030", "rank": 1, "listed": 9, "model": "lightgbm"}
    rows = [stock | {"part": "feature", "name": "ret_1d", "contribution": 0.7, "value": 0.01, "percentile": 0.9}]
    lost = {"features": 3, "drop": 0.02, "standard_error": 0.01, "rank_ic": 0.1, "days": 8, "left_out": 2}
    groups = [lost | {"model": "lightgbm", "kind": "group", "name": name, "sample": "validation"} for name in "ab"]
    return Explanations(of(EXPLAINED, rows), of(IMPORTANCE, groups), ())


def test_what_could_not_be_explained_warns_and_blocks_nothing():
    answer = explains(NOTHING)
    assert not answer.passed and answer.severity == dg.AssetCheckSeverity.WARN
    assert answer.description == "artefact lightgbm v1: no manifest"
    assert shown(NOTHING) == {"dagster/row_count": 0}


def test_the_page_shows_stocks_and_importance(whole):
    assert explains(whole).passed
    page = shown(whole)
    assert list(page) == ["dagster/row_count", "rank 1: 72030", "importance", "groups"]
    (line, place) = page["rank 1: 72030"].records
    assert line.data["feature"] == "ret_1d" and line.data["contribution"] == "+0.70"
    assert place.data["contribution"] == "+0.70"
    assert [row.data["lightgbm"] for row in page["importance"].records] == ["+0.0200 ± 0.0100"] * 2
    assert "data:image/png" in page["groups"].value


def test_the_launchpads_settings_are_those_of_the_measure():
    assert ImportanceConfig(**ExplanationSettings().model_dump()) == ImportanceConfig()
    with pytest.raises(ValidationError):
        ExplanationSettings(days=1)
