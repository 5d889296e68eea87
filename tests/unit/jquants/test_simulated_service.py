"""The client against the simulated service: every source by its own way, files, cursors, budgets."""

import asyncio
import csv
import gzip
import io
import json
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import CoverageError, NotAvailableError, PayloadError, PlanError, ServerError
from gogoku_pipeline.jquants import ENDPOINTS, PLANS, JQuantsClient
from gogoku_pipeline.simulator import bulk_faults
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import FaultPlan, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread

ANY = When(times=None)


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig.preset("tiny", seed=7))


@pytest.fixture
def service(market):
    """Ask a simulated service: `with service(*faults) as ask`, then `ask(action, plan)`."""

    @contextmanager
    def opened(*faults, at=time(19, 0), session=None, **settings):
        clock = VirtualClock(datetime.combine(session or market.sessions[-1], at, tzinfo=JST), rate_scale=2_000)
        with run_simulator_thread(market, clock, faults=FaultPlan(*faults), **settings) as server:

            def ask(action, plan="premium"):
                async def go():
                    key = f"simulator-{plan}-key"
                    async with JQuantsClient(server.base_url, key, plan=plan, clock=clock) as client:
                        return await action(client)

                return asyncio.run(asyncio.wait_for(go(), 60))

            ask.server, ask.clock = server, clock
            yield ask

    return opened


def rows_of(pages):
    return [row for page in pages for row in json.loads(page.payload)["data"]]


async def walked(client, source, **params):
    return [page async for page in client.pages(source, params)]


def test_every_source_answers_the_query_that_is_made_for_it(service, market):
    day = market.sessions[-3].isoformat()

    async def everything(client):
        found = {}
        for source, item in ENDPOINTS.items():
            if item.axis == "now":
                continue
            params = {item.day_parameter: day} if item.day_parameter else {"from": day, "to": day}
            pages = await walked(client, source, **params)
            found[source] = (pages[-1].status, {name for page in pages for name in page.field_names})
        return found

    with service() as ask:
        found = ask(everything)
    assert {status for status, _ in found.values()} == {200}
    for source, (_, names) in found.items():
        required = {field.name for field in ENDPOINTS[source].source.fields if not field.optional}
        assert not names or required <= names, source
    assert sum(bool(names) for _, names in found.values()) >= 14


def test_what_a_plan_lacks_is_known_before_and_refused_by_the_service(service, market):
    day = market.sessions[-3].isoformat()

    async def differences(client):
        odd = []
        for source, item in ENDPOINTS.items():
            params = {item.day_parameter: day} if item.day_parameter else {}
            try:
                await walked(client, source, **params)
            except PlanError:
                odd += [source] if client.includes(source) else []
            except (NotAvailableError, CoverageError):
                odd += [] if client.includes(source) else [source]
            else:
                odd += [] if client.includes(source) else [source]
        return odd

    with service() as ask:
        assert {plan: ask(differences, plan) for plan in PLANS} == {plan: [] for plan in PLANS}


def test_the_morning_bars_are_not_available_before_noon(service):
    with service(at=time(10, 0)) as ask, pytest.raises(NotAvailableError, match="not available now") as caught:
        ask(lambda client: walked(client, "morning_bars"))
    assert caught.value.status == 210
    with service(at=time(13, 0)) as ask:
        assert rows_of(ask(lambda client: walked(client, "morning_bars")))


def test_a_cursor_brings_what_came_since(service, market):
    """From 14:00 to 18:00 of the busiest reporting day: the whole day is the first answer plus what came since."""
    reports = market.reports
    places = [int(place) for place in reports.session if place >= 0]
    busiest = market.sessions[max(set(places), key=places.count)]
    with service(at=time(14, 0), session=busiest) as ask:
        early = ask(lambda client: walked(client, "statements", date=busiest.isoformat()))
        ask.clock.advance_to(datetime.combine(busiest, time(18, 0), tzinfo=JST))

        async def later(client):
            since = client.pages("statements", {"date": busiest.isoformat()}, cursor=early[-1].cursor)
            return [page async for page in since], await walked(client, "statements", date=busiest.isoformat())

        since, whole = ask(later)
    before, after, every = ([row["DiscNo"] for row in rows_of(pages)] for pages in (early, since, whole))
    assert after
    assert not set(before) & set(after)
    assert sorted(before + after) == sorted(every)
    assert since[-1].cursor not in (None, early[-1].cursor)


