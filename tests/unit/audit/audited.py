"""A market to audit: a simulated one fetched over HTTP, typed, and labelled by the production code; made once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import fields
from datetime import date, datetime, time
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import gogoku_pipeline
from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.audit.road import Road
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import build_labels
from gogoku_pipeline.dataset.splits import final_split, walk_forward
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import Catalogue
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
HORIZON_D = 5
FEW = ("ret_1d", "vol_20d", "mkt_ret_1d", "xs_ret_1d", "beta_60d", "rel_sec33_5d", "rsi_14_score")
"""Features of every axis, for tests in which it does not matter which ones are audited."""

READ = tuple(state_tables(house().names))
"""Sources that features read beside prices."""

FOLDS = partial(walk_forward, n_folds=1, horizon_d=HORIZON_D, embargo=5, min_train=30, validation=10)
SPLIT = partial(final_split, horizon_d=HORIZON_D, embargo=5, validation=10)
ROAD = Road(GRAPH, house(), FEW, HORIZON_D, folds=FOLDS, split=SPLIT)
"""The whole road, edges and node features in the panel."""

PLAIN = Catalogue(tuple(house().feature(name) for name in FEW), "few features, no graph")
SHORT_ROAD = Road(GRAPH, house(), FEW, HORIZON_D, panel=PLAIN, folds=FOLDS, split=SPLIT)
"""The road without node features in the panel, for leaks that are elsewhere: it need not draw every session."""


@cache
def audited_market(folder: Path | None = None) -> AuditedMarket:
    """Forty issues over the sessions around the outage, splits included; kept in a folder until the code changes."""
    if folder is None:
        return _made()
    home = folder / sha256_json(_code())[:16]
    if not home.is_dir():
        made = _made()
        with TemporaryDirectory(dir=folder) as fresh:
            whole = Path(fresh) / "whole"
            whole.mkdir()
            for name, frame in {**_frames(made), **{f"table-{n}": f for n, f in made.tables.items()}}.items():
                frame.write_parquet(whole / f"{name}.parquet")
            with suppress(OSError):  # of two processes that made the same, the first one keeps its files
                whole.rename(home)
        return made
    kept = {path.stem: pl.read_parquet(path) for path in home.glob("*.parquet")}
    tables = {name: kept.pop(f"table-{name}") for name in READ}
    return AuditedMarket(**kept, universe=UNIVERSE, cutoff=CUTOFF, tables=tables)


def _frames(market: AuditedMarket) -> dict[str, pl.DataFrame]:
    return {one.name: value for one in fields(market) if isinstance(value := getattr(market, one.name), pl.DataFrame)}


def _code() -> list[str]:
    """Text of everything that decides the rows."""
    rooms = ("core", "schema", "simulator", "store", "tables", "ingest", "jquants", "dataset")
    files = [path for room in rooms for path in sorted((Path(gogoku_pipeline.__file__).parent / room).rglob("*.py"))]
    return [*READ, *(path.read_text() for path in (*files, Path(__file__)))]


def tiny_market() -> AuditedMarket:
    """The simulator's smallest preset: sixty issues over 160 sessions."""
    return _made(MarketConfig.preset("tiny"))


def _made(config: MarketConfig | None = None) -> AuditedMarket:
    simulated = generate_market(config or MarketConfig(n_issues=40, n_sessions=120))
    days = simulated.sessions
    clock = VirtualClock(datetime.combine(days[-1], time(19), tzinfo=JST), rate_scale=5_000)
    with TemporaryDirectory() as folder, run_simulator_thread(simulated, clock) as server:
        store = open_store(f"file://{folder}/data")
        asyncio.run(_fetch(server.base_url, clock, store, days))
        bars, listed, topix = (
            typed_sessions(store, name, days).frame for name in ("daily_bars", "listed_issues", "topix")
        )
        own = {"listed_issues": listed, "topix": topix}
        library = Library(simulated, open_store(f"file://{folder}/others"))
        tables = {name: own[name] if name in own else library.table(name, days) for name in READ}
    prices, universe = stage_prices(bars), build_universe(bars, listed, days, UNIVERSE)
    unknown = universe.select("session", "code", beta_60d=pl.lit(None, pl.Float32))
    labels = build_labels(prices, universe, topix, unknown, tse_calendar(), horizons=(1, HORIZON_D))
    return AuditedMarket(bars, listed, topix, labels, UNIVERSE, CUTOFF, tables)


async def _fetch(base_url: str, clock: VirtualClock, store: Store, days: list[date]) -> None:
    async with JQuantsClient(base_url, "simulator-premium-key", plan="premium", clock=clock) as client:
        for source in ("daily_bars", "listed_issues"):
            await fetch_sessions(client, store, source, days, run_id="audit")
        await fetch_range(client, store, "topix", days[0], days[-1], run_id="audit")
