"""Graph attention: what a stock's companions of the day add to it.

Paper: Brody, Alon, Yahav, "How Attentive are Graph Attention Networks?" (ICLR 2022), torch_geometric's GATv2Conv:
    e_ij = a' LeakyReLU_0.2(W_l h_j + W_r h_i + W_e edge_ij),  alpha = softmax over in-neighbours of i
    h_i' = concat over heads of sum_j alpha_ij W_l h_j + b
Edge attributes enter the score only. A self-loop is added to every stock; its attributes are the mean of the stock's
edges. A stock without any edge gets nothing from the graph: exactly what an empty graph gives everybody.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv

from gogoku_pipeline.models.layers.layer_scale import LayerScale
from gogoku_pipeline.models.network import Edges


class GraphAttention(nn.Module):
    """Layers of GATv2, each on a residual branch: x + scale * ELU(GATv2(LN(x))).

    Args:
        width: numbers per stock; every number of heads divides it.
        heads: heads of each layer.
        attributes: numbers per edge; the first ones of `EDGE_ATTRIBUTES`.
        dropout: share of attention weights and of each branch dropped in training.
        scale: initial LayerScale; 0 for none.
    """

    def __init__(self, width: int, heads: Sequence[int], attributes: int, dropout: float, scale: float) -> None:
        super().__init__()
        self.attributes = attributes
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in heads)
        self.layers = nn.ModuleList(
            GATv2Conv(width, width // count, heads=count, dropout=dropout, edge_dim=attributes) for count in heads
        )
        self.scales = nn.ModuleList(LayerScale(width, scale) for _ in heads)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, edges: Edges) -> Tensor:
        """What the graph adds: [M, width] -> [M, width], 0 for a stock without edges."""
        tied = torch.zeros(len(x), 1, dtype=x.dtype, device=x.device)
        tied[edges.index[1]] = 1.0
        known = edges.attributes[:, : self.attributes].to(x.dtype)
        started = x
        for norm, layer, scale in zip(self.norms, self.layers, self.scales, strict=True):
            x = x + tied * scale(self.drop(nn.functional.elu(layer(norm(x), edges.index, known))))
        return x - started

    def attention(self, x: Tensor, edges: Edges) -> tuple[Tensor, Tensor]:
        """Who is listened to by whom.

        Returns:
            Pairs [2, E + M], source and target, each stock itself among its sources, and their weights [E + M], mean
            over heads and layers: into each stock they add to 1. A stock without edges listens to nobody but itself,
            and gets nothing from it.
        """
        tied = torch.zeros(len(x), 1, dtype=x.dtype, device=x.device)
        tied[edges.index[1]] = 1.0
        known = edges.attributes[:, : self.attributes].to(x.dtype)
        found = []
        for norm, layer, scale in zip(self.norms, self.layers, self.scales, strict=True):
            added, (pairs, weights) = layer(norm(x), edges.index, known, return_attention_weights=True)
            found.append(weights.mean(dim=1))
            x = x + tied * scale(self.drop(nn.functional.elu(added)))
        return pairs, torch.stack(found).mean(dim=0)
