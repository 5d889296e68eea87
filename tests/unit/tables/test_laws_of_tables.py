"""Laws over drawn tables: order, later rows, other issues, chunk borders and the basis change nothing they must not."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.availability import AFTER_CLOSE, MORNING_EDITION
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.listed_issues import MASTER, SNAPSHOT
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table
from gogoku_pipeline.tables.asof import join_as_of
from gogoku_pipeline.tables.master import build_security_master, listed_on
from gogoku_pipeline.tables.prices import factor_events, stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

SESSIONS = [day for day in tse_calendar().sessions if day.year == 2020 and day.month >= 9][:24]
CODES = ("10000", "20000", "30000")
SMALL = UniverseConfig(min_listed_sessions=4, min_median_turnover_jpy=5000, turnover_window=5)
KEPT = ~pl.col("is_gap")

laws = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
places = st.integers(0, len(SESSIONS) - 1)
seeds = st.integers(0, 2**20)


@st.composite
def drawn_bars(draw) -> pl.DataFrame:
    """Bars of up to three issues with holes, sessions without trade, splits and rights issues."""
    rows = []
    for code in CODES:
        first = draw(places)
        last = draw(st.integers(first, len(SESSIONS) - 1))
        for session in SESSIONS[first : last + 1]:
            kind = draw(st.sampled_from(["trade"] * 8 + ["quiet", "hole", "split", "quiet split"]))
            if kind == "hole":
                continue
            close = None if kind.startswith("quiet") else float(draw(st.integers(50, 5000)))
            factor = draw(st.sampled_from([0.5, 2.0, 1 / 3, 0.2])) if kind.endswith("split") else 1.0
            rights = draw(st.sampled_from(["1", "3"])) if factor != 1 else None
            rows.append((session, code, close, None if close is None else 100.0, factor, rights))
    schema = ["session", "code", "close_jpy", "volume_shares", "adjustment_factor", "ex_rights_type"]
    types = [pl.Date, pl.String, pl.Float64, pl.Float64, pl.Float64, pl.String]
    frame = pl.DataFrame(rows, schema=dict(zip(schema, types, strict=True)), orient="row")
    close = pl.col("close_jpy")
    return frame.with_columns(
        *((close + shift).alias(f"{name}_jpy") for name, shift in (("open", 0.5), ("high", 1.0), ("low", -1.0))),
        (close * pl.col("volume_shares")).alias("turnover_jpy"),
        AFTER_CLOSE.instant(pl.col("session")),
    )


@st.composite
def drawn_listings(draw) -> pl.DataFrame:
    """Snapshots in which issues come, go, return and change their market."""
    rows = []
    for session in SESSIONS[:12]:
        for code in CODES:
            if draw(st.sampled_from([True, True, True, False])):
                rows.append({"session": session, "code": code, "market_code": draw(st.sampled_from(["0111", "0112"]))})
    defaults = {name: "x" for name in SNAPSHOT.polars_schema if name not in ("session", "code", "available_at")}
    frame = pl.DataFrame([defaults | row for row in rows], schema=SNAPSHOT.polars_schema)
    return frame.with_columns(MORNING_EDITION.instant(pl.col("session")))


def listing_for(bars: pl.DataFrame) -> pl.DataFrame:
    """A listing with exactly the rows of the bars, all of them ordinary shares."""
    attributes = {"market_code": "0111", "sector17_code": "1", "sector33_code": "0050", "product_category": "011"}
    return bars.select("session", "code", "available_at", **{name: pl.lit(text) for name, text in attributes.items()})


@laws
@given(drawn_bars(), seeds)
def test_row_order_changes_no_bit(bars, seed):
    shuffled = bars.sample(fraction=1, shuffle=True, seed=seed)
    assert stage_prices(shuffled).equals(stage_prices(bars))
    assert factor_events(shuffled).equals(factor_events(bars))
    sessions = bars["session"].unique().to_list()
    listed = listing_for(bars)
    universe = build_universe(bars, listed, sessions, SMALL)
    assert build_universe(shuffled, listed.reverse(), sessions[::-1], SMALL).equals(universe)


@laws
@given(drawn_bars(), places)
def test_rows_after_a_session_change_nothing_up_to_it(bars, place):
    until = pl.col("session") <= SESSIONS[place]
    past = bars.filter(until)
    assert stage_prices(past).filter(KEPT).equals(stage_prices(bars).filter(KEPT & until))
    whole = build_universe(bars, listing_for(bars), bars["session"].unique().to_list(), SMALL)
    cut = build_universe(past, listing_for(past), past["session"].unique().to_list(), SMALL)
    assert cut.equals(whole.filter(until))


@laws
@given(drawn_bars())
def test_other_issues_change_nothing_but_the_market_halt(bars):
    for code in bars["code"].unique():
        alone = stage_prices(bars.filter(pl.col("code") == code)).drop("is_market_halt")
        assert alone.equals(stage_prices(bars).filter(pl.col("code") == code).drop("is_market_halt"))


@laws
@given(drawn_bars(), places)
def test_a_chunk_with_the_factors_of_the_history_equals_the_whole_to_the_bit(bars, place):
    since = pl.col("session") >= SESSIONS[place]
    chunk = bars.filter(pl.col("session") >= SESSIONS[max(place - 4, 0)])
    staged = stage_prices(chunk, factor_events(bars)).filter(KEPT & since)
    assert staged.equals(stage_prices(bars).filter(KEPT & since))
    wanted = bars.filter(since)["session"].unique().to_list()
    whole = build_universe(bars, listing_for(bars), bars["session"].unique().to_list(), SMALL)
    part = build_universe(chunk, listing_for(bars.filter(since)), wanted, SMALL, history=factor_events(bars))
    assert part.equals(whole.filter(since))


@laws
@given(drawn_bars(), st.integers(-6, 6))
def test_another_basis_by_a_power_of_two_scales_prices_exactly(bars, power):
    scale = 2.0**power
    prices = ["open", "high", "low", "close"]
    raised = bars.with_columns(pl.col(f"{name}_jpy") * scale for name in prices)
    staged, scaled = stage_prices(bars), stage_prices(raised)
    assert scaled.select(prices + ["mark"]).equals(staged.select(pl.col(prices + ["mark"]) * scale))
    assert scaled.select("volume", "factor").equals(staged.select("volume", "factor"))
    change = pl.col("close") / pl.col("close").shift(1) - 1
    assert scaled.select(change).equals(staged.select(change))


@laws
@given(drawn_listings(), st.lists(st.integers(0, 11), max_size=4))
def test_the_master_grown_piece_by_piece_equals_the_rebuilt_one(listings, cuts):
    borders = [SESSIONS[0] - timedelta(days=1), *(SESSIONS[cut] for cut in sorted(cuts)), SESSIONS[-1]]
    master = None
    for after, until in zip(borders, borders[1:], strict=False):
        piece = listings.filter((pl.col("session") > after) & (pl.col("session") <= until))
        master = build_security_master(piece, master)
    rebuilt = build_security_master(listings.sample(fraction=1, shuffle=True, seed=1))
    assert master.equals(rebuilt)
    assert rebuilt.schema == MASTER.polars_schema


@laws
@given(drawn_listings())
def test_the_master_says_what_the_snapshots_said_and_keeps_one_id_per_code(listings):
    master = build_security_master(listings)
    for (session,), today in listings.partition_by("session", as_dict=True).items():
        shown = listed_on(master, session).select("code", "market_code")
        assert shown.equals(today.select("code", "market_code").sort("code"))
    assert (
        master.group_by("code").agg(pl.col("stock_id").n_unique())["stock_id"].to_list().count(1)
        == master["code"].n_unique()
    )
    assert sorted(master["stock_id"].unique()) == list(range(master["code"].n_unique()))


FACTS = Table(
    "t__facts", "A fact.", (SESSION, CODE, Column("x", pl.Int64, "A number."), AVAILABLE_AT), ("session", "code")
)


@st.composite
def drawn_facts(draw) -> pl.DataFrame:
    """Facts that become known up to five days after their session."""
    rows = [
        (session, code, number, delay)
        for number, (session, code) in enumerate((s, c) for s in SESSIONS[:8] for c in CODES)
        if (delay := draw(st.integers(-1, 5))) >= 0
    ]
    schema = {"session": pl.Date, "code": pl.String, "x": pl.Int64, "delay": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    known = AFTER_CLOSE.instant(pl.col("session")) + pl.duration(days="delay")
    return frame.with_columns(known.cast(JST_INSTANT).alias("available_at")).drop("delay")


@laws
@given(drawn_facts(), seeds)
def test_the_as_of_join_answers_what_a_person_would_find_by_reading_all_rows(facts, seed):
    asked = pl.DataFrame([(s, c) for s in SESSIONS[:10] for c in CODES], schema=["session", "code"], orient="row")
    asked = asked.sample(fraction=1, shuffle=True, seed=seed).with_columns(
        AFTER_CLOSE.instant(pl.col("session")).alias("cutoff_at")
    )
    joined = join_as_of(asked, facts, right_table=FACTS, on_code=True)
    for row in joined.iter_rows(named=True):
        known = facts.filter((pl.col("code") == row["code"]) & (pl.col("available_at") < row["cutoff_at"]))
        expected = known.sort("session")["x"].to_list()[-1] if known.height else None
        assert row["x"] == expected
