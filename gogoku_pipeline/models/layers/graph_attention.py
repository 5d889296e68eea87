"""Graph attention: what a stock's companions of the day add to it.

Paper: Brody, Alon, Yahav, "How Attentive are Graph Attention Networks?" (ICLR 2022), torch_geometric's GATv2Conv:
    e_ij = a' LeakyReLU_0.2(W_l h_j + W_r h_i + W_e edge_ij),  alpha = softmax over in-neighbours of i
    h_i' = concat over heads of sum_j alpha_ij W_l h_j + b
Edge attributes enter the score only. A self-loop is added to every stock; its attributes are the mean of the stock's
edges. A stock without any edge gets nothing from the graph: exactly what an empty graph gives everybody.

A softmax averages: before companions that move with a stock and those that move against it can be set against each
other, two heads must have learnt to part them. `signed` parts them from the start: ties of positive and of negative
weight are two relations with weights of their own, whose messages add up, as in signed graph networks (Derr, Ma, Tang,
"Signed Graph Convolutional Networks", ICDM 2018). The weight must be the first attribute.
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
        signed: whether positive and negative ties are relations of their own; the weight is the first attribute.
    """

    def __init__(
        self, width: int, heads: Sequence[int], attributes: int, dropout: float, scale: float, *, signed: bool = False
    ) -> None:
        super().__init__()
        self.attributes, self.signed = attributes, signed
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in heads)
        self.layers = nn.ModuleList(
            GATv2Conv(width, width // count, heads=count, dropout=dropout, edge_dim=attributes) for count in heads
        )
        self.against = nn.ModuleList(
            GATv2Conv(width, width // count, heads=count, dropout=dropout, edge_dim=attributes)
            for count in heads
            if signed
        )
        self.scales = nn.ModuleList(LayerScale(width, scale) for _ in heads)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, edges: Edges) -> Tensor:
        """What the graph adds: [M, width] -> [M, width], 0 for a stock without edges."""
        tied = torch.zeros(len(x), 1, dtype=x.dtype, device=x.device)
        tied[edges.index[1]] = 1.0
        known = edges.attributes[:, : self.attributes].to(x.dtype)
        started = x
        for place in range(len(self.layers)):
            x = x + tied * self._branch(place, self._said(place, self.norms[place](x), edges.index, known))
        return x - started

    def _branch(self, place: int, said: Tensor) -> Tensor:
        out: Tensor = self.scales[place](self.drop(nn.functional.elu(said)))
        return out

    def _said(self, place: int, normed: Tensor, index: Tensor, known: Tensor) -> Tensor:
        """What a layer's companions say [M, width]."""
        if not self.signed:
            out: Tensor = self.layers[place](normed, index, known)
            return out
        falls = known[:, 0] < 0
        for_it: Tensor = self.layers[place](normed, index[:, ~falls], known[~falls])
        against_it: Tensor = self.against[place](normed, index[:, falls], known[falls])
        return for_it + against_it

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
        for place in range(len(self.layers)):
            said, pairs, weights = self._heard(place, self.norms[place](x), edges.index, known)
            found.append(weights)
            x = x + tied * self._branch(place, said)
        return pairs, torch.stack(found).mean(dim=0)

    def _heard(self, place: int, normed: Tensor, index: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What a layer's companions say, pairs and mean weights of its heads; both relations count half."""
        if not self.signed:
            said, (pairs, weights) = self.layers[place](normed, index, known, return_attention_weights=True)
            return said, pairs, weights.mean(dim=1)
        falls, stocks = known[:, 0] < 0, len(normed)
        parts = [
            layer(normed, index[:, chosen], known[chosen], return_attention_weights=True)
            for layer, chosen in ((self.layers[place], ~falls), (self.against[place], falls))
        ]
        (one, (up, up_weights)), (other, (down, down_weights)) = parts
        rises, sinks = (weights.mean(dim=1) / 2 for weights in (up_weights, down_weights))
        pairs = torch.cat([up[:, :-stocks], down], dim=1)  # self-loops come last
        loops = rises[-stocks:] + sinks[-stocks:]
        return one + other, pairs, torch.cat([rises[:-stocks], sinks[:-stocks], loops])
