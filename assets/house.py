"""The whole house as assets: one list, one axis, one register of tables.

Belongs here: putting the stages together.
Does not belong here: anything one stage does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from assets.backtest import backtest_assets
from assets.dataset import dataset_assets
from assets.declaration import HouseAsset
from assets.evaluation import evaluation_assets
from assets.explanations import explanation_assets
from assets.features import feature_assets
from assets.models import model_assets
from assets.operations import operations_assets
from assets.raw import raw_assets
from assets.table_checks import house_checks
from assets.tables import table_assets
from gogoku_pipeline.schema.tables import Table
from resources.compute import NETWORKS, Compute


@dataclass(frozen=True)
class House:
    """Everything Dagster is shown.

    Attributes:
        assets: every asset.
        checks: every check step.
        tables: table by asset name, for the IO manager.
    """

    assets: list[dg.AssetsDefinition]
    checks: list[dg.AssetChecksDefinition]
    tables: dict[str, Table]


def declared(plan: str, challengers: Sequence[str] = NETWORKS) -> list[HouseAsset]:
    """Every declaration, from the street to the roof, with the features of a plan and the networks it has judged."""
    return [
        *raw_assets(),
        *table_assets(),
        *feature_assets(plan),
        *dataset_assets(plan, challengers),
        *model_assets(challengers),
        *evaluation_assets(challengers),
        *backtest_assets(),
        *explanation_assets(),
        *operations_assets(plan, challengers),
    ]


def build_house(partitions: dg.PartitionsDefinition, compute: Compute) -> House:
    """The assets and checks on an axis of sessions.

    Args:
        partitions: one definition, shared by all session assets.
        compute: the plan decides which features there are, a bound how long a backfill run is.
    """
    every = declared(compute.plan, compute.challengers)
    return House(
        assets=[asset.build(partitions, compute.partitions_per_run) for asset in every],
        checks=house_checks(partitions, compute.plan),
        tables={asset.name: asset.table for asset in every if asset.table is not None},
    )
