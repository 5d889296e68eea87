"""APEX-Ranker: a PatchTST encoder that reads each stock's look-back and gives it one score.

Every stock is read alone, so the order of stocks means nothing; stocks meet in the loss, which ranks them per day.
Source: PatchTST (Nie et al., ICLR 2023) with the adaptations named in `layers/`; models.md 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import nn

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.models.layers.encoder_block import EncoderBlock
from gogoku_pipeline.models.layers.patch_embedding import PatchEmbedding
from gogoku_pipeline.models.layers.score_head import ScoreHead
from gogoku_pipeline.models.network import DayInputs, Network, NetworkOutput, refuse_horizons

Size = Literal["tiny", "small", "base"]


@dataclass(frozen=True)
class RankerConfig:
    """Shape of the network. `RankerConfig.of(size)` is the one dial; every field may be set on top of it."""

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
    dropout: float = 0.1
    """Share dropped in training."""
    horizons: tuple[int, ...] = (5,)
    """Sessions ahead that are ranked, one score each."""

    def __post_init__(self) -> None:
        """Refuse shapes that contradict each other, by name."""
        if self.d_model % self.heads:
            raise _bad(
                "heads and d_model", f"{self.heads} heads over a width of {self.d_model}", "heads divide d_model"
            )
        if self.patch > self.look_back:
            raise _bad(
                "patch and look_back", f"patch {self.patch} over a look-back of {self.look_back}", "patch <= look_back"
            )
        if self.stride > self.patch:
            raise _bad(
                "stride and patch",
                f"stride {self.stride} over a patch of {self.patch}",
                "stride <= patch, or sessions are skipped",
            )
        for name in ("look_back", "patch", "stride", "d_model", "depth", "heads", "d_ff"):
            if getattr(self, name) < 1:
                raise _bad(name, str(getattr(self, name)), "at least 1")
        refuse_horizons("RankerConfig", self.horizons)
        if not 0.0 <= self.dropout < 1.0:
            raise _bad("dropout", str(self.dropout), "a share in [0, 1)")

    @classmethod
    def of(cls, size: Size, **changes: Any) -> RankerConfig:
        """A preset, with fields changed on top; an unknown size or field raises ConfigError."""
        if size not in PRESETS:
            raise _bad("size", repr(size), f"one of {sorted(PRESETS)}")
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(changes) - known):
            raise _bad("RankerConfig", f"unknown fields {unknown}", f"fields among {sorted(known)}")
        return replace(PRESETS[size], **changes)

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> RankerConfig:
        """The configuration a fit was saved with; lists of a file become tuples again."""
        found: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()
        }
        return cls(**found)

    def as_dict(self) -> dict[str, Any]:
        """The fields, for manifests and hashes."""
        return asdict(self)


PRESETS: dict[str, RankerConfig] = {
    "tiny": RankerConfig(look_back=8, patch=4, stride=4, d_model=16, depth=1, heads=2, d_ff=32, dropout=0.0),
    "small": RankerConfig(),
    "base": RankerConfig(look_back=60, patch=10, stride=5, d_model=192, depth=3, heads=8, d_ff=384, dropout=0.1),
}
"""tiny: tests; small: two CPU cores; base: one GPU (width and depth of the earlier `apex_base`, shorter look-back)."""


class ApexRanker(Network):
    """The network.

    Args:
        n_features: features per session F.
        config: shape.
    """

    def __init__(self, n_features: int, config: RankerConfig) -> None:
        super().__init__()
        self.n_features, self.config = n_features, config
        self.look_back, self.horizons = config.look_back, config.horizons
        self.embed = PatchEmbedding(config.look_back, config.patch, config.stride, 2 * n_features, config.d_model)
        self.blocks = nn.ModuleList(
            EncoderBlock(config.d_model, config.heads, config.d_ff, config.dropout) for _ in range(config.depth)
        )
        self.head = ScoreHead(config.d_model, len(config.horizons), config.dropout)

    def forward(self, inputs: DayInputs) -> NetworkOutput:
        """Scores of stocks, each of its own look-back alone.

        Raises:
            ConfigError: windows of another shape.
        """
        values, valid = inputs.values, inputs.valid
        if values.shape != valid.shape or values.shape[1:] != (self.look_back, self.n_features):
            raise _bad(
                "windows",
                f"values {tuple(values.shape)} and validity {tuple(valid.shape)}",
                f"[N, {self.look_back}, {self.n_features}] both",
            )
        x = self.embed(torch.cat([values * valid, valid], dim=-1))  # [N, 1 + P, d_model]
        for block in self.blocks:
            x = block(x)
        return NetworkOutput(self.head(x[:, 0]))  # the decision token, after it has read the others


def _bad(thing: str, got: str, want: str) -> ConfigError:
    return ConfigError(thing, got=got, want=want, remedy="Correct the ranker's configuration.")
