"""Part 2, isolation: values depend neither on other stocks, nor on later listings, names or the order of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.audit.market import SOURCES
from gogoku_pipeline.audit.road import Walk
from gogoku_pipeline.audit.truncation import known_cells, same_rows
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.laws import Violation, compare
from gogoku_pipeline.graph import laws as graph_laws


def isolation(case: Case) -> Answer:
    """One stock, drawn among those of each session, keeps its own features when every other stock is gone."""
    found: list[Violation] = []
    compared = 0
    road = case.road
    own = [name for name in road.names if not laws.uses_universe(road.registry, name)]
    for moment in case.moments:
        inputs = moment.recent()
        code = _drawn_code(inputs.prices.filter(pl.col("session") == moment.session), case.seed)
        if code:
            found += laws.isolation(road.registry, road.names, inputs, code)
            compared += inputs.prices.filter(pl.col("code") == code).height * len(own)
    return found, compared


def row_order(case: Case) -> Answer:
    """Neither the order of input rows nor the codes of the stocks decide a value; the same for edges and nodes."""
    road, (moment, then, _) = case.road, case.pairs[-1]
    inputs = moment.recent()
    found = [
        *laws.row_order(road.registry, road.names, inputs),
        *laws.names_of_stocks(road.registry, road.names, inputs),
        *graph_laws.row_order(then.returns, [moment.session], road.graph, road.draw),
    ]
    return found, inputs.prices.height * len(road.names)


def row_order_of_tables(case: Case) -> Answer:
    """Shuffled core rows are staged into the same prices and the same universe."""
    found: list[Violation] = []
    compared = 0
    seeds = np.random.SeedSequence(case.seed).generate_state(len(SOURCES))
    for moment in case.moments:
        known = case.market.known_at(moment.session)
        frames = {
            name: getattr(known, name).sample(fraction=1.0, shuffle=True, seed=int(one))
            for name, one in zip(SOURCES, seeds, strict=True)
        }
        mixed = replace(known, **frames).inputs()
        compared += moment.then.prices.height + moment.then.universe.height
        found += same_rows("row_order", "prices", moment.session, mixed.prices, moment.then.prices)
        found += same_rows("row_order", "universe", moment.session, mixed.universe, moment.then.universe)
    return found, compared


def row_order_of_scores(case: Case) -> Answer:
    """A version trained on shuffled rows of features, universe and labels gives the same scores."""
    moment, then, _ = case.pairs[-1]
    families = [_mixed(frame, case.seed) for frame in then.families]
    universe, labels = _mixed(then.inputs.universe, case.seed), _mixed(then.labels, case.seed)
    other = replace(then, folder=then.folder.with_name(f"{then.folder.name}-mixed"), labels=labels)
    data = case.road.serve(other.panel_of(families, universe), labels)
    found: list[Violation] = []
    compared = 0
    for recipe in case.road.recipes:
        here, there = (then.scores(recipe, moment.session, given) for given in (None, data))
        compared += here.height
        found += same_rows("row_order_of_scores", recipe.name, moment.session, here, there)
    return found, compared


def late_listing(case: Case) -> Answer:
    """A stock that lists at a sampled session moves nothing before it: prices, universe, features, edges."""
    found: list[Violation] = []
    compared = 0
    moment, then, _ = case.pairs[-1]
    code = _drawn_code(moment.then.prices.filter(pl.col("session") == moment.session), case.seed + 1)
    if not code:
        return [], 0
    sides = [_until_listed(case, code, is_there=is_there) for is_there in (True, False)]
    before, never = (one.features.filter(pl.col("session") < moment.session) for one in sides)
    found += compare("late_listing", case.road.names, before, never)
    compared += known_cells(before, case.road.names)
    for name in ("prices", "universe"):
        early = [getattr(one.inputs, name).filter(pl.col("session") < moment.session) for one in sides]
        found += same_rows("late_listing", name, moment.session, *early)
    day = then.returns["session"].unique().sort()[-2]
    found += graph_laws.compare("late_listing", *(one.drawn([day]) for one in sides))
    return found, compared


def _until_listed(case: Case, code: str, *, is_there: bool) -> Walk:
    """A walk over what was known at the newest sampled session, in which a stock lists on it, or never does."""
    moment = case.moments[-1]
    known = case.market.known_at(moment.session)
    own = pl.col("code") != code
    if is_there:
        own = own | (pl.col("session") >= moment.session)
    kept = {name: frame.filter(own) if "code" in frame.columns else frame for name, frame in known.tables.items()}
    other = replace(known, bars=known.bars.filter(own), listed=known.listed.filter(own), tables=kept)
    return case.walk(moment, f"listing-{is_there}", other.inputs(), case.market.labels)


def _drawn_code(prices: pl.DataFrame, seed: int) -> str:
    """One code among those with a price; empty when there is none."""
    here = prices.filter(pl.col("mark").is_not_null())["code"].unique().sort()
    if here.is_empty():
        return ""
    return str(here[int(stream(seed, "audit", str(prices["session"][0])).integers(here.len()))])


def _mixed(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame.sample(fraction=1.0, shuffle=True, seed=seed + 17)
