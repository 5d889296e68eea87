"""The audit itself: every part over one market, on a sample of its sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from gogoku_pipeline.audit.availability import availability
from gogoku_pipeline.audit.bystanders import isolation, row_order, row_order_of_tables
from gogoku_pipeline.audit.labels import label_alignment
from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.audit.report import AuditReport, Ledger
from gogoku_pipeline.audit.truncation import (
    Scaler,
    truncation_of_features,
    truncation_of_graph,
    truncation_of_prices,
    truncation_of_scaler,
    values_of,
)
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.dataset.normaliser import Normaliser
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.laws import Draw, draw_graph

PARTS = (
    "availability",
    "truncation_of_prices",
    "truncation_of_features",
    "truncation_of_scaler",
    "truncation_of_graph",
    "isolation",
    "row_order",
    "label_alignment",
)
"""Every part, in the order of the report."""


def run_audit(
    market: AuditedMarket,
    *,
    graph: GraphConfig,
    sample: int = 3,
    seed: int = 0,
    names: Sequence[str] | None = None,
    registry: Registry | None = None,
    scaler: Scaler = Normaliser,
    draw: Draw = draw_graph,
) -> AuditReport:
    """Audit the training inputs of a market on sampled sessions.

    Args:
        market: core rows from the first stored session on, and the labels made from them.
        graph: how the graph was drawn.
        sample: sessions to recompute, spread over the later half so that windows are full and later rows exist.
        seed: which sessions are taken.
        names: features under audit; None for all.
        registry: where they are declared; None for the house registry.
        scaler: makes the normaliser under audit from a catalogue.
        draw: draws edges and node features of sessions from returns.

    Returns:
        One finding per part of PARTS; a part with nothing to compare has failed.

    Raises:
        LeakError: the market is too short to be audited at all; an audit that cannot run is a failure.
    """
    sessions = market.sessions
    if sample < 1 or len(sessions) < 2 * sample + 1:
        raise LeakError(
            "leak audit",
            got=f"{len(sessions)} sessions for a sample of {sample}",
            want=f"a sample of at least 1 and {2 * max(sample, 1) + 1} sessions or more",
            remedy="Audit a longer span.",
        )
    book = registry or house()
    chosen = list(names or book.names)
    ledger = Ledger(PARTS)
    ledger.add("availability", *availability(market))
    for moment in market.moments(sampled(sessions, sample, seed)):
        values = values_of(moment, chosen, book)
        ledger.add("truncation_of_prices", *truncation_of_prices(moment))
        ledger.add("truncation_of_features", *truncation_of_features(moment, values, chosen))
        ledger.add("truncation_of_scaler", *truncation_of_scaler(moment, values, chosen, book, scaler))
        ledger.add("truncation_of_graph", *truncation_of_graph(moment, house(), graph, draw))
        ledger.add("isolation", *isolation(moment, chosen, book, seed))
        ledger.add("row_order", *row_order(moment, chosen, book))
        ledger.add("row_order", *row_order_of_tables(market, moment, seed))
    ledger.add("label_alignment", *label_alignment(market.labels, market.stage(market.bars), sample, seed))
    return replace(ledger.report(), switched_off=tuple(sorted(market.switched_off)))


def sampled(sessions: Sequence[date], sample: int, seed: int) -> list[date]:
    """One session out of each of `sample` equal parts of the later half, so that they lie apart."""
    later = np.arange(len(sessions) // 2, len(sessions) - 1)
    draw = stream(seed, "audit")
    return [sessions[int(draw.choice(part))] for part in np.array_split(later, sample)]
