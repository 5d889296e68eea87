"""The leak audit of a deployment: its tables, its panel, its terms, put on trial.

Belongs here: putting a case together from a store, and the blocking check in front of the gate's verdict.
Does not belong here: what is asked (`gogoku_pipeline.audit`).

The check asks about this deployment's data. The eighth part, the planted market, asks about code alone: the same
answer for every deployment, given by `gogoku audit` and by the tests of every change.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from assets.dataset import house_panel
from gogoku_pipeline.audit.report import AuditReport
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.graph.catalogue import catalogue
from gogoku_pipeline.registry.tables import GATE
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.landings import is_switched_off
from resources.compute import Compute
from resources.recipes import BASELINE, recipe

if TYPE_CHECKING:
    from gogoku_pipeline.audit.case import Case
    from gogoku_pipeline.audit.market import AuditedMarket
    from gogoku_pipeline.audit.road import Road
    from gogoku_pipeline.dataset.splits import Fold

NO_LEAK = dg.AssetCheckSpec(
    "leak_audit",
    asset=GATE.name,
    blocking=True,
    description="On a sample of sessions and stocks no training input knows what it could not have known.",
)


def leak_audit(store: Store, compute: Compute, parts: Sequence[str] = (), seed: int = 0) -> AuditReport:
    """The audit of a deployment on a sample of its sessions and stocks.

    Args:
        store: tables of the deployment.
        compute: its dials; `audit_sample` and `audit_stocks` say how much is recomputed.
        parts: names of parts; empty for all that ask about a deployment's own data.
        seed: which sessions and stocks are drawn.
    """
    from gogoku_pipeline.audit.leak_audit import OF_A_PANEL, run_audit

    with TemporaryDirectory() as folder:
        return run_audit(audit_case(store, compute, Path(folder), seed), tuple(parts) or OF_A_PANEL)


def audit_of_inputs(store: Store, compute: Compute) -> AuditReport:
    """The audit in front of a verdict: asked once for the same tables, dials and code, however many are judged on them.

    Args:
        store: tables of the deployment.
        compute: its dials.
    """
    from gogoku_pipeline.audit.kept import kept_or_asked

    return kept_or_asked(compute.cache_dir / "audits", audited(store, compute), lambda: leak_audit(store, compute))


def audited(store: Store, compute: Compute) -> dict[str, Any]:
    """What an audit of a deployment depends on beside its code: tables as they are now, labels' content, dials."""
    from gogoku_pipeline.dataset.batches import TrainingData
    from gogoku_pipeline.training.recipes import TARGET

    read = (daily_bars.TABLE, listed_issues.SNAPSHOT, topix.TABLE, *(TABLE_OF[name] for name in _states(compute)))
    data = TrainingData(house_panel(store, compute), store.tables.scan(LABELS).collect())
    return {
        "store": store.url,
        "assembly": sha256_bytes(Path(__file__).read_bytes()),
        "tables": {table.name: store.tables.version(table) for table in read},
        "panel": data.panel.key,
        "labels": data.fingerprint(compute.terms.gate.horizon_d, TARGET),
        "topix_is_switched_off": is_switched_off(store.raw.requests("topix")),
        "dials": {name: value for name, value in asdict(compute).items() if name != "cache_dir"},
    }


def _states(compute: Compute) -> Sequence[str]:
    """Sources beside prices that the features of the plan read."""
    return tuple(state_tables(house(compute.plan).names))


def audit_case(store: Store, compute: Compute, folder: Path, seed: int = 0) -> "Case":
    """What is on trial: the stored rows, the stored panel, the road with this deployment's dials."""
    from gogoku_pipeline.audit.case import Case
    from gogoku_pipeline.dataset.batches import TrainingData
    from resources.planted_market import planted_markets

    return Case(
        market=audited_market(store, compute, seed),
        road=audited_road(compute),
        folder=folder,
        sample=compute.audit_sample,
        seed=seed,
        stored=TrainingData(house_panel(store, compute), store.tables.scan(LABELS).collect()),
        planted=planted_markets,
    )


def audited_market(store: Store, compute: Compute, seed: int = 0) -> "AuditedMarket":
    """Rows of every table the features of the plan read, and the labels: of the drawn stocks only, where not of all."""
    from gogoku_pipeline.audit.market import AuditedMarket, drawn_codes

    newest = store.tables.sessions(listed_issues.SNAPSHOT)[-1:]
    listed = store.tables.scan(listed_issues.SNAPSHOT).filter(pl.col("session").is_in(newest)).select("code").collect()
    codes = drawn_codes(listed["code"], compute.audit_stocks, seed)

    def rows(table: Table) -> pl.DataFrame:
        lazy = store.tables.scan(table)
        here = lazy.filter(pl.col("code").is_in(codes)) if codes and "code" in table.polars_schema else lazy
        return here.collect()

    return AuditedMarket(
        bars=rows(daily_bars.TABLE),
        listed=rows(listed_issues.SNAPSHOT),
        topix=rows(topix.TABLE),
        labels=rows(LABELS),
        universe=compute.universe,
        cutoff=compute.cutoff,
        tables={source: rows(TABLE_OF[source]) for source in _states(compute)},
        switched_off=frozenset({"topix"} if is_switched_off(store.raw.requests("topix")) else ()),
        is_whole=not codes,
        revisions=revisions(store, codes),
    )


def revisions(store: Store, codes: Sequence[str]) -> pl.DataFrame:
    """What was corrected in place since the history began; of some issues only, where they were drawn."""
    from gogoku_pipeline.audit.revisions import of_codes

    noted = store.tables.scan(CORRECTIONS, ordered=False).collect()
    return of_codes(noted, codes) if codes else noted


def audited_road(compute: Compute) -> "Road":
    """The road with a deployment's dials: its features, its graph, its terms, the ridge and its baseline."""
    from gogoku_pipeline.audit.road import Road
    from gogoku_pipeline.dataset.splits import final_split
    from gogoku_pipeline.training.recipe_ladder import LadderRecipe

    known, terms = house(compute.plan), compute.terms
    fed = catalogue(compute.graph, compute.plan, compute.feature_set)
    own = {*known.names, *catalogue(compute.graph, compute.plan).families.get("feat__graph", ())}
    horizon = terms.gate.horizon_d
    return Road(
        graph=compute.graph,
        registry=known,
        names=known.names,
        horizon_d=horizon,
        panel=fed if set(fed.names) <= own else None,
        folds=partial(_folds, terms),
        split=partial(final_split, horizon_d=horizon, validation=terms.validation),
        recipes=(LadderRecipe("ridge"), recipe(BASELINE, compute)),
    )


def _folds(terms: Terms, sessions: Sequence[date]) -> "list[Fold]":
    return terms.folds(sessions, sessions[-1])


def no_leak(audit: AuditReport) -> dg.AssetCheckResult:
    """What the audit of the training inputs found, one number per part."""
    return dg.AssetCheckResult(
        check_name=NO_LEAK.name,
        passed=audit.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=audit.words,
        metadata=dict(audit.compared),
    )
