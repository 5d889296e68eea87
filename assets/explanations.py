"""Why the evening's list is what it is: three explained stocks, and which features each model lives on.

Belongs here: its settings in the launchpad, the asset's body, its check and what its page shows.
Does not belong here: contributions and importance (`gogoku_pipeline.training`), what is written down
(`gogoku_pipeline.registry.explanations`).

It stands after the list and never before it: a list is served whether or not it can be explained.
"""

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from assets.declaration import HouseAsset
from assets.models import training_data
from assets.verdict_page import as_table
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.plots_explanations import group_importance
from gogoku_pipeline.evaluation.report_explanations import explained_table, importance_table, stories
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.store import CommitInfo
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture

if TYPE_CHECKING:
    from gogoku_pipeline.registry.explanations import Explanations

EXPLAINS = dg.AssetCheckSpec(
    "explains",
    asset=EXPLAINED.name,
    description="Three stocks of the list are explained and every model's importance is measured.",
)


class ExplanationSettings(dg.Config):
    """How much is measured: sessions x (groups + features) x seeds are scored, for every model of the contest."""

    days: int = Field(8, description="sessions importance is measured on", ge=2)
    most_features: int = Field(30, description="single features measured of the model that serves", ge=0)
    most_seeds: int = Field(3, description="fits of a version that are asked", ge=1)


def explanations(
    context: dg.AssetExecutionContext,
    config: ExplanationSettings,
    store: dg.ResourceParam[Lazy],
    compute: dg.ResourceParam[Compute],
) -> dg.MaterializeResult:
    """Why the first, the median and the last stock of the newest list stand there, and what models live on."""
    from gogoku_pipeline.registry.explanations import explain_list
    from gogoku_pipeline.training.importance import ImportanceConfig

    opened = store.get()
    session = opened.tables.sessions(PREDICTIONS)[-1]
    found = explain_list(
        opened,
        training_data(opened, compute),
        session,
        registry(compute.plan),
        ImportanceConfig(**config.model_dump()),
        horizon_d=compute.terms.gate.horizon_d,
        available_at=compute.decision(session),
    )
    commit = CommitInfo(run_id=context.run.run_id, code_version="1")
    for table, rows in ((EXPLAINED, found.rows), (IMPORTANCE, found.importance)):
        opened.tables.write_sessions(table, rows, [session], commit=commit)
    return dg.MaterializeResult(metadata=shown(found), check_results=[explains(found)])


def shown(found: "Explanations") -> dict[str, object]:
    """Tables and the picture of importance for the asset's page; nothing of what could not be made."""
    page: dict[str, object] = {"dagster/row_count": found.rows.height}
    for story in stories(found.rows):
        page[f"rank {story.rank}: {story.code}"] = as_table(explained_table(story))
    if found.importance.height:
        page["importance"] = as_table(importance_table(found.importance))
        page["groups"] = picture(group_importance(found.importance), "RankIC lost without each group of features")
    return page


def explains(found: "Explanations") -> dg.AssetCheckResult:
    """A warning that names what could not be explained; the list stands all the same."""
    return dg.AssetCheckResult(
        check_name=EXPLAINS.name,
        passed=not found.problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(found.problems) or "every contribution and importance that was asked for",
        metadata={"stocks": found.rows["code"].n_unique(), "models": found.importance["model"].n_unique()},
    )


def explanation_assets() -> list[HouseAsset]:
    """One asset of the newest list; earlier explanations stay as they were written."""
    return [
        HouseAsset(
            explanations,
            EXPLAINED.name,
            "operations",
            frozenset({"polars", "deltalake"}),
            table=EXPLAINED,
            deps=(PREDICTIONS.name, LABELS.name),
            partitioned=False,
            check_specs=(EXPLAINS,),
        )
    ]
