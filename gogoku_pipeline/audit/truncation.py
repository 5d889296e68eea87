"""Part two: what is computed at t is the same bit for bit whether or not later rows exist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.audit.report import Finding, finding
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.node_features import compute_node_features

_KEY = ["session", "code"]


def truncation_of_features(
    market: AuditedMarket, at: Sequence[date], names: Sequence[str], registry: Registry | None = None
) -> Finding:
    """Recompute universe and features of each sampled session from only what was known at its cutoff.

    Args:
        market: the whole span, later rows included.
        at: sampled sessions.
        names: features to recompute.
        registry: where they are declared; None for the house registry.
    """
    book = registry or house()
    whole = market.inputs(market.sessions)
    offenders: list[str] = []
    compared = 0
    for session in at:
        known = market.known_at(session)
        if session not in known.sessions:
            offenders.append(f"{session}: its own rows were not available at its cutoff")
            continue
        then = compute(names, known.inputs(known.sessions), start=session, end=session, registry=book)
        now = compute(names, whole, start=session, end=session, registry=book)
        compared += now.height * len(names)
        offenders += [f"{name} at {session}" for name in differing(then, now, names)]
    return finding("truncation_of_features", offenders, compared, f"{len(names)} features at {len(at)} sessions")


def truncation_of_graph(market: AuditedMarket, at: Sequence[date], config: GraphConfig) -> Finding:
    """Redraw the graph of each sampled session from only what was known at its cutoff; edges and g_* must agree."""
    whole = _returns(market)
    offenders: list[str] = []
    compared = 0
    for session in at:
        known = market.known_at(session)
        if session not in known.sessions:
            offenders.append(f"{session}: its own rows were not available at its cutoff")
            continue
        then, now = _returns(known), whole
        edges = [build_edges(returns, [session], config) for returns in (then, now)]
        nodes = [compute_node_features(e, r, [session], config) for e, r in zip(edges, (then, now), strict=True)]
        compared += edges[1].height + nodes[1].height
        if not edges[0].drop("available_at").equals(edges[1].drop("available_at")):
            offenders.append(f"edges at {session}")
        offenders += [f"{name} at {session}" for name in differing(nodes[0], nodes[1], nodes[1].columns[2:])]
    return finding("truncation_of_graph", offenders, compared, f"edges and node features at {len(at)} sessions")


def differing(then: pl.DataFrame, now: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns that are not equal bit for bit on the same keys; different keys count as every column differing."""
    left, right = then.sort(_KEY), now.sort(_KEY)
    if not left.select(_KEY).equals(right.select(_KEY)):
        return list(names)
    return [name for name in names if not left[name].equals(right[name], null_equal=True)]


def _returns(market: AuditedMarket) -> pl.DataFrame:
    inputs = market.inputs(market.sessions)
    sessions = market.sessions
    frame = compute(["ret_1d", "xs_ret_1d"], inputs, start=sessions[0], end=sessions[-1])
    membership = inputs.universe.select("session", "code", "is_in_universe")
    return frame.join(membership, on=_KEY, how="left").with_columns(pl.col("is_in_universe").fill_null(value=False))
