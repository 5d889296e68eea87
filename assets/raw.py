"""Raw assets: what the publisher sent, untouched. They share the `jquants` pool, because the rate limit is per key.

Belongs here: asset bodies that fetch and report counts.
Does not belong here: paging, resuming, judging emptiness (`gogoku_pipeline.ingest`).
"""

from datetime import date, timedelta

import dagster as dg
import polars as pl

from assets.declaration import HouseAsset
from assets.partitions import sessions_of
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.ingest import FetchReport, fetch_range, fetch_sessions
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store
from resources.compute import Compute
from resources.io_manager import DATA_VERSION
from resources.jquants import JQuants
from resources.lazy import Lazy

POOL = "jquants"
KINDS = frozenset({"api", "json"})
_YEAR = timedelta(days=365)


class FetchConfig(dg.Config):
    """What a run may choose: `refetch` asks again for sessions that are already complete (corrections)."""

    refetch: bool = False


def by_date(source: str) -> HouseAsset:
    """The raw asset of a source that is asked session by session."""

    def body(
        context: dg.AssetExecutionContext,
        config: FetchConfig,
        store: dg.ResourceParam[Lazy],
        jquants: dg.ResourceParam[JQuants],
        compute: dg.ResourceParam[Compute],
    ) -> dg.MaterializeResult:
        sessions = sessions_of(context)
        opened = store.get()
        report = jquants.run(
            lambda client: fetch_sessions(
                client,
                opened,
                source,
                sessions,
                run_id=context.run.run_id,
                refetch=config.refetch,
                lock_dir=compute.cache_dir,
            )
        )
        versions = describe_landings(context, opened, source, sessions)
        return dg.MaterializeResult(metadata=counts(report), data_version=dg.DataVersion(versions))

    body.__doc__ = SOURCES[source].words
    return HouseAsset(body, f"raw_jquants__{source}", "raw", KINDS, pool=POOL)


def by_range(source: str, ahead: timedelta) -> HouseAsset:
    """The raw asset of a source that answers its whole range in one call.

    Args:
        source: our name of the endpoint.
        ahead: how far beyond today the publisher knows rows.
    """

    def body(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Lazy],
        jquants: dg.ResourceParam[JQuants],
        compute: dg.ResourceParam[Compute],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        opened = store.get()
        end = compute.last_day or clock.now().date() + ahead
        report = jquants.run(
            lambda client: fetch_range(
                client,
                opened,
                source,
                compute.first_session,
                end,
                run_id=context.run.run_id,
                lock_dir=compute.cache_dir,
            )
        )
        newest = opened.raw.newest(source)["sha256"].to_list()
        return dg.MaterializeResult(metadata=counts(report), data_version=dg.DataVersion(sha256_json(newest)))

    body.__doc__ = SOURCES[source].words
    return HouseAsset(body, f"raw_jquants__{source}", "raw", KINDS, pool=POOL, partitioned=False)


def raw_assets() -> list[HouseAsset]:
    """Every raw asset."""
    return [
        by_date("daily_bars"),
        by_date("listed_issues"),
        by_range("topix", timedelta()),
        by_range("calendar", _YEAR),
    ]


def describe_landings(context: dg.AssetExecutionContext, store: Store, source: str, sessions: list[date]) -> str:
    """Row count and content hash of each session's newest landing into its metadata; the hash over all of them."""
    landed = store.raw.newest(source, sessions[0], sessions[-1]).group_by("event_date", maintain_order=True)
    found = {
        day: (rows, sha256_json(hashes))
        for day, rows, hashes in landed.agg(pl.col("row_count").sum(), pl.col("sha256")).iter_rows()
    }
    for session in sessions:
        rows, content = found.get(session, (0, "nothing landed"))
        context.add_asset_metadata(
            {"dagster/row_count": rows, DATA_VERSION: content}, partition_key=session.isoformat()
        )
    hashes = [found.get(session, (0, ""))[1] for session in sessions]
    return hashes[0] if len(hashes) == 1 else sha256_json(hashes)


def counts(report: FetchReport) -> dict[str, object]:
    """A fetch in numbers, and in words where the plan lacks the source."""
    numbers = {
        "requested": report.requested,
        "pages_fetched": report.fetched_pages,
        "requests_resumed": report.resumed,
        "sessions_already_complete": report.skipped_complete,
        "rows": report.rows,
        "sessions_not_covered_by_plan": len(report.skipped_uncovered),
        "sessions_without_rows": len(report.empty),
        "not_in_plan": report.not_in_plan,
    }
    return numbers | ({"notice": f"{report.source}: not in the plan, switched off"} if report.not_in_plan else {})
