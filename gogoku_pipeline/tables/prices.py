"""Prices on one basis: raw prices and factors in, comparable prices and volumes out.

The basis is the issue's first stored session (the *forward* form): a value of session t needs no later row, so no
split ever rewrites history. Only ratios of these values carry meaning.
Source: features.md 2.1, after J-Quants V2 /equities/bars/daily (raw prices, AdjFactor, ExRT).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.tables.grid import HALT_SHARE, densify, place_axis

MARK_SESSIONS = 5
"""How old, in sessions, the last price may be that still values a share."""

RIGHTS_ISSUE = "3"
"""The one kind of ex-rights whose factor moves prices and leaves volumes alone."""

STAGED_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "code": pl.String,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Float64,
        "turnover_jpy": pl.Float64,
        "mark": pl.Float64,
        "close_raw_jpy": pl.Float64,
        "volume_shares": pl.Float64,
        "factor": pl.Float64,
        "is_market_halt": pl.Boolean,
        "listed_sessions": pl.Int32,
        "is_gap": pl.Boolean,
    }
)
"""Columns of staged prices, in order."""

EXTRA_COLUMNS = {
    "volume_factor": "volume_factor",
    "adjustment_factor": "adjustment_factor",
    "open_raw_jpy": "open_jpy",
    "high_raw_jpy": "high_jpy",
    "low_raw_jpy": "low_jpy",
    "is_limit_up": "is_limit_up",
    "is_limit_down": "is_limit_down",
    "am_open_jpy": "morning_open_jpy",
    "am_high_jpy": "morning_high_jpy",
    "am_low_jpy": "morning_low_jpy",
    "am_close_jpy": "morning_close_jpy",
    "am_turnover_jpy": "morning_turnover_jpy",
    "am_limit_up": "morning_is_limit_up",
    "am_limit_down": "morning_is_limit_down",
    "pm_open_jpy": "afternoon_open_jpy",
    "pm_close_jpy": "afternoon_close_jpy",
}
"""Float64 columns staged prices carry on request, and where they come from: the volume factor Fv, the day's own
factor, raw prices, limits touched (0 or 1), the morning (am) and the afternoon (pm) as traded. Null without a row."""

EVENTS_SCHEMA = pl.Schema({"session": pl.Date, "code": pl.String, "factor": pl.Float64, "volume_factor": pl.Float64})
"""Columns of factor events, in order."""

_PRICES_AS_TRADED = ("open_jpy", "high_jpy", "low_jpy", "close_jpy")
_AMOUNTS = ("volume_shares", "turnover_jpy")

_INPUTS = (
    "session",
    "code",
    *_PRICES_AS_TRADED,
    *_AMOUNTS,
    "adjustment_factor",
    "ex_rights_type",
)


_MANY = 1_000_000
"""More issues than any market has: place x this + issue orders a frame by (session, code) with one integer."""

_FACTOR = pl.col("adjustment_factor").fill_null(1.0)
_VOLUME_FACTOR = pl.when(pl.col("ex_rights_type").eq_missing(pl.lit(RIGHTS_ISSUE))).then(1.0).otherwise(_FACTOR)


def factor_events(bars: pl.DataFrame) -> pl.DataFrame:
    """The few rows that tell an issue's whole adjustment history: its first stored row and every ex-date.

    Args:
        bars: rows of `core_jquants__daily_bars` (session, code, adjustment_factor, ex_rights_type suffice).

    Returns:
        EVENTS_SCHEMA sorted by (session, code); `volume_factor` is 1 for a rights issue. The first row of each code
        carries the start of its history even when its factor is 1.
    """
    is_first = pl.col("session") == pl.col("session").min().over("code")
    return (
        bars.filter((_FACTOR != 1.0) | is_first)
        .select("session", "code", _FACTOR.alias("factor"), _VOLUME_FACTOR.alias("volume_factor"))
        .cast(EVENTS_SCHEMA)
        .sort("session", "code")
    )


def stage_prices(
    bars: pl.DataFrame,
    factors_before: pl.DataFrame | None = None,
    *,
    calendar: SessionCalendar | None = None,
    extra: Sequence[str] = (),
) -> pl.DataFrame:
    """Prices and volumes of each issue on one basis, with a mark for sessions on which it did not trade.

    F[s] = product of the factors from the first stored row up to and including s, over rows without trade too;
    open, high, low, close = raw / F; volume = shares x Fv, where Fv leaves rights issues out; mark = the last close
    within the last five sessions. A session on which at least 99 % of the issues show no volume is a market halt.
    Nulls stay null, and a price of 0 is none. Scaling an issue's raw prices by a power of two scales its outputs and
    changes no ratio by a bit.

    Args:
        bars: rows of `core_jquants__daily_bars`, any order. For a chunk, include the four sessions before the first
            one that is needed, because the mark looks back that far.
        factors_before: `factor_events` of the whole history (rows inside or after the chunk are ignored), so that a
            chunk has the same factors and listing ages as the whole.
        calendar: the sessions; None for the exchange's own.
        extra: keys of EXTRA_COLUMNS to carry as well; each costs eight bytes a row. Session halves are null columns
            where the bars do not have them (below Premium).

    Returns:
        STAGED_SCHEMA and the extra columns in the order asked for, sorted by (session, code): one row per issue and
        session between its first and last row.
        `is_gap` marks sessions for which no row was stored; these rows exist only because a later row does and are
        for windows to count over, never an output. `listed_sessions` counts sessions since the first stored row, both
        included.

    Raises:
        SchemaError: two rows share session and code, or an extra column has another name.
        DataError: a row lies on a day that is no session.
    """
    schema = pl.Schema({**STAGED_SCHEMA, **dict.fromkeys(_checked(extra), pl.Float64())})
    if bars.is_empty():
        return schema.to_frame()
    halted = market_halts(bars)["session"].implode()
    return (
        _stepped(densify(_taken(bars, extra), calendar), _starts(bars, factors_before, calendar))
        .with_columns(
            *((pl.col(f"{name}_jpy") / pl.col("factor")).alias(name) for name in ("open", "high", "low", "close")),
            (pl.col("volume_shares") * pl.col("volume_factor")).alias("volume"),
            pl.col("close_jpy").alias("close_raw_jpy"),
        )
        .with_columns(pl.col("close").forward_fill(limit=MARK_SESSIONS - 1).over("issue").alias("mark"))
        .with_columns(pl.col("session").is_in(halted).alias("is_market_halt"))
        .sort(pl.col("place") * _MANY + pl.col("issue"))
        .select([pl.col(_origin(name)).cast(dtype).alias(name) for name, dtype in schema.items()])
    )


def market_halts(bars: pl.DataFrame) -> pl.DataFrame:
    """Sessions on which the market stood still: at least 99 % of the issues with a row show no volume.

    Returns:
        One column `session`, ascending.
    """
    silent = (pl.col("volume_shares").fill_null(0.0) == 0.0).mean()
    halted = bars.group_by("session").agg(silent.alias("share")).filter(pl.col("share") >= HALT_SHARE)
    return halted.select("session").sort("session")


def first_sessions(bars: pl.DataFrame, history: pl.DataFrame | None = None) -> pl.DataFrame:
    """(code, first_session): when each issue's stored rows begin, in these bars or in the `factor_events` before."""
    frames = [bars.select("code", "session")]
    if history is not None:
        frames.append(history.select("code", "session"))
    return pl.concat(frames).group_by("code").agg(pl.col("session").min().alias("first_session"))


