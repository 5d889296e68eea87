"""Accounts of backtests as tables for people: one line per backtest, month by month, sector by sector, all as text."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.evaluation.backtest.performance import performance_of
from gogoku_pipeline.evaluation.backtest.tables import by_month_of
from gogoku_pipeline.evaluation.frames import require_columns
from gogoku_pipeline.evaluation.report_rows import DASH, number, sector_name

WHOSE = ("scores", "side")
SIDES = {"long_only": "long only", "long_short": "long-short"}
YEARLY = 60
"""Fewer sessions are not spoken of as a year."""
_FIGURES = {
    "volatility": ("annual_volatility", ".1%"),
    "Sharpe": ("sharpe", ".2f"),
    "PSR": ("probabilistic_sharpe", ".0%"),
    "DSR": ("deflated_sharpe", ".0%"),
    "max drawdown": ("max_drawdown", ".1%"),
    "CVaR 95": ("cvar_95", ".2%"),
    "win rate": ("win_rate", ".0%"),
    "turnover": ("turnover", ".1f"),
    "costs": ("cost_share", ".1%"),
}


def figures_table(accounts: pl.DataFrame, ledger: pl.DataFrame | None = None) -> pl.DataFrame:
    """One line per backtest.

    Args:
        accounts: [scores, side, ...] and the columns of `BacktestResult.daily`.
        ledger: of trials, for the deflated Sharpe ratio; None or empty leaves it out.

    Returns:
        [scores, side, sessions, <figures as text>, suspicion]; net, gross and TOPIX over all sessions, `a year` what
        net is a year, a dash below `YEARLY` sessions. PSR is the probability that the true Sharpe ratio is above 0,
        DSR that it is above what the best of all trials would show by luck.
    """
    require_columns(accounts, (*WHOSE, "session", "ret", "topix_ret", "equity_jpy"), "accounts of backtests")
    rows = []
    for (scores, side), daily in accounts.partition_by(*WHOSE, as_dict=True, maintain_order=True).items():
        known = performance_of(daily.sort("session"), ledger if ledger is not None and ledger.height else None)
        rows.append(
            {
                "scores": scores,
                "side": SIDES.get(str(side), str(side)),
                "sessions": str(known.sessions),
                "net": number(known.total_return, "+.1%"),
                "a year": number(known.annual_return, "+.1%") if known.sessions >= YEARLY else DASH,
                "gross": _grown(daily["gross_ret"]),
                "TOPIX": _grown(daily["topix_ret"][1:]),
                **{head: number(getattr(known, name), form) for head, (name, form) in _FIGURES.items()},
                "suspicion": "; ".join(known.suspicions),
            }
        )
    return pl.DataFrame(rows)


def months_table(accounts: pl.DataFrame) -> pl.DataFrame:
    """Net return of each month, one column per backtest, TOPIX last: [month, <scores, side>..., TOPIX] as text.

    TOPIX is that of the backtest with most sessions in the month.
    """
    parts = []
    for (scores, side), daily in accounts.partition_by(*WHOSE, as_dict=True, maintain_order=True).items():
        months = by_month_of(daily.sort("session")).select("month", "sessions", "ret", "topix_ret")
        parts.append(months.with_columns(pl.lit(f"{scores}, {SIDES.get(str(side), str(side))}").alias("whose")))
    every = pl.concat(parts)
    index = (
        every.sort("sessions", descending=True, maintain_order=True)
        .group_by("month")
        .agg(pl.col("topix_ret").drop_nulls().first().alias("TOPIX"))
    )
    wide = every.pivot("whose", index="month", values="ret").join(index, on="month", how="left").sort("month")
    cells = [[_month(row[0]), *(number(value, "+.1%") for value in row[1:])] for row in wide.iter_rows()]
    return pl.DataFrame(cells, schema=dict.fromkeys(wide.columns, pl.String), orient="row")


def sectors_table(exposure: pl.DataFrame, *, side: str = "long_only", most: int = 12) -> pl.DataFrame:
    """Where the money was and what it earned: [sector, <scores> held, <scores> earned ...] as text, largest first.

    Args:
        exposure: [scores, side, kind, name, long_share, contribution].
        side: which strategy.
        most: sectors that are shown, by the money in them.
    """
    require_columns(exposure, (*WHOSE, "kind", "name", "long_share", "contribution"), "exposure of backtests")
    kept = exposure.filter(kind="sector", side=side)
    order = kept.group_by("name").agg(pl.col("long_share").sum()).sort("long_share", "name", descending=[True, False])
    held = {(row["scores"], row["name"]): row for row in kept.iter_rows(named=True)}
    rows = []
    for name in order["name"].head(most):
        row = {"sector": sector_name(name)}
        for scores in kept["scores"].unique(maintain_order=True):
            found = held.get((scores, name), {})
            row[f"{scores} held"] = number(found.get("long_share"), ".1%")
            row[f"{scores} earned"] = number(found.get("contribution"), "+.1%")
        rows.append(row)
    return pl.DataFrame(rows)


def _grown(returns: pl.Series) -> str:
    """What returns compound to; a dash without any."""
    known = returns.drop_nulls()
    return number(float((known + 1).to_numpy().prod()) - 1, "+.1%") if known.len() else DASH


def _month(value: object) -> str:
    return str(value)[:7]
