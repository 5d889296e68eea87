"""Every backtest of an evening: whose scores are traded, by which strategies, and what came out as tables.

Belongs here: choosing scores and sizes, running, and naming what could not be run.
Does not belong here: the exchange's rules (`evaluation.backtest`), reading tables (`backtesting`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.backtest.accounts import COSTS
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.market import MarketGrid, market_grid
from gogoku_pipeline.evaluation.backtest.performance import Performance, performance_of
from gogoku_pipeline.evaluation.backtest.result import BacktestResult, run_backtest
from gogoku_pipeline.evaluation.backtest.tables import capacity_curve
from gogoku_pipeline.registry.backtest_tables import ACCOUNTS, CAPACITY, EXPOSURE
from gogoku_pipeline.registry.backtesting import served_scores, stored_market, walk_forward_scores
from gogoku_pipeline.registry.ledgers import trial_ledger
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.training.walk_forward import SCORES

SERVED = "served"
CALENDAR_SLACK_DAYS = 30
"""Days for the longest holidays: twice the sessions and this many calendar days hold every average."""
WIDE = 350
"""Fewer ranked names than this are traded by tenths: 35 of them would be more than a tenth of the list."""


@dataclass(frozen=True)
class Backtests:
    """What an evening's backtests leave behind.

    Attributes:
        accounts, exposure, capacity: rows of the tables of those names.
        figures: one line per scores and side; `performance.Performance`.
        problems: what could not be traded, and why, by `scores, side`.
        ledger: of trials, as `daily_ledger` gives it; None where it says nothing.
    """

    accounts: pl.DataFrame
    exposure: pl.DataFrame
    capacity: pl.DataFrame
    figures: Mapping[tuple[str, str], Performance] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    ledger: pl.DataFrame | None = None

    @property
    def suspicions(self) -> dict[str, tuple[str, ...]]:
        """Runs too good to be believed, and why."""
        return {f"{scores}, {side}": found.suspicions for (scores, side), found in self.figures.items()
                if found.suspicions}  # fmt: skip


def judged_scores(store: Store, models: Sequence[str] = (), *, min_lists: int = 20) -> dict[str, pl.DataFrame]:
    """The scores worth trading, by the name they are shown under; empty where nothing was scored yet.

    Args:
        store: where walks, verdicts and lists lie.
        models: recipes of the newest walk, or `served`; empty for the challengers and the baseline of its verdicts
            and the served lists.
        min_lists: fewer served sessions are not traded unless asked for by name.

    Raises:
        EvaluationError: a model nobody scored.
    """
    found: dict[str, pl.DataFrame] = {}
    if store.tables.sessions(SCORES):
        walk = walk_forward_scores(store)
        found = {str(name): rows for (name,), rows in walk.partition_by("model", as_dict=True).items()}
    lists = len(store.tables.sessions(PREDICTIONS))
    if lists >= min_lists or (lists and SERVED in models):
        found[SERVED] = served_scores(store)
    if missing := [name for name in models if name not in found]:
        raise EvaluationError(
            f"scores of {', '.join(missing)}",
            got=f"scores of {', '.join(found) or 'nobody'}",
            want="recipes of the newest walk, or `served`",
            remedy="Correct `models`, or let the gate judge them first.",
        )
    contest = [name for name in _contest(store) if name in found] or sorted(found)
    wanted = list(models) or dict.fromkeys([*contest, *({SERVED} & found.keys())])
    return {name: found[name] for name in wanted}


def run_backtests(store: Store, scores: Mapping[str, pl.DataFrame], strategies: Sequence[BacktestConfig]) -> Backtests:
    """Trade all scores by all strategies; what cannot be traded is named, never left out silently.

    Args:
        store: holds the market and the ledger of trials.
        scores: `judged_scores`.
        strategies: at most one per side; the capacity curve is drawn for the first.
    """
    if not scores:
        return Backtests(ACCOUNTS.empty(), EXPOSURE.empty(), CAPACITY.empty())
    window = max(config.volume_window for config in strategies)
    grid = market_from(store, _first(scores), window)
    ledger = daily_ledger(store, strategies[0].horizon_d)
    parts: dict[Table, list[pl.DataFrame]] = {ACCOUNTS: [], EXPOSURE: [], CAPACITY: []}
    figures: dict[tuple[str, str], Performance] = {}
    problems: dict[str, str] = {}
    for name, rows in scores.items():
        for place, wanted in enumerate(strategies):
            config = fitted(replace(wanted, volume_window=window), rows)
            try:
                result = run_backtest(rows, grid, config)
            except EvaluationError as problem:
                problems[f"{name}, {config.side}"] = str(problem)
                continue
            figures[name, config.side] = performance_of(result.daily, ledger)
            parts[ACCOUNTS].append(_accounts(name, result))
            parts[EXPOSURE].append(_owned(EXPOSURE, result.exposure, name, config))
            if place == 0:
                parts[CAPACITY].append(_owned(CAPACITY, capacity(rows, grid, config), name, config))
    accounts, exposure, curve = (pl.concat([table.empty(), *made]).sort(table.key) for table, made in parts.items())
    return Backtests(accounts, exposure, curve, figures, problems, ledger)


def market_from(store: Store, first: date, volume_window: int) -> MarketGrid:
    """The stored market as arrays, from enough days before the first score for its average volumes."""
    start = first - timedelta(days=2 * volume_window + CALENDAR_SLACK_DAYS)
    return market_grid(stored_market(store, start), volume_window=volume_window)


def daily_ledger(store: Store, horizon_d: int) -> pl.DataFrame | None:
    """Every trial ever logged with its Sharpe ratio per session, to be compared with daily returns.

    Trials are judged by positions of `horizon_d` sessions that do not overlap; a ratio per session is that ratio over
    the square root of the sessions, as for independent returns (Lo 2002). None while fewer than two trials have a
    ratio: how far luck spreads them cannot be told.
    """
    ledger = trial_ledger(store)
    return None if ledger["sharpe"].count() < 2 else ledger.with_columns(pl.col("sharpe") / math.sqrt(horizon_d))


def capacity(scores: pl.DataFrame, grid: MarketGrid, config: BacktestConfig) -> pl.DataFrame:
    """The capacity curve over the capitals that can buy a lot at all; no rows where none can."""
    tens = [config.capital_jpy * factor for factor in (0.1, 1, 10, 100, 1000)]
    parts = []
    for capital in tens:
        try:
            parts.append(capacity_curve(scores, grid, config, capitals=(capital,)))
        except EvaluationError:
            continue  # too little money for a lot, or too much of it to trade: the curve begins or ends there
    return pl.concat(parts) if parts else CAPACITY.empty()


def fitted(config: BacktestConfig, scores: pl.DataFrame) -> BacktestConfig:
    """The strategy for as many names as are ranked on a median session: by tenths where the list is short."""
    ranked = scores.drop_nulls("score").group_by("session").agg(pl.col("code").n_unique())["code"].median()
    names = float(ranked) if isinstance(ranked, int | float) else 0.0
    if config.enter < 1 or names >= WIDE:
        return config
    tenths = BacktestConfig.long_short()
    return replace(config, enter=tenths.enter, leave=tenths.leave)


def words_of(config: BacktestConfig) -> str:
    """A strategy in one line for people."""
    side = "buys the best" if config.side == "long_only" else "buys the best and sells the worst"
    size = f"{config.enter:.0%}" if config.enter < 1 else f"{config.enter:.0f} names"
    stay = f"{config.leave:.0%}" if config.leave < 1 else f"rank {config.leave:.0f}"
    return f"{side} {size}, {config.rebalance}, keeps to {stay}, {config.capital_jpy / 1e6:,.0f} million yen"


def _accounts(name: str, result: BacktestResult) -> pl.DataFrame:
    frame = result.daily.with_columns(
        pl.lit(words_of(result.config)).alias("strategy"), pl.lit(result.fingerprint).alias("fingerprint")
    )
    return _owned(ACCOUNTS, frame, name, result.config)


def _owned(table: Table, frame: pl.DataFrame, name: str, config: BacktestConfig) -> pl.DataFrame:
    """Rows of a table: whose they are, and its columns alone."""
    owned = frame.with_columns(pl.lit(name).alias("scores"), pl.lit(config.side, dtype=pl.String).alias("side"))
    return owned.select(pl.col(column).cast(dtype) for column, dtype in table.polars_schema.items())


def _first(scores: Mapping[str, pl.DataFrame]) -> date:
    """The first scored session of all."""
    days = pl.concat([rows["session"] for rows in scores.values()])
    return pl.DataFrame({"session": days}).sort("session").row(0)[0]  # type: ignore[no-any-return]


def _contest(store: Store) -> list[str]:
    """Challengers and baseline of the newest walk's verdicts; nobody where no verdict is kept."""
    walks = store.tables.sessions(SCORES)
    if not walks or not store.tables.exists(GATE):
        return []
    rows = store.tables.scan(GATE, start=walks[-1], end=walks[-1]).select("challenger", "baseline").unique().collect()
    return list(dict.fromkeys([*rows["challenger"].sort(), *rows["baseline"].sort()]))


def largest_gap(accounts: pl.DataFrame) -> float:
    """Largest yen by which any session's accounts do not add up: worth against its parts, its move against its causes.

    Args:
        accounts: rows of `eval__backtest`; 0 for none.
    """
    whose = ("scores", "side")
    earned = pl.sum_horizontal("price_pnl_jpy", "dividends_jpy") - pl.sum_horizontal(*COSTS, "borrow_jpy")
    gaps = accounts.sort(*whose, "session").select(
        (pl.sum_horizontal("cash_jpy", "long_jpy", "short_jpy") - pl.col("equity_jpy")).abs().alias("worth"),
        (pl.col("equity_jpy").diff().over(whose) - earned).abs().fill_null(0.0).alias("move"),
    )
    return float(gaps.to_numpy().max()) if gaps.height else 0.0
