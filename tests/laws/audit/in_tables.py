"""Leaks in what the road starts from: instants, adjustment, universe, labels."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from gogoku_pipeline.audit.market import stage_whole
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.tables.universe import build_universe
from tests.laws.audit.plant import Planted, on_market
from tests.unit.audit.audited import READ

KNOWN_AT = pl.col("available_at")
EARLY = KNOWN_AT - timedelta(days=1)
OWN = {"bars": "core_jquants__daily_bars", "listed": "core_jquants__listed_issues", "topix": "core_jquants__topix"}


def table_a_day_early(source):
    return on_market(tables=lambda market: {**market.tables, source: market.tables[source].with_columns(EARLY)})


def own_a_day_early(source):
    return on_market(**{source: lambda market: getattr(market, source).with_columns(EARLY)})


def one_row_a_minute_early(market):
    first = pl.int_range(pl.len()) == 0
    known = pl.when(first).then(KNOWN_AT - timedelta(minutes=1)).otherwise(KNOWN_AT)
    return market.bars.with_columns(known.alias("available_at"))


def corrected_later(market):
    """A correction arrives long after its session: values computed with it were not known then."""
    hit = (pl.col("session") == market.sessions[50]) & (pl.col("code") == market.bars["code"].max())
    known = pl.when(hit).then(KNOWN_AT + timedelta(days=200)).otherwise(KNOWN_AT)
    return market.bars.with_columns(known.alias("available_at"))


def on_todays_basis(bars):
    """The publisher's form of adjusted prices: every past price moves when a split comes."""
    last = pl.col("factor").last().over("code", order_by="session")
    prices = (pl.col(name) * last for name in ("open", "high", "low", "close", "mark"))
    return stage_whole(bars).with_columns(*prices, pl.col("volume") / last)


def unadjusted_closes(bars):
    """Closes in yen of the day beside comparable opens."""
    return stage_whole(bars).with_columns(close="close_raw_jpy")


def by_arrival(bars):
    """Prices that depend on which row came first."""
    place = bars.select("session", "code").with_row_index("arrival")
    rows = stage_whole(bars).join(place, on=["session", "code"], how="left", maintain_order="left")
    return rows.with_columns(volume=pl.col("volume") + pl.col("arrival").fill_null(0)).drop("arrival")


def survivors(bars, listed, sessions, config):
    """Members are those that still trade two months later, or at the end."""
    universe = build_universe(bars, listed, sessions, config)
    traded = bars.filter(pl.col("close_jpy").is_not_null()).select("code", day="session")
    later = universe.join(traded, on="code").filter(pl.col("day") > pl.col("session")).group_by("session", "code")
    gaps = later.agg(pl.len().alias("traded"), pl.col("day").max().alias("last"))
    joined = universe.join(gaps, on=["session", "code"], how="left", maintain_order="left")
    there = pl.col("traded").fill_null(0) >= 10
    return joined.with_columns(pl.col("is_in_universe") & there, pl.col("is_tradable") & there).select(universe.columns)


def as_many_as_ever_list(bars, listed, sessions, config):
    """An age that counts the issues that will ever be listed."""
    universe = build_universe(bars, listed, sessions, config)
    return universe.with_columns(pl.col("listed_sessions") + pl.lit(listed["code"].n_unique(), pl.Int32))


def labels(*columns):
    return on_market(labels=lambda market: market.labels.with_columns(*columns))


def shifted(name, n=1):
    return pl.col(name).shift(n).over("code", "horizon_d", order_by="session")


def of_another_horizon(market):
    """Five-session rows that hold what one session brought."""
    key, short = ["session", "code"], market.labels.filter(pl.col("horizon_d") == 1)
    values = short.select(*key, "ret_open", "exit_session", "gauss_open")
    own = market.labels.filter(pl.col("horizon_d") == 5).drop("ret_open", "exit_session", "gauss_open")
    mixed = own.join(values, on=key, how="left").select(market.labels.columns)
    return pl.concat([short, mixed]).sort("session", "code", "horizon_d")


def twice(market):
    return pl.concat([market.labels, market.labels.filter(pl.col("session") == market.sessions[60])])


PLANTED = (
    *(
        Planted(f"{OWN[name]} a day early", "truncation", "availability", OWN[name], own_a_day_early(name))
        for name in OWN
    ),
    *(
        Planted(f"{name} a day early", "truncation", "availability", TABLE_OF[name].name, table_a_day_early(name))
        for name in READ
    ),
    Planted(
        "one row a minute early", "truncation", "availability", OWN["bars"], on_market(bars=one_row_a_minute_early)
    ),
    Planted(
        "a correction used before it came",
        "truncation",
        "truncation_of_prices",
        "prices",
        on_market(bars=corrected_later),
        is_alone=True,
    ),
    Planted(
        "prices adjusted with later splits",
        "truncation",
        "truncation_of_prices",
        "prices",
        on_market(stage=lambda _: on_todays_basis),
        sample=3,
    ),
    Planted("survivors only", "truncation", "truncation_of_prices", "universe", on_market(choose=lambda _: survivors)),
    Planted(
        "an age counts future listings",
        "isolation",
        "late_listing",
        "universe",
        on_market(choose=lambda _: as_many_as_ever_list),
    ),
    Planted(
        "prices staged in the order rows arrive",
        "isolation",
        "row_order_of_tables",
        "prices",
        on_market(stage=lambda _: by_arrival),
    ),
    Planted(
        "yen of the day among comparable prices",
        "scale",
        "inserted_split",
        "ret_1d",
        on_market(stage=lambda _: unadjusted_closes),
        is_alone=True,
    ),
    Planted(
        "returns a session late",
        "label_alignment",
        "label_windows",
        "ret_open",
        labels(shifted("ret_open")),
    ),
    Planted("past returns as targets", "label_alignment", "label_windows", "ret_open", labels(shifted("ret_open", 6))),
    Planted(
        "rank labels a session late", "label_alignment", "label_alignment", "gauss_open", labels(shifted("gauss_open"))
    ),
    Planted(
        "whole labels a session late",
        "label_alignment",
        "label_alignment",
        "available_at",
        labels(shifted("entry_session"), shifted("exit_session"), shifted("ret_open")),
    ),
    Planted(
        "entry on the day of the decision",
        "label_alignment",
        "label_alignment",
        "available_at",
        labels(pl.col("session").alias("entry_session")),
    ),
    Planted("labels known the day before", "label_alignment", "label_alignment", "available_at", labels(EARLY)),
    Planted(
        "labels known before the close",
        "label_alignment",
        "label_alignment",
        "available_at",
        labels(KNOWN_AT - timedelta(hours=2)),
    ),
    Planted(
        "labels known at no time",
        "label_alignment",
        "label_alignment",
        "available_at",
        labels(pl.when(KNOWN_AT.is_null()).then(KNOWN_AT)),
    ),
    Planted(
        "labels of another horizon",
        "label_alignment",
        "label_windows",
        "ret_open",
        on_market(labels=of_another_horizon),
    ),
    Planted("a label twice", "label_alignment", "rows_learnt", "labels", on_market(labels=twice)),
)
