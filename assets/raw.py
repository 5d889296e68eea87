"""Raw assets: what the publisher sent, untouched. They share the `jquants` pool, because the rate limit is per key.

Belongs here: which sources are fetched together, asset bodies that fetch and report counts.
Does not belong here: paging, files, resuming, judging emptiness (`gogoku_pipeline.ingest`).

Sources are grouped by budget and publication time, since every asset of a session costs Dagster's bookkeeping once per
session: bars and listings stand alone, the rest goes with what appears at the same hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

from assets.declaration import HouseAsset
from assets.partitions import sessions_of
from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.ingest import FetchReport, fetch_group, fetch_now, fetch_range
from gogoku_pipeline.ingest.publication import unpublished
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.ledger import landing_hashes
from resources.compute import Compute
from resources.io_manager import DATA_VERSION
from resources.jquants import JQuants
from resources.lazy import Lazy

POOL = "jquants"
KINDS = frozenset({"api", "json"})
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class RawGroup:
    """Sources that one asset fetches.

    Attributes:
        name: last part of the asset's name.
        sources: our names of the endpoints.
        words: what they are and when they appear.
    """

    name: str
    sources: tuple[str, ...]
    words: str

    @property
    def asset(self) -> str:
        """The asset's name."""
        return f"raw_jquants__{self.name}"


BY_SESSION = (
    RawGroup("daily_bars", ("daily_bars",), SOURCES["daily_bars"].words),
    RawGroup("listed_issues", ("listed_issues",), SOURCES["listed_issues"].words),
    RawGroup(
        "after_close",
        ("valuation", "indices", "short_ratio", "margin_interest", "margin_alerts", "earnings_dates"),
        "What is out by 16:30: valuation, indices, short selling by sector, margin balances, announced earnings dates.",
    ),
    RawGroup(
        "evening",
        ("short_positions", "breakdown", "dividends"),
        "What is out by 19:00: large short positions (17:30), trades by kind of order (18:00), dividend notices.",
    ),
    RawGroup(
        "statements",
        ("statements", "statement_details"),
        "Financial statements, on budgets of their own: preliminary at 18:00, final at 24:30 (the morning run).",
    ),
    RawGroup("overnight", ("futures", "options", "index_options"), "Derivatives, out at 03:00 of the next day."),
)
BY_RANGE = (("calendar", _YEAR), ("topix", timedelta()), ("investor_types", timedelta()))
OF_NOW = RawGroup(
    "snapshots",
    ("earnings_calendar", "morning_bars"),
    "What the publisher shows only now: tomorrow's announcers and the morning session. A day not asked is gone.",
)


def raw_asset_of(source: str) -> str:
    """The raw asset that fetches a source."""
    grouped = {name: group.asset for group in (*BY_SESSION, OF_NOW) for name in group.sources}
    return grouped.get(source, f"raw_jquants__{source}")


class FetchConfig(dg.Config):
    """What a run may choose.

    `refetch` asks again for sessions that are already complete (corrections are made in place); `bulk` takes monthly
    files where the plan has them and they save calls.
    """

    refetch: bool = False
    bulk: bool = True


