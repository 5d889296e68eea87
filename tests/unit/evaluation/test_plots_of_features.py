"""Pictures of features are small PNGs, and an empty frame is refused."""

from __future__ import annotations

import io
from datetime import date

import polars as pl
import pytest
from PIL import Image

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation import plots_features as plots

MONTHS = [date(2024, month, 1) for month in range(1, 13)]
COVERAGE = pl.DataFrame(
    [
        (group, month, None if group == "margin" and month.month < 3 else 0.9)
        for group in ("returns", "margin")
        for month in MONTHS
    ],
    schema=["group", "month", "coverage"],
    orient="row",
)
DRIFTS = pl.DataFrame({"feature": [f"f_{n}" for n in range(30)], "psi": [n / 100 for n in range(30)]})
EDGES = pl.DataFrame(
    [("13010", "72030", 0.8), ("13010", "99840", -0.4), ("72030", "99840", 0.5), ("60980", "99840", 0.6)],
    schema=["code_i", "code_j", "weight"],
    orient="row",
)

DRAWN = {
    "coverage": lambda: plots.group_coverage(COVERAGE),
    "drift": lambda: plots.drift_bars(DRIFTS, 0.25),
    "neighbourhood": lambda: plots.neighbourhood(EDGES, "13010", {"13010": "KYOKUYO"}),
    "a single neighbour": lambda: plots.neighbourhood(EDGES, "60980"),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_picture_is_a_small_png(draw):
    drawn = draw()
    assert Image.open(io.BytesIO(drawn)).format == "PNG"
    assert len(drawn) < 40_000


def test_the_same_frame_gives_the_same_bytes_and_another_another():
    assert plots.neighbourhood(EDGES, "13010") == plots.neighbourhood(EDGES, "13010")
    assert plots.neighbourhood(EDGES, "13010") != plots.neighbourhood(EDGES, "99840")
    assert plots.drift_bars(DRIFTS, 0.25) != plots.drift_bars(DRIFTS, 0.1)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.group_coverage(COVERAGE.clear()),
        lambda: plots.drift_bars(DRIFTS.clear(), 0.25),
        lambda: plots.neighbourhood(EDGES, "00000"),
    ],
    ids=["coverage", "drift", "a stock without edges"],
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(EvaluationError, match="no rows"):
        draw()
