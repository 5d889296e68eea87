"""APEX-Ranker: a PatchTST encoder that reads each stock's look-back and gives it one score per horizon.

By itself every stock is read alone, and stocks meet in the loss, which ranks them per day; with market tokens they also
exchange what they know through a few tokens of the day. The order of stocks means nothing either way.
Source: PatchTST (Nie et al., ICLR 2023) with the adaptations named in `layers/`; models.md 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from gogoku_pipeline.models.layers.encoder_block import EncoderBlock
from gogoku_pipeline.models.layers.market_tokens import MarketTokens
from gogoku_pipeline.models.layers.patch_embedding import PatchEmbedding
from gogoku_pipeline.models.layers.quantile_head import QuantileHead
from gogoku_pipeline.models.layers.score_head import ScoreHead
from gogoku_pipeline.models.network import DayInputs, Network, NetworkOutput
from gogoku_pipeline.models.network_config import QUANTILES_LEARNT, NetworkConfig, refuse_quantiles, refused
from gogoku_pipeline.models.switches import switch


@dataclass(frozen=True)
class RankerConfig(NetworkConfig):
    """Shape of the network. `RankerConfig.of(size)` is the one dial; every field may be set on top of it."""

    later = frozenset({"horizons", "layer_scale", "market_tokens", "quantiles", "quantile_gradient"})

    look_back: int = 20
    """Sessions a score reads, the decision session included."""
    patch: int = 5
    """Sessions per patch."""
    stride: int = 5
    """Sessions between the starts of two patches."""
    d_model: int = 32
    """Width of a token."""
    depth: int = 1
    """Encoder blocks."""
    heads: int = 2
    """Attention heads; divides d_model."""
    d_ff: int = 64
    """Width inside the feed-forward network."""
    dropout: float = switch(0.1, "dropout", off=0.0, on=(0.1,))
    """Share dropped in training."""
    horizons: tuple[int, ...] = (5,)
    """Sessions ahead that are ranked, one score each."""
    layer_scale: float = switch(0.0, "layer_scale", off=0.0, on=(0.1,))
    """Start of LayerScale on residual branches; 0 for none."""
    market_tokens: int = switch(0, "market_tokens", off=0, on=(8,))
    """Tokens through which a day's stocks exchange what they know; 0 to read every stock alone."""
    quantiles: tuple[float, ...] = ()
    """Levels of the quantile heads, rising; empty without."""
    quantile_gradient: bool = switch(False, "quantile_trunk", off=False, on=(True,), needs=QUANTILES_LEARNT)
    """Whether quantile heads shape the trunk, or only read it."""

    def __post_init__(self) -> None:
        """Refuse shapes that contradict each other, by name."""
        if self.d_model % self.heads:
            raise refused(
                "heads and d_model", f"{self.heads} heads over a width of {self.d_model}", "heads divide d_model"
            )
        if self.patch > self.look_back:
            raise refused(
                "patch and look_back", f"patch {self.patch} over a look-back of {self.look_back}", "patch <= look_back"
            )
        if self.stride > self.patch:
            raise refused(
                "stride and patch",
                f"stride {self.stride} over a patch of {self.patch}",
                "stride <= patch, or sessions are skipped",
            )
        self._at_least_one("look_back", "patch", "stride", "d_model", "depth", "heads", "d_ff")
        self._not_negative("layer_scale", "market_tokens")
        self._shares("dropout")
        self._horizons(self.horizons)
        refuse_quantiles(self.quantiles, has_gradient=self.quantile_gradient)


_LONG = RankerConfig(
    look_back=180, patch=16, stride=8, d_model=192, depth=3, heads=8, d_ff=384, horizons=(1, 5, 10, 20)
)
_ENHANCED = replace(_LONG, d_model=256, depth=4, d_ff=512, dropout=0.2)
RankerConfig.presets = {
    "tiny": RankerConfig(look_back=8, patch=4, stride=4, d_model=16, depth=1, heads=2, d_ff=32, dropout=0.0),
    "small": RankerConfig(),
    "base": replace(_LONG, look_back=60, patch=10, stride=5, horizons=(5,)),
    "apex_base": _LONG,
    "apex_enhanced": _ENHANCED,
    "apex_pruned": _ENHANCED,
    "apex_short_term": replace(_LONG, look_back=60, horizons=(1, 5)),
}
"""tiny: tests; small: two CPU cores; base: one GPU; apex_*: the figures of the earlier system (models.md 2). It gave no
d_ff (here twice d_model, as in base) and no width for apex_short_term (here that of apex_base); apex_pruned is
apex_enhanced on a selected set of features."""


class ApexRanker(Network):
    """The network.

    Args:
        n_features: features per session F.
        config: shape.
    """

    def __init__(self, n_features: int, config: RankerConfig) -> None:
        super().__init__()
        self.n_features, self.config = n_features, config
        self.look_back, self.horizons, self.levels = config.look_back, config.horizons, config.quantiles
        self.embed = PatchEmbedding(config.look_back, config.patch, config.stride, 2 * n_features, config.d_model)
        self.blocks = nn.ModuleList(
            EncoderBlock(config.d_model, config.heads, config.d_ff, config.dropout, config.layer_scale)
            for _ in range(config.depth)
        )
        self.market = (
            MarketTokens(config.d_model, config.market_tokens, config.heads, config.dropout, config.layer_scale)
            if config.market_tokens
            else None
        )
        self.head = ScoreHead(config.d_model, len(config.horizons), config.dropout)
        self.quantiles = (
            QuantileHead(config.d_model, len(config.horizons), len(config.quantiles), config.dropout)
            if config.quantiles
            else None
        )

    def forward(self, inputs: DayInputs) -> NetworkOutput:
        """Scores of the stocks of some days.

        Raises:
            ConfigError: windows of another shape.
        """
        values, valid = inputs.values, inputs.valid
        if values.shape != valid.shape or values.shape[1:] != (self.look_back, self.n_features):
            raise refused(
                "windows",
                f"values {tuple(values.shape)} and validity {tuple(valid.shape)}",
                f"[N, {self.look_back}, {self.n_features}] both",
            )
        x = self.embed(torch.cat([values * valid, valid], dim=-1))  # [N, 1 + P, d_model]
        for block in self.blocks:
            x = self.part(block, x)
        known = x[:, 0]  # the decision token, after it has read the others
        if self.market is not None:
            known = self.part(self.market, known, inputs.day)
        quantiles = None
        if self.quantiles is not None:
            quantiles = self.quantiles(known if self.config.quantile_gradient else known.detach())
        return NetworkOutput(self.head(known), quantiles)