def _origin(name: str) -> str:
    """Column of the stepped grid a staged column is taken from."""
    return EXTRA_COLUMNS.get(name, name)


def _checked(extra: Sequence[str]) -> Sequence[str]:
    if unknown := [name for name in extra if name not in EXTRA_COLUMNS]:
        raise SchemaError(
            "extra columns of staged prices",
            got=", ".join(unknown),
            want=f"any of {', '.join(EXTRA_COLUMNS)}",
            remedy="Ask for declared columns, or for those features.price_columns names.",
        )
    return extra


def _taken(bars: pl.DataFrame, extra: Sequence[str]) -> pl.DataFrame:
    """The columns staging reads; a session half the bars do not have is a column of nulls."""
    wanted = dict.fromkeys(_origin(name) for name in extra if name != "volume_factor")
    absent = [name for name in wanted if name not in bars.columns and name.startswith(("morning_", "afternoon_"))]
    nulls = (pl.lit(None, dtype=pl.Float64).alias(name) for name in absent)
    present = [name for name in wanted if name not in absent and name not in _INPUTS]
    halves = [
        name for name in present if name.startswith(("morning_", "afternoon_")) and name.endswith(_PRICES_AS_TRADED)
    ]
    served = [pl.when((pl.col(name) > 0) & pl.col(name).is_finite()).then(name).alias(name) for name in halves]
    return bars.select(*_INPUTS, *present, *nulls).with_columns(
        *map(_price, _PRICES_AS_TRADED), *map(_amount, _AMOUNTS), *served
    )


