"""Which assets run together. A selection each, no logic.

Belongs here: asset jobs, their run tags and run configuration.
Does not belong here: cron lines (`schedules`), work outside the asset graph (`maintenance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets.raw import BY_SESSION
from gogoku_pipeline.schema.register import TABLE_OF
from resources.compute import NETWORKS
from resources.recipes import BASELINE

OVERNIGHT = dg.AssetSelection.assets(
    "raw_jquants__overnight", *(TABLE_OF[source].name for source in ("futures", "options", "index_options"))
)
"""Out at 03:00 of the next day: the evening has nothing to ask for."""

TABLES = dg.AssetSelection.groups("raw", "core", "features", "graph") - OVERNIGHT
SERVED = dg.AssetSelection.assets("pred__daily", "pred__explained", "report__evening")
REPAIRED = dg.AssetSelection.groups("raw", "core")
TRAINED = dg.AssetSelection.assets("data__labels", "data__panel", "eval__backtest")
"""What is made anew beside the models' versions. The backtest is no part of the weekly gate: there it would wait for a
promotion, as everything downstream does."""
JUDGED = dg.AssetSelection.assets("eval__gate", "registry__champions")

_SCHEDULED = {"dagster/priority": "10"}
"""Scheduled runs overtake queued backfill runs."""

_REFETCH = {"ops": {group.asset: {"config": {"refetch": True, "bulk": False}} for group in BY_SESSION}}

AssetJob = Any
"""What `define_asset_job` returns (Dagster does not export the class)."""


@dataclass(frozen=True)
class HouseJobs:
    """The asset jobs by what they are for."""

    evening: AssetJob
    morning: AssetJob
    retraining: AssetJob
    weekly_gate: AssetJob

    @property
    def all(self) -> list[AssetJob]:
        """Every asset job, for the definitions."""
        return [self.evening, self.morning, self.retraining, self.weekly_gate]


def asset_jobs(challengers: Sequence[str] = NETWORKS) -> HouseJobs:
    """The asset jobs; their axis of sessions is that of the assets they select.

    Args:
        challengers: the networks whose versions are trained beside the baseline's.
    """
    versions = dg.AssetSelection.assets(*(f"model__{name}" for name in (BASELINE, *challengers)))

    def job(name: str, selection: dg.AssetSelection, words: str, config: dict[str, Any] | None = None) -> AssetJob:
        return dg.define_asset_job(name, selection=selection, description=words, tags=_SCHEDULED, config=config)

    return HouseJobs(
        evening=job("evening", TABLES | SERVED, "Fetch the session, compute its features, predict, report."),
        morning=job(
            "morning",
            REPAIRED,
            "What came out overnight, and the last sessions asked for again: corrections in place.",
            _REFETCH,
        ),
        retraining=job(
            "retraining",
            TRAINED | versions,
            "Labels and panel up to the session, one version per model, the backtest of what was scored.",
        ),
        weekly_gate=job("weekly_gate", JUDGED, "Walk forward, compare with the baseline, record a promotion."),
    )
