"""The shape of ATFT-GAT-FAN: every block behind a switch, contradictions refused by name, presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gogoku_pipeline.models.layers.temporal_fusion import EncoderKind
from gogoku_pipeline.models.layers.variable_selection import SelectionKind
from gogoku_pipeline.models.network import EDGE_ATTRIBUTES
from gogoku_pipeline.models.network_config import QUANTILES_LEARNT, NetworkConfig, refuse_quantiles, refused
from gogoku_pipeline.models.switches import OF_THE_PLACE, switch

Selection = SelectionKind | Literal["none"]


@dataclass(frozen=True)
class AtftConfig(NetworkConfig):
    """Shape of the network. `AtftConfig.of(size)` is the one dial; every field may be set on top of it."""

    later = frozenset({"signed_graph", "revin"})
    look_back: int = 20
    """Sessions a score reads, the decision session included; 20 to 180."""
    horizons: tuple[int, ...] = (5,)
    """Sessions ahead that are ranked, one score each."""
    hidden: int = 32
    """Width of every token."""
    heads: int = 4
    """Attention heads over sessions; divides hidden."""
    dropout: float = switch(0.1, "dropout", off=0.0, on=(0.1,))
    """Share dropped in training."""
    layer_scale: float = switch(0.0, "layer_scale", off=0.0, on=(0.1,))
    """Start of LayerScale on residual branches; 0 for none: a small start delays the graph."""
    selection: Selection = switch("affine", "selection", off="none", on=("affine", "grouped", "per_variable"))
    """Variable selection: affine, grouped (by the first word of a feature's name), per_variable (the paper's), none."""
    selection_hidden: int = 32
    """Width of the network that weighs the variables."""
    selection_inner: int = 8
    """Width of each variable's own network in per_variable."""
    selection_entropy: float = switch(0.0, "selection_entropy", off=0.0, on=(0.01,))
    """Weight of the selection's mean entropy in the loss: sparser choices."""
    encoder: EncoderKind = switch("lstm", "encoder", off="lstm", on=("attention",), is_choice=True)
    """How sessions are read in order: lstm, or attention with learned positions."""
    encoder_layers: int = 1
    """Layers of it."""
    graph_heads: tuple[int, ...] = switch((4, 2), "graph", off=(), on=((4, 2),))
    """Attention heads of each layer over the session's graph; empty to run without any graph."""
    edge_attributes: int = 4
    """How many of weight, same sector, same market, weight delta an edge tells, in this order."""
    signed_graph: bool = switch(False, "signed_graph", off=False, on=(True,))
    """Whether ties of positive and of negative weight are relations of their own."""
    neighbours: int = 0
    """Strongest edges a stock listens to, where memory asks for fewer; 0 for all."""
    raw_channels: tuple[str, ...] = switch((), "raw_channels", off=(), on=(OF_THE_PLACE,))
    """Features read as they are, beside the normalised ones: daily returns, never levels."""
    raw_scale: float = 50.0
    """Factor on raw channels: a return of 2 % becomes 1."""
    fan_top: int = switch(0, "fan", off=0, on=(2,), needs={"model.raw_channels": OF_THE_PLACE})
    """FAN over raw channels: frequencies taken out; 0 without."""
    san_period: int = switch(0, "san", off=0, on=(5,), needs={"model.raw_channels": OF_THE_PLACE})
    """SAN over raw channels: sessions per slice; 0 without."""
    revin: bool = switch(False, "revin", off=False, on=(True,), needs={"model.raw_channels": OF_THE_PLACE})
    """RevIN over raw channels: each look-back normalised as a whole."""
    frequency_dropout: float = switch(
        0.0, "frequency_dropout", off=0.0, on=(0.1,), needs={"model.raw_channels": OF_THE_PLACE}
    )
    """Probability that a stock's raw channels lose a band of frequencies in training."""
    market_features: tuple[str, ...] = ()
    """Market-wide features that make the day's market vector."""
    market_gate: float = switch(0.0, "market_gate", off=0.0, on=(5.0,), needs={"model.market_features": OF_THE_PLACE})
    """Temperature beta of the MASTER-style gate over features; 0 without."""
    regime_experts: int = switch(0, "regime_experts", off=0, on=(3,), needs={"model.market_features": OF_THE_PLACE})
    """Score heads mixed by the market vector; 0 for one head."""
    regime_temperature: float = 1.0
    """Temperature of their mixture."""
    regime_balance: float = 0.01
    """Weight of their load-balance penalty in the loss."""
    quantiles: tuple[float, ...] = ()
    """Levels of the quantile heads, rising; empty without."""
    quantile_gradient: bool = switch(False, "quantile_trunk", off=False, on=(True,), needs=QUANTILES_LEARNT)
    """Whether quantile heads shape the trunk, or only read it."""

    def __post_init__(self) -> None:
        """Refuse shapes that contradict each other, by name."""
        self._at_least_one(
            "look_back", "hidden", "heads", "encoder_layers", "selection_hidden", "selection_inner", "edge_attributes"
        )
        self._shares("dropout", "frequency_dropout")
        self._horizons(self.horizons)
        for name, allowed in (("selection", (*get_args(SelectionKind), "none")), ("encoder", get_args(EncoderKind))):
            if getattr(self, name) not in allowed:
                raise refused(name, repr(getattr(self, name)), f"one of {allowed}")
        self._not_negative("layer_scale", "selection_entropy", "neighbours", "fan_top", "san_period", "market_gate")
        self._not_negative("regime_balance", "raw_scale")
        for count in (self.heads, *self.graph_heads):
            if count < 1 or self.hidden % count:
                raise refused("heads and hidden", f"{count} heads over a width of {self.hidden}", "heads divide hidden")
        self._refuse_raw()
        self._refuse_market()
        self._refuse_heads()

    def _refuse_raw(self) -> None:
        """Contradictions of the blocks over raw channels."""
        if sum(map(bool, (self.fan_top, self.san_period, self.revin))) > 1:
            raise refused(
                "fan_top, san_period and revin",
                f"FAN ({self.fan_top}), SAN ({self.san_period}), RevIN ({self.revin}) at once",
                "one of them: stacked, the second stabilises what the first left",
            )
        on = [name for name in ("fan_top", "san_period", "revin", "frequency_dropout") if getattr(self, name)]
        if on and not self.raw_channels:
            raise refused(f"{on[0]} and raw_channels", "a block over raw channels without any", "raw_channels named")
        if self.fan_top > self.look_back // 2:
            raise refused(
                "fan_top and look_back",
                f"{self.fan_top} of the {self.look_back // 2 + 1} frequencies of {self.look_back} sessions",
                "some frequency left",
            )
        if self.san_period and (self.san_period < 2 or self.look_back % self.san_period):
            raise refused(
                "san_period and look_back",
                f"slices of {self.san_period} over {self.look_back} sessions",
                "slices of at least 2 sessions (one session has no spread) that divide the look-back",
            )

    def _refuse_market(self) -> None:
        """Contradictions of the blocks that read the market vector."""
        reads = [name for name in ("market_gate", "regime_experts") if getattr(self, name)]
        if bool(reads) != bool(self.market_features):
            raise refused(
                "market_features, market_gate, regime_experts",
                f"{len(self.market_features)} market features for {reads or 'no block'}",
                "market features and a block that reads them, or neither",
            )
        if self.regime_experts == 1 or self.regime_experts < 0 or self.regime_temperature <= 0:
            raise refused(
                "regime_experts and regime_temperature",
                f"{self.regime_experts} experts at {self.regime_temperature}",
                "0 or at least 2 experts, a positive temperature",
            )

    def _refuse_heads(self) -> None:
        """Contradictions of selection, edges and quantiles."""
        if self.selection_entropy and self.selection == "none":
            raise refused("selection_entropy and selection", "an entropy of no selection", "a selection, or entropy 0")
        if self.edge_attributes > len(EDGE_ATTRIBUTES):
            raise refused("edge_attributes", str(self.edge_attributes), f"at most {len(EDGE_ATTRIBUTES)}")
        refuse_quantiles(self.quantiles, has_gradient=self.quantile_gradient)


DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
AtftConfig.presets = {
    "tiny": AtftConfig(look_back=8, hidden=16, selection_hidden=16, heads=2, dropout=0.0, graph_heads=(2,)),
    "small": AtftConfig(look_back=10, selection_hidden=16, graph_heads=(2,)),
    "base": AtftConfig(look_back=60, horizons=(1, 5, 10, 20), hidden=128),
    "atft_seed": AtftConfig(
        look_back=60,
        horizons=(1, 5, 10, 20),
        hidden=256,
        layer_scale=0.1,
        edge_attributes=3,
        quantiles=DECILES,
        quantile_gradient=True,
    ),
}
"""tiny: tests; small: two CPU cores; base: one GPU; atft_seed: the figures of the earlier system (models.md 2)."""
