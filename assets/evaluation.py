"""The gate and the champions: may a recipe serve, and who does.

Belongs here: asset bodies that judge the challengers of a cut-off and write verdicts down.
Does not belong here: the questions (`gogoku_pipeline.evaluation`), the walk (`gogoku_pipeline.registry.judging`).

The gate's check `promotes` is an ERROR that blocks: without a promotion nothing downstream of it runs. Predictions do
not stand downstream of it; they ask the registry, and the baseline serves until somebody is promoted.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from assets.audit import NO_LEAK, audit_of_inputs, no_leak
from assets.declaration import HouseAsset
from assets.features import ALWAYS
from assets.models import POOL, SOURCES, training_data
from assets.partitions import sessions_of
from assets.verdict_page import champions_page, judgement_page
from gogoku_pipeline.audit.report import AuditReport
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.evaluation.trials import trial_rows
from gogoku_pipeline.evaluation.verdict import GateContext, Verdict
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.registry.ledgers import record_trials, trial_ledger
from gogoku_pipeline.registry.predictions import gate_rows
from gogoku_pipeline.registry.promotions import incumbent, record_verdicts
from gogoku_pipeline.registry.tables import CHAMPIONS, GATE
from gogoku_pipeline.schema import topix
from gogoku_pipeline.store import CommitInfo, Store
from gogoku_pipeline.tables.universe import UNIVERSE
from resources.compute import NETWORKS, Compute
from resources.lazy import Lazy
from resources.recipes import baselines, recipe

if TYPE_CHECKING:
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.registry.contest import Contest
    from gogoku_pipeline.registry.judging import Judgement

KINDS = frozenset({"polars", "deltalake"})
PROMOTES = dg.AssetCheckSpec(
    "promotes",
    asset=GATE.name,
    blocking=True,
    description="The gate promotes a challenger; otherwise the champion stays and nothing downstream runs.",
)


def exposures(store: Store, plan: str) -> pl.DataFrame:
    """Size, risk and sector of every stock, as far as the features of a plan tell them."""
    from gogoku_pipeline.registry.judging import exposures_of

    tables = [family_table(name, registry(plan)) for name in ("feat__prices", "feat__market")]
    frames = [store.tables.scan(table).collect() for table in tables]
    return exposures_of(frames[0], frames[1], store.tables.scan(UNIVERSE).collect())


def contest(store: Store, compute: Compute, cutoff: date, data: "TrainingData") -> "Contest":
    """Who meets whom at a cut-off: all challengers of a deployment, the bar, the ladder, and the champion before."""
    from gogoku_pipeline.registry.contest import Contest
    from gogoku_pipeline.training.recipe_ladder import ladder

    challengers = tuple(recipe(name, compute) for name in compute.challengers)
    before = incumbent(store, cutoff)
    serves = recipe(before, compute) if before in NETWORKS else None
    return Contest(challengers, baselines(compute), tuple(ladder(data.panel.names)), serves)


def judged(store: Store, compute: Compute, cutoff: date, audit: AuditReport) -> "Judgement":
    """The contest of a deployment at a cut-off, judged."""
    from gogoku_pipeline.registry.judging import judge

    data = training_data(store, compute)
    return judge(
        contest(store, compute, cutoff, data),
        data,
        cutoff,
        compute.terms,
        GateContext(
            store.tables.scan(UNIVERSE).collect(), audit.passed, None, compute.is_simulated, trial_ledger(store)
        ),
        exposures=exposures(store, compute.plan),
        cache_dir=walks_of(compute),
    )


def walks_of(compute: Compute) -> Path:
    """Where finished fits of walks are kept."""
    return compute.cache_dir / "walks"


def gate(  # noqa: ANN201 - Dagster reads an annotation here as "no value"
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[Lazy],
    compute: dg.ResourceParam[Compute],
    clock: dg.ResourceParam[Clock],
):
    """The gate's verdicts on the challengers at one training cut-off."""
    from gogoku_pipeline.training.walk_forward import SCORES

    (cutoff,) = sessions_of(context)
    opened = store.get()
    audit = audit_of_inputs(opened, compute)
    found = judged(opened, compute, cutoff, audit)
    commit = CommitInfo(run_id=context.run.run_id, code_version="1")
    opened.tables.write_sessions(SCORES, found.scores, [cutoff], commit=commit)
    record_trials(opened, trial_rows(found.trials, recorded_at=clock.now()), commit=commit)
    return dg.MaterializeResult(
        value=pl.concat(
            gate_rows(verdict, cutoff, available_at=compute.decision(cutoff)) for verdict in found.verdicts
        ).sort(GATE.key),
        metadata={"leak_audit": audit.words, **judgement_page(opened, found, cutoff, compute.plan)},
        check_results=[promotes(found.verdicts), no_leak(audit)],
    )


def promotes(verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
    """The blocking answer: it passes where one of the challengers is promoted."""
    told = [f"{one.challenger} {one.decision}: {one.reasons[0]}" for one in verdicts]
    return dg.AssetCheckResult(
        check_name=PROMOTES.name,
        passed=any(one.decision == "promote" for one in verdicts),
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(told),
        metadata={one.challenger: one.decision for one in verdicts} | {"paired_days": verdicts[0].n_days},
    )


def champions(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[Lazy],
    clock: dg.ResourceParam[Clock],
    compute: dg.ResourceParam[Compute],
) -> dg.MaterializeResult:
    """Verdicts of the gate that are not yet in the history."""
    opened = store.get()
    commit = CommitInfo(run_id=context.run.run_id, code_version="1")
    added = record_verdicts(opened, recorded_at=clock.now(), commit=commit)
    history = opened.tables.scan(CHAMPIONS).collect()
    counts = {"verdicts_added": added, "dagster/row_count": history.height}
    return dg.MaterializeResult(metadata={**counts, **champions_page(opened, compute.terms)})


def evaluation_assets(challengers: Sequence[str] = NETWORKS) -> list[HouseAsset]:
    """The gate and the history of champions."""
    return [
        HouseAsset(
            gate,
            GATE.name,
            "models",
            KINDS,
            table=GATE,
            deps=(*SOURCES, *ALWAYS, topix.TABLE.name),
            pool=POOL,
            is_range=False,
            check_specs=(PROMOTES, NO_LEAK),
        ),
        HouseAsset(
            champions,
            CHAMPIONS.name,
            "models",
            KINDS,
            table=CHAMPIONS,
            deps=(GATE.name, *(f"model__{name}" for name in challengers)),
            partitioned=False,
        ),
    ]
