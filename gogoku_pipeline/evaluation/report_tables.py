"""Frames as plain tables of text for the evening report: a heading, columns, rows, and the sentence below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.report_backtest import figures_table, months_table, sectors_table
from gogoku_pipeline.evaluation.report_inputs import Traded
from gogoku_pipeline.evaluation.report_rows import DASH, beside, interval, number, sector_name

MONTHS = 24
"""Newest months of a table; the picture shows all of them."""
TURNS = 12
"""Newest turning points of a champion that are listed."""

GLUE = "\u00a0"
"""A space at which no line ends: in a narrow window a cell folds between value, interval and days only."""

KINDS = {
    "regime": ("By market regime", "TOPIX against 60 sessions ago; its volatility against a year's median."),
    "size": ("By size", "Fifths of each session by market value, 1 the smallest."),
    "sector": ("By sector", "RankIC among the stocks of one TSE sector."),
    "month": ("By month", f"The newest {MONTHS} months."),
}


@dataclass(frozen=True)
class TextTable:
    """A table of the page; cells of the first column are words, the others numbers as text.

    Attributes:
        title: heading.
        heads: of the columns.
        rows: cells, as many as heads.
        words: what the reader should know; empty for nothing.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: str = ""


def horizon_table(horizons: pl.DataFrame | None) -> TextTable | None:
    """RankIC of each model against each horizon with its 95 % interval; None where nothing was measured."""
    if horizons is None or horizons.is_empty():
        return None
    require_columns(horizons, ("model", "horizon_d", "n_days", "rank_ic", "low", "high", "t"), "RankIC by horizon")
    spans = horizons["horizon_d"].unique().sort().to_list()
    held = {(row["model"], row["horizon_d"]): row for row in horizons.iter_rows(named=True)}
    rows = [
        (model, *(_interval(held.get((model, span))) for span in spans))
        for model in horizons["model"].unique(maintain_order=True)
    ]
    heads = ("model", *(f"{span} session{'' if span == 1 else 's'}" for span in spans))
    return TextTable(
        "",
        heads,
        tuple(rows),
        "Mean daily RankIC, 95 % interval by stationary bootstrap, days; no interval where the days are too few.",
    )


def breakdown_tables(breakdown: pl.DataFrame | None) -> list[TextTable]:
    """RankIC (t) and spread of every model by regime, size, sector and month, as far as each is there."""
    if breakdown is None or breakdown.is_empty():
        return []
    wanted = ("kind", "model", "group", "n_days", "rank_ic_mean", "rank_ic_t", "spread")
    require_columns(breakdown, wanted, "breakdown of the report")
    parts = {kind: breakdown.filter(pl.col("kind") == kind) for kind in KINDS}
    return [_breakdown(kind, part) for kind, part in parts.items() if part.height]


def calibration_table(calibration: pl.DataFrame | None) -> TextTable | None:
    """Promised and seen share of outcomes at or below each quantile, pinball loss beside; None without quantiles."""
    if calibration is None or calibration.is_empty():
        return None
    require_columns(calibration, ("quantile", "coverage", "pinball"), "calibration of the report")
    keys = [name for name in ("model", "bucket") if name in calibration.columns]
    rows = [
        (", ".join(str(row[key]) for key in keys) or DASH, number(row["quantile"], ".0%"),
         number(row["coverage"], ".1%"),
         number(row["coverage"] - row["quantile"], "+.1%"), number(row["pinball"], ".5f"))
        for row in calibration.iter_rows(named=True)
    ]  # fmt: skip
    heads = (
        ", ".join(keys).replace("bucket", "volatility") or "model",
        "promised",
        "seen",
        "difference",
        "pinball loss",
    )
    return TextTable(
        "",
        heads,
        tuple(rows),
        "Share of outcomes at or below each end of the interval; volatility in fifths of a session, 1 the calmest. "
        "The gate allows five points of difference.",
    )


