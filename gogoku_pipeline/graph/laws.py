"""The laws every graph obeys, as functions that report violations: for tests and for asset checks on stored samples.

Belongs here: truncation, row order, chunks, isolation, the shape of edges, the values of nodes. An empty list means the
law holds; "equal" is to the bit. Each law takes `draw`, so that a planted defect is judged by the very same code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.graph.catalogue import catalogue
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import EDGES, build_edges
from gogoku_pipeline.graph.formulas import MEASURES
from gogoku_pipeline.graph.node_features import compute_node_features

Drawn = tuple[pl.DataFrame, pl.DataFrame]
"""Edges and node features."""

Draw = Callable[[pl.DataFrame, Sequence[date], GraphConfig], Drawn]


def draw_graph(returns: pl.DataFrame, sessions: Sequence[date], config: GraphConfig) -> Drawn:
    """Edges and node features of the sessions, the way the house computes them."""
    edges = build_edges(returns, sessions, config)
    return edges, compute_node_features(edges, returns, sessions, config)


def truncation(returns: pl.DataFrame, session: date, config: GraphConfig, draw: Draw = draw_graph) -> list[Violation]:
    """The graph of a session is the same whether later rows exist, are scrambled or are gone."""
    past, later = returns.filter(pl.col("session") <= session), returns.filter(pl.col("session") > session)
    noise = pl.Series(stream(0, "graph laws", str(session)).normal(0, 0.05, later.height))
    scrambled = later.with_columns(ret_1d=noise, is_in_universe=~pl.col("is_in_universe")).cast(returns.schema)
    gone = draw(past, [session], config)
    return [
        *compare("truncation", draw(returns, [session], config), gone),
        *compare("truncation (scrambled future)", draw(pl.concat([past, scrambled]), [session], config), gone),
    ]


def row_order(
    returns: pl.DataFrame, sessions: Sequence[date], config: GraphConfig, draw: Draw = draw_graph
) -> list[Violation]:
    """Shuffled rows and sessions asked for backwards give the same graphs."""
    shuffled = returns.sample(fraction=1.0, shuffle=True, seed=11)
    return compare("row order", draw(returns, sessions, config), draw(shuffled, list(sessions)[::-1], config))


def chunks(
    returns: pl.DataFrame, sessions: Sequence[date], config: GraphConfig, draw: Draw = draw_graph
) -> list[Violation]:
    """Each session alone, from its declared lookback only, gives what the whole range gives."""
    whole = draw(returns, sessions, config)
    known = sorted(set(returns["session"]))
    found = []
    for session in sessions:
        first = known[max(0, known.index(session) - config.lookback_sessions)]
        alone = draw(returns.filter(pl.col("session").is_between(first, session)), [session], config)
        mine = (whole[0].filter(pl.col("session") == session), whole[1].filter(pl.col("session") == session))
        found += compare("chunks", mine, alone)
    return found


def isolation(
    returns: pl.DataFrame, sessions: Sequence[date], config: GraphConfig, code: str, draw: Draw = draw_graph
) -> list[Violation]:
    """A stock outside the universe on those sessions changes nothing for the others."""
    other = pl.col("code") != code
    edges, features = draw(returns, sessions, config)
    return compare("isolation", (edges, features.filter(other)), draw(returns.filter(other), sessions, config))


def shape_of_edges(edges: pl.DataFrame, config: GraphConfig) -> list[Violation]:
    """Pairs once, smaller code first, no self-loop, strong enough, among the k strongest of an end, sane change."""
    pair = ["session", "code_i", "code_j"]
    size = pl.col("weight").abs()
    ends = pl.concat([edges.select(*pair, "weight", end=end) for end in ("code_i", "code_j")])
    ranked = ends.with_columns(rank=size.rank("min", descending=True).over("session", "end"))
    best = ranked.group_by(pair).agg(pl.col("rank").min()).filter(pl.col("rank") > config.k)
    strong = size.is_between(config.threshold * (1 - 1e-6), config.shrink * (1 + 1e-6))
    change = pl.col("weight_delta_20d")
    wild = ~change.is_finite() | (change.abs() > 2 * config.shrink * (1 + 1e-6))
    return [
        *_first("change", edges.filter(wild), "a change no two correlations can have"),
        *_first("key", edges.filter(edges.select(EDGES.key).is_duplicated()), "a pair twice"),
        *_first("undirected", edges.filter(pl.col("code_i") >= pl.col("code_j")), "code_i not before code_j"),
        *_first("threshold", edges.filter(~strong | ~size.is_finite()), "a correlation out of bounds"),
        *_first("k strongest", best, f"an edge that is among the {config.k} strongest of neither end"),
    ]


def values_of_nodes(edges: pl.DataFrame, features: pl.DataFrame) -> list[Violation]:
    """Bounds hold, no NaN leaves, degrees count the edges, and nulls are exactly where a stock is no node."""
    node = pl.col("has_graph") == 1
    counted_as_node = (pl.col(name).is_not_null() != node for name in ("g_degree_count", "g_strength"))
    mistaken = pl.any_horizontal(pl.col("has_graph").is_null(), *counted_as_node)
    tied = pl.col("g_degree_count").fill_null(0) > 0
    half = [edges.select("session", code=end) for end in ("code_i", "code_j")]
    counted = pl.concat(half).group_by("session", "code").agg(ties=pl.len())
    joined = features.join(counted, on=["session", "code"], how="left", validate="1:1")
    found = [
        *_first("node or null", features.filter(mistaken), "a degree without a node or the reverse"),
        *_first("peers", features.filter(tied == pl.col("g_peer_corr_mean").is_null()), "peers without edges"),
        *_first(
            "degree", joined.filter(node & (pl.col("g_degree_count") != pl.col("ties").fill_null(0))), "another count"
        ),
    ]
    for name in MEASURES:
        low, high = catalogue().feature(name).at_least, catalogue().feature(name).at_most
        beyond = ~pl.col(name).is_finite()
        for bound, outside in ((low, pl.col(name) < (low or 0.0)), (high, pl.col(name) > (high or 0.0))):
            beyond = beyond | outside if bound is not None else beyond
        found += _first("bounds", features.filter(beyond), f"{name} not finite or out of [{low}, {high}]", name)
    return found


def compare(law: str, one: Drawn, other: Drawn) -> list[Violation]:
    """Violations between two graphs of the same sessions: edges and node features are equal to the bit or reported."""
    found = []
    for feature, a, b in zip((EDGES.name, "feat__graph"), one, other, strict=True):
        if not a.equals(b, null_equal=True):
            key = a.columns[:3] if feature == EDGES.name else a.columns[:2]
            columns = [name for name in a.columns if name != "available_at"]
            left = a.select(columns).join(b.select(columns), on=columns, how="anti", nulls_equal=True)
            right = b.select(columns).join(a.select(columns), on=columns, how="anti", nulls_equal=True)
            seen = pl.concat([left, right]).sort(key)
            words = f"{left.height} rows of {a.height} and {right.height} of {b.height} differ"
            found += _first(law, seen if seen.height else a.head(1), words, feature)
    return found


def _first(law: str, rows: pl.DataFrame, words: str, feature: str = EDGES.name) -> list[Violation]:
    if rows.height == 0:
        return []
    row = rows.row(0, named=True)
    code = row.get("code") or f"{row['code_i']}-{row['code_j']}"
    return [Violation(law, feature, row["session"], code, f"{rows.height} times: {words}")]
