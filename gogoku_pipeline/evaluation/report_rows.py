"""Frames as lines of text for the evening report: formatted, marked, in reading order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.verdict import Verdict

SECTORS = {
    "0050": "Fishery, Agriculture & Forestry", "1050": "Mining", "2050": "Construction", "3050": "Foods",
    "3100": "Textiles & Apparels", "3150": "Pulp & Paper", "3200": "Chemicals", "3250": "Pharmaceutical",
    "3300": "Oil & Coal Products", "3350": "Rubber Products", "3400": "Glass & Ceramics", "3450": "Iron & Steel",
    "3500": "Nonferrous Metals", "3550": "Metal Products", "3600": "Machinery", "3650": "Electric Appliances",
    "3700": "Transportation Equipment", "3750": "Precision Instruments", "3800": "Other Products",
    "4050": "Electric Power & Gas", "5050": "Land Transportation", "5100": "Marine Transportation",
    "5150": "Air Transportation", "5200": "Warehousing & Harbor", "5250": "Information & Communication",
    "6050": "Wholesale Trade", "6100": "Retail Trade", "7050": "Banks", "7100": "Securities & Futures",
    "7150": "Insurance", "7200": "Other Financing", "8050": "Real Estate", "9050": "Services", "9999": "Other",
}  # fmt: skip
"""The 33 sectors of the Tokyo Stock Exchange, in English."""

DASH = "–"


@dataclass(frozen=True)
class TopRow:
    """One stock of the list; `width` is its score's place between the day's worst and best, in percent."""

    rank: int
    code: str
    name: str
    name_english: str
    sector: str
    score: str
    interval: str
    width: int


@dataclass(frozen=True)
class CriterionRow:
    """One answer of the gate; `mark` is holds, fails or n/a."""

    name: str
    mark: str
    words: str
    rejects: bool


@dataclass(frozen=True)
class SummaryRow:
    """One model; `role` is served, oracle or empty."""

    model: str
    role: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class SourceRow:
    """One source; `is_bad` marks a line that a person should look at, `is_off` one that the plan lacks."""

    source: str
    rows: str
    coverage: str
    rejected: str
    corrections: str
    newest: str
    behind: str
    note: str
    is_bad: bool
    is_off: bool


RANKING_HEAD = (
    "days (no rank)", "RankIC", "std", "ICIR (p.a.)", "t (NW)", "95 % interval", "detectable", "neutral (t)", "IC",
    "collapsed",
)  # fmt: skip
WORTH_HEAD = (
    "spread", "t", "net of costs", "turnover", "P@10 % (blind)", "P@50 (blind)", "NDCG@10 % (blind)",
    "hit rate (blind)", "scored",
)  # fmt: skip


def sector_name(code: str) -> str:
    """A TSE 33 sector in English; the code itself where it is none."""
    return SECTORS.get(code, code)


def top_rows(predictions: pl.DataFrame, names: pl.DataFrame | None, top: int) -> list[TopRow]:
    """The first lines of the list with names and sectors; a code without a name shows its code alone."""
    low, high = (float(predictions["score"].to_numpy().min()), float(predictions["score"].to_numpy().max()))
    wide = high - low
    shown = predictions.sort("rank").head(top).join(_names(names), on="code", how="left", maintain_order="left")
    return [
        TopRow(
            rank=row["rank"],
            code=row["code"],
            name=row["name"] or DASH,
            name_english=row["name_english"] or "",
            sector=row["sector"] or DASH,
            score=f"{row['score']:.4f}",
            interval=span(row.get("interval_low"), row.get("interval_high")),
            width=round(100 * (row["score"] - low) / wide) if wide > 0 else 0,
        )
        for row in shown.iter_rows(named=True)
    ]


def criterion_rows(verdict: Verdict) -> list[CriterionRow]:
    """Every criterion in the order it was asked."""
    mark = {True: "holds", False: "fails", None: "n/a"}
    return [CriterionRow(c.name, mark[c.passed], c.words, c.on_failure == "reject") for c in verdict.criteria]


def ranking_rows(summary: pl.DataFrame, served: str, oracle: str | None) -> list[SummaryRow]:
    """How well each model ordered the stocks, one line per model, best first, the oracle on top; see RANKING_HEAD."""
    return _by_model(summary, served, oracle, _ranking)


def worth_rows(summary: pl.DataFrame, served: str, oracle: str | None) -> list[SummaryRow]:
    """What each model's list was worth, in the same order; see WORTH_HEAD."""
    return _by_model(summary, served, oracle, _worth)


