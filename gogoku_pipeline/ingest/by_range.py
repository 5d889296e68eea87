"""Fetches of a whole range in one call: the calendar and the index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gogoku_pipeline.core.errors import CoverageError, DataError, PlanError, RequestError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.landed import interrupted_walks
from gogoku_pipeline.ingest.publication import published_at
from gogoku_pipeline.ingest.report import FetchReport, Progress
from gogoku_pipeline.ingest.walk import Request, Walked, land_refusal, walk
from gogoku_pipeline.jquants import JQuantsClient, endpoint
from gogoku_pipeline.store import Store

_LOG = logger("ingest")


async def fetch_range(
    client: JQuantsClient,
    store: Store,
    source: str,
    start: date,
    end: date,
    *,
    run_id: str,
    progress: Progress | None = None,
    lock_dir: Path | None = None,
) -> FetchReport:
    """Fetch and land a source that is asked for a range in one call: calendar, topix. It is always asked anew.

    Where the plan covers only a part of the range, that part is fetched and the sessions left out are reported. Where
    it lacks the source, the refusal itself is landed, so that the absence can be told from a failure (`not_in_plan`).

    Raises:
        DataError: no rows at all although the range has days that are due.
        ApiError: the service refuses for another reason.
        ConfigError: another process uses the key.
    """
    if endpoint(source).axis != "range":
        raise RequestError(f"source {source}", got="a fetch by range", want="days", remedy="Use fetch_sessions.")
    with key_in_use(client, lock_dir):
        await client.plan()
        try:
            report = await _fetch_range(client, store, _Ask(source, start, end, run_id))
        except PlanError as refusal:
            report = await _switched_off(client, store, _Ask(source, start, end, run_id), refusal)
        finally:
            store.raw.flush()
    if progress is not None:
        progress.advance(1, f"{source} {start} .. {end}")
    return report


@dataclass(frozen=True)
class _Ask:
    """One range call."""

    source: str
    start: date
    end: date
    run_id: str

    def within(self, first: date | None, last: date | None) -> _Ask:
        """The part of the range inside a window."""
        return _Ask(self.source, max(self.start, first or self.start), min(self.end, last or self.end), self.run_id)

    def request(self) -> Request:
        """The query."""
        return Request(self.source, {"from": self.start.isoformat(), "to": self.end.isoformat()}, None)

    def sessions(self) -> list[date]:
        """Sessions of the range."""
        return tse_calendar().between(self.start, self.end)


async def _fetch_range(client: JQuantsClient, store: Store, ask: _Ask) -> FetchReport:
    uncovered: list[date] = []
    try:
        walked = await _walk_range(client, store, ask)
    except CoverageError as refusal:
        covered = ask.within(refusal.covered_from, refusal.covered_to)
        if covered == ask or covered.start > covered.end:
            covered, walked = ask, Walked(0, 0, resumed=False)
            uncovered = ask.sessions()
        else:
            walked = await _walk_range(client, store, covered)
            uncovered = sorted(set(ask.sessions()) - set(covered.sessions()))
        _LOG.warning("%s: %d sessions skipped, the plan does not cover them.", ask.source, len(uncovered))
    else:
        covered = ask
    _judge(client, covered, walked)
    return FetchReport(
        ask.source,
        1,
        fetched_pages=walked.pages,
        resumed=int(walked.resumed),
        skipped_uncovered=uncovered,
        rows=walked.rows,
        utilisation=client.utilisation,
    )


async def _switched_off(client: JQuantsClient, store: Store, ask: _Ask, refusal: PlanError) -> FetchReport:
    await land_refusal(client, store, ask.request(), ask.run_id, refusal)
    _LOG.warning("%s: not in the plan, switched off. The service said: %s", ask.source, refusal.message)
    return FetchReport(
        ask.source,
        1,
        fetched_pages=1,
        skipped_uncovered=ask.sessions(),
        utilisation=client.utilisation,
        not_in_plan=True,
    )


def _judge(client: JQuantsClient, ask: _Ask, walked: Walked) -> None:
    """No rows at all is an error if any are due: calendar days always, index days from their hour on."""
    if not walked.pages or walked.rows or walked.resumed:
        return
    now = client.clock.now()
    if ask.source == "calendar" or any(published_at(ask.source, day) <= now for day in ask.sessions()):
        raise DataError(
            f"{ask.source} {ask.start} .. {ask.end}",
            got="no rows",
            want="rows, because some are due",
            remedy="Run again in an hour; if it stays empty, ask the publisher.",
        )


async def _walk_range(client: JQuantsClient, store: Store, ask: _Ask) -> Walked:
    request = ask.request()
    interrupted = interrupted_walks(store, ask.source, client.clock.now())
    return await walk(client, store, request, ask.run_id, interrupted.get(request.key))
