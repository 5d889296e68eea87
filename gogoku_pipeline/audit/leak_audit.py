"""The audit itself: every part over one market, on a sample of its sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from gogoku_pipeline.audit.availability import availability
from gogoku_pipeline.audit.market import AuditedMarket
from gogoku_pipeline.audit.report import AuditReport
from gogoku_pipeline.audit.truncation import truncation_of_features, truncation_of_graph
from gogoku_pipeline.core.errors import LeakError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.graph.config import GraphConfig


def run_audit(
    market: AuditedMarket,
    *,
    graph: GraphConfig,
    sample: int = 3,
    seed: int = 0,
    names: Sequence[str] | None = None,
    registry: Registry | None = None,
) -> AuditReport:
    """Audit the training inputs of a market on sampled sessions.

    Args:
        market: core rows from the first stored session on.
        graph: how the graph was drawn.
        sample: sessions to recompute, taken from the later half so that windows are full and later rows exist.
        seed: which sessions are taken.
        names: features under audit; None for all.
        registry: where they are declared; None for the house registry.

    Raises:
        LeakError: the market is too short to be audited at all; an audit that cannot run is a failure.
    """
    sessions = market.sessions
    if len(sessions) < 2 * sample or sample < 1:
        raise LeakError(
            "leak audit",
            got=f"{len(sessions)} sessions for a sample of {sample}",
            want=f"at least {2 * max(sample, 1)} sessions",
            remedy="Audit a longer span.",
        )
    book = registry or house()
    at = _sampled(sessions, sample, seed)
    return AuditReport(
        (
            availability(market),
            truncation_of_features(market, at, list(names or book.names), book),
            truncation_of_graph(market, at, graph),
        )
    )


def _sampled(sessions: Sequence[date], sample: int, seed: int) -> list[date]:
    later = np.arange(len(sessions) // 2, len(sessions) - 1)
    places = stream(seed, "audit").choice(later, size=min(sample, len(later)), replace=False)
    return [sessions[place] for place in sorted(places)]
