"""Two small simulated markets with known truth, fetched over HTTP and typed by the house: the audit's planted market.

Belongs here: making them, once per process. Does not belong here: what they are asked (`gogoku_pipeline.audit`).
"""

import asyncio
from datetime import datetime, time
from functools import cache, partial
from tempfile import TemporaryDirectory

import polars as pl

from gogoku_pipeline.audit.case import PlantedMarkets
from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.audit.road import Road
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import build_labels
from gogoku_pipeline.dataset.splits import final_split, walk_forward
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import Catalogue, registry
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.ingest import fetch_range, fetch_sessions
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import Store, open_store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.typed import typed_sessions
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

ISSUES, SESSIONS, SEED, HORIZON_D = 60, 160, 11, 1
REVERSAL = 4.0
"""Dial of the one planted effect. At 1 its RankIC is near the noise of 60 stocks; at 4 there is something to lose.
Over one session its expectation is the return of the last week alone, so a model with that feature can say it all."""

NAMES = ("ret_1d", "ret_5d", "ret_20d", "vol_20d")
NODES = ("g_peer_ret_1d", "has_graph")
"""What the model reads: enough to say the effect, few enough to learn their weights from a hundred sessions."""

UNIVERSE = UniverseConfig(min_listed_sessions=10, min_median_turnover_jpy=0)
GRAPH = GraphConfig(min_nodes=10, k=4, window=30, min_sessions=20, min_common=20)
ROAD = Road(
    graph=GRAPH,
    registry=house(),
    names=NAMES,
    horizon_d=HORIZON_D,
    panel=Catalogue(tuple(registry().feature(name) for name in (*NAMES, *NODES)), "planted market"),
    folds=partial(walk_forward, n_folds=1, horizon_d=HORIZON_D, embargo=5, min_train=80, validation=10),
    split=partial(final_split, horizon_d=HORIZON_D, embargo=5, validation=10),
)
"""The registered road at the size of the planted market; its model is the ridge, which needs no tuning."""


@cache
def planted_markets() -> PlantedMarkets:
    """The market with one planted effect, the same market without it, and what is truly to be expected."""
    loud, silent = (_market(strength) for strength in (REVERSAL, 0.0))
    oracle = loud.oracle_scores(HORIZON_D).select("session", "code", "score")
    return PlantedMarkets(_audited(loud), _audited(silent), oracle, ROAD)


def _market(strength: float) -> Market:
    dials = Dials(**{**vars(Dials.only("reversal")), "reversal": strength})
    return generate_market(MarketConfig(ISSUES, SESSIONS, seed=SEED, dials=dials))


def _audited(market: Market) -> AuditedMarket:
    """Prices, listings and index over real HTTP, typed, staged and labelled by the production code."""
    days = market.sessions
    clock = VirtualClock(datetime.combine(days[-1], time(19), tzinfo=JST), rate_scale=10_000)
    with TemporaryDirectory() as folder, run_simulator_thread(market, clock) as server:
        store = open_store(f"file://{folder}/data")
        asyncio.run(_fetch(server.base_url, clock, store, market))
        bars, listed, topix = (
            typed_sessions(store, name, days).frame for name in ("daily_bars", "listed_issues", "topix")
        )
    prices, universe = stage_prices(bars), build_universe(bars, listed, days, UNIVERSE)
    unknown = universe.select("session", "code", beta_60d=pl.lit(None, pl.Float32))
    labels = build_labels(prices, universe, topix, unknown, tse_calendar(), horizons=(HORIZON_D,))
    return AuditedMarket(bars, listed, topix, labels, UNIVERSE, time(19))


async def _fetch(base_url: str, clock: VirtualClock, store: Store, market: Market) -> None:
    days = market.sessions
    async with JQuantsClient(base_url, "simulator-premium-key", plan="premium", clock=clock) as client:
        for source in ("daily_bars", "listed_issues"):
            await fetch_sessions(client, store, source, days, run_id="planted market")
        await fetch_range(client, store, "topix", days[0], days[-1], run_id="planted market")
