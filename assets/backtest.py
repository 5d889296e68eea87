"""What the scores would have earned: the backtest of the newest walk and of the served lists, in the lineage.

Belongs here: its settings in the launchpad, the asset's body, its checks and what its page shows.
Does not belong here: the exchange's rules (`gogoku_pipeline.evaluation.backtest`), whose scores are traded
(`gogoku_pipeline.registry.backtest_runs`).

It reads what the gate wrote down and waits for no verdict: a rejected challenger is traded like any other, on paper.
"""

from enum import Enum
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from pydantic import Field

from assets.declaration import HouseAsset
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.plots import capacity_picture, equity_and_drawdown
from gogoku_pipeline.evaluation.report_backtest import figures_table, months_table, sectors_table
from gogoku_pipeline.registry.backtest_tables import ACCOUNTS, CAPACITY, EXPOSURE
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS
from gogoku_pipeline.schema import daily_bars, dividends, listed_issues, topix
from gogoku_pipeline.store import CommitInfo, Store
from gogoku_pipeline.tables.universe import UNIVERSE
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture

if TYPE_CHECKING:
    from gogoku_pipeline.registry.backtest_runs import Backtests

READ = (daily_bars.TABLE, listed_issues.SNAPSHOT, topix.TABLE, dividends.TABLE, UNIVERSE, GATE, PREDICTIONS)
BALANCED = dg.AssetCheckSpec(
    "accounts_add_up",
    asset=ACCOUNTS.name,
    description="Cash and positions are the equity, and what moved it is explained, on every session.",
)
TRADED = dg.AssetCheckSpec(
    "trades_happen", asset=ACCOUNTS.name, description="Every backtest traded: one without a fill says nothing."
)
BELIEVABLE = dg.AssetCheckSpec(
    "believable",
    asset=ACCOUNTS.name,
    description="No win rate above 65 % and no Sharpe above 4: either asks for the leak audit.",
)


class Rebalance(Enum):
    """How often a strategy decides."""

    daily = "daily"
    weekly = "weekly"
    monthly = "monthly"


class BacktestSettings(dg.Config):
    """What is traded, how often, with how much money."""

    models: list[str] = Field([], description="recipes of the newest walk, or `served`; empty: the contest and served")
    min_lists: int = Field(20, description="sessions served before the served lists are traded", ge=1)
    is_long_short: bool = Field(True, description="also buy the best and sell the worst tenth")
    rebalance: Rebalance = Field(Rebalance.weekly, description="decide after every session, week or month")
    enter: float = Field(35, description="names held; below 1 a share of the ranked; tenths where fewer than 350", gt=0)
    leave: float = Field(60, description="rank (or share) inside which a held name stays", gt=0)
    capital_jpy: float = Field(1e8, description="yen at the start; the capacity curve runs from a tenth of it", gt=0)
    participation: float = Field(0.05, description="largest share of the average daily volume traded", gt=0, le=1)
    drift_band: float = Field(0.25, description="a kept name is traded when further than this from target", ge=0)
    min_names: int = Field(10, description="a session that ranks fewer names decides nothing", ge=1)

    def strategies(self, horizon_d: int) -> list[BacktestConfig]:
        """Long-only as set, and the tenths against each other where asked for; ConfigError for nonsense."""
        shared = {
            "rebalance": self.rebalance.value,
            "capital_jpy": self.capital_jpy,
            "participation": self.participation,
            "drift_band": self.drift_band,
            "min_names": self.min_names,
            "horizon_d": horizon_d,
        }
        tenths = BacktestConfig.long_short()
        both = {"side": tenths.side, "enter": tenths.enter, "leave": tenths.leave}
        long_only = BacktestConfig(enter=self.enter, leave=self.leave, **shared)
        return [long_only, *([BacktestConfig(**both, **shared)] if self.is_long_short else [])]