async def month(client, source="daily_bars"):
    """The newest closed month: its file and its rows."""
    files = await client.bulk_list(source)
    whole = [file for file in files if file.first_day != file.last_day]
    answer = await client.bulk_file(source, whole[-1])
    return whole[-1], answer


def read_csv(body):
    return list(csv.DictReader(io.StringIO(gzip.decompress(body).decode("utf-8"), newline="")))


@pytest.mark.parametrize("plan", ["light", "premium"])
def test_a_months_file_holds_what_its_days_hold(service, market, plan):
    async def both(client):
        file, answer = await month(client)
        days = [day for day in market.sessions if file.first_day <= day <= file.last_day]
        pages = [await walked(client, "daily_bars", date=day.isoformat()) for day in days]
        return file, answer, [row for one in pages for row in rows_of(one)]

    with service() as ask:
        file, answer, by_day = ask(both, plan)
        downloads = ask.server.downloads_seen
    table = read_csv(answer.body)
    assert len(table) == len(by_day) > 100
    assert list(table[0]) == list(by_day[0])
    assert [(row["Date"], row["Code"]) for row in table] == [(row["Date"], row["Code"]) for row in by_day]
    assert ("/premium/" in file.key) == (plan == "premium")
    assert file.size == len(answer.body)
    assert [(seen.has_api_key, seen.status) for seen in downloads] == [(False, 200)]


def test_the_bounds_of_a_list_leave_out_other_months(service, market):
    async def listed(client):
        last = market.sessions[-1]
        return await client.bulk_list("daily_bars"), await client.bulk_list("daily_bars", last, last)

    with service() as ask:
        every, inside = ask(listed)
    newest = market.sessions[-1]
    assert inside == [file for file in every if file.first_day <= newest <= file.last_day]
    assert [file.first_day for file in every] == sorted(file.first_day for file in every)
    assert every[0].last_day - every[0].first_day > timedelta(days=26)
    assert all(isinstance(file.first_day, date) and file.last_modified.tzinfo for file in every)


def test_a_used_or_expired_address_is_replaced(service):
    with service(bulk_faults.ExpiredUrl(When(path=bulk_faults.SIGNING, times=2))) as ask:
        _, answer = ask(month)
        assert read_csv(answer.body)
        assert [seen.status for seen in ask.server.downloads_seen] == [403, 403, 200]
    with service(bulk_faults.ExpiredUrl(ANY)) as ask, pytest.raises(ServerError, match="HTTP 403 for 3"):
        ask(month)


@pytest.mark.parametrize(
    "fault",
    [
        bulk_faults.SignedElsewhere(ANY),
        bulk_faults.SignedUrl(ANY, url="file:///etc/passwd"),
        bulk_faults.SignedUrl(ANY, url="https://amazonaws.com.evil.test/x"),
        bulk_faults.SignedUrl(ANY, url=""),
        bulk_faults.Redirected(ANY),
        bulk_faults.WrongGzip(ANY),
        bulk_faults.ClaimedSize(ANY),
    ],
    ids=lambda fault: f"{type(fault).__name__} {getattr(fault, 'url', '')}",
)
def test_files_that_lead_astray_are_refused(service, fault):
    with service(fault) as ask, pytest.raises(PayloadError):
        ask(month)


def test_a_cut_file_is_fetched_again(service):
    with service(bulk_faults.WrongGzip(When(path=bulk_faults.DOWNLOAD, times=1), is_cut=True)) as ask:
        _, answer = ask(month)
        assert read_csv(answer.body)
        assert len(ask.server.downloads_seen) == 2


def test_prices_and_statements_run_side_by_side_at_their_own_rates(service, market):
    day = market.sessions[-3].isoformat()

    async def many(client, source, n):
        async def one():
            await walked(client, source, date=day)

        await asyncio.gather(*(one() for _ in range(n)))

    async def both(client):
        await asyncio.gather(many(client, "daily_bars", 150), many(client, "statements", 55))
        return client.utilisation

    with service() as ask:
        used = ask(both)
        assert [seen.status for seen in ask.server.requests_seen] == [200] * 205
    assert used["statements"].requests == 55
    assert used["statements"].seconds >= 50
    assert (used["plan"].rejections, used["statements"].rejections) == (0, 0)
