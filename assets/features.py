"""Feature families and the graph: one asset per family, computed over a range at once.

Belongs here: asset bodies that read history and call the engine.
Does not belong here: formulas (`gogoku_pipeline.features`, `gogoku_pipeline.graph`).

Families read the sessions they need from the tables themselves, a tail where the session before left its state, else
the history (a recursive feature needs each listing's first row), and so does the graph with its window; the lineage
names what they read.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from assets.appending import family_rows
from assets.declaration import HouseAsset
from assets.partitions import sessions_of, show
from assets.reading import history, sessions_before
from gogoku_pipeline.evaluation.plots import degree_distribution, feature_coverage
from gogoku_pipeline.evaluation.plots_features import neighbourhood
from gogoku_pipeline.features.availability import SOURCE_OF, published_sources, stamp_available_at, state_tables
from gogoku_pipeline.features.family_frames import stamped
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import FAMILY, registry
from gogoku_pipeline.graph.catalogue import family_table as graph_table
from gogoku_pipeline.graph.config import LAG_SESSIONS
from gogoku_pipeline.graph.correlation import EDGES, build_edges
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.monitoring.feature_pictures import middle_of
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture

KINDS = frozenset({"polars", "deltalake"})
ALWAYS = ("core_jquants__daily_bars", "core__universe")
HOME = {table.name: table for table in (*TABLE_OF.values(), UNIVERSE)}


def feature_family(family: str, plan: str) -> HouseAsset:
    """The asset of one family, with the features the plan can compute."""
    registry = house(plan)
    names = [feature.name for feature in families(registry)[family]]
    tables = [HOME[name] for name in tables_read(names)]

    def body(
        context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]
    ) -> pl.DataFrame:
        frame = family_rows(store.get(), family, registry, sessions_of(context), tables, compute.cutoff)
        show(context, "coverage", picture(feature_coverage(shares(frame, names)), "Stocks with a value"))
        return frame

    return HouseAsset(
        body,
        family,
        "features",
        KINDS,
        table=family_table(family, registry),
        deps=tables_read(names),
        column_lineage=column_lineage(family, plan),
    )


def tables_read(names: list[str]) -> tuple[str, ...]:
    """Names of the tables some features are made of, prices and universe first."""
    read = {source for name in names for source in published_sources(house().feature(name))} | {*state_tables(names)}
    found = (table.name for source, table in TABLE_OF.items() if source in read)
    return tuple(dict.fromkeys([*ALWAYS, *found]))


def shares(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """[feature, coverage]: the share of rows with a value."""
    counts = frame.select(names).count().row(0)
    return pl.DataFrame({"feature": names, "coverage": [count / max(frame.height, 1) for count in counts]})


def column_lineage(family: str, plan: str = PLANS[-1]) -> dg.TableColumnLineage:
    """Which columns of which tables each feature of a family is made of."""
    known = families(house(plan))
    homes = {feature.name: name for name, members in known.items() for feature in members}

    def column(source: str) -> dg.TableColumnDep:
        if source.startswith("@"):
            return dg.TableColumnDep(dg.AssetKey(homes[source[1:]]), source[1:])
        alias, _, field = source.partition(".")
        table = TABLE_OF[SOURCE_OF[alias]]
        found = next((item.name for item in table.columns if item.source == field), field)
        return dg.TableColumnDep(dg.AssetKey(table.name), found)

    return dg.TableColumnLineage(
        {feature.name: [column(source) for source in feature.sources] for feature in known[family]}
    )


def before_each(store: Store, table: Table, sessions: Sequence[date], n: int) -> pl.LazyFrame:
    """Rows of a range and of the n sessions before it, without holes."""
    return history(store, table, sessions[-1], sessions_before(sessions[0], n))


def returns_read(store: Store, sessions: Sequence[date], compute: Compute) -> pl.DataFrame:
    """The returns that graphs of a range are drawn from."""
    plan, n = house(compute.plan), compute.graph.lookback_sessions
    tables = (family_table("feat__prices", plan), family_table("feat__market", plan), UNIVERSE)
    return graph_returns(*(before_each(store, table, sessions, n) for table in tables))


def graph_correlation(
    context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]
) -> pl.DataFrame:
    """The correlation graph of each session."""
    sessions = sessions_of(context)
    return build_edges(returns_read(store.get(), sessions, compute), sessions, compute.graph, threads=compute.threads)


def graph_features(
    context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]
) -> pl.DataFrame:
    """What the graph says about each stock."""
    opened, sessions = store.get(), sessions_of(context)
    edges = before_each(opened, EDGES, sessions, LAG_SESSIONS).collect()
    returns = returns_read(opened, sessions, compute)
    nodes = compute_node_features(edges, returns, sessions, compute.graph, threads=compute.threads)
    degrees = nodes.filter(pl.col("session") == pl.col("session").max())["g_degree_count"].drop_nulls()
    if degrees.len():
        show(context, "degrees", picture(degree_distribution(degrees), "Neighbours per stock, newest session"))
    show_neighbourhood(context, edges)
    listed = before_each(opened, UNIVERSE, sessions, 0).collect()
    return stamped(stamp_available_at(nodes, registry=registry(compute.plan)), listed)


def show_neighbourhood(context: dg.AssetExecutionContext, edges: pl.DataFrame) -> None:
    """The best tied stock of the newest session among its neighbours, where there are any."""
    newest = edges.filter(pl.col("session") == pl.col("session").max())
    if middle := middle_of(newest):
        show(context, "neighbourhood", picture(neighbourhood(newest, middle), f"{middle} and its neighbours"))


def feature_assets(plan: str) -> list[HouseAsset]:
    """Every family of a plan, the graph, and the features drawn from it.

    An asset depends on the same session of what it reads and reads the sessions before it from the tables: filling
    one session again fills that one alone, and a backfill ends where it was asked to end.

    Args:
        plan: what the key may read; a feature above it is in no table.
    """
    read = ("feat__prices", "feat__market", UNIVERSE.name)
    return [
        *(feature_family(family, plan) for family in families(house(plan))),
        HouseAsset(graph_correlation, EDGES.name, "graph", KINDS, table=EDGES, deps=read),
        HouseAsset(graph_features, FAMILY, "graph", KINDS, table=graph_table(plan=plan), deps=(EDGES.name, *read)),
    ]
