"""Fetches of a whole range in one call: the calendar, the index, the weekly flows of investors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from gogoku_pipeline.core.errors import CoverageError, DataError, PlanError, RequestError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.landed import interrupted_walks
from gogoku_pipeline.ingest.order import Wishes, used
from gogoku_pipeline.ingest.publication import published_at
from gogoku_pipeline.ingest.report import FetchReport, Progress
from gogoku_pipeline.ingest.switched_off import is_still_off, off, switch_off
from gogoku_pipeline.ingest.walk import Request, Walked, walk
from gogoku_pipeline.jquants import JQuantsClient, endpoint
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store

_LOG = logger("ingest")
_SESSIONS_WITH_A_WEEK = 10
"""In so many sessions at least one week was published."""


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
    """Fetch and land a source that is asked for a range in one call: calendar, topix, investor_types.

    It is always asked anew; dates count as the service filters them (investor_types: the publication date).

    Where the plan covers only a part of the range, that part is fetched and the sessions left out are reported. Where
    it lacks the source, the refusal itself is landed, so that the absence can be told from a failure (`not_in_plan`),
    and believed for seven days.

    Raises:
        DataError: no rows at all although the range has days that are due.
        ApiError: the service refuses for another reason.
        ConfigError: another process uses the key.
    """
    if endpoint(source).source.axis != "range":
        remedy = "Use fetch_sessions." if endpoint(source).source.axis == "day" else "Use fetch_now."
        raise RequestError(f"source {source}", got="a fetch by range", want="another axis", remedy=remedy)
    with key_in_use(client, lock_dir):
        return await carry_out_range(client, store, source, (start, end), Wishes(run_id, progress))


async def carry_out_range(
    client: JQuantsClient, store: Store, source: str, span: tuple[date, date], wishes: Wishes
) -> FetchReport:
    """The same for a caller that holds the key.

    Args:
        client: an open client whose key is held.
        store: where pages land.
        source: a source whose axis is `range`.
        span: first and last day.
        wishes: run id and who watches.
    """
    await client.plan()
    ask = _Ask(source, *span, wishes.run_id)
    if not wishes.refetch and await is_still_off(client, store, store.raw.requests(source)):
        wishes.advance(source, "not in the plan")
        return off(source, 1, ask.sessions())
    try:
        report = await _fetch_range(client, store, ask)
    except PlanError as refusal:
        await switch_off(client, store, ask.request(), ask.run_id, refusal)
        report = off(source, 1, ask.sessions(), pages=1)
    finally:
        store.raw.flush()
    wishes.advance(source, f"{ask.start} .. {ask.end}")
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
        utilisation=used(client, ask.source),
    )


def _judge(client: JQuantsClient, ask: _Ask, walked: Walked) -> None:
    """No rows at all is an error if any are due: calendar days always, index days from their hour on."""
    if not walked.pages or walked.rows or walked.resumed:
        return
    if _are_rows_due(ask, client.clock.now()):
        raise DataError(
            f"{ask.source} {ask.start} .. {ask.end}",
            got="no rows",
            want="rows, because some are due",
            remedy="Run again in an hour; if it stays empty, ask the publisher.",
        )


def _are_rows_due(ask: _Ask, now: datetime) -> bool:
    """Calendar days always; an index once a session of the range is published; weekly flows after some weeks."""
    if ask.source == "calendar":
        return True
    days = ask.sessions()
    if SOURCES[ask.source].empty == "may" or RULES[ask.source].events != "sessions":
        days = days[_SESSIONS_WITH_A_WEEK:]
    return any(published_at(ask.source, day) <= now for day in days)


async def _walk_range(client: JQuantsClient, store: Store, ask: _Ask) -> Walked:
    request = ask.request()
    interrupted = interrupted_walks(store.raw.requests(ask.source), client.clock.now())
    return await walk(client, store, request, ask.run_id, interrupted.get(request.key))
