"""Why a stock stands where it stands, on the page: lines that add up, what was attended, what models live on."""

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.plots_explanations import feature_importance, group_importance
from gogoku_pipeline.evaluation.report import ReportInputs, render_report
from gogoku_pipeline.evaluation.report_explanations import (
    explained_table,
    importance_table,
    importance_words,
    stories,
)
from gogoku_pipeline.evaluation.report_inputs import Explained

LIST = pl.DataFrame({"rank": [1, 2, 3], "code": ["13010", "72030", "99840"], "score": [0.9, 0.5, 0.1]})
BARE = ReportInputs(
    session=date(2024, 3, 4),
    generated_at=datetime(2024, 3, 4, 20, tzinfo=JST),
    model="lightgbm",
    model_version="v1",
    served_because="baseline: nothing was promoted",
    predictions=LIST,
    names=pl.DataFrame(
        {"code": ["13010", "72030"], "name": ["極洋", "トヨタ"], "name_english": ["KYOKUYO", "TOYOTA <M>"]}
    ),
)


def explained(code="13010", rank=1, model="lightgbm", features=20):
    """Features f_00 .. f_19 that add 0.1, -0.2, 0.3, ... and one that adds nothing."""
    rows = [(f"f_{n:02d}", (0.1 + 0.1 * n) * (-1) ** n, 0.25 * n, n / features) for n in range(features)]
    parts = [
        ("feature", name, adds, None, value, place) for name, adds, value, place in [*rows, ("f_null", 0.0, None, None)]
    ]
    parts += [("baseline", "baseline", 0.5, None, None, None), ("missed", "missed", 0.001, None, None, None)]
    if model != "lightgbm":
        parts += [("companion", "72030", 0.25, 0.7, None, None), ("companion", "99840", 0.0, 0.3, None, None)]
        parts += [("session", "2024-03-01", 0.1, 0.6, None, None), ("selection", "f_00", None, 0.4, None, None)]
    schema = ("part", "name", "contribution", "attention", "value", "percentile")
    frame = pl.DataFrame(parts, schema=schema, orient="row", infer_schema_length=None)
    told = {"code": code, "rank": rank, "listed": 156, "model": model}
    return frame.with_columns(pl.lit(value).alias(name) for name, value in told.items())


IMPORTANCE = pl.DataFrame(
    [
        ("apex_ranker", "group", "trend", 4, 0.02, 0.004),
        ("apex_ranker", "group", "companions", 0, 0.03, 0.004),
        ("lightgbm", "feature", "sma_gap_60d", 1, 0.015, 0.003),
        ("lightgbm", "group", "size", 2, -0.001, 0.002),
        ("lightgbm", "group", "trend", 4, 0.05, 0.01),
    ],
    schema=("model", "kind", "name", "features", "drop", "standard_error"),
    orient="row",
).with_columns(
    pl.lit(0.1234).alias("rank_ic"), pl.lit(8).alias("days"), pl.lit("validation").alias("sample"),
    pl.lit(17).alias("left_out"),
)  # fmt: skip


def test_the_lines_of_a_stock_add_up_to_its_place():
    (story,) = stories(explained())
    assert sum(line.contribution for line in story.lines) == pytest.approx(story.place, abs=0.005)
    assert story.place == pytest.approx(sum((0.1 + 0.1 * n) * (-1) ** n for n in range(20)) + 0.501)
    assert [line.name for line in story.speak_for] == ["f_18", "f_16", "f_14", "f_12", "f_10"]
    assert [line.name for line in story.against] == ["f_19", "f_17", "f_15", "f_13", "f_11"]
    assert [line.name for line in story.rest] == ["11 other features", "baseline"], "0.001 is no line of its own"
    assert explained_table(story).rows[-1] == ("place", "", "", f"{story.place:+.2f}")


