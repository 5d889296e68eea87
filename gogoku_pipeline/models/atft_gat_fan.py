"""ATFT-GAT-FAN: selected features, read over time, enriched by the session's graph, to one score per horizon.

Road: raw channels through FAN or SAN (optional) and features through the market gate (optional) -> variable selection
-> LSTM or transformer over sessions -> interpretable attention -> GATv2 over the session's graph -> gated fusion, plus
what the stabiliser removed -> scores, quantiles.

Stocks meet in the graph and in the loss alone; their order means nothing. Which block is on is the configuration's.
Sources: models.md 2 and the papers named in `layers/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.layers.gated_residual import GatedAddNorm
from gogoku_pipeline.models.layers.market_gate import MarketGate, day_means
from gogoku_pipeline.models.layers.quantile_head import QuantileHead
from gogoku_pipeline.models.layers.regime_experts import RegimeExperts, load_balance
from gogoku_pipeline.models.layers.score_head import ScoreHead
from gogoku_pipeline.models.layers.stabilised_input import StabilisedInput
from gogoku_pipeline.models.layers.strongest_edges import strongest_edges
from gogoku_pipeline.models.layers.temporal_fusion import SessionLstm, SessionTransformer, TemporalFusion
from gogoku_pipeline.models.layers.variable_selection import (
    VariableSelection,
    grouped_by_first_word,
    selection_entropy,
)
from gogoku_pipeline.models.network import DayInputs, Edges, Network, NetworkOutput

if TYPE_CHECKING:
    from gogoku_pipeline.models.layers.graph_attention import GraphAttention


class AtftGatFan(Network):
    """The network.

    Args:
        names: features per session, in the panel's order, F of them.
        config: shape and switches.

    Raises:
        ConfigError: a market feature that is not among the names.
    """

    market_places: Tensor

    def __init__(self, names: Sequence[str], config: AtftConfig) -> None:
        super().__init__()
        self.n_features, self.config = len(names), config
        self.look_back, self.horizons, self.levels = config.look_back, config.horizons, config.quantiles
        self.needs_edges, self.raw_channels = bool(config.graph_heads), config.raw_channels
        self.register_buffer("market_places", _places(names, config.market_features), persistent=False)
        width, market = config.hidden, len(config.market_features)
        self.gate = MarketGate(market, len(names), config.market_gate) if config.market_gate else None
        self.stabilised = _stabilised(config)
        self._names = variables = (*names, *(f"raw_{channel}" for channel in config.raw_channels))
        self.selection = _selection(variables, config)
        self.plain = nn.Linear(2 * len(variables), width) if self.selection is None else None
        self.decide = nn.Linear(2 * len(variables), width)
        self.fusion = TemporalFusion(_encoder(config), width, config.heads, config.dropout)
        self.graph = _graph(config)
        self.joined = GatedAddNorm(width, config.dropout) if self.graph is not None else None
        removed = self.stabilised.statistics if self.stabilised is not None else 0
        self.told = nn.Sequential(nn.Linear(removed, width), nn.GELU(), nn.Linear(width, width)) if removed else None
        heads, count = len(config.horizons), config.regime_experts
        self.head = None if count else ScoreHead(width, heads, config.dropout)
        self.experts = (
            RegimeExperts(width, market, heads, count, config.regime_temperature, config.dropout) if count else None
        )
        self.quantiles = QuantileHead(width, heads, len(config.quantiles), config.dropout) if config.quantiles else None

    def forward(self, inputs: DayInputs) -> NetworkOutput:
        """Scores of the stocks of some days.

        Raises:
            ConfigError: windows of another shape, or inputs without the graph or the raw channels this shape reads.
            DatasetError: a raw channel that never changes in time, where a stabiliser would remove it whole.
        """
        self._refuse(inputs)
        market = self._market(inputs)
        values, valid, removed = self._variables(inputs, market)
        tokens, chosen = self._tokens(values, valid)
        decision = self.decide(torch.cat([values[:, -1], valid[:, -1]], dim=-1))
        known, _ = self.part(self.fusion, tokens, decision)  # [M, width]
        known = self._among_companions(known, inputs.edges)
        if self.told is not None:
            known = known + self.told(removed)
        auxiliary = {}
        if self.training and chosen is not None and self.config.selection_entropy:
            auxiliary["selection_entropy"] = self.config.selection_entropy * selection_entropy(chosen)
        if self.experts is not None:
            scores, weights = self.experts(known, market, inputs.day)
            if self.training:
                auxiliary["regime_balance"] = self.config.regime_balance * load_balance(weights)
        else:
            assert self.head is not None
            scores = self.head(known)
        quantiles = None
        if self.quantiles is not None:
            quantiles = self.quantiles(known if self.config.quantile_gradient else known.detach())
        return NetworkOutput(scores, quantiles, auxiliary)

    def explain(self, inputs: DayInputs) -> dict[str, Tensor]:
        """What the network looked at, for each stock.

        Returns:
            `sessions` [M, L]: how much each session was looked back at; `variables` [M, G]: mean weight of each
            variable or group over the look-back, where there is a selection; `pairs` [2, E] (source, target) and
            `companions` [E], how much a stock listens to whom, itself included, where there is a graph; `market_gate`
            [B, F] and `regimes` [B, K] where the shape has them.
        """
        self._refuse(inputs)
        market = self._market(inputs)
        values, valid, _ = self._variables(inputs, market)
        tokens, chosen = self._tokens(values, valid)
        decision = self.decide(torch.cat([values[:, -1], valid[:, -1]], dim=-1))
        known, looked_back = self.fusion(tokens, decision)
        found = {"sessions": looked_back}
        if self.graph is not None and inputs.edges is not None:
            edges = strongest_edges(inputs.edges, self.config.neighbours)
            found["pairs"], found["companions"] = self.graph.attention(known, edges)
        if chosen is not None:
            found["variables"] = chosen.mean(dim=1)
        if self.gate is not None:
            found["market_gate"] = self.gate(market)
        if self.experts is not None:
            found["regimes"] = torch.softmax(self.experts.gate(market) / self.experts.temperature, dim=-1)
        return found

    @property
    def variables(self) -> tuple[tuple[str, ...], ...]:
        """The features behind each weight of the selection, in the order of `explain`'s; empty without a selection."""
        if self.selection is None:
            return ()
        members = self.selection.members.bool()  # [G, V]
        return tuple(tuple(self._names[place] for place in row.nonzero()[:, 0].tolist()) for row in members)

    def _refuse(self, inputs: DayInputs) -> None:
        values, valid, raw = inputs.values, inputs.valid, inputs.raw
        if values.shape != valid.shape or values.shape[1:] != (self.look_back, self.n_features):
            raise _bad(
                "windows",
                f"values {tuple(values.shape)} and validity {tuple(valid.shape)}",
                f"[N, {self.look_back}, {self.n_features}] both",
                "Hand in windows of the panel the network was made for.",
            )
        if self.graph is not None and inputs.edges is None:
            raise _bad(
                "the session's graph",
                "none",
                "edges of every day, or graph_heads of ()",
                "Materialise graph__correlation, or switch the graph off.",
            )
        if self.raw_channels and (raw is None or raw.shape[2] != len(self.raw_channels)):
            raise _bad(
                "raw channels",
                "none" if raw is None else f"{raw.shape[2]}",
                f"{list(self.raw_channels)}",
                "Hand in the raw channels, or switch them off.",
            )

    def _market(self, inputs: DayInputs) -> Tensor:
        """The day's market vector [B, m]; empty where nothing reads it."""
        places = self.market_places
        if not len(places):
            return inputs.values.new_zeros(0, 0)
        return day_means(inputs.values[:, -1, places], inputs.valid[:, -1, places], inputs.day)

    def _variables(self, inputs: DayInputs, market: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Values and validity of all variables [M, L, V], and the statistics a stabiliser removed [M, S]."""
        valid = inputs.valid
        values = inputs.values * valid
        if self.gate is not None:
            values = values * self.gate(market)[inputs.day][:, None]
        if self.stabilised is None or inputs.raw is None:
            return values, valid, values.new_zeros(len(values), 0)
        raw, removed = self.stabilised(inputs.raw)
        return torch.cat([values, raw], dim=-1), torch.cat([valid, torch.ones_like(raw)], dim=-1), removed

    def _tokens(self, values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens [M, L, width] and the selection's weights [M, L, G]."""
        if self.selection is not None:
            tokens, weights = self.part(self.selection, values, valid)
            return tokens, weights
        assert self.plain is not None
        return self.plain(torch.cat([values, valid], dim=-1)), None

    def _among_companions(self, known: Tensor, edges: Edges | None) -> Tensor:
        """What is known of each stock, with what the graph adds."""
        if self.graph is None or self.joined is None or edges is None:
            return known
        added = self.graph(known, strongest_edges(edges, self.config.neighbours))
        out: Tensor = self.joined(known, added)
        return out


def _places(names: Sequence[str], wanted: Sequence[str]) -> Tensor:
    order = {name: place for place, name in enumerate(names)}
    if missing := [name for name in wanted if name not in order]:
        raise _bad(
            "market_features", f"{missing} unknown", "features of the catalogue", "Name market-wide features of it."
        )
    return torch.tensor([order[name] for name in wanted], dtype=torch.int64)


def _stabilised(config: AtftConfig) -> StabilisedInput | None:
    if not config.raw_channels:
        return None
    return StabilisedInput(
        config.raw_channels,
        config.look_back,
        scale=config.raw_scale,
        fan_top=config.fan_top,
        san_period=config.san_period,
        revin=config.revin,
        frequency_dropout=config.frequency_dropout,
    )


def _selection(variables: Sequence[str], config: AtftConfig) -> VariableSelection | None:
    if config.selection == "none":
        return None
    grouped = config.selection == "grouped"
    groups = grouped_by_first_word(variables) if grouped else list(range(len(variables)))
    inner = config.selection_inner if config.selection == "per_variable" else 0
    return VariableSelection(groups, config.hidden, config.selection_hidden, config.dropout, inner)


def _encoder(config: AtftConfig) -> nn.Module:
    if config.encoder == "lstm":
        return SessionLstm(config.hidden, config.encoder_layers, config.dropout)
    return SessionTransformer(
        config.hidden, config.look_back, config.heads, config.encoder_layers, config.dropout, config.layer_scale
    )


def _graph(config: AtftConfig) -> GraphAttention | None:
    """Graph attention; torch_geometric is imported only where a graph is read, because it costs seconds."""
    if not config.graph_heads:
        return None
    from gogoku_pipeline.models.layers.graph_attention import GraphAttention

    shape = (config.hidden, config.graph_heads, config.edge_attributes, config.dropout, config.layer_scale)
    return GraphAttention(*shape, signed=config.signed_graph)


def _bad(thing: str, got: str, want: str, remedy: str) -> ConfigError:
    return ConfigError(thing, got=got, want=want, remedy=remedy)
