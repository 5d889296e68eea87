"""Bulk files come whole, from a judged address, without the key, and under caps; nothing about the address is told."""

import asyncio
import gzip
from datetime import date

import pytest
from aiohttp import web

from gogoku_pipeline.core.errors import (
    PayloadError,
    PlanError,
    RequestError,
    ServerError,
)
from gogoku_pipeline.jquants import Downloader, JQuantsClient
from gogoku_pipeline.jquants.bulk import check_gzip
from tests.unit.jquants.asking import CANARY
from tests.unit.jquants.publishing import HOME, KEYS, SIGNATURE, TABLE, Publisher, fetch, listing, whole


def test_files_are_listed_oldest_first_and_only_those_asked_for(run, serve, fast_clock):
    async def go():
        async with (
            serve(Publisher(whole)) as service,
            JQuantsClient(service.base_url, CANARY, clock=fast_clock, plan="light") as client,
        ):
            bounds = [(None, None), (date(2024, 4, 30), date(2024, 5, 1)), (date(2024, 4, 1), None)]
            return [await client.bulk_list("daily_bars", *pair) for pair in bounds], service.asked

    (every, inside, since), asked = run(go())
    assert [file.key for file in every] == KEYS[::-1]
    assert [file.key for file in inside] == [KEYS[1]]
    assert [file.key for file in since] == [KEYS[1], KEYS[0]]
    assert [query for _, query, _ in asked] == [
        {"endpoint": "/equities/bars/daily"},
        {"endpoint": "/equities/bars/daily", "from": "2024-04", "to": "2024-05"},
        {"endpoint": "/equities/bars/daily", "from": "2024-04"},
    ]
    assert all(headers["x-api-key"] == CANARY for _, _, headers in asked)


def test_a_file_comes_exactly_as_packed_and_the_key_stays_here(run, serve, fast_clock):
    answer, service, used = fetch(run, serve, fast_clock, Publisher(whole))
    assert answer.body == TABLE
    assert answer.fetched_at == fast_clock.now()
    assert [path for path, _, _ in service.asked] == ["/v2/bulk/list", "/v2/bulk/get", f"/store/{KEYS[1]}"]
    _, query, headers = service.asked[-1]
    assert query == {"X-Amz-Signature": f"{SIGNATURE}2/"}
    assert not [name for name in headers if name.lower() in ("x-api-key", "authorization", "cookie")]
    assert CANARY not in str(headers)
    assert used["plan"].requests == 2


def test_a_transparent_encoding_changes_no_byte(run, serve, fast_clock):
    async def labelled(request, n):
        return web.Response(body=TABLE, headers={"Content-Encoding": "gzip"})

    assert fetch(run, serve, fast_clock, Publisher(labelled))[0].body == TABLE


def test_an_address_that_has_expired_is_asked_for_anew(run, serve, fast_clock):
    async def third(request, n):
        return (
            web.Response(body=TABLE) if n == 3 else web.Response(status=403, text="<Error>Request has expired</Error>")
        )

    answer, service, used = fetch(run, serve, fast_clock, Publisher(third))
    assert answer.body == TABLE
    signatures = [query["X-Amz-Signature"] for path, query, _ in service.asked if path.startswith("/store")]
    assert len(set(signatures)) == 3
    assert used["plan"].requests == 4


def test_three_expired_addresses_are_enough(run, serve, fast_clock):
    async def never(request, n):
        return web.Response(status=403)

    problem, service, _ = fetch(run, serve, fast_clock, publisher := Publisher(never))
    assert type(problem) is ServerError
    assert "HTTP 403 for 3 fresh addresses" in str(problem)
    assert publisher.downloads == 3


def _damaged(kind):
    async def handler(request, n):
        if n > 1:
            return web.Response(body=TABLE)
        if kind == "cut gzip":
            return web.Response(body=TABLE[:-6])
        if kind == "flipped gzip":
            return web.Response(body=TABLE[:-8] + b"\x00" * 8)
        if kind == "server error":
            return web.Response(status=503)
        response = web.StreamResponse()
        response.content_length = len(TABLE)
        await response.prepare(request)
        await response.write(TABLE[:20])
        request.transport.abort() if kind == "reset" else request.transport.close()
        return response

    return handler


@pytest.mark.parametrize("kind", ["cut gzip", "flipped gzip", "server error", "reset", "hung up"])
def test_a_lost_byte_is_never_silent(run, serve, fast_clock, kind):
    answer, _, used = fetch(run, serve, fast_clock, publisher := Publisher(_damaged(kind)))
    assert answer.body == TABLE
    assert publisher.downloads == 2
    assert used["plan"].requests == 3


@pytest.mark.parametrize(("status", "error"), [(404, RequestError), (410, RequestError), (500, ServerError)])
def test_what_stays_refused_is_reported(run, serve, fast_clock, status, error):
    async def handler(request, n):
        return web.Response(status=status, text=f"<Error>{SIGNATURE}</Error>")

    problem, _, _ = fetch(run, serve, fast_clock, publisher := Publisher(handler))
    assert type(problem) is error
    assert publisher.downloads == (6 if status == 500 else 1)


def test_a_claimed_size_above_the_cap_is_refused_before_a_byte_is_read(run, serve, fast_clock):
    async def claims(request, n):
        response = web.StreamResponse()
        response.content_length = 50 << 30
        await response.prepare(request)
        await asyncio.sleep(0.05)
        return response

    problem, _, _ = fetch(run, serve, fast_clock, Publisher(claims))
    assert type(problem) is PayloadError
    assert f"{50 << 30} bytes announced" in str(problem)