def _price(name: str) -> pl.Expr:
    """A price as traded: 0 is no price, neither is what is no number, and a session without a close had no prices.

    Nor had one whose prices contradict each other (one of them 0, a high that is not the highest): which of them is
    wrong is unknown. A price that was not served takes no part.
    """
    is_price = [
        ((pl.col(one) > 0) & pl.col(one).is_finite()).fill_null(value=one not in (name, "close_jpy"))
        for one in _PRICES_AS_TRADED
    ]
    high = pl.col("high_jpy") >= pl.max_horizontal("open_jpy", "low_jpy", "close_jpy")
    low = pl.col("low_jpy") <= pl.min_horizontal("open_jpy", "close_jpy")
    agree = (claim.fill_null(value=True) for claim in (high, low))
    return pl.when(pl.all_horizontal(*is_price, *agree)).then(pl.col(name)).alias(name)


def _amount(name: str) -> pl.Expr:
    """What was traded: less than nothing, or no number, is unknown."""
    return pl.when((pl.col(name) >= 0) & pl.col(name).is_finite()).then(pl.col(name)).alias(name)


def _starts(rows: pl.DataFrame, events: pl.DataFrame | None, calendar: SessionCalendar | None) -> pl.DataFrame:
    """Per code: the place of its first stored row, and the products of the factors before its first row here."""
    axis = place_axis(calendar).rename({"session": "first_session", "place": "first_place"})
    starts = first_sessions(rows, events).join(axis, on="first_session", how="left").drop("first_session")
    known = EVENTS_SCHEMA.to_frame() if events is None else events
    here = rows.group_by("code").agg(pl.col("session").min().alias("here"))
    # cum_prod().last() multiplies in the order of time, as the whole table does: the same bits.
    before = (
        known.join(here, on="code")
        .filter(pl.col("session") < pl.col("here"))
        .sort("code", "session")
        .group_by("code", maintain_order=True)
        .agg(
            pl.col("factor").cum_prod().last().alias("factor_before"),
            pl.col("volume_factor").cum_prod().last().alias("volume_before"),
        )
    )
    return starts.join(before, on="code", how="left").with_columns(
        pl.col("factor_before", "volume_before").fill_null(1.0)
    )


def _stepped(grid: pl.DataFrame, starts: pl.DataFrame) -> pl.DataFrame:
    """`factor` and `volume_factor` of each grid row (history folded into the first row), and the listing age."""
    is_first = pl.col("issue").ne_missing(pl.col("issue").shift(1))
    step = pl.when(is_first).then(_FACTOR * pl.col("factor_before")).otherwise(_FACTOR)
    volume_step = pl.when(is_first).then(_VOLUME_FACTOR * pl.col("volume_before")).otherwise(_VOLUME_FACTOR)
    return grid.join(starts, on="code", how="left", maintain_order="left").with_columns(
        step.cum_prod().over("issue").alias("factor"),
        volume_step.cum_prod().over("issue").alias("volume_factor"),
        (pl.col("place") - pl.col("first_place") + 1).cast(pl.Int32).alias("listed_sessions"),
    )
