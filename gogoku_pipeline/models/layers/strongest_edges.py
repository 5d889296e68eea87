"""Fewer edges where memory asks for it: each stock listens to its k strongest neighbours only.

Kept edges are the k of largest |weight| among those that end at a stock; ties keep the batch's order. Deterministic, so
training and scoring see the same graph.
"""

from __future__ import annotations

import torch

from gogoku_pipeline.models.network import Edges


def strongest_edges(edges: Edges, most: int) -> Edges:
    """At most `most` edges into each stock; `most` of 0 keeps all."""
    if most == 0 or edges.index.shape[1] == 0:
        return edges
    by_strength = torch.argsort(edges.attributes[:, 0].abs(), descending=True, stable=True)
    target = edges.index[1][by_strength]
    order = by_strength[torch.argsort(target, stable=True)]  # by target, the strongest first
    target = edges.index[1][order]
    first = torch.searchsorted(target, target)  # where each target's run begins
    kept = order[torch.arange(len(order), device=order.device) - first < most]
    return Edges(edges.index[:, kept], edges.attributes[kept])
