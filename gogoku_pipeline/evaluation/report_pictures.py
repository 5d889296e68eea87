"""Which pictures stand in which section of the evening report, and the sentence under each."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from gogoku_pipeline.evaluation import plots, plots_champions, plots_features, plots_judgement
from gogoku_pipeline.evaluation.backtest import plots as plots_backtest
from gogoku_pipeline.evaluation.plots_training import training_story
from gogoku_pipeline.evaluation.report_inputs import ReportInputs

Wanted = tuple[pl.DataFrame | None, Callable[[pl.DataFrame], bytes], str]


@dataclass(frozen=True)
class Picture:
    """One plot of the page: caption (also its alternative text) and a data URI."""

    caption: str
    source: str


def ranking_pictures(inputs: ReportInputs) -> list[Picture]:
    """How the models ranked: those that are looked at from every side, where some are, else all."""
    daily, tenths = (_in_focus(frame, inputs.judged.horizons) for frame in (inputs.daily_ic, inputs.quantiles))
    return _drawn(
        (daily, plots.cumulative_ic, "RankIC of each counted session, added up. A steady edge climbs."),
        (
            inputs.judged.horizons,
            plots_judgement.rank_ic_by_horizon,
            "The same list against returns of 1 to 20 sessions. A whisker that crosses 0 proves nothing.",
        ),
        (tenths, plots.quantile_bars, "What each tenth of the list earned. Right minus left is the spread."),
    )


def edge_pictures(inputs: ReportInputs) -> list[Picture]:
    """Where the edge came from, and whether quantiles hold."""
    parts = inputs.judged.breakdown
    months = None if parts is None else parts.filter(pl.col("kind") == "month")
    return _drawn(
        (months, plots_judgement.rank_ic_by_month, "RankIC of each month. An edge that lives in one month is luck."),
    )


def calibration_pictures(inputs: ReportInputs) -> list[Picture]:
    """Whether quantiles hold."""
    words = "Above the line outcomes fall short of the quantile more often than promised."
    return _drawn((inputs.judged.calibration, plots_judgement.calibration_curve, words))


def reign_pictures(inputs: ReportInputs) -> list[Picture]:
    """Who was champion and who served."""
    draw = partial(plots_champions.champion_timeline, verdicts=inputs.reign.verdicts)
    words = (
        "Champion and server by session; marks are verdicts of the gate. Below, the evidence of the live RankIC test: "
        "where it reaches the dashed line the champion steps back, or returns."
    )
    told = inputs.reign.timeline
    return _drawn((told if told is not None and told.height > 1 else None, draw, words))


def trade_pictures(inputs: ReportInputs) -> list[Picture]:
    """What the scores would have earned."""
    return _drawn(
        (
            inputs.traded.accounts,
            plots_backtest.equity_and_drawdown,
            "One yen traded by the exchange's rules, all costs taken off; below, how far under its own peak.",
        ),
        (
            inputs.traded.capacity,
            plots_backtest.capacity_picture,
            "The same strategy with more money: its own orders move the price, until the edge is gone.",
        ),
    )


def model_pictures(inputs: ReportInputs) -> list[Picture]:
    """What training showed, and the session's graph."""
    told = [
        picture_of(
            training_story(curves),
            f"{model}: smoothed validation figure of each seed, the dot the epoch that was kept; below, what each loss "
            "moved.",
        )
        for model, curves in inputs.explained.curves.items()
    ]
    return told + _drawn(
        (inputs.curves, plots.learning_curves, "What training showed, step by step."),
        (inputs.degrees, _degrees, "How many neighbours stocks have in the graph of the session."),
        (inputs.ties, partial(_neighbourhood, inputs), "Who moved with one stock near the top of the list."),
    )


def data_pictures(inputs: ReportInputs) -> list[Picture]:
    """How complete the data are."""
    return _drawn(
        (inputs.coverage, plots.coverage_heat_map, "Which share of the listed stocks each source covers."),
        (inputs.feature_coverage, plots_features.group_coverage, "Which share of the universe each feature group has."),
    )


def picture_of(png: bytes, caption: str) -> Picture:
    """A plot and the sentence under it."""
    return Picture(caption, "data:image/png;base64," + base64.b64encode(png).decode())


def _drawn(*wanted: Wanted) -> list[Picture]:
    """Plots of the frames that are given and not empty."""
    found: Sequence[Wanted] = [one for one in wanted if one[0] is not None and one[0].height]
    return [picture_of(draw(frame), caption) for frame, draw, caption in found if frame is not None]


def _in_focus(frame: pl.DataFrame | None, horizons: pl.DataFrame | None) -> pl.DataFrame | None:
    if frame is None or horizons is None or horizons.is_empty():
        return frame
    return frame.filter(pl.col("model").is_in(horizons["model"].unique().to_list()))


def _degrees(frame: pl.DataFrame) -> bytes:
    return plots.degree_distribution(frame["degree"])


def _neighbourhood(inputs: ReportInputs, ties: pl.DataFrame) -> bytes:
    """The neighbourhood with names where they are known."""
    known = inputs.names
    if known is None:
        return plots_features.neighbourhood(ties, inputs.middle)
    column = "name_english" if "name_english" in known.columns else "name"
    named = known.select("code", pl.col(column).fill_null(pl.col("code")).str.slice(0, 22))
    return plots_features.neighbourhood(ties, inputs.middle, dict(named.iter_rows()))
