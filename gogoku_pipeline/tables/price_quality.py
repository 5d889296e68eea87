"""Can these prices be? Inside the day, from day to day, and against the publisher's own adjustment.

Findings are reported, never repaired: a limit-up run is the market, not corruption, and nothing is deleted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from gogoku_pipeline.core.price_rules import limit_jpy
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.tables.findings import Finding, check
from gogoku_pipeline.tables.grid import densify

WIDEST_LIMIT = 4.0
"""The exchange widens a limit to four times its width after sessions without a trade at the limit."""

SERVED_ROUNDING_JPY = 0.05
"""Half of the last digit of a served adjusted price."""

_PRICES = ("open_jpy", "high_jpy", "low_jpy", "close_jpy")


MOST_CONTRADICTORY = 0.01
"""Share of a session's bars that may contradict themselves before the day itself is doubted."""


@check("prices_consistent", "warn")
def check_prices_consistent(bars: pl.DataFrame) -> Finding:
    """The high is the highest, the low the lowest, four prices or none, and a price where and only where shares traded.

    A single bar that contradicts itself alerts and stops nothing: its features are null (decision 0018).

    Args:
        bars: rows of `core_jquants__daily_bars`.
    """
    bad = bars.filter(is_contradictory()).select("session", "code", *_PRICES, "volume_shares")
    return Finding(bars.height, bad.sort("session", "code"), "prices that contradict each other or the volume")


@check("contradictions_few", "error")
def check_contradictions_few(bars: pl.DataFrame, *, at_most: float = MOST_CONTRADICTORY) -> Finding:
    """A session many of whose bars contradict themselves is a broken delivery, not a market.

    Args:
        bars: rows of `core_jquants__daily_bars`.
        at_most: tolerated share of a session's bars.
    """
    days = bars.group_by("session").agg(is_contradictory().sum().alias("contradictory"), pl.len().alias("bars"))
    bad = days.filter(pl.col("contradictory") > at_most * pl.col("bars")).sort("session")
    words = f"sessions on which more than {at_most:.0%} of the bars contradict themselves"
    return Finding(days.height, bad, words, {"contradictory": int(days["contradictory"].sum())})


def is_contradictory() -> pl.Expr:
    """Whether a bar's prices contradict each other or the volume; never null."""
    has_all = pl.all_horizontal(pl.col(name).is_not_null() for name in _PRICES)
    has_any = pl.any_horizontal(pl.col(name).is_not_null() for name in _PRICES)
    has_volume = pl.col("volume_shares").fill_null(0.0) > 0
    is_bad = (
        (has_any & ~has_all)
        | (has_all != has_volume)
        | (pl.col("high_jpy") < pl.max_horizontal("open_jpy", "low_jpy", "close_jpy"))
        | (pl.col("low_jpy") > pl.min_horizontal("open_jpy", "close_jpy"))
        | (pl.min_horizontal(_PRICES) <= 0)
    )
    return is_bad.fill_null(value=False)


@check("jumps_within_limits", "warn")
def check_jumps(bars: pl.DataFrame, *, calendar: SessionCalendar | None = None) -> Finding:
    """No price travels further from the previous session's close than the daily limit, widened, allows.

    The base is the previous close times the day's adjustment factor; only adjoining sessions with trades are
    compared. Moves beyond the plain limit are counted (`beyond_limit`), moves beyond four times it fail: a split
    without a factor looks like that.

    Args:
        bars: rows of `core_jquants__daily_bars`.
        calendar: the sessions; None for the exchange's own.
    """
    grid = densify(bars.select("session", "code", *_PRICES, "adjustment_factor"), calendar)
    same = pl.col("issue") == pl.col("issue").shift(1)
    base = pl.when(same).then(pl.col("close_jpy").shift(1) * pl.col("adjustment_factor"))
    pairs = grid.with_columns(base.alias("base_jpy")).filter(
        pl.col("base_jpy").is_not_null() & pl.col("close_jpy").is_not_null()
    )
    limit = pl.Series("limit_jpy", limit_jpy(pairs["base_jpy"].to_numpy()))
    travel = pl.max_horizontal(pl.col("high_jpy") - pl.col("base_jpy"), pl.col("base_jpy") - pl.col("low_jpy"))
    # A base after a split is rounded to a tick, hence the one yen or one per mille.
    slack = pl.max_horizontal(pl.lit(1.0), pl.col("base_jpy") * 0.001)
    judged = pairs.with_columns(limit, (travel - slack).alias("travel_jpy"))
    beyond = int((judged["travel_jpy"] > judged["limit_jpy"]).sum())
    bad = judged.filter(pl.col("travel_jpy") > WIDEST_LIMIT * pl.col("limit_jpy"))
    shown = bad.select("session", "code", "base_jpy", "low_jpy", "high_jpy", "limit_jpy").sort("session", "code")
    return Finding(judged.height, shown, "moves beyond four times the daily limit", {"beyond_limit": beyond})


