"""What the pages of the gate and of the champions show: tables and pictures, nothing that decides.

Belongs here: turning a judgement and a history into metadata.
Does not belong here: judging (`gogoku_pipeline.registry.judging`), the asset bodies (`evaluation`).
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from gogoku_pipeline.evaluation.plots import cumulative_ic, learning_curves, quantile_bars
from gogoku_pipeline.evaluation.plots_champions import champion_timeline as drawn_timeline
from gogoku_pipeline.evaluation.plots_judgement import rank_ic_by_horizon, rank_ic_by_month
from gogoku_pipeline.evaluation.report_rows import RANKING_HEAD, WORTH_HEAD, ranking_rows, worth_rows
from gogoku_pipeline.evaluation.report_tables import TextTable, breakdown_tables, horizon_table
from gogoku_pipeline.monitoring.record import out_of_sample
from gogoku_pipeline.registry.champions import history
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import Store
from resources.metadata import picture

if TYPE_CHECKING:
    from gogoku_pipeline.registry.judging import Judgement

TOLD = 20
"""Newest verdicts on the page of the champions."""
SESSIONS = 500
"""Newest sessions of their picture."""


def judgement_page(store: Store, found: "Judgement", cutoff: date, plan: str) -> dict[str, dg.MetadataValue]:
    """Verdicts, every model's figures, and the contest from every side; call it once the scores are stored."""
    contest = found.daily_ic.filter(pl.col("model").is_in(found.contestants))
    texts = "\n\n".join(verdict.text() for verdict in found.verdicts)
    shown = {
        "verdict": dg.MetadataValue.md(f"```\n{texts}\n```"),
        "rank_ic": picture(cumulative_ic(contest), "Cumulative RankIC"),
        "quantiles": picture(quantile_bars(found.quantiles), "Mean return by tenth of the list"),
    }
    if found.curves.height:
        shown["curves"] = picture(learning_curves(found.curves), "Learning curves")
    models = {"models": models_table(found.summary, found.contestants[-1])}
    record = out_of_sample(store, cutoff, focus=found.contestants, plan=plan)
    if record is None:
        return shown | models
    months = record.breakdown.filter(pl.col("kind") == "month")
    shown["horizons"] = picture(rank_ic_by_horizon(record.horizons), "RankIC by horizon, 95 % interval")
    shown["months"] = picture(rank_ic_by_month(months), "RankIC by month")
    ahead = horizon_table(record.horizons)
    tables = ({"by horizon": ahead} if ahead else {}) | {one.title: one for one in breakdown_tables(record.breakdown)}
    return shown | models | {name.lower().replace(" ", "_"): as_table(table) for name, table in tables.items()}


def models_table(summary: pl.DataFrame, baseline: str) -> dg.TableMetadataValue:
    """Every model's figures, as on the evening page."""
    pairs = zip(ranking_rows(summary, baseline, None), worth_rows(summary, baseline, None), strict=True)
    heads = ("model", *RANKING_HEAD, *(f"spread {head}" if head == "t" else head for head in WORTH_HEAD))
    return as_table(TextTable("", heads, tuple((one.model, *one.cells, *two.cells) for one, two in pairs)))


def champions_page(store: Store, terms: Terms) -> dict[str, dg.MetadataValue]:
    """The newest verdicts, and the champion's story over the newest sessions that have a list."""
    from gogoku_pipeline.registry.timeline import champion_timeline  # imported late: it loads every model family

    told = history(store).sort("decided_for", "recorded_at", descending=True)
    columns = ("decided_for", "model", "version", "decision", "reasons")
    rows = tuple(tuple(str(cell) for cell in row) for row in told.select(columns).head(TOLD).rows())
    shown: dict[str, dg.MetadataValue] = {"verdicts": as_table(TextTable("", columns, rows))} if rows else {}
    days: Sequence[date] = store.tables.sessions(PREDICTIONS)[-SESSIONS:]
    if len(days) > 1:
        drawn = drawn_timeline(champion_timeline(store, terms, days), told)
        shown["timeline"] = picture(drawn, "Champion, server, evidence of the live test")
    return shown


def as_table(table: TextTable) -> dg.TableMetadataValue:
    """A table of text, its heads told apart, on an asset's page."""
    return dg.MetadataValue.table([dg.TableRecord(dict(zip(table.heads, row, strict=True))) for row in table.rows])
