"""Comparisons session after session: the same bits in any piece, columns that leave with their last reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.across import AT_ONCE
from gogoku_pipeline.features.axes import build_axis
from gogoku_pipeline.features.days import TILE_ROWS, Days, tiles
from gogoku_pipeline.features.declaration import per_day, per_group, per_market, per_stock
from gogoku_pipeline.features.engine import Run, compute, waves
from gogoku_pipeline.features.evaluation import Stocks, Store, evaluate
from gogoku_pipeline.features.expressions import Expr, F, P
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.operators.cross_section import (
    is_among_largest,
    leave_one_out_mean,
    members_deviation,
    members_mean,
    members_median,
    others_total,
    rank_0_1,
)
from gogoku_pipeline.features.operators.peers import peers_count, peers_mean
from gogoku_pipeline.features.operators.windows import lag, mean
from gogoku_pipeline.features.output import output_rows
from gogoku_pipeline.features.registry import Registry
from tests.unit.features.given_features import inputs, panel

DAYS, STOCKS = 60, 12
EVER = {"start": date(2000, 1, 1), "end": date(2100, 1, 1)}
COMPARISONS = (
    rank_0_1(P.close),
    rank_0_1(P.close, by="sector33"),
    leave_one_out_mean(P.close, "sector33"),
    others_total(P.close, "sector33"),
    is_among_largest(P.close, "sector33", 30, 2),
    peers_mean(P.close, "sector33"),
    peers_count(P.close, "sector33"),
    P.close - mean(rank_0_1(lag(P.close, 2)), 5),
)


@pytest.fixture(scope="module")
def market() -> FeatureInputs:
    """Walks with silent days and ties; the last stock lists late, two are outside U."""
    rng = stream(3, "across")
    close = np.round(100 * (1 + rng.normal(0, 0.02, (DAYS, STOCKS))).cumprod(axis=0))
    close[rng.random(close.shape) < 0.05] = np.nan
    made = inputs(panel({"close": close}, ["0050", "1050", "2050"] * 4, outside=(2, 7)), index=close[:, 0])
    listed = (pl.col("code") != "10110") | (pl.col("session") >= made.prices["session"].unique().sort()[30])
    return replace(made, prices=made.prices.filter(listed), universe=made.universe.filter(listed))


def whole_of(given: FeatureInputs) -> Stocks:
    axis = build_axis(given)
    return Stocks(Store(axis, {}), 0, len(axis.codes))


@pytest.mark.parametrize("expr", COMPARISONS, ids=lambda expr: f"{expr.name} {expr.params}")
def test_a_comparison_has_the_same_bits_in_one_piece_and_session_by_session(market, expr):
    whole = whole_of(market)
    expected = evaluate(expr, whole)
    for bounds in ([0, DAYS], range(DAYS + 1), [0, 7, 8, 31, DAYS]):
        found = np.full(expected.size, -1.0)
        for low, high in zip(bounds[:-1], bounds[1:], strict=True):
            piece = Days(whole, low, high)
            found[piece.rows] = piece.at(expr)
        np.testing.assert_array_equal(found.view(np.int64), expected.view(np.int64))


@pytest.mark.parametrize("reduce", [members_mean, members_median, members_deviation])
@pytest.mark.parametrize("by", ["session", "sector33"])
def test_a_reduction_has_the_same_bits_in_one_piece_and_session_by_session(market, reduce, by):
    whole, expr = whole_of(market), reduce(P.close)
    parts = [Days(whole, k, k + 1).reduced(expr, by) for k in range(DAYS)]
    np.testing.assert_array_equal(np.stack(parts).T.ravel(), whole.reduced(expr, by))


def test_tiles_are_all_sessions_once_and_of_bounded_size(market):
    many = replace(market, prices=market.prices.filter(pl.col("code") < "10110"))
    seen = list(tiles(whole_of(many)))
    assert [piece.sessions.start for piece in seen] == [0, *(piece.sessions.stop for piece in seen[:-1])]
    assert sum(piece.rows.size for piece in seen) == many.prices.height
    assert max(piece.rows.size for piece in seen) < TILE_ROWS + STOCKS


def named(registry: Registry, axis, name: str, made: Expr, **settings) -> None:
    sources = tuple(f"@{leaf.name[8:]}" for leaf in made.leaves() if leaf.name.startswith("feature."))

    @axis(name, registry=registry, group="sector", unit="ratio", sources=sources or ("bars.C",), **settings)
    def formula() -> Expr:
        """A formula: as written."""
        return made


def a_tower() -> Registry:
    """Comparisons of series of comparisons, in one stage and over two."""
    registry = Registry("tower")
    named(registry, per_stock, "move", P.close / lag(P.close, 1) - 1, window="E2")
    named(registry, per_day, "place", rank_0_1(F("move")))
    named(registry, per_day, "place_of_place", rank_0_1(F("place"), by="sector33"), by="sector33")
    named(registry, per_market, "average", members_mean(F("place")), role="market")
    named(registry, per_group, "in_sector", members_mean(F("move") - F("average")), by="sector33", role="sector")
    named(registry, per_stock, "less", F("place_of_place") - F("average") + F("in_sector"))
    named(registry, per_day, "last", rank_0_1(F("less")))
    return registry.freeze()


def test_what_waits_for_others_of_its_stage_comes_in_a_later_wave():
    features = [a_tower().feature(name) for name in ("place", "place_of_place", "average", "in_sector")]
    assert [[one.name for one in wave] for wave in waves(features)] == [
        ["place"],
        ["place_of_place", "average"],
        ["in_sector"],
    ]


def test_a_tower_of_comparisons_is_that_of_polars(market):
    found = compute(["last", "less"], market, **EVER, registry=a_tower())
    keys = ["session", "sector33_code"]
    x, inside = pl.col, pl.col("is_in_universe")
    frame = market.prices.join(market.universe, on=["session", "code"]).sort("code", "session")

    def place(name: str, over: list[str]) -> pl.Expr:
        own = pl.when(inside).then(x(name))
        return ((own.rank("average").over(over) - 1) / (own.count().over(over) - 1)).fill_nan(None)

    frame = frame.with_columns(move=x("close") / x("close").shift(1).over("code") - 1)
    frame = frame.with_columns(place=place("move", ["session"]))
    frame = frame.with_columns(
        second=place("place", keys), average=pl.when(inside).then(x("place")).mean().over("session")
    )
    frame = frame.with_columns(sector=pl.when(inside).then(x("move") - x("average")).mean().over(keys))
    frame = frame.with_columns(less=x("second") - x("average") + x("sector"))
    frame = frame.with_columns(last=place("less", ["session"])).sort("session", "code")
    for name in ("less", "last"):
        np.testing.assert_allclose(
            found[name].to_numpy(), frame[name].cast(pl.Float32).to_numpy(), rtol=1e-5, atol=1e-6
        )


def test_rows_outside_the_range_or_without_a_bar_are_compared_with_but_not_put_out(market):
    days = market.prices["session"].unique().sort()
    gap = (pl.col("code") == "10000") & (pl.col("session") == days[40])
    gappy = replace(market, prices=market.prices.with_columns(is_gap=gap))
    every = compute(["last", "place"], gappy, **EVER, registry=a_tower())
    part = compute(["last", "place"], gappy, start=days[20], end=days[45], registry=a_tower())
    assert every.height == market.prices.height - 1
    assert part.equals(every.filter(pl.col("session").is_between(days[20], days[45])))


class Counted(dict):
    """Finished features, and how many columns of single stocks there were at most."""

    most = 0

    def __setitem__(self, name, values):
        super().__setitem__(name, values)
        self.most = max(self.most, sum(column.size > 10 * DAYS for column in self.values()))


def test_a_column_lives_until_its_last_reader_and_no_longer(market):
    registry = Registry("wide")
    for n in range(3 * AT_ONCE):
        named(registry, per_stock, f"of_{n}", P.close / lag(P.close, n + 1), window=f"E{n + 2}")
        named(registry, per_stock, f"lone_{n}", P.close * (n + 2))
        named(registry, per_stock, f"beside_{n}", F(f"of_{n}") + F(f"lone_{n}"), window=f"E{n + 2}")
        named(registry, per_day, f"placed_{n}", rank_0_1(F(f"of_{n}")))
        named(registry, per_stock, f"back_{n}", F(f"placed_{n}") + 1)
    axis, names = build_axis(market), registry.freeze().names
    run = Run(axis, registry, names, output_rows(axis, **EVER))
    run.store.values = Counted()
    frame = run.done()
    assert frame.columns == ["session", "code", *names]
    assert run.store.values == {}
    assert 3 * AT_ONCE <= run.store.values.most <= 4 * AT_ONCE
