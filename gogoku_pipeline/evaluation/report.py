"""The evening report: one HTML page that needs nothing else, with the list, the gate, the evidence and the data.

Everything is a frame or a value in `ReportInputs`; what is not given leaves its section out or says so. Text from
outside (company names) is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, partial
from importlib.resources import files

import polars as pl
from jinja2 import Environment, StrictUndefined, Template

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation import plots, plots_features
from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.report_rows import (
    SUMMARY_HEAD,
    criterion_rows,
    source_rows,
    summary_rows,
    top_rows,
)
from gogoku_pipeline.evaluation.verdict import Verdict

TERMS = (
    "Personal use. Contains data from J-Quants (JPX Market Innovation & Research); neither the data nor this page may "
    "be redistributed. Not investment advice."
)
SIMULATED_TERMS = "Simulated data: no stock, price or name on this page is real. Not investment advice."


@dataclass(frozen=True)
class ReportInputs:
    """Everything an evening's page shows.

    Attributes:
        session: the session the list was made after.
        generated_at: aware instant of writing.
        model: who serves.
        model_version: its trained version.
        served_because: why it serves.
        predictions: [rank, code, score, ...] of this session and one horizon.
        names: [code, name, name_english?, sector33_code? or sector?]; None shows codes alone.
        horizon_d: sessions the scores look ahead.
        verdict: the newest verdict of the gate; None when it has not judged yet.
        summary: `summary.summarise` of all models.
        oracle: name of the model in `summary` that knows the planted truth, shown as yardstick.
        daily_ic: [model, session, rank_ic].
        quantiles: `ranking.quantile_returns`, one line per model and tenth.
        sources: [source, rows, newest_session?, sessions_behind?, coverage?, rejected?, corrections?, missing_reason?],
            one line per source.
        coverage: [source, session, coverage] for the heat map.
        curves: [curve, step, value] of training.
        feature_coverage: [group, month, coverage] of feature values.
        degrees: [degree], neighbours of each stock in the session's graph.
        ties: [code_i, code_j, weight] of the session; middle: the stock they are drawn around.
        versions: what made the page: code version, feature hash, configuration hash, table versions.
        notes: sentences the reader must see, e.g. a baseline that stands in.
        simulated: the market is the simulator's.
        top: lines of the list that are shown.
    """

    session: date
    generated_at: datetime
    model: str
    model_version: str
    served_because: str
    predictions: pl.DataFrame = field(repr=False)
    names: pl.DataFrame | None = field(default=None, repr=False)
    horizon_d: int = 5
    verdict: Verdict | None = field(default=None, repr=False)
    summary: pl.DataFrame | None = field(default=None, repr=False)
    oracle: str | None = None
    daily_ic: pl.DataFrame | None = field(default=None, repr=False)
    quantiles: pl.DataFrame | None = field(default=None, repr=False)
    sources: pl.DataFrame | None = field(default=None, repr=False)
    coverage: pl.DataFrame | None = field(default=None, repr=False)
    curves: pl.DataFrame | None = field(default=None, repr=False)
    feature_coverage: pl.DataFrame | None = field(default=None, repr=False)
    degrees: pl.DataFrame | None = field(default=None, repr=False)
    ties: pl.DataFrame | None = field(default=None, repr=False)
    middle: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    simulated: bool = False
    top: int = 30


@dataclass(frozen=True)
class Picture:
    """One plot of the page: caption, alternative text and a data URI."""

    caption: str
    source: str


def render_report(inputs: ReportInputs) -> str:
    """The page as HTML text.

    Raises:
        EvaluationError: no ranked stock to show, or a frame without the columns it must have.
    """
    require_columns(inputs.predictions, ("rank", "code", "score"), "predictions of the report")
    if inputs.predictions.is_empty():
        raise EvaluationError(
            f"report of {inputs.session}",
            got="an empty list",
            want="ranked stocks",
            remedy="Materialise pred__daily for this session first.",
        )
    return _template().render(
        inputs=inputs,
        written=inputs.generated_at.astimezone(JST).strftime("%Y-%m-%d %H:%M JST"),
        top=top_rows(inputs.predictions, inputs.names, inputs.top),
        stocks=inputs.predictions.height,
        criteria=[] if inputs.verdict is None else criterion_rows(inputs.verdict),
        summary=None if inputs.summary is None else summary_rows(inputs.summary, inputs.model, inputs.oracle),
        summary_head=SUMMARY_HEAD,
        sources=None if inputs.sources is None else source_rows(inputs.sources),
        pictures=_pictures(inputs),
        terms=SIMULATED_TERMS if inputs.simulated else TERMS,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    text = (files("gogoku_pipeline.evaluation") / "report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)


def _pictures(inputs: ReportInputs) -> list[Picture]:
    """Plots of the frames that are given and not empty."""
    wanted = (
        (inputs.daily_ic, plots.cumulative_ic, "RankIC of each counted session, added up. A steady edge climbs."),
        (inputs.quantiles, plots.quantile_bars, "What each tenth of the list earned. Right minus left is the spread."),
        (inputs.curves, plots.learning_curves, "What training showed, step by step."),
        (inputs.coverage, plots.coverage_heat_map, "Which share of the listed stocks each source covers."),
        (inputs.feature_coverage, plots_features.group_coverage, "Which share of the universe each feature group has."),
        (inputs.degrees, _degrees, "How many neighbours stocks have in the graph of the session."),
        (inputs.ties, partial(_neighbourhood, inputs), "Who moved with one stock near the top of the list."),
    )
    return [
        Picture(caption, "data:image/png;base64," + base64.b64encode(draw(frame)).decode())
        for frame, draw, caption in wanted
        if frame is not None and frame.height
    ]


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
