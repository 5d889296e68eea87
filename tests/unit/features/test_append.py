"""Appending to carried states: what formulas may be made of, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.append import append, append_sessions
from gogoku_pipeline.features.carried import Carried
from gogoku_pipeline.features.carrying import compute_carrying
from gogoku_pipeline.features.declaration import per_day, per_group, per_market, per_stock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.expressions import Expr, F, M, P
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import compare
from gogoku_pipeline.features.operators.cross_section import leave_one_out_mean, members_count, members_mean, rank_0_1
from gogoku_pipeline.features.operators.recursive import ema, observations
from gogoku_pipeline.features.operators.streaks import signed_run
from gogoku_pipeline.features.operators.windows import deviation, lag, mean, total
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.features.tail_rows import from_session
from tests.unit.features.given_features import SESSIONS, inputs, panel

DAYS, STOCKS = 160, 9


def declared(axis, name: str, made: Expr, window: str, registry: Registry, **settings) -> None:
    """Declare a formula under a name, for the prices it reads and features that it names."""
    sources = tuple(f"@{leaf.name[8:]}" for leaf in made.leaves() if leaf.name.startswith("feature."))
    asked = {"group": "returns", "unit": "ratio", "window": window, "sources": sources or ("bars.C",), **settings}

    @axis(name, registry=registry, **asked)
    def formula() -> Expr:
        """A formula: as written."""
        return made


def a_market(seed: int = 5, sectors: list[str] | None = None) -> FeatureInputs:
    """Walks with silent days; the last stock is listed on the hundredth session, the fourth is gone by then."""
    rng = stream(seed, "append")
    close = 100 * (1 + rng.normal(0, 0.02, (DAYS, STOCKS))).cumprod(axis=0)
    close[rng.random(close.shape) < 0.05] = float("nan")
    made = inputs(
        panel({"close": close, "volume": close * 3}, sectors or ["0050", "1050", "2050"] * 3), index=close[:, 0]
    )
    late = (pl.col("code") != "10080") | (pl.col("session") >= SESSIONS[100])
    gone = (pl.col("code") != "10030") | (pl.col("session") < SESSIONS[95])
    return replace(made, prices=made.prices.filter(late & gone), universe=made.universe.filter(late & gone))


def a_house() -> Registry:
    """Every way to stand on what is carried: lags, spreads and means over recursions, and reductions over members."""
    registry = Registry("test")
    declared(per_stock, "smooth", ema(P.close, 5), "X1", registry)
    declared(per_stock, "lagged", lag(ema(P.close, 5), 30) / P.close, "X1", registry)
    declared(per_stock, "spread_of_smooth", deviation(ema(P.close, 5), 20), "X1", registry)
    declared(per_stock, "ema_of_mean", ema(mean(F("smooth"), 10), 3), "X1", registry)
    declared(per_stock, "seen", observations(P.close) * 1.0, "X1", registry)
    declared(per_stock, "move", P.close / lag(P.close, 1) - 1, "E2", registry)
    declared(per_stock, "far", mean(F("move"), 16), "S16", registry)
    declared(per_stock, "read_far", total(F("far"), 80), "S80", registry)
    declared(per_day, "placed", rank_0_1(F("smooth")), "E1", registry)
    declared(per_stock, "mean_place", mean(F("placed"), 25), "S25", registry)
    declared(per_day, "others", leave_one_out_mean(F("lagged"), "sector33"), "E1", registry, by="sector33")
    declared(per_market, "mkt", members_mean(F("move")), "E1", registry, role="market")
    declared(per_market, "mkt_many", total(members_count(F("move")), 40), "S40", registry, role="market")
    declared(per_market, "mkt_run", signed_run(F("mkt")), "X1", registry, role="market")
    declared(per_market, "mkt_run_ago", lag(signed_run(F("mkt")), 12), "X1", registry, role="market")
    declared(per_market, "index_mean", mean(M.carried, 20), "S21", registry, role="market")
    declared(per_group, "sector", mean(members_mean(F("smooth")), 10), "S10", registry, by="sector33", role="sector")
    declared(
        per_group, "sector_many", total(members_count(F("move")), 30), "S30", registry, by="sector33", role="sector"
    )
    declared(per_stock, "against", F("move") - lag(F("sector"), 5) / P.close - F("mkt_run"), "X1", registry)
    return registry.freeze()


HOUSE = a_house()
NAMES = list(HOUSE.names)


def gone_on(names: list[str], made: FeatureInputs, first: int, *, stride: int = 1, registry: Registry = HOUSE):
    """Frames of appended sessions one after the other, and what the rebuild says."""
    whole = compute(names, made, start=SESSIONS[0], end=SESSIONS[DAYS], registry=registry)
    _, carried = compute_carrying(names, made, start=SESSIONS[first], end=SESSIONS[first], registry=registry)
    frames = []
    for place in range(first + 1, DAYS, stride):
        span = {"start": SESSIONS[place], "end": SESSIONS[min(place + stride, DAYS) - 1]}
        recent = from_session(made, SESSIONS[max(place - append_sessions(names, registry), 0)])
        frame, carried = append(names, recent, carried, **span, registry=registry)
        frames.append(frame)
    return pl.concat(frames), whole.filter(pl.col("session") > SESSIONS[first])


@pytest.mark.parametrize("first", [0, 3, 60, 120])
def test_whatever_a_formula_does_with_carried_values_appending_equals_the_rebuild(first):
    appended, rebuilt = gone_on(NAMES, a_market(), first)
    assert compare("append", NAMES, rebuilt, appended) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_alone_is_appended_as_in_company(name):
    appended, rebuilt = gone_on([name], a_market(), 70, stride=7)
    assert compare("append", [name], rebuilt, appended) == []
    assert rebuilt[name].null_count() < rebuilt.height


def test_a_tail_is_as_long_as_what_is_computed_anew_reads():
    assert append_sessions(["smooth"], HOUSE) == 20
    assert append_sessions(["read_far"], HOUSE) == 79
    assert append_sessions(["mkt_many"], HOUSE) == 39
    assert append_sessions(["spread_of_smooth", "mean_place"], HOUSE) == 24


def carried_through(place: int, names: list[str] = NAMES, made: FeatureInputs | None = None) -> Carried:
    day = SESSIONS[place]
    return compute_carrying(names, made or a_market(), start=day, end=day, registry=HOUSE)[1]


def refused(carried: Carried, made: FeatureInputs, place: int, names: list[str] = NAMES, registry=HOUSE) -> str:
    with pytest.raises(FeatureError, match="Rebuild") as error:
        append(names, made, carried, start=SESSIONS[place], end=SESSIONS[place], registry=registry)
    return str(error.value)


def test_a_state_of_another_registry_is_refused():
    other = Registry("other")
    declared(per_stock, "smooth", ema(P.close, 6), "X1", other)
    assert "registry" in refused(carried_through(80, ["smooth"]), a_market(), 81, ["smooth"], other.freeze())


def test_a_state_of_other_features_is_refused():
    assert "1 features" in refused(carried_through(80, ["smooth"]), a_market(), 81, ["smooth", "move"])


@pytest.mark.parametrize("place", [79, 80, 82])
def test_a_session_that_is_not_the_next_one_is_refused(place):
    assert f"through {SESSIONS[80]}" in refused(carried_through(80), a_market(), place)


def test_a_session_without_rows_is_refused():
    made = a_market().until(SESSIONS[80])
    assert f"no rows of {SESSIONS[81]}" in refused(carried_through(80), made, 81)


def test_a_history_that_was_corrected_is_refused():
    made = a_market()
    hit = (pl.col("session") == SESSIONS[78]) & (pl.col("code") == "10010")
    close = pl.when(hit).then(pl.col("close") + 1.0).otherwise(pl.col("close"))
    changed = replace(made, prices=made.prices.with_columns(close.alias("close")))
    assert "other bars" in refused(carried_through(80), changed, 81)


def test_a_tail_that_is_too_short_is_refused():
    short = from_session(a_market(), SESSIONS[90])
    assert "sessions before the new ones" in refused(carried_through(119), short, 120)


def test_an_issue_that_returns_after_the_tail_is_refused():
    made = a_market()
    back = made.prices.filter((pl.col("code") == "10000") & (pl.col("session") >= SESSIONS[140]))
    names = ["smooth"]
    again = replace(made, prices=pl.concat([made.prices, back.with_columns(code=pl.lit("10030"))]))
    carried = carried_through(139, names, made)
    assert carried.asleep == ("10030",)
    assert "10030 after a long absence" in refused(carried, from_session(again, SESSIONS[110]), 140, names)


def test_a_new_sector_cannot_stand_on_a_run_that_was_never_counted():
    registry = Registry("test")
    declared(per_stock, "move", P.close / lag(P.close, 1) - 1, "E2", registry)
    declared(per_group, "run", signed_run(members_mean(F("move"))), "X1", registry, by="sector33", role="sector")
    registry.freeze()
    made = a_market()
    appended, rebuilt = gone_on(["run"], made, 120, registry=registry)
    assert compare("append", ["run"], rebuilt, appended) == []
    day = SESSIONS[90]
    _, carried = compute_carrying(["run"], made, start=day, end=day, registry=registry)
    new = pl.when(pl.col("session") > day).then(pl.lit("9050")).otherwise(pl.col("sector33_code"))
    moved = replace(made, universe=made.universe.with_columns(new.alias("sector33_code")))
    assert "a group of sector33 that is new" in refused(carried, moved, 91, ["run"], registry)


@pytest.mark.parametrize("payload", [b"", b"not a state", b"PK\x03\x04 broken"])
def test_bytes_that_are_no_state_are_refused(payload):
    with pytest.raises(FeatureError, match="unreadable"):
        Carried.from_bytes(payload)


def test_a_history_without_a_session_carries_nothing():
    made = a_market()
    nobody = replace(made, prices=made.prices.clear(), universe=made.universe.clear(), topix=made.topix.clear())
    with pytest.raises(FeatureError, match="no session"):
        compute_carrying(["smooth"], nobody, start=date(2021, 1, 4), end=date(2021, 1, 8), registry=HOUSE)


def test_the_registry_of_these_tests_has_every_kind_of_table():
    assert {member.axis for member in HOUSE.features} == {"stock", "day", "market", "group"}
    assert all(isinstance(member, Feature) for member in HOUSE.features)
