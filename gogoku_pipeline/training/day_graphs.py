"""The graphs of several days side by side: one list of edges over all their stocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import DayWindow
from gogoku_pipeline.dataset.edge_map import DayEdges
from gogoku_pipeline.models.network import Edges


def joined_graphs(windows: Sequence[DayWindow], graphs: Sequence[DayEdges], device: torch.device) -> Edges:
    """Edges of several days as rows of the batch; no edge leads from one day to another.

    Args:
        windows: the days, in the batch's order.
        graphs: the graph of each among its window's stocks.
        device: where tensors go.

    Raises:
        DatasetError: the graph of another session, or one over other stocks than the window's.
    """
    index, start = [], 0
    for window, graph in zip(windows, graphs, strict=True):
        count = len(window.stocks)
        if graph.session != window.session:
            raise _bad(window, f"the graph of {graph.session}", f"the graph of {window.session}")
        if graph.index.size and (graph.index.min() < 0 or graph.index.max() >= count):
            raise _bad(window, f"an edge to stock {graph.index.max()}", f"edges among its {count} stocks")
        index.append(graph.index + start)
        start += count
    attributes = np.concatenate([graph.attributes for graph in graphs])
    return Edges(torch.from_numpy(np.concatenate(index, axis=1)).to(device), torch.from_numpy(attributes).to(device))


def _bad(window: DayWindow, got: str, want: str) -> DatasetError:
    return DatasetError(
        f"graph of the window {window.session}", got=got, want=want, remedy="Take it from the panel's own edges."
    )
