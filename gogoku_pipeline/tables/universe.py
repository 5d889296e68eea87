"""The universe: which listed issues are compared with each other on a session, and which of them can be bought.

Fixed before the fact: only rows of the session and earlier ones are read, no label, no size of a return.
Source: features.md 2.2 (cross-section), evaluation.md 1 (liquidity floor).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import ConfigError, DataError
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table
from gogoku_pipeline.tables.grid import densify, place_axis
from gogoku_pipeline.tables.prices import first_sessions, market_halts

STOCK_MARKETS = ("0101", "0102", "0104", "0106", "0107", "0111", "0112", "0113")
"""Market sections of ordinary company shares: no TOKYO PRO (0105), no funds (0109)."""

UNIVERSE = Table(
    name="core__universe",
    description=(
        "One listed issue on one session, and whether it belongs to the cross-section (domestic ordinary share with "
        "enough stored history) and to the tradable part of it (median turnover above the floor). Decided with rows "
        "of that session and before. History is counted in stored sessions, so the first 60 sessions of a store have "
        "an empty universe. The source says nothing about issues under supervision or to be delisted: they stay in "
        "until they stop being listed."
    ),
    columns=(
        SESSION,
        CODE,
        Column("market_code", pl.String, "Market section on that session, e.g. 0111 Prime."),
        Column("sector17_code", pl.String, "TOPIX-17 sector on that session."),
        Column("sector33_code", pl.String, "TSE 33 sector on that session."),
        Column(
            "listed_sessions",
            pl.Int32,
            "Sessions since the issue's first stored bar, both included; 0 without a bar.",
            "sessions",
            at_least=0,
        ),
        Column(
            "median_turnover_20d_jpy",
            pl.Float64,
            "Median yen traded over the last 20 sessions; a session without a trade is zero yen, a market halt is left "
            "out; null before half the window is there.",
            "JPY",
            nullable=True,
            at_least=0,
        ),
        Column("is_in_universe", pl.Boolean, "Belongs to the cross-section U(t)."),
        Column("is_tradable", pl.Boolean, "Belongs to U(t) and its median turnover reaches the floor."),
        AVAILABLE_AT,
    ),
    key=("session", "code"),
    warnings=("snapshot_only",),
)


@dataclass(frozen=True)
class UniverseConfig:
    """How long an issue must be listed, and how much of it must trade.

    Attributes:
        min_listed_sessions: stored sessions an issue needs, the session itself included.
        min_median_turnover_jpy: floor of the median daily turnover of a tradable issue.
        turnover_window: sessions the median looks over.
    """

    min_listed_sessions: int = 60
    min_median_turnover_jpy: float = 10e6
    turnover_window: int = 20

    def __post_init__(self) -> None:
        """Refuse sizes that mean nothing."""
        if self.min_listed_sessions < 1 or self.turnover_window < 1 or self.min_median_turnover_jpy < 0:
            raise ConfigError(
                "UniverseConfig",
                got=str(self),
                want="at least one session in both windows and a floor of zero or more",
                remedy="Use the defaults (60, 10e6, 20) or smaller positive windows.",
            )

    @property
    def lookback(self) -> int:
        """Sessions before the first wanted one that the turnover median reads."""
        return self.turnover_window - 1


def build_universe(
    bars: pl.DataFrame,
    listed_issues: pl.DataFrame,
    sessions: Sequence[date],
    config: UniverseConfig | None = None,
    *,
    history: pl.DataFrame | None = None,
    calendar: SessionCalendar | None = None,
) -> pl.DataFrame:
    """Who belongs to the cross-section and who can be traded, session by session, as known after its close.

    Args:
        bars: `core_jquants__daily_bars` of the wanted sessions and at least `config.lookback` sessions before.
            Without `history` the listing age is counted from the first row given here.
        listed_issues: `core_jquants__listed_issues` of the wanted sessions.
        sessions: the sessions to answer for.
        config: sizes; None for the defaults.
        history: `factor_events` of the whole stored history, which knows each issue's first row.
        calendar: the sessions; None for the exchange's own.

    Returns:
        UNIVERSE sorted by (session, code): one row per listed issue, `available_at` the later one of its two sources.

    Raises:
        DataError: a wanted session has no listing.
    """
    rules = config or UniverseConfig()
    wanted = pl.Series("session", sorted(set(sessions)), dtype=pl.Date)
    listed = listed_issues.filter(pl.col("session").is_in(wanted.implode()))
    if absent := sorted(set(wanted) - set(listed["session"].unique())):
        raise DataError(
            "universe",
            got=f"no listed issues on {len(absent)} sessions, first {absent[0]}",
            want="a listing for every session asked for",
            remedy="Materialise core_jquants__listed_issues for these sessions first.",
        )
    known = listed.join(_traded(bars, wanted, rules, history, calendar), on=["session", "code"], how="left")
    return (
        known.with_columns(
            pl.col("listed_sessions").fill_null(0),
            pl.max_horizontal("available_at", "bar_available_at").alias("available_at"),
        )
        .with_columns(_is_member(rules).alias("is_in_universe"))
        .with_columns(
            (
                pl.col("is_in_universe")
                & (pl.col("median_turnover_20d_jpy") >= rules.min_median_turnover_jpy).fill_null(value=False)
            ).alias("is_tradable")
        )
        .select(UNIVERSE.polars_schema.names())
        .cast(UNIVERSE.polars_schema)
        .sort("session", "code")
    )


def _is_member(rules: UniverseConfig) -> pl.Expr:
    """Domestic ordinary share with enough history; before product categories exist, a sector stands in for them."""
    is_share = pl.col("product_category") == "011"
    has_sector = pl.col("sector33_code") != "9999"
    return (
        pl.col("market_code").is_in(STOCK_MARKETS)
        & pl.when(pl.col("product_category").is_null()).then(has_sector).otherwise(is_share)
        & pl.col("code").str.ends_with("0")
        & (pl.col("listed_sessions") >= rules.min_listed_sessions)
    )


def _traded(
    bars: pl.DataFrame,
    wanted: pl.Series,
    rules: UniverseConfig,
    history: pl.DataFrame | None,
    calendar: SessionCalendar | None,
) -> pl.DataFrame:
    """(session, code, listed_sessions, median_turnover_20d_jpy, bar_available_at) of the wanted sessions."""
    axis = place_axis(calendar)
    firsts = first_sessions(bars, history).join(
        axis.rename({"session": "first_session", "place": "first_place"}), on="first_session", how="left"
    )
    grid = densify(_lookback(bars, wanted, rules, axis), calendar)
    halted = market_halts(bars)["session"].implode()
    quiet = pl.when(pl.col("is_gap") | pl.col("session").is_in(halted)).then(None).otherwise(0.0)
    median = (
        pl.col("turnover_jpy")
        .fill_null(quiet)
        .rolling_median(rules.turnover_window, min_samples=(rules.turnover_window + 1) // 2)
        .over("issue")
    )
    return (
        grid.join(firsts, on="code", how="left", maintain_order="left")
        .with_columns(
            median.alias("median_turnover_20d_jpy"),
            (pl.col("place") - pl.col("first_place") + 1).cast(pl.Int32).alias("listed_sessions"),
        )
        .filter(~pl.col("is_gap") & pl.col("session").is_in(wanted.implode()))
        .select(
            "session",
            "code",
            "listed_sessions",
            "median_turnover_20d_jpy",
            pl.col("available_at").alias("bar_available_at"),
        )
    )


def _lookback(bars: pl.DataFrame, wanted: pl.Series, rules: UniverseConfig, axis: pl.DataFrame) -> pl.DataFrame:
    """The bars the medians read: from the window before the first wanted session to the last wanted one."""
    rows = bars.select("session", "code", "turnover_jpy", "available_at")
    if wanted.is_empty():
        return rows.clear()
    first, last = wanted.min(), wanted.max()
    opening = axis.filter(pl.col("session") <= first).tail(rules.turnover_window)["session"].min()
    return rows.filter(pl.col("session").is_between(opening, last))