def backtest(  # noqa: ANN201 - Dagster reads an annotation here as "no value"
    context: dg.AssetExecutionContext,
    config: BacktestSettings,
    store: dg.ResourceParam[Lazy],
    compute: dg.ResourceParam[Compute],
):
    """Accounts of the newest walk's scores and of the served lists, traded by the exchange's rules."""
    from gogoku_pipeline.registry.backtest_runs import judged_scores, run_backtests

    opened = store.get()
    scores = judged_scores(opened, config.models, min_lists=config.min_lists)
    made = run_backtests(opened, scores, config.strategies(compute.terms.gate.horizon_d))
    keep(opened, made, context.run.run_id)
    context.add_asset_metadata(shown(made))
    yield dg.Output(made.accounts)
    yield accounts_add_up(made.accounts)
    yield trades_happen(made)
    yield believable(made)


def keep(store: Store, made: "Backtests", run_id: str) -> None:
    """Write the tables beside the accounts."""
    commit = CommitInfo(run_id=run_id, code_version="1")
    store.tables.write_whole(EXPOSURE, made.exposure, commit=commit)
    store.tables.write_whole(CAPACITY, made.capacity, commit=commit)


def shown(made: "Backtests") -> dict[str, dg.MetadataValue]:
    """Curves and tables for the asset's page; nothing where nothing was traded."""
    if made.accounts.is_empty():
        return {}
    pictures = {"equity": picture(equity_and_drawdown(made.accounts), "Money and drawdown, net of costs")}
    if made.capacity.height:
        pictures["capacity"] = picture(capacity_picture(made.capacity), "Net return against money")
    return {
        "figures": _table(figures_table(made.accounts, made.ledger)),
        **pictures,
        "months": _table(months_table(made.accounts)),
        "sectors": _table(sectors_table(made.exposure)),
    }


def accounts_add_up(accounts: pl.DataFrame) -> dg.AssetCheckResult:
    """Both identities on the rows that are written; the engine has proved them on what it traded."""
    from gogoku_pipeline.registry.backtest_runs import largest_gap

    gap = largest_gap(accounts)
    return dg.AssetCheckResult(
        check_name=BALANCED.name,
        passed=gap < 1.0,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{accounts.height} closes, the largest gap {gap:.4f} yen",
        metadata={"closes": accounts.height, "largest_gap_jpy": gap},
    )


def trades_happen(made: "Backtests") -> dg.AssetCheckResult:
    """An error for scores that could not be traded; a warning while there is nothing to trade yet."""
    problems = "; ".join(f"{name}: {words}" for name, words in made.problems.items())
    is_waiting = not made.problems and not made.figures
    return dg.AssetCheckResult(
        check_name=TRADED.name,
        passed=not made.problems and not is_waiting,
        severity=dg.AssetCheckSeverity.WARN if is_waiting else dg.AssetCheckSeverity.ERROR,
        description=problems or ("no walk was judged and too few lists served" if is_waiting else "every one traded"),
        metadata={"backtests": len(made.figures), "failed": len(made.problems)},
    )


def believable(made: "Backtests") -> dg.AssetCheckResult:
    """A warning that names every run too good to be true."""
    words = "; ".join(f"{name}: {', '.join(reasons)}" for name, reasons in made.suspicions.items())
    return dg.AssetCheckResult(
        check_name=BELIEVABLE.name,
        passed=not made.suspicions,
        severity=dg.AssetCheckSeverity.WARN,
        description=words or "nothing above what an honest strategy earns",
        metadata={"suspect": len(made.suspicions)},
    )


def _table(frame: pl.DataFrame) -> dg.TableMetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(row) for row in frame.to_dicts()])


def backtest_assets() -> list[HouseAsset]:
    """The backtest: one whole table, replaced by every run."""
    return [
        HouseAsset(
            backtest,
            ACCOUNTS.name,
            "operations",
            frozenset({"polars", "deltalake"}),
            table=ACCOUNTS,
            deps=tuple(table.name for table in READ),
            partitioned=False,
            check_specs=(BALANCED, TRADED, BELIEVABLE),
        )
    ]
