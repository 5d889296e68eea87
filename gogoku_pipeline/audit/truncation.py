"""What is computed at t is the same bit for bit whether or not later rows exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.audit.market import Moment
from gogoku_pipeline.dataset.normaliser import CatalogueLike, Normaliser
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import KEY, LAST, Violation, compare
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.graph import laws as graph_laws
from gogoku_pipeline.graph.catalogue import Catalogue
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.inputs import graph_returns

Answer = tuple[list[Violation], int]
"""Violations, and how many values were looked at."""

Values = tuple[pl.DataFrame, pl.DataFrame]
"""The same features, from what was known then and from what is known now."""

Scaler = Callable[[CatalogueLike], Normaliser]


def truncation_of_prices(moment: Moment) -> Answer:
    """Staged prices and the universe up to the session are the ones that could be made at its cutoff."""
    found: list[Violation] = []
    compared = 0
    for name, then, now in (
        ("prices", moment.then.prices.filter(~pl.col("is_gap")), moment.now.prices.filter(~pl.col("is_gap"))),
        ("universe", moment.then.universe, moment.now.universe),
    ):
        past = now.filter(pl.col("session") <= moment.session).sort(KEY)
        compared += past.height
        found += same_rows("truncation_of_prices", name, moment.session, then.sort(KEY), past)
    return found, compared


def values_of(moment: Moment, names: Sequence[str], registry: Registry) -> Values:
    """Features of the sessions before and after a sampled one, [session, code, names], computed on both sides."""
    return _computed(moment.then, names, moment.first, registry), _computed(moment.now, names, moment.first, registry)


def truncation_of_features(moment: Moment, values: Values, names: Sequence[str]) -> Answer:
    """Features up to the session are equal to the bit on both sides."""
    then, now = (frame.filter(pl.col("session") <= moment.session) for frame in values)
    return compare("truncation_of_features", names, now, then), _known(now, names)


def truncation_of_scaler(
    moment: Moment, values: Values, names: Sequence[str], registry: Registry, scaler: Scaler = Normaliser
) -> Answer:
    """Normalised features of the session are equal to the bit: the ruler was not made from later sessions."""
    rules = Catalogue(tuple(registry.feature(name) for name in names), registry.hash())
    universes = (moment.then.universe, moment.now.universe)
    then, now = (
        scaler(rules).transform(frame, universe).frame.filter(pl.col("session") == moment.session)
        for frame, universe in zip(values, universes, strict=True)
    )
    return compare("truncation_of_scaler", names, now, then), _known(now, names)


def truncation_of_graph(
    moment: Moment, registry: Registry, config: GraphConfig, draw: graph_laws.Draw = graph_laws.draw_graph
) -> Answer:
    """Edges and node features of the session are equal to the bit on both sides."""
    graphs = []
    for inputs in (moment.then, moment.now):
        frame = _computed(inputs, ["ret_1d", "ret_5d", "xs_ret_1d"], moment.first, registry).lazy()
        returns = graph_returns(frame, frame, inputs.universe.lazy())
        if moment.session not in returns["session"]:
            return [Violation("truncation_of_graph", "returns", moment.session, "", "none were known at the cutoff")], 0
        graphs.append(draw(returns, [moment.session], config))
    then, now = graphs
    found = graph_laws.compare("truncation_of_graph", now, then)
    return found, now[0].height


def same_rows(law: str, name: str, session: date, then: pl.DataFrame, now: pl.DataFrame) -> list[Violation]:
    """A violation when two frames are not the same rows, bit for bit; both sorted by key, same columns."""
    if then.equals(now, null_equal=True):
        return []
    left = then.join(now, on=then.columns, how="anti", nulls_equal=True)
    right = now.join(then, on=then.columns, how="anti", nulls_equal=True)
    first = pl.concat([left, right]).sort(KEY).head(1)
    day, code = first.select(KEY).row(0) if first.height else (session, "")
    return [Violation(law, name, day, code, f"{left.height} rows then and {right.height} rows now differ")]


def _computed(inputs: FeatureInputs, names: Sequence[str], first: date, registry: Registry) -> pl.DataFrame:
    return compute(names, inputs, start=first, end=LAST, registry=registry)


def _known(frame: pl.DataFrame, names: Sequence[str]) -> int:
    return sum(frame.height - frame[name].null_count() for name in names)
