"""What the house is for: the ranked list of an evening and the page that explains it.

Belongs here: asset bodies of predictions and report.
Does not belong here: who serves (`gogoku_pipeline.registry`), how the page looks (`gogoku_pipeline.evaluation`).

A list asks the registry who serves on its session, a pure read: no verdict of the gate can keep an evening waiting.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from assets.dataset import house_panel
from assets.declaration import HouseAsset
from assets.partitions import sessions_of
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.graph.catalogue import catalogue
from gogoku_pipeline.monitoring.evening import evening_report
from gogoku_pipeline.registry.backtest_tables import ACCOUNTS
from gogoku_pipeline.registry.champions import Champion, champion
from gogoku_pipeline.registry.explanation_tables import EXPLAINED
from gogoku_pipeline.registry.tables import PREDICTIONS, SHADOW
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.tables.summary import data_summary
from gogoku_pipeline.tables.universe import UNIVERSE
from resources.compute import NETWORKS, Compute
from resources.lazy import Lazy
from resources.recipes import BASELINE
from resources.truth import truth

if TYPE_CHECKING:
    from gogoku_pipeline.evaluation.sequential import Standing

LISTED = 20
SERVES = dg.AssetCheckSpec(
    "champion_serves",
    asset=PREDICTIONS.name,
    description="The champion serves: its files are sound and its live RankIC has not declined.",
)
FRESH = dg.AssetCheckSpec(
    "sources_fresh", asset="report__evening", description="Every source holds what the publication clock says is out."
)


def predictions(context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]):  # noqa: ANN201 - Dagster reads an annotation here as "no value"
    """The ranked list of each session by whoever serves on it."""
    from gogoku_pipeline.registry.serve import serve_sessions

    opened, sessions = store.get(), sessions_of(context)
    made = serve_sessions(opened, house_panel(opened, compute), sessions, compute.terms, available_at=compute.decision)
    commit = CommitInfo(run_id=context.run.run_id, code_version="1")
    opened.tables.write_sessions(SHADOW, made.shadow, sessions, commit=commit)
    newest = made.lists.filter(pl.col("session") == sessions[-1])
    shown = newest.head(LISTED).select("rank", "code", pl.col("score").round(4)).to_dicts()
    context.add_asset_metadata(
        {
            "served": f"{newest['model'][0]} {newest['model_version'][0]}",
            "served_because": newest["served_because"][0],
            "top": dg.MetadataValue.table([dg.TableRecord(row) for row in shown]),
            **live_record(made.standings.get(sessions[-1])),
        },
        partition_key=sessions[-1].isoformat(),
    )
    yield dg.Output(made.lists)
    yield champion_serves(champion(opened, sessions[-1]), newest)


def live_record(found: "Standing | None") -> dict[str, dg.MetadataValue]:
    """What the champion's live record says, for the page of a list."""
    if found is None:
        return {}
    evidence = "of decline" if found.state == "serves" else "of recovery"
    words = f"mean {found.mean:+.4f} over {found.days} days" if found.days else "no day is known yet"
    return {
        "live_rank_ic": dg.MetadataValue.text(words),
        "live_evidence": dg.MetadataValue.text(f"{found.evidence:.1f} {evidence}; turns at {found.threshold:.0f}"),
    }


def champion_serves(chosen: Champion, newest: pl.DataFrame) -> dg.AssetCheckResult:
    """Whether the list is the champion's own; a warning, hence an alert, when the baseline stands in."""
    serves = newest["model"][0]
    return dg.AssetCheckResult(
        check_name=SERVES.name,
        passed=serves == chosen.model,
        severity=dg.AssetCheckSeverity.WARN,
        description=newest["served_because"][0],
        metadata={"champion": chosen.model, "serves": serves},
    )


def report(
    store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute], clock: dg.ResourceParam[Clock]
) -> dg.MaterializeResult:
    """The page of the newest list, kept beside the data."""
    opened, now = store.get(), clock.now()
    page = evening_report(
        opened,
        None,
        generated_at=now,
        terms=compute.terms,
        simulated=compute.is_simulated,
        oracle=truth(opened),
        plan=compute.plan,
    ).encode()
    session = opened.tables.sessions(PREDICTIONS)[-1]
    key = f"reports/{session}/{sha256_bytes(page)[:16]}.html"
    opened.objects.put_new(key, page)
    where = f"{opened.url}/{key}"
    return dg.MaterializeResult(
        metadata={"session": session.isoformat(), "url": dg.MetadataValue.url(where), "bytes": len(page)},
        check_results=[sources_fresh(data_summary(opened, list(SOURCES), session, now=now))],
    )


def sources_fresh(summary: pl.DataFrame) -> dg.AssetCheckResult:
    """Whether every source holds what the publication clock says is out; one warning names all that do not."""
    late = summary.filter(pl.col("sessions_behind") > 0).select("source", "sessions_behind").rows()
    words = ", ".join(f"{source} is {behind} sessions behind" for source, behind in late)
    return dg.AssetCheckResult(
        check_name=FRESH.name,
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=words or "every source holds what is published",
        metadata={"late": len(late)},
    )


def operations_assets(plan: str, challengers: Sequence[str] = NETWORKS) -> list[HouseAsset]:
    """Predictions and report; a list waits for every family the panel of a plan reads.

    Where versions are trained in the same backfill, the list of a cut-off waits for them too; it never waits for a
    verdict.
    """
    families = catalogue(plan=plan).families
    versions = [f"model__{name}" for name in (BASELINE, *challengers)]
    return [
        HouseAsset(
            predictions,
            PREDICTIONS.name,
            "operations",
            frozenset({"polars", "deltalake"}),
            table=PREDICTIONS,
            deps=("data__panel", *families, UNIVERSE.name, *versions),
            check_specs=(SERVES,),
        ),
        HouseAsset(
            report,
            "report__evening",
            "operations",
            frozenset({"html"}),
            deps=(PREDICTIONS.name, EXPLAINED.name, ACCOUNTS.name),
            partitioned=False,
            check_specs=(FRESH,),
        ),
    ]
