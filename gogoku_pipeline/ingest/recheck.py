"""Was the past corrected? The publisher's files say when they last changed; a changed one is landed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from gogoku_pipeline.core.errors import ApiError, CredentialsError, DataError, PlanError, RateLimitError, SchemaError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.by_file import BULK_PLAN
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.landed import ANSWERED
from gogoku_pipeline.ingest.month_files import edition_key, land_month, landed_editions, newest_by_month
from gogoku_pipeline.jquants import BulkFile, JQuantsClient, endpoint
from gogoku_pipeline.store import Store

_LOG = logger("ingest")


@dataclass(frozen=True)
class ChangedFile:
    """A monthly file that the publisher changed after we had its days.

    Attributes:
        source: our name of the endpoint.
        first_day, last_day: event days it covers, both included.
        last_modified: when the publisher changed it.
    """

    source: str
    first_day: date
    last_day: date
    last_modified: datetime


async def recheck_history(
    client: JQuantsClient, store: Store, sources: Sequence[str], *, run_id: str, lock_dir: Path | None = None
) -> list[ChangedFile]:
    """Compare what was landed with the publisher's list of files, and land the files that changed since.

    A month landed by file is compared by the file's own date of change; a month landed day by day has none, so the
    day that was fetched first is compared with it: the first file of such a month is taken once, as its proof. Months
    of which nothing was landed are left alone. Costs one call per source and one per changed file.

    Args:
        client: an open client.
        store: where files land.
        sources: names of sources; those without files, or not in the plan, are left out.
        run_id: noted with every file.
        lock_dir: folder of the lock that keeps the key to one process; None if the caller holds it.

    Returns:
        The files that were landed now, oldest first within each source.

    Raises:
        DataError: names each source whose list or files could not be had; the others are done.
        CredentialsError, RateLimitError, StoreError: trouble that stops every source.
        ConfigError: another process uses the key.
    """
    changed: list[ChangedFile] = []
    problems: list[str] = []
    with key_in_use(client, lock_dir):
        plan = await client.plan()
        for source in sources:
            if not (endpoint(source).has_bulk and plan.covers(BULK_PLAN) and client.includes(source)):
                continue
            try:
                files = newest_by_month(await client.bulk_list(source))
                for file in _changed_since(store, source, [files[month] for month in sorted(files)]):
                    changed += await _landed_again(client, store, source, file, (run_id, problems))
            except (CredentialsError, RateLimitError):
                raise
            except PlanError as refusal:
                _LOG.warning("%s: files are not in the plan. %s", source, refusal.message)
            except ApiError as problem:
                problems.append(str(problem))
            finally:
                store.raw.flush()
    if problems:
        raise DataError(
            f"recheck of history: {len(problems)} lists or files",
            got="; ".join(problems),
            want="a list and whole files; the others are landed",
            remedy="Run again; what was landed stays.",
        )
    return changed


async def _landed_again(
    client: JQuantsClient, store: Store, source: str, file: BulkFile, noted: tuple[str, list[str]]
) -> list[ChangedFile]:
    """The file if it could be landed, none and a word among the problems if it is no good; the next one goes on."""
    run_id, problems = noted
    try:
        month = await land_month(client, store, source, file, run_id)
    except (CredentialsError, RateLimitError, PlanError):
        raise
    except (ApiError, SchemaError, DataError) as problem:
        problems.append(str(problem))
        return []
    return [ChangedFile(source, month.first, month.last, file.last_modified)]


def _changed_since(store: Store, source: str, files: list[BulkFile]) -> list[BulkFile]:
    """Files newer than what was landed of their month."""
    index = store.raw.requests(source).filter(pl.col("status") == ANSWERED)
    editions = landed_editions(index)
    days = index.filter(pl.col("event_date").is_not_null()).group_by("event_date").agg(pl.col("fetched_at").max())
    own = index.filter(pl.col("covers_from").is_not_null() & pl.col("last_modified").is_null())
    return [file for file in files if _is_newer(file, editions, days, own)]


def _is_newer(file: BulkFile, editions: dict[str, datetime], days: pl.DataFrame, own: pl.DataFrame) -> bool:
    if (edition := editions.get(edition_key(file))) is not None:
        return file.last_modified > edition
    by_day = days.filter(pl.col("event_date").is_between(file.first_day, file.last_day))["fetched_at"]
    by_file = own.filter((pl.col("covers_from") <= file.last_day) & (pl.col("covers_to") >= file.first_day))
    landed = [*by_day, *by_file["fetched_at"]]
    return bool(landed) and file.last_modified > min(landed)
