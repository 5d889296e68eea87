"""A stock's values depend neither on other stocks, where they should not, nor on names, nor on the order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from gogoku_pipeline.audit.market import SOURCES, AuditedMarket, Moment
from gogoku_pipeline.audit.truncation import Answer, same_rows
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.registry import Registry


def isolation(moment: Moment, names: Sequence[str], registry: Registry, seed: int) -> Answer:
    """One stock, drawn among those of the session, keeps its own features when every other stock is gone."""
    inputs = moment.recent()
    here = inputs.prices.filter((pl.col("session") == moment.session) & pl.col("mark").is_not_null())["code"].sort()
    if here.is_empty():
        return [], 0
    code = here[int(stream(seed, "audit", str(moment.session)).integers(here.len()))]
    own = [name for name in names if not laws.uses_universe(registry, name)]
    rows = inputs.prices.filter(pl.col("code") == code).height
    return laws.isolation(registry, names, inputs, code), rows * len(own)


def row_order(moment: Moment, names: Sequence[str], registry: Registry) -> Answer:
    """Neither the order of input rows nor the codes of the stocks decide a value."""
    inputs = moment.recent()
    found = [*laws.row_order(registry, names, inputs), *laws.names_of_stocks(registry, names, inputs)]
    return found, inputs.prices.height * len(names)


def row_order_of_tables(market: AuditedMarket, moment: Moment, seed: int) -> Answer:
    """Shuffled core rows are staged into the same prices and the same universe."""
    known = market.known_at(moment.session)
    seeds = np.random.SeedSequence(seed).generate_state(len(SOURCES))
    frames = {
        name: getattr(known, name).sample(fraction=1.0, shuffle=True, seed=int(one))
        for name, one in zip(SOURCES, seeds, strict=True)
    }
    mixed = replace(known, **frames).inputs()
    compared = moment.then.prices.height + moment.then.universe.height
    return [
        *same_rows("row_order", "prices", moment.session, mixed.prices, moment.then.prices),
        *same_rows("row_order", "universe", moment.session, mixed.universe, moment.then.universe),
    ], compared