@check("adjustment_agrees", "warn")
def check_adjustment(
    bars: pl.DataFrame,
    *,
    calendar: SessionCalendar | None = None,
    editions: Mapping[date, str] | None = None,
) -> Finding:
    """The served adjusted close and our own adjustment tell the same story, up to rounding.

    k[t] = served adjusted close / (close / F) is one constant per issue and fetch. From one session with a trade to
    the next, k may only move by a ratio of two values F has had (rows fetched before and after a split), within the
    half digit by which served values are rounded.

    Args:
        bars: rows of `core_jquants__daily_bars`, best the whole history of the issues.
        calendar: the sessions; None for the exchange's own.
        editions: which answer each session's rows were served in. A monthly file knows the splits up to the day it
            was written, a page those up to its fetch: sessions of different editions are not compared, because the
            splits between them may lie beyond the rows given. None compares all.
    """
    columns = ("session", "code", "close_jpy", "adjustment_factor", "served_adjusted_close_jpy")
    grid = densify(bars.select(columns), calendar).with_columns(
        pl.col("adjustment_factor").fill_null(1.0).cum_prod().over("issue").alias("factor")
    )
    served = pl.col("served_adjusted_close_jpy")
    rows = grid.filter(pl.col("close_jpy").is_not_null() & (served > 0)).with_columns(
        (served * pl.col("factor") / pl.col("close_jpy")).alias("k"), (SERVED_ROUNDING_JPY / served).alias("rounding")
    )
    edition = pl.lit("") if editions is None else pl.col("session").replace_strict(editions, default="")
    rows = rows.with_columns(edition.alias("edition"))
    same = (pl.col("issue") == pl.col("issue").shift(1)) & (pl.col("edition") == pl.col("edition").shift(1))
    moved = rows.with_columns(
        pl.when(same).then(pl.col("k") / pl.col("k").shift(1)).alias("moved"),
        (pl.col("rounding") + pl.col("rounding").shift(1) + 1e-9).alias("tolerance"),
    ).filter(pl.col("moved").is_not_null())
    doubtful = moved.filter((pl.col("moved") - 1).abs() > pl.col("tolerance") * pl.max_horizontal(pl.lit(1.0), "moved"))
    bad = _unexplained(doubtful, grid).select("session", "code", "close_jpy", served, "factor", "moved")
    return Finding(moved.height, bad.sort("session", "code"), "served adjusted closes that our factors do not explain")


def _unexplained(doubtful: pl.DataFrame, grid: pl.DataFrame) -> pl.DataFrame:
    """Those moves of k that are no ratio of two factors the issue has had."""
    before = pl.DataFrame(
        {"code": grid["code"].unique(), "level": 1.0}, schema={"code": pl.String, "level": pl.Float64}
    )
    levels = pl.concat([before, grid.select("code", pl.col("factor").alias("level"))]).unique()
    ratios = levels.join(levels, on="code", suffix="_other").select(
        "code", (pl.col("level") / pl.col("level_other")).alias("ratio")
    )
    explained = (
        doubtful.join(ratios.unique(), on="code")
        .filter((pl.col("moved") / pl.col("ratio") - 1).abs() <= pl.col("tolerance"))
        .select("session", "code")
        .unique()
    )
    return doubtful.join(explained, on=["session", "code"], how="anti")