def by_session(group: RawGroup) -> HouseAsset:
    """The raw asset of sources that are asked session by session."""

    def body(
        context: dg.AssetExecutionContext,
        config: FetchConfig,
        store: dg.ResourceParam[Lazy],
        jquants: dg.ResourceParam[JQuants],
        compute: dg.ResourceParam[Compute],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult:
        sessions, opened = sessions_of(context), store.get()
        reports = jquants.run(
            lambda client: fetch_group(
                client,
                opened,
                group.sources,
                sessions,
                run_id=context.run.run_id,
                refetch=config.refetch,
                bulk=config.bulk,
                lock_dir=compute.cache_dir,
            )
        )
        refuse_unpublished(reports, clock)
        version = describe_landings(context, opened, group.sources, sessions)
        return dg.MaterializeResult(metadata=counts(reports), data_version=dg.DataVersion(version))

    body.__doc__ = group.words
    return HouseAsset(body, group.asset, "raw", KINDS, code_version="2", pool=POOL)


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
        start, run_id = compute.first_session, context.run.run_id
        report = jquants.run(
            lambda client: fetch_range(client, opened, source, start, end, run_id=run_id, lock_dir=compute.cache_dir)
        )
        return dg.MaterializeResult(metadata=counts([report]), data_version=newest_version(opened, [source]))

    body.__doc__ = SOURCES[source].words
    return HouseAsset(body, f"raw_jquants__{source}", "raw", KINDS, pool=POOL, partitioned=False)


def snapshots(
    context: dg.AssetExecutionContext,
    store: dg.ResourceParam[Lazy],
    jquants: dg.ResourceParam[JQuants],
    compute: dg.ResourceParam[Compute],
) -> dg.MaterializeResult:
    """What the publisher shows only now."""
    opened, run_id = store.get(), context.run.run_id
    reports = jquants.run(
        lambda client: fetch_now(client, opened, OF_NOW.sources, run_id=run_id, lock_dir=compute.cache_dir)
    )
    return dg.MaterializeResult(metadata=counts(reports), data_version=newest_version(opened, OF_NOW.sources))


def raw_assets() -> list[HouseAsset]:
    """Every raw asset."""
    snapshots.__doc__ = OF_NOW.words
    return [
        *(by_session(group) for group in BY_SESSION),
        *(by_range(source, ahead) for source, ahead in BY_RANGE),
        HouseAsset(snapshots, OF_NOW.asset, "raw", KINDS, pool=POOL, partitioned=False),
    ]


def refuse_unpublished(reports: Sequence[FetchReport], clock: Clock) -> None:
    """A session is not fetched while a source of its group is not out; what was landed stays. Raises DataError."""
    for report in reports:
        if report.not_yet:
            raise unpublished(report.source, report.not_yet, clock.now())


def describe_landings(
    context: dg.AssetExecutionContext, store: Store, sources: Sequence[str], sessions: list[date]
) -> str:
    """Content hash of each session's landings into its metadata; the hash over all of them."""
    landed = [landing_hashes(store, source, sessions) for source in sources]
    versions = [sha256_json([found.get(session, "") for found in landed]) for session in sessions]
    for session, version in zip(sessions, versions, strict=True):
        context.add_asset_metadata({DATA_VERSION: version}, partition_key=session.isoformat())
    return versions[0] if len(versions) == 1 else sha256_json(versions)


def newest_version(store: Store, sources: Sequence[str]) -> dg.DataVersion:
    """The hash of the newest answers of sources that are asked as a whole."""
    return dg.DataVersion(sha256_json([store.raw.newest(source)["sha256"].to_list() for source in sources]))


def counts(reports: Sequence[FetchReport]) -> dict[str, object]:
    """A fetch in numbers, source by source, and in words where there is something to say."""
    table = [
        dg.TableRecord(
            {
                "source": report.source,
                "rows": report.rows + report.bulk_rows,
                "pages": report.fetched_pages,
                "files": report.bulk_files,
                "complete before": report.skipped_complete,
                "not covered": len(report.skipped_uncovered),
                "empty": len(report.empty),
                "provisional": len(report.provisional),
                "share of the rate": round(report.utilisation.share, 3),
                "plan": "lacks it" if report.not_in_plan else "has it",
            }
        )
        for report in reports
    ]
    notices = [words for report in reports for words in report.warnings]
    notices += [f"{report.source}: not in the plan, switched off" for report in reports if report.not_in_plan]
    notices += [f"{report.source}: nothing to be had at this hour" for report in reports if report.is_unavailable]
    said = {"notices": dg.MetadataValue.md("\n".join(f"- {line}" for line in notices))} if notices else {}
    total = sum(report.rows + report.bulk_rows for report in reports)
    return {"rows_landed": total, "sources": dg.MetadataValue.table(table), **said}
