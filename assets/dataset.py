"""Labels and panel: what happened after each decision, and the tensors models are fed.

Belongs here: asset bodies of the label table and the panel, and the panel every model reads.
Does not belong here: shifting time forward, normalising (`gogoku_pipeline.dataset`).
"""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from assets.declaration import HouseAsset
from assets.reading import history
from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.companions import with_edges, with_raw
from gogoku_pipeline.dataset.export_sources import alpha158_rows
from gogoku_pipeline.dataset.labels import LABELS, build_labels
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.dataset.panel import Panel, build_panel
from gogoku_pipeline.evaluation.plots_features import group_coverage
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.outside import ALPHA158
from gogoku_pipeline.graph.catalogue import catalogue, registry
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.monitoring.feature_pictures import coverage_by_group
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.universe import UNIVERSE
from resources.compute import NETWORKS, Compute
from resources.lazy import Lazy
from resources.metadata import picture
from resources.recipes import GRAPH_NETWORK, panel_needs

BETA = "beta_60d"
"""Of the residual labels: absent below Light, where there is no index; those labels are null there."""


def house_panel(store: Store, compute: Compute, versions: Mapping[str, int] | None = None) -> Panel:
    """The panel of the tables; opened when exactly this one exists, built otherwise.

    Args:
        store: where the tables lie.
        compute: graph, plan and set of features; its challengers decide what lies beside the panel.
        versions: version of each table to read; None for the tables as they are now.

    Raises:
        PartitionMissingError: a feature family or the universe has no sessions, or lacks some the others have.
        StoreError: a version that is not kept any more.
    """
    known = catalogue(compute.graph, compute.plan, compute.feature_set)
    read = {name: table_of_family(name, compute.plan) for name in known.families}
    needs = panel_needs(compute)
    drawn = (EDGES,) if needs.graphs else ()
    tables = {table.name: table for table in (*read.values(), UNIVERSE, *drawn)}
    at = {name: store.tables.version(table) or 0 for name, table in tables.items()} if versions is None else versions
    sessions = tse_calendar().between(*_span(store, UNIVERSE, at.get(UNIVERSE.name)))
    for table in tables.values():
        store.tables.require(table, sessions, at.get(table.name))
    master = store.tables.scan(listed_issues.MASTER).select("code", "stock_id").unique().sort("stock_id").collect()
    built = build_panel(
        [rows_of_family(store, name, table, sessions, at).drop("available_at") for name, table in read.items()],
        store.tables.scan(UNIVERSE, version=at.get(UNIVERSE.name)),
        known,
        Normaliser(known),
        compute.cache_dir / "panels",
        at,
        sessions=sessions,
        codes=master["code"].to_list(),
    )
    if drawn:
        version = at.get(EDGES.name, store.tables.version(EDGES) or 0)
        rows, held = store.tables.scan(EDGES, version=version), store.tables.sessions(EDGES, version)
        built = with_edges(built, rows, held, version)
    return with_raw(built, raw_rows(store, read, needs.raw, sessions, at), needs.raw, at)


def raw_rows(
    store: Store,
    read: Mapping[str, Table],
    channels: Sequence[str],
    sessions: Sequence[date],
    versions: Mapping[str, int],
) -> list[pl.LazyFrame]:
    """The families that hold some of the channels, as they are stored."""
    holders = {name: table for name, table in read.items() if set(channels) & set(table.polars_schema.names())}
    return [rows_of_family(store, name, table, sessions, versions) for name, table in holders.items()]


def table_of_family(family: str, plan: str) -> Table:
    """What a family's values are read from: its own table, or bars for the set outside the registry."""
    return daily_bars.TABLE if family == ALPHA158 else family_table(family, registry(plan))


def rows_of_family(
    store: Store, family: str, table: Table, sessions: Sequence[date], versions: Mapping[str, int]
) -> pl.LazyFrame:
    """A family's rows at a version; the set outside the registry is computed here and held in memory."""
    if family == ALPHA158:
        return alpha158_rows(store, sessions, versions).lazy()
    return store.tables.scan(table, version=versions.get(table.name))


def _span(store: Store, table: Table, version: int | None = None) -> tuple[date, date]:
    stored = store.tables.sessions(table, version)
    if not stored:
        raise PartitionMissingError(
            table.name, got="no session", want="at least one", remedy=f"Materialise {table.name} first."
        )
    return stored[0], stored[-1]


def labels(store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]) -> pl.DataFrame:
    """What every stock did after every session."""
    opened = store.get()
    end = _span(opened, UNIVERSE)[1]
    market = opened.tables.scan(family_table("feat__market", registry(compute.plan)))
    beta = pl.col("beta_60d") if BETA in registry(compute.plan) else pl.lit(None, dtype=pl.Float32).alias("beta_60d")
    betas = market.select("session", "code", beta)
    return build_labels(
        stage_prices(history(opened, daily_bars.TABLE, end).collect()),
        history(opened, UNIVERSE, end).collect(),
        history(opened, topix.TABLE, end).collect() if BETA in registry(compute.plan) else topix.TABLE.empty(),
        betas.collect(),
        tse_calendar(),
    )


def panel(store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]) -> dg.MaterializeResult:
    """Every feature of every stock on every session, normalised and memory-mapped in the local cache."""
    built = house_panel(store.get(), compute)
    coverage = coverage_by_group(store.get(), compute.plan, built.sessions[-1])
    drawn = {"coverage": picture(group_coverage(coverage), "Feature values that exist")} if coverage.height else {}
    return dg.MaterializeResult(
        metadata={
            "key": built.key,
            "sessions": len(built.sessions),
            "stocks": len(built.codes),
            "features": len(built.names),
            "feature_set": compute.feature_set or compute.plan.lower(),
            "catalogue_hash": built.catalogue_hash,
            "table_versions": dict(built.table_versions),
            **drawn,
        },
        data_version=dg.DataVersion(built.key),
    )


def dataset_assets(plan: str, challengers: Sequence[str] = NETWORKS) -> list[HouseAsset]:
    """Labels and panel of a plan's features, with the graphs beside it where a challenger reads them."""
    label_sources = (daily_bars.TABLE.name, topix.TABLE.name, UNIVERSE.name, "feat__market")
    drawn = (EDGES.name,) if GRAPH_NETWORK in challengers else ()
    sources = (*catalogue(plan=plan).families, UNIVERSE.name, listed_issues.MASTER.name, *drawn)
    return [
        HouseAsset(
            labels,
            LABELS.name,
            "models",
            frozenset({"polars", "deltalake"}),
            table=LABELS,
            deps=label_sources,
            partitioned=False,
        ),
        HouseAsset(panel, "data__panel", "models", frozenset({"numpy"}), deps=sources, partitioned=False),
    ]