def turning_points(timeline: pl.DataFrame | None) -> TextTable | None:
    """The sessions on which champion, server or state changed, newest first; None without a timeline."""
    if timeline is None or timeline.is_empty():
        return None
    wanted = ("session", "champion", "server", "state", "reason", "live_days", "live_rank_ic")
    require_columns(timeline, wanted, "champion timeline")
    told = pl.struct("champion", "server", "state")
    turned = timeline.filter((told != told.shift(1)).fill_null(value=True) | (pl.int_range(pl.len()) == 0))
    rows = [
        (str(row["session"]), row["champion"], row["server"] or DASH, row["state"], row["reason"])
        for row in turned.reverse().head(TURNS).iter_rows(named=True)
    ]
    return TextTable("", ("from", "champion", "served by", "state", "why"), tuple(rows), _live(timeline))


def trade_tables(traded: Traded) -> list[TextTable]:
    """Figures, months and sectors of the newest backtests; none where nothing was traded."""
    if traded.accounts is None or traded.accounts.is_empty():
        return []
    strategies = traded.accounts.select("side", "strategy").unique(maintain_order=True).rows()
    words = " ".join(f"{side.replace('_', ' ').capitalize()}: {strategy}." for side, strategy in strategies)
    luck = "PSR: probability that the true Sharpe is above 0; DSR: that it is above the luckiest of all trials."
    figures = figures_table(traded.accounts, traded.ledger)
    suspect = [f"{row['scores']}: {row['suspicion']}." for row in figures.iter_rows(named=True) if row["suspicion"]]
    found = [
        _plain("", figures.drop("suspicion"), " ".join([words, luck, *suspect])),
        _plain("Month by month, net", months_table(traded.accounts).reverse().head(MONTHS)),
    ]
    if traded.exposure is not None and traded.exposure.height:
        sectors = sectors_table(traded.exposure)
        words = "Long-only: mean share of the money, and what the sector added to the return, in shares of equity."
        found.append(_plain("Where the money was", sectors, words))
    return found


def _plain(title: str, frame: pl.DataFrame, words: str = "") -> TextTable:
    return TextTable(title, tuple(frame.columns), tuple(frame.rows()), words)


def _interval(row: dict[str, object] | None) -> str:
    if row is None or row["rank_ic"] is None:
        return DASH
    spanned = interval(row["low"], row["high"])
    known = number(row["rank_ic"], "+.4f") + ("" if spanned == DASH else f" {spanned.replace(' ', GLUE)}")
    return f"{known} ·{GLUE}{row['n_days']}{GLUE}d"


def _breakdown(kind: str, part: pl.DataFrame) -> TextTable:
    """One row per group, two columns per model."""
    title, words = KINDS[kind]
    models = part["model"].unique(maintain_order=True).to_list()
    held = {(row["model"], row["group"]): row for row in part.iter_rows(named=True)}
    judged = part.filter(pl.col("n_days") > 0)
    groups = judged["group"].unique().sort(descending=kind == "month").to_list()
    if (thin := part["group"].n_unique() - len(groups)) > 0:
        words += f" {thin} more never have enough names to rank."
    rows = [
        (sector_name(group) if kind == "sector" else group, _most(part, group), *_cells(models, held, group))
        for group in groups[: MONTHS if kind == "month" else len(groups)]
    ]
    heads = (kind, "days", *(head for model in models for head in (f"{model} RankIC (t)", f"{model} spread")))
    return TextTable(title, heads, tuple(rows), words)


def _cells(models: Sequence[str], held: dict[tuple[str, str], dict[str, object]], group: str) -> list[str]:
    cells = []
    for model in models:
        row = held.get((model, group), {})
        cells.append(beside(number(row.get("rank_ic_mean"), "+.3f"), number(row.get("rank_ic_t"), "+.1f")))
        cells.append(number(row.get("spread"), "+.2%"))
    return cells


def _most(part: pl.DataFrame, group: str) -> str:
    """Days behind a group, of the model that has most."""
    return str(max(part.filter(pl.col("group") == group)["n_days"].to_list()))


def _live(timeline: pl.DataFrame) -> str:
    """The champion's live record as of the newest session."""
    last = timeline.row(-1, named=True)
    if last["live_rank_ic"] is None:
        return "No champion's live record is watched yet."
    return f"Live RankIC of {last['champion']}: {last['live_rank_ic']:+.4f} over {last['live_days']} days."
