"""The evening report: one HTML page that needs nothing else, with the list, the gate, the evidence and the data.

Everything is a frame or a value in `ReportInputs`; what is not given leaves its section out or says so. Text from
outside (company names) is escaped.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.report_explanations import explanation_sections
from gogoku_pipeline.evaluation.report_inputs import Judged, Reign, ReportInputs, Traded
from gogoku_pipeline.evaluation.report_pictures import (
    calibration_pictures,
    data_pictures,
    edge_pictures,
    model_pictures,
    ranking_pictures,
    reign_pictures,
    trade_pictures,
)
from gogoku_pipeline.evaluation.report_rows import (
    RANKING_HEAD,
    WORTH_HEAD,
    criterion_rows,
    ranking_rows,
    source_rows,
    top_rows,
    worth_rows,
)
from gogoku_pipeline.evaluation.report_tables import (
    breakdown_tables,
    calibration_table,
    horizon_table,
    trade_tables,
    turning_points,
)

__all__ = ["Judged", "Reign", "ReportInputs", "Traded", "render_report"]

TERMS = (
    "Personal use. Contains data from J-Quants (JPX Market Innovation & Research); neither the data nor this page may "
    "be redistributed. Not investment advice."
)
SAID = {"promote": "promote", "passed_over": "passed over", "reject": "reject", "inconclusive": "inconclusive"}
"""A decision as people read it."""
SIMULATED_TERMS = "Simulated data: no stock, price or name on this page is real. Not investment advice."


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
    summary = inputs.summary
    return _template().render(
        inputs=inputs,
        written=inputs.generated_at.astimezone(JST).strftime("%Y-%m-%d %H:%M JST"),
        top=top_rows(inputs.predictions, inputs.names, inputs.top),
        stocks=inputs.predictions.height,
        criteria={verdict.challenger: criterion_rows(verdict) for verdict in inputs.verdicts},
        said=SAID,
        ranking=None if summary is None else ranking_rows(summary, inputs.model, inputs.oracle),
        worth=None if summary is None else worth_rows(summary, inputs.model, inputs.oracle),
        ranking_head=RANKING_HEAD,
        worth_head=WORTH_HEAD,
        ranking_pictures=ranking_pictures(inputs),
        horizon=horizon_table(inputs.judged.horizons),
        edge=breakdown_tables(inputs.judged.breakdown),
        edge_pictures=edge_pictures(inputs),
        calibration=calibration_table(inputs.judged.calibration),
        calibration_pictures=calibration_pictures(inputs),
        reign_pictures=reign_pictures(inputs),
        turning_points=turning_points(inputs.reign.timeline),
        trades=trade_tables(inputs.traded),
        trade_pictures=trade_pictures(inputs),
        model_pictures=model_pictures(inputs),
        explained=explanation_sections(inputs),
        sources=None if inputs.sources is None else source_rows(inputs.sources),
        data_pictures=data_pictures(inputs),
        terms=SIMULATED_TERMS if inputs.simulated else TERMS,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    text = (files("gogoku_pipeline.evaluation") / "report.html.jinja").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)
