"""The dials of the correlation graph, with the values of the feature catalogue (section 3.23)."""

from __future__ import annotations

from dataclasses import dataclass

from gogoku_pipeline.core.errors import ConfigError


@dataclass(frozen=True)
class GraphConfig:
    """How a session's graph is drawn.

    Attributes:
        window: sessions looked at, the session itself included.
        min_sessions: returns a stock needs inside the window to be a node.
        half_life: sessions after which a session counts half in regression and correlation.
        min_common: sessions two stocks must share to be compared.
        shrink: factor on every correlation, against estimation noise.
        threshold: smallest absolute shrunk correlation of an edge.
        k: an edge needs one end among the other's k strongest.
        min_nodes: below this many nodes a session has no graph at all.
        lead_threshold: smallest absolute lagged correlation of a leader (not shrunk).
        lead_k: leaders used per stock.
    """

    window: int = 60
    min_sessions: int = 40
    half_life: float = 20.0
    min_common: int = 40
    shrink: float = 0.95
    threshold: float = 0.3
    k: int = 20
    min_nodes: int = 200
    lead_threshold: float = 0.2
    lead_k: int = 20

    def __post_init__(self) -> None:
        """Refuse values that contradict each other, by name."""
        rules = (
            ("window", self.window, self.window >= 3, ">= 3"),
            ("min_common", self.min_common, 3 <= self.min_common <= self.window, "in 3 .. window"),
            (
                "min_sessions",
                self.min_sessions,
                self.min_common <= self.min_sessions <= self.window,
                "in min_common .. window",
            ),
            ("half_life", self.half_life, self.half_life > 0, "> 0 (infinity: unweighted)"),
            ("shrink", self.shrink, 0 < self.shrink <= 1, "in (0, 1]"),
            ("threshold", self.threshold, 0 < self.threshold <= 1, "in (0, 1]"),
            ("lead_threshold", self.lead_threshold, 0 < self.lead_threshold <= 1, "in (0, 1]"),
            ("k", self.k, self.k >= 1, ">= 1"),
            ("lead_k", self.lead_k, self.lead_k >= 1, ">= 1"),
            ("min_nodes", self.min_nodes, self.min_nodes >= 2, ">= 2"),
        )
        for name, got, holds, want in rules:
            if not holds:
                raise ConfigError(
                    f"GraphConfig.{name}", got=str(got), want=want, remedy="Correct the graph's settings."
                )

    @property
    def lookback_sessions(self) -> int:
        """Sessions before t whose returns the graph of t reads (the lead-lag feature reads the oldest of them)."""
        return self.window