def _by_model(
    summary: pl.DataFrame, served: str, oracle: str | None, cells: Callable[[Mapping[str, object]], tuple[str, ...]]
) -> list[SummaryRow]:
    require_columns(summary, ("model", "rank_ic_mean", "n_days"), "summary of the report")
    roles = {served: "served"} | ({oracle: "oracle"} if oracle else {})
    rows = [SummaryRow(row["model"], roles.get(row["model"], ""), cells(row)) for row in summary.iter_rows(named=True)]
    return sorted(rows, key=lambda row: row.role != "oracle")


def source_rows(sources: pl.DataFrame) -> list[SourceRow]:
    """One line per source; columns it lacks are dashes."""
    require_columns(sources, ("source", "rows"), "sources of the report")
    return [_source(row) for row in sources.iter_rows(named=True)]


def number(value: object, form: str) -> str:
    """A number as text, a dash for null, NaN and what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return DASH
    return format(value, form)


def span(low: object, high: object) -> str:
    """Two returns as `-3.1 .. +2.2 %`; empty where there is no interval."""
    ends = (number(low, "+.1%"), number(high, "+.1%"))
    return "" if DASH in ends else f"{ends[0].rstrip('%')} .. {ends[1].replace('%', ' %')}"


def interval(low: object, high: object) -> str:
    """Both ends in brackets; a dash where they could not be measured."""
    ends = (number(low, "+.4f"), number(high, "+.4f"))
    return DASH if DASH in ends else f"[{ends[0]}, {ends[1]}]"


def beside(value: str, yardstick: str) -> str:
    """A figure with its yardstick in brackets, the figure alone without one, a dash without a figure."""
    return value if DASH in (value, yardstick) else f"{value} ({yardstick})"


def _ranking(row: Mapping[str, object]) -> tuple[str, ...]:
    def cell(name: str, form: str) -> str:
        return number(row.get(name), form)

    return (
        f"{cell('n_days', 'd')} ({cell('n_days_without_ic', 'd')})",
        cell("rank_ic_mean", "+.4f"),
        cell("rank_ic_std", ".4f"),
        beside(cell("rank_icir", "+.3f"), cell("rank_icir_annual", "+.1f")),
        cell("rank_ic_t", "+.2f"),
        interval(row.get("rank_ic_low"), row.get("rank_ic_high")),
        cell("minimum_detectable_effect", ".4f"),
        beside(cell("neutral_rank_ic_mean", "+.4f"), cell("neutral_rank_ic_t", "+.1f")),
        cell("ic_mean", "+.4f"),
        cell("n_degenerate_days", "d"),
    )


def _worth(row: Mapping[str, object]) -> tuple[str, ...]:
    def cell(name: str, form: str) -> str:
        return number(row.get(name), form)

    return (
        cell("spread", "+.2%"),
        cell("spread_t", "+.1f"),
        cell("spread_net", "+.2%"),
        cell("turnover", ".0%"),
        beside(cell("p_at_10pct", ".1%"), cell("p_at_10pct_random", ".1%")),
        beside(cell("p_at_50", ".1%"), cell("p_at_50_random", ".1%")),
        beside(cell("ndcg_at_10pct", ".3f"), cell("ndcg_at_10pct_random", ".3f")),
        beside(cell("hit_rate", ".1%"), cell("hit_rate_random", ".1%")),
        cell("coverage", ".0%"),
    )


def _source(row: dict[str, object]) -> SourceRow:
    behind, share, note = row.get("sessions_behind"), row.get("coverage"), str(row.get("missing_reason") or "")
    late = isinstance(behind, int) and behind > 0
    thin = isinstance(share, float) and share < 0.95
    is_off = bool(note) and row["rows"] == 0
    return SourceRow(
        source=str(row["source"]),
        rows=number(row["rows"], ",d"),
        coverage=number(share, ".1%"),
        rejected=number(row.get("rejected"), ",d"),
        corrections=number(row.get("corrections"), ",d"),
        newest=str(row.get("newest_session") or DASH),
        behind=number(behind, "d"),
        note=note,
        is_bad=not is_off and (late or thin or row["rows"] == 0),
        is_off=is_off,
    )


def _names(names: pl.DataFrame | None) -> pl.DataFrame:
    """[code, name, name_english, sector], one line per code."""
    if names is None:
        return pl.DataFrame(schema=dict.fromkeys(("code", "name", "name_english", "sector"), pl.String))
    require_columns(names, ("code", "name"), "names of the report")
    english = pl.col("name_english") if "name_english" in names.columns else pl.lit(None, dtype=pl.String)
    if "sector" in names.columns:
        sector = pl.col("sector")
    elif "sector33_code" in names.columns:
        sector = pl.col("sector33_code").replace_strict(SECTORS, default=pl.col("sector33_code"))
    else:
        sector = pl.lit(None, dtype=pl.String)
    return names.select("code", "name", english.alias("name_english"), sector.alias("sector")).unique(
        "code", keep="last", maintain_order=True
    )
