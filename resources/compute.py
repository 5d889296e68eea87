"""How much and how: the sizes and dials that assets hand to domain functions. Values, no behaviour.

Belongs here: one frozen object per deployment, the demo's or the production's.
Does not belong here: what the dials mean (the rooms that declare them).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.tables.universe import UniverseConfig

NETWORKS = ("apex_ranker", "atft_gat_fan")
"""Networks of the house."""


@dataclass(frozen=True)
class NetworkDials:
    """How one network differs from the others of a deployment.

    Attributes:
        preset: its own: tiny, small, base or a named one; empty for the deployment's.
        shape: fields of its configuration set on top of the preset.
        training: fields of `TrainConfig` set on top of the deployment's.
    """

    preset: str = ""
    shape: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Compute:
    """Sizes and dials of a deployment.

    Attributes:
        cache_dir: folder of derived caches (the panel, finished fits).
        first_session: where this deployment's history begins.
        last_day: last calendar day of a closed history; None for one that grows.
        plan: J-Quants plan whose features exist: Free, Light, Standard or Premium.
        feature_set: named set of features the panel and so the models are fed; empty for all of the plan.
        cutoff: JST hour after which a session's decision is made.
        device: torch device, e.g. auto, cpu, cuda.
        universe: who is compared and who can be traded.
        graph: how a session's graph is drawn.
        threads: days of the graph drawn at once, and CPU threads of a fit.
        terms: what training and the gate are fixed to before anybody looks.
        challengers: networks that are trained and judged against the baseline at every cut-off, each once; of those
            that pass one is promoted, and of equals the one named first.
        preset: size of the networks: tiny, small, base or a named one.
        training: fields of `TrainConfig`, for every network.
        networks: what is another for one of them, by name. The panel holds graphs, and features as they are, where
            a challenger reads them.
        boosted: fields of `BoostedConfig`.
        audit_sample: sessions the leak audit recomputes before the gate decides.
        audit_stocks: issues it recomputes them for, drawn anew with every seed; 0 for all of them.
        trained_in: where versions are trained: process, subprocess, torchrun:<processes> (several GPUs of one machine,
            a step's days shared out among them), or pod:<image>.
        warm_epochs: epochs of a daily refresh that starts from the last weights of the champion's design; a week's
            first session is trained from scratch. 0 trains every version from scratch.
        partitions_per_run: sessions one backfill run takes at most; a crash loses that much.
        is_simulated: the market is the simulator's, whose planted signal may exceed what is plausible.
    """

    cache_dir: Path
    first_session: date
    last_day: date | None = None
    plan: str = PLANS[-1]
    feature_set: str = ""
    cutoff: time = time(19, 0)
    device: str = "auto"
    universe: UniverseConfig = field(default_factory=UniverseConfig)
    graph: GraphConfig = field(default_factory=GraphConfig)
    threads: int = 2
    terms: Terms = field(default_factory=Terms)
    challengers: tuple[str, ...] = NETWORKS
    preset: str = "small"
    training: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, NetworkDials] = field(default_factory=dict)
    boosted: Mapping[str, Any] = field(default_factory=dict)
    audit_sample: int = 3
    audit_stocks: int = 400
    trained_in: str = "process"
    warm_epochs: int = 0
    partitions_per_run: int = 250
    is_simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse challengers nobody knows, the same one twice, and dials of an unknown network."""
        unknown = sorted({*self.challengers, *self.networks} - set(NETWORKS))
        if unknown or not self.challengers or len(set(self.challengers)) < len(self.challengers):
            raise ConfigError(
                "Compute.challengers and Compute.networks",
                got=f"challengers {list(self.challengers)}, dials of {sorted(self.networks)}",
                want=f"at least one of {', '.join(NETWORKS)}, each once",
                remedy="Correct the deployment's sizes.",
            )

    def dials(self, network: str) -> NetworkDials:
        """Preset, shape and training of one network, with what all networks share."""
        own = self.networks.get(network, NetworkDials())
        return NetworkDials(own.preset or self.preset, own.shape, {**self.training, **own.training})

    def decision(self, session: date) -> datetime:
        """The instant after which a session's decision is made."""
        return datetime.combine(session, self.cutoff, JST)
