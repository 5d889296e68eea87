"""`gogoku evaluate`: how good stored scores were, every figure beside its yardstick; and the frozen hold-out, once."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogoku.commands.evidence import day, wanted
from gogoku_pipeline.core.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from gogoku_pipeline.registry.assessment import Assessment

console = Console(soft_wrap=True)
DASH = "-"
Row = dict[str, Any]

HEADLINES = (
    ("days (none)", "{n_days} ({n_days_without_ic})"),
    ("coverage", "{coverage:.1%}"),
    ("RankIC", "{rank_ic_mean:+.4f}"),
    ("95 % interval", "[{rank_ic_low:+.4f}, {rank_ic_high:+.4f}]"),
    ("t", "{rank_ic_t:+.1f}"),
    ("detectable", "{minimum_detectable_effect:.4f}"),
    ("ICIR a year", "{rank_icir_annual:+.2f}"),
    ("neutralised (t)", "{neutral_rank_ic_mean:+.4f} ({neutral_rank_ic_t:+.1f})"),
    ("P@10% (blind)", "{p_at_10pct:.1%} ({p_at_10pct_random:.1%})"),
    ("spread net", "{spread_net:+.2%}"),
)
"""One line per model: what is asked first."""

FIGURES = (
    ("days judged", "{n_days}", "{n_days_without_ic} more without a ranking: constant scores or too few names"),
    ("coverage", "{coverage:.1%}", "of the tradable names with a label are scored"),
    ("RankIC", "{rank_ic_mean:+.4f}", "95 % interval [{rank_ic_low:+.4f}, {rank_ic_high:+.4f}]"),
    ("", "t {rank_ic_t:+.2f}", "Newey-West; these days find a true mean of {minimum_detectable_effect:.4f}"),
    ("std of a day", "{rank_ic_std:.4f}", ""),
    ("RankICIR", "{rank_icir:+.3f}", "{rank_icir_annual:+.2f} a year"),
    ("IC", "{ic_mean:+.4f}", "t {ic_t:+.2f}, ICIR {icir:+.3f}"),
    ("neutralised RankIC", "{neutral_rank_ic_mean:+.4f}", "t {neutral_rank_ic_t:+.2f}, size, risk, sector taken out"),
    ("P@10%", "{p_at_10pct:.1%}", "blind {p_at_10pct_random:.1%}: above the day's median label"),
    ("P@50", "{p_at_50:.1%}", "blind {p_at_50_random:.1%}"),
    ("P@10%, label > 0", "{p_at_10pct_positive:.1%}", "blind {p_at_10pct_positive_random:.1%}"),
    ("NDCG@10%", "{ndcg_at_10pct:.4f}", "blind {ndcg_at_10pct_random:.4f}"),
    ("NDCG@50", "{ndcg_at_50:.4f}", "blind {ndcg_at_50_random:.4f}"),
    ("WIL@10%", "{wil_at_10pct:.4f}", "blind {wil_at_10pct_random:.4f}"),
    ("spread", "{spread:+.3%}", "best minus worst tenth, t {spread_t:+.2f}"),
    ("spread after costs", "{spread_net:+.3%}", "turnover {turnover:.1%} of the outer tenths per horizon"),
    ("hit rate", "{hit_rate:.2%}", "blind {hit_rate_random:.2%}, Wilson [{hit_rate_low:.2%}, {hit_rate_high:.2%}]"),
    ("RMSE", "{rmse:.4f}", "forecasting zero {rmse_naive:.4f}, MAE {mae:.4f}, R2 {r2:+.3f}"),
    ("std ratio", "{std_ratio:.3f}", "spread of scores / spread of labels"),
    ("different scores", "{unique_ratio:.1%}", "{n_degenerate_days} degenerate days, over all seeds"),
)
"""One model in full: figure, value, yardstick."""

PARTS = (
    ("days (none)", "{n_days} ({n_days_without_ic})"),
    ("names", "{names:.0f}"),
    ("RankIC", "{rank_ic_mean:+.4f}"),
    ("std", "{rank_ic_std:.4f}"),
    ("t", "{rank_ic_t:+.1f}"),
    ("spread", "{spread:+.2%}"),
)


def evaluate(
    model: Annotated[
        list[str] | None,
        typer.Option(help="recipe of the walk, `served`, `shadow:<model>`; several times; empty: all of the walk"),
    ] = None,
    cutoff: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="cut-off of the walk; empty: the newest")
    ] = None,
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first session")] = None,
    end: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="last session")] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="sessions ahead; empty: every stored one")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file: every metric of every day")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, every part included")] = False,
    open_holdout: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="MODEL VERSION", help="judge a promoted version's design on the frozen hold-out, once"),
    ] = None,
) -> None:
    """Measure stored scores against what happened; name one model for months, regimes, sectors and sizes."""
    from gogoku.deployment import deployment
    from gogoku.sizes import sizes_of
    from gogoku_pipeline.registry.assessment import assess
    from gogoku_pipeline.registry.evidence import Asked
    from resources.truth import truth

    place = deployment()
    if open_holdout is not None:
        from gogoku.commands.holdout import opened

        opened(place, *open_holdout)
        return
    store, compute = place.open_store(), sizes_of(place)
    oracle, terms = truth(store), compute.terms.gate
    asked = Asked(day(cutoff), day(start), day(end), horizon, compute.plan)
    names = wanted(store, model or [], asked, oracle)
    found = assess(store, names, asked, terms, oracle=oracle)
    if out is not None:
        if out.suffix != ".csv":
            raise ConfigError("--out", got=str(out), want="a file that ends in .csv", remedy="Name a CSV file.")
        found.daily.write_csv(out)
    if as_json:
        print(json.dumps(rows(found), default=str))
        return
    if not found.calibration.is_empty():
        intervals(found.calibration)
    shown(found, f"walk of {cutoff:%Y-%m-%d}" if cutoff else "newest walk")
    for words in remarks(found, terms.holdout_start):
        console.print(f"[dim]{words}[/]")
    if out is not None:
        console.print(f"wrote {out}: {found.daily.height} days, {found.daily.width - 3} columns of figures")


def shown(found: "Assessment", of: str) -> None:
    """The assessment on the terminal: one line per model, or one model in full."""
    for (horizon,), lines in found.summary.group_by(["horizon_d"], maintain_order=True):
        title = f"horizon {horizon}, {of}, {found.daily['session'].min()} .. {found.daily['session'].max()}"
        if lines.height > 1:
            table = Table("model", title=title)
            for heading, _ in HEADLINES:
                table.add_column(heading, justify="right")
            for row in lines.iter_rows(named=True):
                table.add_row(escape(row["model"]), *(cell(form, row) for _, form in HEADLINES))
            console.print(table)
            continue
        row = lines.row(0, named=True)
        in_full(row, title)
        for kind, part in found.parts.items():
            by_part(kind, part.filter(model=row["model"], horizon_d=horizon))
        deciles(found.deciles.filter(model=row["model"], horizon_d=horizon))


def in_full(row: Row, title: str) -> None:
    """Every figure of one model."""
    table = Table("figure", title=f"{escape(row['model'])}, {title}")
    table.add_column("value", justify="right")
    table.add_column("beside it")
    for name, value, beside in FIGURES:
        table.add_row(name, cell(value, row), cell(beside, row))
    console.print(table)


def by_part(kind: str, part: "pl.DataFrame") -> None:
    """RankIC and spread by month, regime, sector or size."""
    table = Table(kind, title="sizes: 1 the smallest fifth .. 5 the largest" if kind == "size" else f"by {kind}")
    for heading, _ in PARTS:
        table.add_column(heading, justify="right")
    for row in part.iter_rows(named=True):
        table.add_row(escape(str(row["group"])), *(cell(form, row) for _, form in PARTS))
    console.print(table)


def deciles(part: "pl.DataFrame") -> None:
    """What each tenth of the list earned: are scores calibrated in order?"""
    table = Table("tenth of the list", title="mean label: 1 the worst scores .. 10 the best")
    table.add_column("mean label", justify="right")
    table.add_column("standard error", justify="right")
    for row in part.iter_rows(named=True):
        table.add_row(str(row["quantile"]), cell("{mean_label:+.3%}", row), cell("{standard_error:.3%}", row))
    console.print(table)


def intervals(part: "pl.DataFrame") -> None:
    """Whether the served intervals hold what they promise."""
    by = ["bucket"] if "bucket" in part.columns else []
    table = Table(*(["volatility, fifth"] if by else []), "quantile", title="served intervals against excess returns")
    for heading in ("days", "at or below", "gap", "pinball"):
        table.add_column(heading, justify="right")
    for row in part.sort(*by, "quantile").iter_rows(named=True):
        shares = [cell(form, row) for form in ("{n_days}", "{coverage:.1%}", "{gap:+.1%}", "{pinball:.5f}")]
        table.add_row(*(str(row[name]) for name in by), f"{row['quantile']:.0%}", *shares)
    console.print(table)


def remarks(found: "Assessment", sealed: date | None) -> list[str]:
    """What must be known to read the figures right."""
    words = ["no intervals were served with these scores: calibration does not apply"]
    words = words if found.calibration.is_empty() else []
    inside = found.daily.filter(found.daily["session"] >= sealed)["session"].n_unique() if sealed else 0
    if inside:
        words.append(
            f"{inside} sessions lie in the frozen hold-out (from {sealed}): a live record, no evidence for choosing"
        )
    return words


def rows(found: "Assessment") -> Row:
    """The assessment as plain values; NaN is null."""
    from polars import selectors

    def plain(frame: "pl.DataFrame") -> list[Row]:
        return frame.with_columns(selectors.float().fill_nan(None)).to_dicts()

    return {
        "summary": plain(found.summary),
        "parts": {kind: plain(part) for kind, part in found.parts.items()},
        "deciles": plain(found.deciles),
        "calibration": plain(found.calibration),
    }


def cell(form: str, row: Row) -> str:
    """A cell of text; a dash when any of its figures is null or not a number."""
    names = {part.split(":")[0].split("}")[0] for part in form.split("{")[1:]}
    missing = any(row.get(name) is None or row[name] != row[name] for name in names)
    return DASH if missing else form.format(**row)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)