def test_the_weaker_side_is_told_too():
    rows = explained().with_columns(
        pl.when(pl.col("contribution") < 0).then(pl.col("contribution") / 100).otherwise("contribution")
    )
    (story,) = stories(rows)
    assert [line.name for line in story.against] == ["f_19", "f_17", "f_15"]
    (few,) = stories(explained(features=1))
    assert [line.name for line in few.speak_for] == ["f_00"] and few.against == ()


def test_a_feature_is_told_with_value_place_and_words():
    (story,) = stories(explained(), {"f_18": "A long way up"})
    line = story.speak_for[0]
    assert (line.value, line.percentile, line.words, line.contribution) == (
        "4.5",
        "90",
        "A long way up",
        pytest.approx(1.9),
    )
    assert line.width == 95 and story.against[0].width == 100


def test_where_a_network_looked_is_said_with_names():
    (story,) = stories(explained(model="atft_gat_fan"), names={"72030": "TOYOTA"})
    assert story.attended == (
        "Selected most: f_00 40%.",
        "Looked back at: 2024-03-01 60%.",
        "Listened to: TOYOTA 70%, 99840 30%.",
    )
    assert [line.name for line in story.rest] == ["11 other features", "companions of the day", "baseline"]
    assert stories(explained())[0].attended == ()


def test_importance_names_the_server_first_and_the_largest_loss_on_top():
    table = importance_table(IMPORTANCE)
    assert table.heads == ("group", "features", "lightgbm", "apex_ranker")
    assert table.rows[0] == ("trend", "4", "+0.0500 ± 0.0100", "+0.0200 ± 0.0040")
    assert table.rows[1] == ("companions", "0", "–", "+0.0300 ± 0.0040")
    assert importance_table(IMPORTANCE, "feature").rows == (("sma_gap_60d", "+0.0150 ± 0.0030"),)
    words = importance_words(IMPORTANCE)
    assert "17 features are the same" in words and "lightgbm: RankIC +0.1234 on 8 sessions (validation days" in words


def test_pictures_of_importance_are_small_and_refuse_nothing_to_draw():
    for draw in (group_importance, feature_importance):
        png = draw(IMPORTANCE)
        assert png.startswith(b"\x89PNG") and len(png) < 40_000
        assert png == draw(IMPORTANCE)
        with pytest.raises(EvaluationError):
            draw(IMPORTANCE.clear())
    assert group_importance(IMPORTANCE) != group_importance(IMPORTANCE.with_columns(pl.col("drop") * 2))


def test_the_page_shows_what_was_explained_and_nothing_of_what_was_not():
    curve = [
        {"epoch": n, "smoothed_rank_ic": 0.01 * n, "is_best": float(n == 2), "gradient_share_ic": 1.0} for n in (1, 2)
    ]
    ended = {"seed": 1, "epochs": 2, "best_epoch": 2, "figure": "rank_ic", "value": 0.02}
    ended["reason"] = "no better for 3 epochs"
    told = Explained(
        pl.concat([explained(), explained("72030", 78), explained("99840", 156)]),
        IMPORTANCE, {"f_18": "Up & away"}, {"apex_ranker": {1: curve}},
        {"apex_ranker": [ended]},
    )  # fmt: skip
    page = render_report(replace(BARE, explained=told))
    for words in (
        "1 of 156",
        "78 of 156",
        "156 of 156",
        "TOYOTA &lt;M&gt;",
        "Up &amp; away",
        "What the models live on",
    ):
        assert words in page, words
    assert '<a href="#why">' in page and '<a href="#importance">' in page and '<a href="#training">' in page
    assert "apex_ranker: smoothed validation figure" in page and "no better for 3 epochs" in page
    bare = render_report(BARE)
    assert 'id="why"' not in bare and 'id="importance"' not in bare and 'href="#why"' not in bare
    half = render_report(replace(BARE, explained=replace(told, importance=None)))
    assert 'id="why"' in half and 'id="importance"' not in half
