"""Weekly housekeeping: small files merged, files no version of the last ten years needs dropped.

Belongs here: work on the store that makes no new data.
Does not belong here: asset runs (`asset_jobs`).
"""

from collections.abc import Iterable

import dagster as dg

from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import RAW_REQUESTS
from gogoku_pipeline.tables.rejects import REJECTS
from resources.lazy import Lazy


def maintenance_job(tables: Iterable[Table]) -> dg.JobDefinition:
    """The job that compacts every table.

    Args:
        tables: tables of assets; the request index and the rejects are added.
    """
    every = (*tables, RAW_REQUESTS, REJECTS)

    @dg.op(name="compact_tables", description="Merge small files and drop those no kept version needs.")
    def compact(context: dg.OpExecutionContext, store: dg.ResourceParam[Lazy]) -> None:
        opened = store.get()
        for table in every:
            done = opened.tables.compact(table)
            context.log.info(f"{table.name}: {done['files_merged']} files merged, {done['files_dropped']} dropped")

    @dg.job(name="maintenance", description="Compact and vacuum every table with the long retention.")
    def maintenance() -> None:
        compact()

    return maintenance
