"""`gogoku backtest`: what stored scores would have earned at the exchange, net of everything it charges."""

import json
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gogoku_pipeline.core.errors import ConfigError, EvaluationError

if TYPE_CHECKING:
    import polars as pl

    from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
    from gogoku_pipeline.evaluation.backtest.market import MarketGrid
    from gogoku_pipeline.store import Store

console = Console()
SERVED, ORACLE = "served", "oracle"
_FIGURES = {
    "net": ("total_return", "{:+.1%}"),
    "net a year": ("annual_return", "{:+.1%}"),
    "gross": ("gross_annual_return", "{:+.1%}"),
    "TOPIX": ("topix_annual_return", "{:+.1%}"),
    "Sharpe": ("sharpe", "{:.2f}"),
    "information ratio": ("information_ratio", "{:.2f}"),
    "max drawdown": ("max_drawdown", "{:.1%}"),
    "CVaR 95": ("cvar_95", "{:.2%}"),
    "turnover": ("turnover", "{:.1f}"),
    "costs": ("cost_share", "{:.1%}"),
}


def backtest(
    cutoff: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="cut-off of the walk; empty: the newest")
    ] = None,
    model: Annotated[str, typer.Option(help="one recipe, `served` for the lists that were served; empty: all")] = "",
    long_short: Annotated[bool, typer.Option("--long-short", help="best against worst decile")] = False,
    rebalance: Annotated[str, typer.Option(help="daily, weekly or monthly")] = "weekly",
    enter: Annotated[float | None, typer.Option(help="names of a side; below 1 a share of the ranked ones")] = None,
    leave: Annotated[float | None, typer.Option(help="rank (or share) inside which a held name stays")] = None,
    capital: Annotated[float, typer.Option(help="yen at the start")] = 1e8,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list, months and capacity included")] = False,
) -> None:
    """Trade stored scores through the exchange's rules: limits, lots, costs, borrowing, dividends, delistings."""
    from gogoku.deployment import deployment

    config = strategy(long_short=long_short, rebalance=rebalance, enter=enter, leave=leave, capital=capital)
    store = deployment().open_store()
    found = wanted(store, model, cutoff)
    grid = market_of(store, min(scores["session"].min() for scores in found.values()), config)
    if as_json:
        print(json.dumps([in_full(name, scores, grid, config) for name, scores in found.items()], default=str))
        return
    table = Table(title=f"{config.side}, {config.rebalance}, {config.capital_jpy:,.0f} yen, horizon {config.horizon_d}")
    for heading in ("scores", "sessions", *_FIGURES):
        table.add_column(heading, justify="left" if heading == "scores" else "right")
    suspicions = []
    for name, scores in found.items():
        figures = one(name, scores, grid, config)
        cells = [_cell(figures, *figure) for figure in _FIGURES.values()]
        table.add_row(name, str(figures.get("sessions", "-")), *cells)
        suspicions += [f"{name}: {words}" for words in figures.get("suspicions", ())]
        suspicions += [f"{name}: {figures['problem']}"] if "problem" in figures else []
    console.print(table)
    if not grid.notes["has_dividends"]:
        console.print("[dim]without dividends: this plan has no dividend notices[/]")
    for words in suspicions:
        console.print(f"[yellow]{words}[/]")


def strategy(
    *, long_short: bool, rebalance: str, enter: float | None, leave: float | None, capital: float
) -> "BacktestConfig":
    """The strategy the options describe; ConfigError names what does not fit."""
    from gogoku_pipeline.evaluation.backtest.config import BacktestConfig

    if rebalance not in ("daily", "weekly", "monthly"):
        raise ConfigError(
            "--rebalance", got=repr(rebalance), want="daily, weekly or monthly", remedy="Choose one of the three."
        )
    plain = BacktestConfig.long_short() if long_short else BacktestConfig()
    names = enter if enter is not None else plain.enter
    stay = leave if leave is not None else names * plain.leave / plain.enter
    return replace(
        plain,
        rebalance=rebalance,
        enter=names,
        leave=round(stay) if names >= 1 else stay,
        capital_jpy=capital,
    )


def wanted(store: "Store", model: str, cutoff: datetime | None) -> "dict[str, pl.DataFrame]":
    """Scores by the name they are shown under."""
    from gogoku_pipeline.registry.backtesting import served_scores, walk_forward_scores
    from resources.truth import truth

    if model == SERVED:
        return {SERVED: served_scores(store)}
    scores = walk_forward_scores(store, cutoff.date() if cutoff else None)
    found = {str(name): rows for (name,), rows in sorted(scores.partition_by("model", as_dict=True).items())}
    if (known := truth(store)) is not None:
        found[ORACLE] = known.filter(known["session"].is_in(scores["session"].unique().implode()))
    if model and model not in found:
        raise ConfigError(
            f"model {model!r}", got="no scores", want=f"one of {', '.join([*found, SERVED])}", remedy="Correct --model."
        )
    return {model: found[model]} if model else found


def market_of(store: "Store", first: date, config: "BacktestConfig") -> "MarketGrid":
    """The stored market as a strategy needs it."""
    from gogoku_pipeline.registry.backtest_runs import market_from

    return market_from(store, first, config.volume_window)


def one(name: str, scores: "pl.DataFrame", grid: "MarketGrid", config: "BacktestConfig") -> dict[str, Any]:
    """The figures of one backtest, or why there are none: scores that never rank anybody are an answer."""
    from dataclasses import asdict

    from gogoku_pipeline.evaluation.backtest.performance import performance
    from gogoku_pipeline.evaluation.backtest.result import run_backtest

    try:
        return {"scores": name} | asdict(performance(run_backtest(scores, grid, config)))
    except EvaluationError as problem:
        return {"scores": name, "problem": str(problem)}


def in_full(name: str, scores: "pl.DataFrame", grid: "MarketGrid", config: "BacktestConfig") -> dict[str, Any]:
    """Figures, months, exposures, capacity, refusals and notes of one backtest."""
    from gogoku_pipeline.evaluation.backtest.performance import performance
    from gogoku_pipeline.evaluation.backtest.result import run_backtest
    from gogoku_pipeline.evaluation.backtest.tables import by_month, capacity_curve

    try:
        result = run_backtest(scores, grid, config)
    except EvaluationError as problem:
        return {"scores": name, "problem": str(problem)}
    return {
        "scores": name,
        "engine_version": result.engine_version,
        "fingerprint": result.fingerprint,
        **performance(result).to_frame().to_dicts()[0],
        "months": by_month(result).to_dicts(),
        "exposure": result.exposure.to_dicts(),
        "capacity": capacity_curve(scores, grid, config).to_dicts(),
        "refused": result.refused.group_by("reason").sum().drop("session").sort("reason").to_dicts(),
        "notes": result.notes,
    }


def _cell(figures: dict[str, Any], name: str, form: str) -> str:
    value = figures.get(name)
    return "-" if value is None or value != value else form.format(value)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(backtest)
