"""Core assets: typed point-in-time tables, each a pure function of everything that was landed for it.

Belongs here: asset bodies of the typed tables, the security master and the universe.
Does not belong here: typing, joins, intervals (`gogoku_pipeline.tables`).

The heavy daily cross-sections live on sessions. Every other table is one asset without partitions that types, each time
it runs, the sessions whose landings changed: filling a session is fetching it, the rest follows.
"""

import dagster as dg
import polars as pl

from assets.declaration import HouseAsset
from assets.partitions import sessions_of, show
from assets.price_basis import factors
from assets.raw import raw_asset_of
from assets.reading import history, sessions_before
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.evaluation.plots import coverage_heat_map
from gogoku_pipeline.monitoring.coverage import coverage_by_session
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.schema.external import EXTERNAL
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.ledger import Retyped, newest_entries, retype
from gogoku_pipeline.tables.master import rebuilt_master
from gogoku_pipeline.tables.rejects import Typed
from gogoku_pipeline.tables.successors import POSSIBLE_SUCCESSORS, possible_successors
from gogoku_pipeline.tables.typed import source_and_table, typed_sessions
from gogoku_pipeline.tables.universe import UNIVERSE, build_universe
from resources.compute import Compute
from resources.lazy import Lazy
from resources.metadata import picture

KINDS = frozenset({"polars", "deltalake"})
CODE_VERSION = "2"
BY_SESSION = ("daily_bars", "listed_issues", "topix", "valuation", "breakdown")
"""Sources whose tables are heavy, or whose sessions others wait for."""

OUTSIDE = tuple(series.source.name for series in EXTERNAL.values())
"""Series that a person lands (`gogoku fetch --external`); without any their tables stay empty."""

WHOLE = (*(name for name in SOURCES if name not in BY_SESSION), *OUTSIDE)


def on_sessions(source: str) -> HouseAsset:
    """The asset of a table typed session by session."""
    table = TABLE_OF[source]

    def body(context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy]) -> Typed:
        typed = typed_sessions(store.get(), source, sessions_of(context))
        context.add_output_metadata(conservation(typed))
        return typed

    return HouseAsset(body, table.name, "core", KINDS, CODE_VERSION, table, deps=(raw_asset_of(source),))


def as_a_whole(source: str) -> HouseAsset:
    """The asset of a table that catches up with its landings whenever it runs."""
    _, table = source_and_table(source)
    fetched = () if source in OUTSIDE else (raw_asset_of(source),)

    def body(context: dg.AssetExecutionContext, store: dg.ResourceParam[Lazy]) -> dg.MaterializeResult:
        opened = store.get()
        done = retype(opened, source, run_id=context.run.run_id, code_version=CODE_VERSION)
        landed = newest_entries(opened, source)["landings_hash"].to_list()
        return dg.MaterializeResult(
            metadata=caught_up(done) | {"dagster/row_count": row_count(opened, table)},
            data_version=dg.DataVersion(sha256_json([CODE_VERSION, *landed])),
        )

    return HouseAsset(body, table.name, "core", KINDS, CODE_VERSION, table, deps=fetched, partitioned=False)


def security_master(store: dg.ResourceParam[Lazy]) -> pl.DataFrame:
    """Daily listings folded into intervals; issues keep the numbers they have."""
    return rebuilt_master(store.get())


def successors(store: dg.ResourceParam[Lazy]) -> pl.DataFrame:
    """Codes that ended beside codes that began."""
    return possible_successors(store.get().tables.scan(listed_issues.MASTER).collect())


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
    snapshots, master = listed_issues.SNAPSHOT.name, listed_issues.MASTER
    return [
        *(on_sessions(source) for source in BY_SESSION),
        *(as_a_whole(source) for source in WHOLE),
        HouseAsset(
            security_master, master.name, "core", KINDS, CODE_VERSION, master, deps=(snapshots,), partitioned=False
        ),
        HouseAsset(
            successors,
            POSSIBLE_SUCCESSORS.name,
            "core",
            KINDS,
            CODE_VERSION,
            POSSIBLE_SUCCESSORS,
            deps=(master.name,),
            partitioned=False,
        ),
        HouseAsset(
            universe, UNIVERSE.name, "core", KINDS, CODE_VERSION, UNIVERSE, deps=(daily_bars.TABLE.name, snapshots)
        ),
    ]


def conservation(typed: Typed) -> dict[str, object]:
    """Where the raw rows went, in numbers and, where there is something to say, in words."""
    totals = {
        "raw_rows": sum(count.raw_rows for count in typed.counts),
        "rejected": sum(count.rejected for count in typed.counts),
        "repetitions": sum(count.duplicates for count in typed.counts),
        "superseded": typed.superseded.height,
    }
    words = {"warnings": dg.MetadataValue.md("\n".join(f"- {line}" for line in typed.warnings))}
    return {**totals, **(words if typed.warnings else {})}


def caught_up(done: Retyped) -> dict[str, object]:
    """What typing again wrote, in numbers and words."""
    totals = {
        "sessions_typed": len(done.sessions),
        "rows_written": done.rows,
        "rejected": done.rejected,
        "corrections": done.corrections,
    }
    words = {"warnings": dg.MetadataValue.md("\n".join(f"- {line}" for line in done.warnings))}
    return {**totals, **(words if done.warnings else {})}


def row_count(store: Store, table: Table) -> int:
    """Rows of a whole table."""
    return store.tables.scan(table, ordered=False).select(pl.len()).collect().item()
