"""Core assets: typed point-in-time tables, each a pure function of everything that was landed for it.

Belongs here: asset bodies of the typed tables, the security master and the universe.
Does not belong here: typing, joins, intervals (`gogoku_pipeline.tables`).
"""

from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg
import polars as pl

from assets.declaration import HouseAsset
from assets.partitions import sessions_of, show
from assets.reading import factors, history, sessions_before
from gogoku_pipeline.evaluation.plots import coverage_heat_map
from gogoku_pipeline.monitoring.coverage import coverage_by_session
from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import CommitInfo, Store
from gogoku_pipeline.tables.master import build_security_master
from gogoku_pipeline.tables.rejects import REJECTS, Typed, unseen_rejects
from gogoku_pipeline.tables.typed import typed_calendar, typed_daily_bars, typed_listed_issues, typed_topix
from gogoku_pipeline.tables.universe import UNIVERSE, build_universe
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture

KINDS = frozenset({"polars", "deltalake"})
CODE_VERSION = "1"


def typed_table(table: Table, read: Callable[[Store, Sequence[date]], Typed], source: str) -> HouseAsset:
    """The asset of a table typed session by session."""

    def body(context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy]) -> pl.DataFrame:
        typed = read(store.get(), sessions_of(context))
        keep_rejects(store.get(), typed, context.run.run_id)
        context.add_output_metadata(conservation(typed))
        return typed.frame

    return HouseAsset(body, table.name, "core", KINDS, CODE_VERSION, table, deps=(f"raw_jquants__{source}",))


def core_calendar(context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy]) -> pl.DataFrame:
    """The publisher's trading calendar."""
    typed = typed_calendar(store.get())
    keep_rejects(store.get(), typed, context.run.run_id)
    context.add_output_metadata(conservation(typed))
    return typed.frame


def security_master(store: dg.ResourceParam[Lazy]) -> pl.DataFrame:
    """Daily listings folded into intervals."""
    return build_security_master(store.get().tables.scan(listed_issues.SNAPSHOT).collect())


def universe(
    context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy], compute: dg.ResourceParam[Compute]
) -> pl.DataFrame:
    """Who is compared and who can be traded."""
    sessions = sessions_of(context)
    opened = store.get()
    start = sessions_before(sessions[0], compute.universe.lookback)
    bars = history(opened, daily_bars.TABLE, sessions[-1], start).collect()
    listed = history(opened, listed_issues.SNAPSHOT, sessions[-1], sessions[0]).collect()
    frame = build_universe(bars, listed, sessions, compute.universe, history=factors(opened, sessions[-1]))
    members = {"in universe": frame.filter("is_in_universe"), "tradable": frame.filter("is_tradable")}
    coverage = coverage_by_session({"bars": bars, **members}, frame, sessions)
    show(context, "coverage", picture(coverage_heat_map(coverage), "Share of the listed issues"))
    return frame


def table_assets() -> list[HouseAsset]:
    """Every core asset."""
    snapshots = listed_issues.SNAPSHOT
    return [
        typed_table(daily_bars.TABLE, typed_daily_bars, "daily_bars"),
        typed_table(snapshots, typed_listed_issues, "listed_issues"),
        typed_table(topix.TABLE, typed_topix, "topix"),
        HouseAsset(
            core_calendar,
            calendar.TABLE.name,
            "core",
            KINDS,
            CODE_VERSION,
            calendar.TABLE,
            deps=("raw_jquants__calendar",),
            partitioned=False,
        ),
        HouseAsset(
            security_master,
            listed_issues.MASTER.name,
            "core",
            KINDS,
            CODE_VERSION,
            listed_issues.MASTER,
            deps=(snapshots.name,),
            partitioned=False,
        ),
        HouseAsset(
            universe,
            UNIVERSE.name,
            "core",
            KINDS,
            CODE_VERSION,
            UNIVERSE,
            deps=(daily_bars.TABLE.name, snapshots.name),
        ),
    ]


def keep_rejects(store: Store, typed: Typed, run_id: str) -> None:
    """Append the rows that could not be typed, those not yet kept."""
    fresh = unseen_rejects(typed.rejects, store.tables.scan(REJECTS).collect())
    if fresh.height:
        store.tables.append(REJECTS, fresh, commit=CommitInfo(run_id=run_id, code_version=CODE_VERSION))


def conservation(typed: Typed) -> dict[str, object]:
    """Where the raw rows went, in numbers and, where there is something to say, in words."""
    totals = {
        "raw_rows": sum(count.raw_rows for count in typed.counts),
        "rejected": sum(count.rejected for count in typed.counts),
        "repetitions": sum(count.duplicates for count in typed.counts),
    }
    words = {"warnings": dg.MetadataValue.md("\n".join(f"- {line}" for line in typed.warnings))}
    return {**totals, **(words if typed.warnings else {})}
