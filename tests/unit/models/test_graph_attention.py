"""The graph's road through a network: GATv2 as published, isolated stocks, the strongest edges."""

import numpy as np
import pytest
import torch
from torch_geometric.nn import GATv2Conv

from gogoku_pipeline.models.layers.graph_attention import GraphAttention
from gogoku_pipeline.models.layers.strongest_edges import strongest_edges
from gogoku_pipeline.models.network import Edges


def ring(stocks=6, seed=0):
    """Everybody tied to the next one, both ways."""
    one = torch.arange(stocks)
    index = torch.stack([torch.cat([one, (one + 1) % stocks]), torch.cat([(one + 1) % stocks, one])])
    attributes = torch.randn(stocks, 4, generator=torch.Generator().manual_seed(seed))
    return Edges(index, attributes.repeat(2, 1))


NOTHING = Edges(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 4))


def dense_gatv2(x, edges, layer):
    """The paper's formula over a full matrix of pairs, float64; a self-loop carries the mean of a node's edges."""
    part = {name: value.detach().double().numpy() for name, value in layer.named_parameters()}
    n, heads, size = len(x), layer.heads, layer.out_channels
    left = (x @ part["lin_l.weight"].T + part["lin_l.bias"]).reshape(n, heads, size)
    right = (x @ part["lin_r.weight"].T + part["lin_r.bias"]).reshape(n, heads, size)
    known = np.zeros((n, n, edges.attributes.shape[1]))
    tied = np.eye(n, dtype=bool)
    for (source, target), told in zip(edges.index.T.tolist(), edges.attributes.double().numpy(), strict=True):
        known[target, source], tied[target, source] = told, True
    for node in range(n):
        others = [j for j in range(n) if tied[node, j] and j != node]
        known[node, node] = known[node, others].mean(axis=0) if others else 0.0
    inside = left[None] + right[:, None] + (known @ part["lin_edge.weight"].T).reshape(n, n, heads, size)
    score = (np.where(inside > 0, inside, 0.2 * inside) * part["att"]).sum(axis=-1)
    score = np.where(tied[..., None], score, -np.inf)
    weights = np.exp(score - score.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("ijh,jhd->ihd", weights, left).reshape(n, -1) + part["bias"]


@pytest.mark.parametrize("edges", [ring(), NOTHING], ids=["ring", "empty"])
def test_gatv2_equals_the_dense_formula(edges):
    torch.manual_seed(0)
    layer = GATv2Conv(8, 3, heads=2, edge_dim=4).double()
    x = torch.randn(6, 8, dtype=torch.float64)
    wanted = dense_gatv2(x.numpy(), edges, layer)
    np.testing.assert_allclose(layer(x, edges.index, edges.attributes.double()).detach().numpy(), wanted, atol=1e-12)


def test_the_block_adds_scaled_gatv2_of_the_normed_stocks():
    torch.manual_seed(0)
    block, x, edges = GraphAttention(8, (2,), 4, 0.1, 0.3).eval(), torch.randn(6, 8), ring()
    normed = torch.nn.functional.layer_norm(x, (8,))
    wanted = 0.3 * torch.nn.functional.elu(block.layers[0](normed, edges.index, edges.attributes))
    assert torch.allclose(block(x, edges), wanted, atol=1e-6)


def test_a_stock_without_edges_gets_nothing_from_the_graph():
    torch.manual_seed(0)
    block, x, edges = GraphAttention(8, (2, 1), 4, 0.0, 0.1).eval(), torch.randn(8, 8), ring(6)
    added = block(x, edges)
    assert not added[6:].any() and (added[:6].abs().sum(dim=1) > 0).all()
    assert not block(x, NOTHING).any()


def test_every_edge_attribute_that_is_asked_for_matters_and_no_other():
    torch.manual_seed(0)
    block, x, edges = GraphAttention(8, (2,), 3, 0.0, 0.0).eval(), torch.randn(6, 8), ring()
    told = edges.attributes.clone().requires_grad_(True)
    block(x, Edges(edges.index, told)).pow(2).sum().backward()
    assert (told.grad[:, :3].abs().sum(dim=0) > 0).all() and not told.grad[:, 3].any()


def turned(edges, places):
    """The same graph with the weight of some edges negated."""
    told = edges.attributes.clone()
    told[places, 0] *= -1
    return Edges(edges.index, told)


def test_ties_of_either_sign_are_relations_of_their_own():
    """With only one sign present the other relation hears every stock itself, and adds nothing else."""
    torch.manual_seed(0)
    block, x, edges = GraphAttention(8, (2,), 1, 0.0, 0.0, signed=True).eval(), torch.randn(6, 8), ring()
    positive = Edges(edges.index, edges.attributes.abs())
    normed = torch.nn.functional.layer_norm(x, (8,))
    empty = torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 1)
    alone = block.against[0](normed, *empty)
    wanted = torch.nn.functional.elu(block.layers[0](normed, edges.index, positive.attributes[:, :1]) + alone)
    assert torch.allclose(block(x, positive), wanted, atol=1e-6)
    falls = turned(positive, slice(None))
    against = block.against[0](normed, edges.index, falls.attributes[:, :1])
    wanted = torch.nn.functional.elu(block.layers[0](normed, *empty) + against)
    assert torch.allclose(block(x, falls), wanted, atol=1e-6)


def test_what_signed_ties_heard_adds_to_one_and_names_each_pair_once():
    torch.manual_seed(0)
    block, x, edges = GraphAttention(8, (2, 1), 4, 0.0, 0.1, signed=True).eval(), torch.randn(8, 8), ring(6)
    pairs, weights = block.attention(x, edges)
    assert len({tuple(pair) for pair in pairs.T.tolist()}) == pairs.shape[1] == edges.index.shape[1] + len(x)
    heard = torch.zeros(8).index_add(0, pairs[1], weights)
    assert torch.allclose(heard, torch.ones(8), atol=1e-6)


@pytest.mark.parametrize("most", [1, 2, 3, 99])
def test_the_strongest_edges_of_each_stock_are_kept(most):
    generator = torch.Generator().manual_seed(3)
    index = torch.randint(0, 9, (2, 60), generator=generator)
    edges = Edges(index, torch.randn(60, 4, generator=generator))
    kept = strongest_edges(edges, most)
    for stock in range(9):
        mine = edges.attributes[index[1] == stock, 0].abs().sort(descending=True).values[:most]
        assert torch.equal(kept.attributes[kept.index[1] == stock, 0].abs().sort(descending=True).values, mine)


def test_all_edges_are_kept_where_nobody_asks_for_fewer():
    edges = ring()
    assert strongest_edges(edges, 0) is edges and strongest_edges(NOTHING, 3) is NOTHING
