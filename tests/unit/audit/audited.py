"""A market to audit: a simulated one fetched over HTTP, typed, and labelled by the production code."""

from __future__ import annotations

import asyncio
from datetime import datetime, time
from functools import cache
from tempfile import TemporaryDirectory

from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import build_labels
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.ingest import fetch_range, fetch_sessions
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import Store, open_store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.typed import typed_sessions
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe
from tests.laws.features.small_sources import Library

UNIVERSE = UniverseConfig(min_listed_sessions=10, min_median_turnover_jpy=0)
GRAPH = GraphConfig(min_nodes=10, k=4, window=30, min_sessions=20, min_common=20)
CUTOFF = time(19, 0)
FEW = ("ret_1d", "vol_20d", "mkt_ret_1d", "xs_ret_1d", "beta_60d", "rel_sec33_5d", "rsi_14_score")
"""Features of every axis, for tests in which it does not matter which ones are audited."""

READ = tuple(state_tables(house().names))
"""Sources that features read beside prices."""


@cache
def audited_market() -> AuditedMarket:
    """Forty issues over the sessions around the outage, splits included."""
    simulated = generate_market(MarketConfig(n_issues=40, n_sessions=120))
    days = simulated.sessions
    clock = VirtualClock(datetime.combine(days[-1], time(19), tzinfo=JST), rate_scale=5_000)
    with TemporaryDirectory() as folder, run_simulator_thread(simulated, clock) as server:
        store = open_store(f"file://{folder}/data")
        asyncio.run(_fetch(server.base_url, clock, store, days))
        bars, listed = (
            typed_sessions(store, "daily_bars", days).frame,
            typed_sessions(store, "listed_issues", days).frame,
        )
        topix = typed_sessions(store, "topix", days).frame
        own = {"listed_issues": listed, "topix": topix}
        library = Library(simulated, open_store(f"file://{folder}/others"))
        tables = {name: own[name] if name in own else library.table(name, days) for name in READ}
    prices, universe = stage_prices(bars), build_universe(bars, listed, days, UNIVERSE)
    betas = compute(["beta_60d"], FeatureInputs(prices, universe, topix), start=days[0], end=days[-1])
    labels = build_labels(prices, universe, topix, betas, tse_calendar(), horizons=(1, 5))
    return AuditedMarket(bars, listed, topix, labels, UNIVERSE, CUTOFF, tables)


async def _fetch(base_url: str, clock: VirtualClock, store: Store, days: list) -> None:
    async with JQuantsClient(base_url, "simulator-premium-key", plan="premium", clock=clock) as client:
        for source in ("daily_bars", "listed_issues"):
            await fetch_sessions(client, store, source, days, run_id="audit")
        await fetch_range(client, store, "topix", days[0], days[-1], run_id="audit")
