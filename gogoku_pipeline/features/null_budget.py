"""How many nulls a feature must have, and how many it has.

Belongs here: the comparison of a computed frame with what its inputs explain. Does not belong here: where a feature
must be null (`null_claims`).

Law, per feature: 0 <= observed - expected <= cap of its group * (rows - expected). Fewer nulls than expected means
somebody filled values in; many more mean a broken join or a cold start. Source: features.md 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.null_claims import null_claims
from gogoku_pipeline.features.registry import Registry, house

CAPS = {
    "returns": 0.002,
    "trend": 0.005,
    "volatility": 0.003,
    "liquidity": 0.005,
    "market": 0.001,
    "beta": 0.005,
    "sector": 0.005,
    "size": 0.005,
    "flows": 0.001,
    "margin": 0.01,
    "short": 0.01,
    "options": 0.005,
    "futures": 0.005,
    "sessions": 0.005,
    "breakdown": 0.01,
    "dividends": 0.02,
    "fundamentals": 0.02,
    "valuation": 0.02,
    "earnings": 0.02,
    "limits": 0.003,
    "calendar": 0.0,
    "interactions": 0.02,
    "graph": 0.01,
    "masks": 0.0,
}
"""Largest share of excess nulls per group, for undefined values (0/0, no variance)."""


@dataclass(frozen=True)
class NullCount:
    """Nulls of one feature over a frame.

    Attributes:
        feature, rows: what was counted; expected: cells that must be null; observed: those that are.
        filled: cells with a value where null was expected; allowed: most nulls the cap permits.
    """

    feature: str
    rows: int
    expected: int
    observed: int
    filled: int
    allowed: int

    @property
    def is_within(self) -> bool:
        """Whether the law holds."""
        return self.filled == 0 and self.expected <= self.observed <= self.allowed


def null_budget(frame: pl.DataFrame, inputs: FeatureInputs, registry: Registry | None = None) -> list[NullCount]:
    """Compare a computed frame with what its inputs allow.

    Args:
        frame: [session, code, features...] of `engine.compute`.
        inputs: what it was computed from: the whole of it, or beginning `null_claims.budget_sessions` before the
            frame's first session and staged with `factors` of the whole history.
        registry: where the features are declared; None for the house registry.
    """
    registry = registry or house()
    names = [name for name in frame.columns if name in registry and registry.feature(name).axis != "external"]
    if frame.is_empty() or not names:
        return []
    days = frame["session"].dt.date()
    surely, perhaps = null_claims(names, inputs, min(days), max(days), registry)
    both = frame.select("session", "code", *names)
    both = both.join(surely, on=["session", "code"], suffix=":surely")
    both = both.join(perhaps, on=["session", "code"], suffix=":perhaps")
    counts = []
    for name in names:
        must, seen = both[f"{name}:surely"], both[name].is_null()
        may = int((both[f"{name}:perhaps"] if name in perhaps.columns else must).sum())
        allowed = may + math.floor(CAPS[registry.feature(name).group] * (both.height - may))
        counts.append(
            NullCount(name, both.height, int(must.sum()), int(seen.sum()), int((must & ~seen).sum()), allowed)
        )
    return counts
