"""Feature families and the graph: one asset per family, computed over a range at once.

Belongs here: asset bodies that read history and call the engine.
Does not belong here: formulas (`gogoku_pipeline.features`, `gogoku_pipeline.graph`).

Families read the history they need from the tables themselves (a recursive feature needs each listing's first row);
the lineage names what they read. The graph receives its window of sessions through the IO manager.
"""

import dagster as dg
import polars as pl

from assets.declaration import HouseAsset
from assets.partitions import lookback, sessions_of, show
from assets.reading import price_inputs
from gogoku_pipeline.evaluation.plots import degree_distribution, feature_coverage
from gogoku_pipeline.features.availability import stamp_available_at
from gogoku_pipeline.features.engine import warmup_sessions
from gogoku_pipeline.features.family_frames import family_frame, stamped
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import families, family_table
from gogoku_pipeline.graph.catalogue import FAMILY, registry
from gogoku_pipeline.graph.catalogue import family_table as graph_table
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import EDGES, build_edges
from gogoku_pipeline.graph.inputs import graph_returns
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture

KINDS = frozenset({"polars", "deltalake"})
PRICE_SOURCES = ("core_jquants__daily_bars", "core_jquants__topix", "core__universe")


def feature_family(family: str) -> HouseAsset:
    """The asset of one family of price features."""
    names = [feature.name for feature in families()[family]]

    def body(context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy]) -> pl.DataFrame:
        sessions = sessions_of(context)
        inputs = price_inputs(store.get(), sessions, warmup_sessions(names), price_columns(names))
        frame = family_frame(family, inputs, sessions)
        show(context, "coverage", picture(feature_coverage(shares(frame, names)), "Stocks with a value"))
        return frame

    return HouseAsset(
        body,
        family,
        "features",
        KINDS,
        table=family_table(family),
        deps=PRICE_SOURCES,
        column_lineage=column_lineage(family),
    )


def shares(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """[feature, coverage]: the share of rows with a value."""
    counts = frame.select(names).count().row(0)
    return pl.DataFrame({"feature": names, "coverage": [count / max(frame.height, 1) for count in counts]})


def column_lineage(family: str) -> dg.TableColumnLineage:
    """Which columns of which tables each feature of a family is made of."""
    tables = {"bars": daily_bars.TABLE, "topix": topix.TABLE, "master": listed_issues.SNAPSHOT}
    homes = {feature.name: name for name, members in families().items() for feature in members}

    def column(source: str) -> dg.TableColumnDep:
        if source.startswith("@"):
            return dg.TableColumnDep(dg.AssetKey(homes[source[1:]]), source[1:])
        table, _, field = source.partition(".")
        (found,) = (item.name for item in tables[table].columns if item.source == field)
        return dg.TableColumnDep(dg.AssetKey(tables[table].name), found)

    return dg.TableColumnLineage(
        {feature.name: [column(source) for source in feature.sources] for feature in families()[family]}
    )


def graph_correlation(
    context: dg.AssetExecutionContext,
    compute: dg.ResourceParam[Compute],
    feat__prices: pl.LazyFrame,
    feat__market: pl.LazyFrame,
    core__universe: pl.LazyFrame,
) -> pl.DataFrame:
    """The correlation graph of each session."""
    returns = graph_returns(feat__prices, feat__market, core__universe)
    return build_edges(returns, sessions_of(context), compute.graph, threads=compute.threads)


def graph_features(
    context: dg.AssetExecutionContext,
    compute: dg.ResourceParam[Compute],
    graph__correlation: pl.LazyFrame,
    feat__prices: pl.LazyFrame,
    feat__market: pl.LazyFrame,
    core__universe: pl.LazyFrame,
) -> pl.DataFrame:
    """What the graph says about each stock."""
    returns = graph_returns(feat__prices, feat__market, core__universe)
    edges = graph__correlation.collect()
    nodes = compute_node_features(edges, returns, sessions_of(context), compute.graph, threads=compute.threads)
    degrees = nodes.filter(pl.col("session") == pl.col("session").max())["g_degree_count"].drop_nulls()
    if degrees.len():
        show(context, "degrees", picture(degree_distribution(degrees), "Neighbours per stock, newest session"))
    return stamped(stamp_available_at(nodes, registry=registry()), core__universe.collect())


def feature_assets(graph: GraphConfig) -> list[HouseAsset]:
    """Every family, the graph, and the features drawn from it.

    Args:
        graph: its window decides how many sessions the graph reads.
    """
    window = {
        name: dg.AssetIn(partition_mapping=lookback(graph.lookback_sessions))
        for name in ("feat__prices", "feat__market", "core__universe")
    }
    return [
        *(feature_family(family) for family in families()),
        HouseAsset(graph_correlation, EDGES.name, "graph", KINDS, table=EDGES, ins=window),
        HouseAsset(
            graph_features,
            FAMILY,
            "graph",
            KINDS,
            table=graph_table(),
            ins={**window, EDGES.name: dg.AssetIn()},
        ),
    ]
