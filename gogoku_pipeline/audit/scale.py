"""Part 4, scale invariance: the basis of a history and a split inside it carry no meaning.

Features that stand in yen or shares of the day on purpose (raw prices, the day's factor, halves of a session), and
those of other sources, whose tables would have to be restated with the split, are left out by their declared leaves.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.audit.road import Walk
from gogoku_pipeline.audit.truncation import known_cells, same_rows
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.laws import KEY, Violation, compare
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.graph import laws as graph_laws

AS_TRADED = ("price.raw_", "price.factor", "price.volume_factor", "price.adjustment_factor", "price.am_", "price.pm_")
"""Beginnings of leaves that stand in yen or shares of the day, on purpose."""

_PRICES = ("open", "high", "low", "close")


def rebasing(case: Case) -> Answer:
    """Whole price histories times a constant, volumes divided by it, as an ex-date before all of them would do.

    The constants are powers of two, which change no digit of a price. By seven, two returns that are equal on paper may
    part in their last bit, and a rank among them moves without anything being wrong; the laws of features try that on a
    market without such ties.
    """
    road, moment = case.road, case.moments[-1]
    inputs = moment.recent()
    found: list[Violation] = []
    for factor in (4.0, 2.0**-10):
        found += laws.rebasing(road.registry, road.names, inputs, factor)
    return found, 2 * inputs.prices.height * len(road.names)


def inserted_split(case: Case) -> Answer:
    """One stock splits 5:1 some sessions before the newest sampled one, and no feature of any stock moves.

    A feature that compares two moves which are equal in ticks hangs on the last bit that the division by 5 leaves; this
    is no leak. So a feature is guilty when it moves with a split of 4:1 as well, which is exact in binary.
    """
    names = split_free(case.road.registry, case.road.names)
    (_, then, _), fifth, quarter = case.pairs[-1], _split(case, 0.2), _split(case, 0.25)
    if fifth is None or quarter is None or not names:
        return [], 0
    moved = compare("inserted_split", names, then.features, fifth.features, ulps=4)
    exact = compare("inserted_split", names, then.features, quarter.features, ulps=4)
    guilty = {violation.feature for violation in exact}
    return [violation for violation in moved if violation.feature in guilty], known_cells(then.features, names)


def split_scores(case: Case) -> Answer:
    """One stock splits 4:1 (exact in binary), and a version trained on that history gives the same scores."""
    (moment, then, _), other = case.pairs[-1], _split(case, 0.25)
    if other is None:
        return [], 0
    found = graph_laws.compare("split_scores", *(walk.drawn([moment.session]) for walk in (then, other)))
    free = set(split_free(case.road.registry, case.road.names))
    moved = [name for name in case.road.names if name not in free]
    own = other.features.drop(moved).join(then.features.select(*KEY, *moved), on=KEY, how="left", maintain_order="left")
    panel = other.panel_of([own, *then.families[1:]], other.inputs.universe)
    data = case.road.serve(panel, then.labels)
    compared = 0
    for recipe in case.road.recipes:
        here, there = (then.scores(recipe, moment.session, given) for given in (None, data))
        compared += here.height
        found += same_rows("split_scores", recipe.name, moment.session, here, there)
    return found, compared


def split_free(registry: Registry, names: tuple[str, ...]) -> tuple[str, ...]:
    """Features that are made of comparable prices and volumes alone."""

    def leaves(name: str) -> set[str]:
        below = registry.in_order([name])
        return {leaf.name for member in below if member.expr is not None for leaf in member.expr.leaves()} | {
            f"state.{alias}" for member in below for alias in member.states
        }

    return tuple(name for name in names if not any(leaf.startswith(("state.", *AS_TRADED)) for leaf in leaves(name)))


def with_split(bars: pl.DataFrame, code: str, at: date, factor: float) -> pl.DataFrame:
    """The same history as if an issue had split: raw prices and shares from the ex-date on are on a new basis."""
    hit = (pl.col("code") == code) & (pl.col("session") >= at)
    prices = [name for name in bars.columns if name.endswith("_jpy") and name.split("_")[-2] in _PRICES]
    day = hit & (pl.col("session") == at)
    restated = [pl.when(hit).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name) for name in prices]
    return bars.with_columns(
        *restated,
        pl.when(hit).then(pl.col("volume_shares") / factor).otherwise(pl.col("volume_shares")).alias("volume_shares"),
        pl.when(day)
        .then(pl.col("adjustment_factor") * factor)
        .otherwise("adjustment_factor")
        .alias("adjustment_factor"),
    )


def _split(case: Case, factor: float) -> Walk | None:
    """A walk over the newest sampled session in which one drawn stock has split; None where none traded."""
    moment = case.moments[-1]
    bars = case.market.bars.filter((pl.col("session") <= moment.session) & pl.col("close_jpy").is_not_null())
    days = bars["session"].unique().sort()
    at = days[max(0, days.len() - 15)]
    plain = (pl.col("session") == at) & (pl.col("adjustment_factor") == 1.0) & pl.col("ex_rights_type").is_null()
    codes = bars.filter(plain)["code"].unique().sort()
    if codes.is_empty():
        return None
    code = codes[int(stream(case.seed, "audit split").integers(codes.len()))]
    known = case.market.known_at(moment.session)
    restated = replace(known, bars=with_split(known.bars, code, at, factor))
    return case.walk(moment, f"split-{factor}", restated.inputs(), case.market.labels)
