"""Part 3, chunk invariance: [a, b] equals [a, m] and [m, b], and a session appended in the evening equals a rebuild."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.audit.truncation import known_cells
from gogoku_pipeline.core.errors import CarriedStateError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import Violation, compare
from gogoku_pipeline.graph import laws as graph_laws

CHUNK = 20
"""Sessions of the later chunk."""


def chunks_of_features(case: Case) -> Answer:
    """Features of the newest sessions, made with no more history than they declare, are those of the whole."""
    found: list[Violation] = []
    compared = 0
    road = case.road
    for moment, then, _ in case.pairs:
        start = _back(then.features["session"].unique().sort().to_list(), CHUNK)
        found += laws.chunks(road.registry, road.names, moment.recent(), start)
        compared += known_cells(then.features.filter(pl.col("session") >= start), road.names)
    return found, compared


def appended_session(case: Case) -> Answer:
    """The newest session, appended to what the session before it carried, is bit for bit that of a rebuild."""
    road, (moment, then, _) = case.road, case.pairs[-1]
    session, before = moment.session, tse_calendar().shift(moment.session, -1)
    given = moment.then
    try:
        _, carried = road.carry(road.names, _evening(given, before), start=before, end=before, registry=road.registry)
        appended, _ = road.append(
            road.names, _evening(given, session), carried, start=session, end=session, registry=road.registry
        )
    except CarriedStateError as refused:
        # an issue came back from a long absence: the house rebuilds the session, so nothing is carried into it
        return [Violation("appended_session", "carried state", session, "", f"was refused: {refused}")], 0
    rebuilt = then.features.filter(pl.col("session") == session)
    keys = appended.select("session", "code")
    rebuilt = rebuilt.join(keys, on=["session", "code"], how="semi", maintain_order="left")
    return compare("appended_session", road.names, rebuilt, appended), known_cells(rebuilt, road.names)


def chunks_of_scaler(case: Case) -> Answer:
    """Normalising the newest sessions alone gives what normalising all of them gives."""
    road, (_, then, _) = case.road, case.pairs[-1]
    days = then.features["session"].unique().sort().to_list()
    start = _back(days, CHUNK)
    scaler = road.scaler(then.rules)
    market = scaler.market_table(scaler.daily(then.features))
    part = then.features.filter(pl.col("session") >= start)
    alone = scaler.transform(part, then.inputs.universe, market).frame
    whole = then.normalised.frame.filter(pl.col("session") >= start)
    return compare("chunks_of_scaler", road.names, whole, alone), known_cells(whole, road.names)


def chunks_of_graph(case: Case) -> Answer:
    """Each session's graph, drawn alone from its declared look-back, is that of the range."""
    road, (_, then, _) = case.road, case.pairs[-1]
    days = then.returns["session"].unique().sort().to_list()[-3:]
    found = graph_laws.chunks(then.returns, days, road.graph, road.draw)
    return found, then.drawn(days)[0].height


def _evening(inputs: FeatureInputs, session: date) -> FeatureInputs:
    """What an evening run is handed: nothing of later sessions, and no gap after an issue's newest bar."""
    known = inputs.until(session)
    newest = known.prices.filter(~pl.col("is_gap")).group_by("code").agg(pl.col("session").max().alias("newest"))
    prices = known.prices.join(newest, on="code", maintain_order="left").filter(pl.col("session") <= pl.col("newest"))
    factors = None if known.factors is None else known.factors.filter(pl.col("session") <= session)
    return replace(known, prices=prices.drop("newest"), factors=factors)


def _back(days: list[date], count: int) -> date:
    return days[max(0, len(days) - count)]
