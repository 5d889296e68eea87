"""The dials of the correlation graph, with the values of the feature catalogue (section 3.23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gogoku_pipeline.core.errors import ConfigError

Residual = Literal["market", "topix", "sector"]
"""What is taken out of a return before stocks are compared."""

Hubs = Literal["none", "sector", "index"]
"""Nodes that stand for a whole group of stocks."""

MOST_COMPANIONS = 64
"""Largest k: beyond it the sieve keeps too much of a row to be one."""

LAG_SESSIONS = 20
"""Sessions back with which edges and degrees are compared (`weight_delta_20d`, `g_degree_chg_20d_count`)."""


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
        k: an edge needs one end among the other's k strongest; at most 64.
        min_nodes: below this many nodes a session has no graph at all.
        residual: what is taken out of each return: `market` the equal-weighted market (every plan has it), `topix`
            TOPIX (Light), `sector` the mean of the other stocks of its TSE 33 sector.
        hubs: nodes joined to stocks in the typed list of edges: `sector` one per TSE 33 sector, `index` one for
            what `residual` calls the market. Stored edges and `g_*` features know no hub.
        sector_edges: whether the typed list also joins every two stocks of a sector.
    """

    window: int = 60
    min_sessions: int = 40
    half_life: float = 20.0
    min_common: int = 40
    shrink: float = 0.95
    threshold: float = 0.3
    k: int = 20
    min_nodes: int = 200
    residual: Residual = "market"
    hubs: Hubs = "none"
    sector_edges: bool = False

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
            ("threshold", self.threshold, 0 < self.threshold <= self.shrink, "in (0, shrink]: no edge reaches more"),
            ("k", self.k, 1 <= self.k <= MOST_COMPANIONS, f"in 1 .. {MOST_COMPANIONS}"),
            ("min_nodes", self.min_nodes, self.min_nodes >= 2, ">= 2"),
            ("residual", self.residual, self.residual in get_args(Residual), f"one of {get_args(Residual)}"),
            ("hubs", self.hubs, self.hubs in get_args(Hubs), f"one of {get_args(Hubs)}"),
            (
                "hubs",
                self.hubs,
                (self.residual, self.hubs) != ("sector", "index"),
                "none or sector with residual=sector, which names no index",
            ),
        )
        for name, got, holds, want in rules:
            if not holds:
                raise ConfigError(
                    f"GraphConfig.{name}", got=str(got), want=want, remedy="Correct the graph's settings."
                )

    @property
    def lookback_sessions(self) -> int:
        """Sessions before t whose returns the graph of t reads: its window and the one 20 sessions earlier."""
        return self.window + LAG_SESSIONS