def test_a_size_above_the_cap_in_the_list_costs_no_call(run, serve, fast_clock):
    huge = listing(*KEYS)
    for entry in huge["data"]:
        entry["Size"] = 50 << 30
    problem, service, _ = fetch(run, serve, fast_clock, Publisher(whole, listed=huge))
    assert type(problem) is PayloadError
    assert f"{50 << 30} bytes announced" in str(problem)
    assert len(service.asked) == 1


def test_a_file_that_never_ends_is_refused_while_streaming(run, serve, fast_clock):
    sent = []

    async def endless(request, n):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(500):
            sent.append(1)
            await response.write(b"\x1f\x8b" * 50_000)
        return response

    problem, _, _ = fetch(run, serve, fast_clock, Publisher(endless), downloader=Downloader(max_bytes=1_000_000))
    assert type(problem) is PayloadError
    assert "more than 1000000 bytes" in str(problem)
    assert len(sent) < 500


def test_a_file_that_drips_is_given_up(run, serve, fast_clock):
    async def drips(request, n):
        response = web.StreamResponse()
        response.content_length = len(TABLE)
        await response.prepare(request)
        for byte in TABLE:
            await response.write(bytes([byte]))
            await asyncio.sleep(0.05)
        return response

    problem, _, _ = fetch(
        *(run, serve, fast_clock, Publisher(drips)), downloader=Downloader(timeout_seconds=0.2, stall_seconds=5)
    )
    assert type(problem) is ServerError
    assert "TimeoutError" in str(problem)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>sign in</html>", b"Date,Code\n", bytes(range(32, 132))],
    ids=["nothing", "a page", "plain text", "any bytes"],
)
def test_what_is_not_gzip_is_refused_at_once(run, serve, fast_clock, body):
    async def other(request, n):
        return web.Response(body=body)

    problem, _, _ = fetch(run, serve, fast_clock, publisher := Publisher(other))
    assert type(problem) is PayloadError
    assert "not gzip" in str(problem)
    assert publisher.downloads == 1


def test_a_bomb_is_refused_while_it_unpacks_and_several_members_are_one_file():
    bomb = gzip.compress(b"0" * 50_000_000)
    with pytest.raises(PayloadError, match="more than 10000000 bytes unpacked"):
        check_gzip("bulk", bomb, 10_000_000)
    check_gzip("bulk", TABLE + TABLE)
    with pytest.raises(ServerError, match="damaged"):
        check_gzip("bulk", TABLE + TABLE[:-3])


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "http://169.254.169.254/x", "https://amazonaws.com.evil.test/x", "http://10.0.0.1/x"],
)
def test_a_signed_address_that_leads_elsewhere_is_not_followed(run, serve, fast_clock, address):
    problem, _, used = fetch(run, serve, fast_clock, Publisher(whole, address=f"{address}?sig={SIGNATURE}"))
    assert type(problem) is PayloadError
    assert used["plan"].requests == 2


@pytest.mark.parametrize(
    ("listed", "error"),
    [({"data": None}, PayloadError), ([], PayloadError), ({"data": ["x"]}, PayloadError), ({"data": []}, None)],
)
def test_a_list_of_another_shape_is_refused_and_an_empty_one_is_an_answer(run, serve, steps, fast_clock, listed, error):
    async def go():
        async with (
            serve(steps((200, listed))) as service,
            JQuantsClient(service.base_url, CANARY, clock=fast_clock, plan="light") as client,
        ):
            if error is None:
                return await client.bulk_list("daily_bars")
            with pytest.raises(error):
                await client.bulk_list("daily_bars")
            return []

    assert run(go()) == []


@pytest.mark.parametrize("body", [{"address": "x"}, {"url": ""}, {"url": 7}, []])
def test_an_answer_without_an_address_is_refused(run, serve, fast_clock, body):
    async def publisher(request, n):
        return web.json_response(listing(*KEYS) if request.path.endswith("list") else body)

    problem, service, _ = fetch(run, serve, fast_clock, publisher)
    assert type(problem) is PayloadError
    assert len(service.asked) == 2


def test_odd_entries_are_left_out_with_a_warning(run, serve, fast_clock, caplog):
    odd = listing(*KEYS, f"{HOME}/README", "markets/calendar/live/markets_calendar_20240502.csv.gz")
    answer, _, _ = fetch(run, serve, fast_clock, Publisher(whole, listed=odd))
    assert answer.body == TABLE
    assert "2 of 5 entries have a form we do not know" in caplog.text


def test_a_source_without_files_and_a_file_of_another_source_cost_no_call(run, serve, fast_clock):
    async def go():
        async with (
            serve(Publisher(whole)) as service,
            JQuantsClient(service.base_url, CANARY, clock=fast_clock, plan="premium") as client,
        ):
            with pytest.raises(RequestError, match="without files"):
                await client.bulk_list("morning_bars")
            (file, *_) = await client.bulk_list("daily_bars")
            with pytest.raises(RequestError, match="another|file of this source"):
                await client.bulk_file("topix", file)
            return len(service.asked)

    assert run(go()) == 1


def test_a_plan_without_files_says_so(run, serve, steps, fast_clock):
    refusal = (403, {"message": "This API is not available on your subscription. If you want more data, ..."})

    async def go():
        async with (
            serve(steps(refusal)) as service,
            JQuantsClient(service.base_url, CANARY, clock=fast_clock, plan="free") as client,
        ):
            with pytest.raises(PlanError):
                await client.bulk_list("daily_bars")

    run(go())
