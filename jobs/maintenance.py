"""Weekly housekeeping: small files merged, old files dropped, monthly files that the publisher changed fetched again.

Belongs here: work on the store that makes no new data.
Does not belong here: asset runs (`asset_jobs`).
"""

from collections.abc import Iterable

import dagster as dg

from gogoku_pipeline.ingest import recheck_history
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import RAW_REQUESTS
from gogoku_pipeline.store.empty_sessions import EMPTY_SESSIONS
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.ledger import LEDGER
from gogoku_pipeline.tables.rejects import REJECTS
from resources.compute import Compute
from resources.jquants import JQuants
from resources.lazy import Lazy


def maintenance_job(tables: Iterable[Table]) -> dg.JobDefinition:
    """The job that compacts every table.

    Args:
        tables: tables of assets; the request index and what typing notes beside its rows are added.
    """
    every = (*tables, RAW_REQUESTS, REJECTS, CORRECTIONS, LEDGER, EMPTY_SESSIONS)

    @dg.op(name="compact_tables", description="Merge small files and drop those no kept version needs.")
    def compact(context: dg.OpExecutionContext, store: dg.ResourceParam[Lazy]) -> None:
        opened = store.get()
        for table in every:
            done = opened.tables.compact(table)
            context.log.info(f"{table.name}: {done['files_merged']} files merged, {done['files_dropped']} dropped")

    @dg.op(
        name="recheck_history",
        description="Fetch again the monthly files whose LastModified moved: silent corrections of the past.",
        pool="jquants",
    )
    def recheck(
        context: dg.OpExecutionContext,
        store: dg.ResourceParam[Lazy],
        jquants: dg.ResourceParam[JQuants],
        compute: dg.ResourceParam[Compute],
    ) -> None:
        opened = store.get()
        changed = jquants.run(
            lambda client: recheck_history(
                client, opened, list(SOURCES), run_id=context.run_id, lock_dir=compute.cache_dir
            )
        )
        for file in changed:
            context.log.warning(f"{file.source} {file.first_day} .. {file.last_day}: changed {file.last_modified}")

    @dg.job(name="maintenance", description="Compact and vacuum every table, look for silent corrections.")
    def maintenance() -> None:
        compact()
        recheck()

    return maintenance
