"""Kernels compiled ahead, while the demo fetches: a fresh checkout has none.

Belongs here: walking a market of two dozen stocks over the kernels that the stages need.
Does not belong here: how kernels are compiled and kept (`gogoku_pipeline.core.compilation`).
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from tempfile import TemporaryDirectory

import polars as pl

from gogoku.demo.ahead import end_with_parent
from gogoku.deployment import DemoNote
from gogoku_pipeline.audit.market import stage_whole
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.features.append import append
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.carrying import compute_carrying
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.config import LAG_SESSIONS, GraphConfig
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.laws import draw_graph
from gogoku_pipeline.ingest import fetch_group
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import Store, open_store
from gogoku_pipeline.tables.prices import factor_events
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

BEGINS, ISSUES, SESSIONS = date(2024, 4, 15), 24, 40
"""A spring in which companies report: every source has rows, so that every kernel has something to do."""

GRAPH = GraphConfig(min_nodes=5, k=4, window=15, min_sessions=10, min_common=10)
"""Short windows, so that the market is long enough to compare edges with those of LAG_SESSIONS before."""

OF_PRICES = ("daily_bars", "listed_issues", "topix")
KEY = "simulator-{}-key"

LONG_AFTER = timedelta(days=7)
"""By then everything about the last session is published."""


def compile_kernels(plan: str) -> None:
    """Walk a small simulated market from its rows to features and graph, the way the stages do.

    Args:
        plan: of the simulated key; its features are computed.
    """
    registry = house(plan.capitalize())
    inputs, days = _inputs(plan, registry.names)
    before, last = days[-2:]
    frame, carried = compute_carrying(registry.names, inputs, start=days[0], end=before, registry=registry)
    append(registry.names, inputs, carried, start=last, end=last, registry=registry)
    returns = graph_returns(frame.lazy(), frame.lazy(), inputs.universe.lazy())
    draw_graph(returns, days[-LAG_SESSIONS - 2 : -1], GRAPH)


def _inputs(plan: str, names: Sequence[str]) -> tuple[FeatureInputs, list[date]]:
    """What the engine reads of a market fetched over HTTP and typed, and the market's sessions."""
    market = generate_market(MarketConfig(ISSUES, SESSIONS, BEGINS))
    days = market.sessions
    clock = VirtualClock(datetime.combine(days[-1], time(), JST) + LONG_AFTER, rate_scale=100_000)
    sources = list(dict.fromkeys([*OF_PRICES, *state_tables(names)]))
    with TemporaryDirectory() as folder, run_simulator_thread(market, clock, plan=plan) as server:
        store = open_store(f"file://{folder}")
        client = JQuantsClient(server.base_url, KEY.format(plan), plan=plan, clock=clock)
        asyncio.run(_fetched(client, store, sources, days))
        tables = {name: _typed(store, name, days) for name in sources}
    bars, listed, index = (tables[name] for name in OF_PRICES)
    universe = build_universe(bars, listed, days, UniverseConfig(min_listed_sessions=5, min_median_turnover_jpy=0))
    return FeatureInputs(stage_whole(bars), universe, index, tables=tables, factors=factor_events(bars)), days


async def _fetched(client: JQuantsClient, store: Store, sources: Sequence[str], days: Sequence[date]) -> None:
    async with client:
        await fetch_group(client, store, sources, days, run_id="kernels")


def _typed(store: Store, source: str, days: Sequence[date]) -> pl.DataFrame:
    whole = SOURCES[source].axis == "range"
    return (typed_whole(store, source) if whole else typed_sessions(store, source, days)).frame


if __name__ == "__main__":
    end_with_parent()
    compile_kernels(DemoNote.load().plan)
