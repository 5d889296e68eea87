"""The client against a real server that stumbles in every way the specification lists."""

import gzip
import io
import json
from datetime import date

import pytest
from aiohttp import web

from gogoku_pipeline.core.errors import (
    CoverageError,
    CredentialsError,
    NotAvailableError,
    PayloadError,
    PlanError,
    RateLimitError,
    RequestError,
    ServerError,
)
from gogoku_pipeline.jquants import AiohttpTransport, JQuantsClient
from tests.unit.jquants.asking import CANARY, DAY, GOOD, ROWS, attempt, fetched


def test_a_page_keeps_the_exact_bytes(run, serve, fast_clock):
    body = '{"data": [ {"Date":"2024-05-08","C":2202500.0 , "CoName":"\\u30c8ヨタ"} ] }\n'.encode()

    async def odd(request, n):
        return web.Response(body=body, content_type="application/json")

    pages, _, service = attempt(run, serve, fast_clock, odd)
    assert [page.payload for page in pages] == [body]
    assert pages[0].field_names == ("C", "CoName", "Date")
    assert pages[0].fetched_at == fast_clock.now()
    path, query, headers = service.asked[0]
    assert (path, query) == ("/v2/equities/bars/daily", DAY)
    assert headers["x-api-key"] == CANARY
    assert headers["Accept-Encoding"] == "gzip"


def test_gzip_is_unpacked(run, serve, fast_clock):
    async def packed(request, n):
        return web.Response(
            body=gzip.compress(json.dumps({"data": ROWS}).encode()), headers={"Content-Encoding": "gzip"}
        )

    pages, _, _ = attempt(run, serve, fast_clock, packed)
    assert json.loads(pages[0].payload)["data"] == ROWS


def test_pages_are_walked_until_the_key_is_absent(run, serve, steps, fast_clock):
    script = steps(
        (200, {"data": ROWS, "pagination_key": "a.1."}),
        (200, {"data": [], "pagination_key": "b.2."}),
        (200, {"data": ROWS, "pagination_key": None}),
    )
    pages, _, service = attempt(run, serve, fast_clock, script)
    assert [page.page_number for page in pages] == [1, 2, 3]
    assert [page.pagination_key for page in pages] == ["a.1.", "b.2.", None]
    assert [query.get("pagination_key") for _, query, _ in service.asked] == [None, "a.1.", "b.2."]
    assert all(query["date"] == DAY["date"] for _, query, _ in service.asked)


def test_a_walk_may_start_at_a_later_page(run, serve, steps, fast_clock):
    _, _, service = attempt(run, serve, fast_clock, steps(GOOD), pagination_key="b.2.")
    assert [query["pagination_key"] for _, query, _ in service.asked] == ["b.2."]


def test_a_cursor_comes_with_the_last_page_and_never_meets_a_pagination_key(run, serve, steps, fast_clock):
    script = steps(
        (200, {"data": ROWS, "pagination_key": "a.1."}),
        (200, {"data": ROWS, "cursor": "since-09:00"}),
        (200, {"data": ROWS, "pagination_key": "b.1."}),
        (200, {"data": ROWS, "cursor": "since-09:05"}),
    )

    async def go():
        async with serve(script) as service:
            async with JQuantsClient(service.base_url, CANARY, clock=fast_clock, plan="premium") as client:
                whole = [page async for page in client.pages("statements", DAY)]
                since = [page async for page in client.pages("statements", DAY, cursor=whole[-1].cursor)]
            return whole, since, [query for _, query, _ in service.asked]

    whole, since, asked = run(go())
    assert [page.cursor for page in [*whole, *since]] == [None, "since-09:00", None, "since-09:05"]
    assert asked == [
        DAY,
        {**DAY, "pagination_key": "a.1."},
        {**DAY, "cursor": "since-09:00"},
        {**DAY, "pagination_key": "b.1."},
    ]
    assert [page.params for page in since] == [{**DAY, "cursor": "since-09:00"}] * 2
    assert [page.params for page in whole] == [DAY] * 2


def test_keys_that_repeat_end_the_walk_with_an_error(run, serve, steps, fast_clock):
    with pytest.raises(PayloadError, match="never end"):
        attempt(run, serve, fast_clock, steps((200, {"data": ROWS, "pagination_key": "same.1."})))


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (403, {"message": "The api key is required."}, CredentialsError, "JQUANTS_API_KEY"),
        (403, {"message": "The incoming api key is invalid or expired."}, CredentialsError, "invalid or expired"),
        (403, {"message": "This API is not available on your subscription. If ..."}, PlanError, "plan"),
        (403, {"message": "The requested endpoint does not exist. Check"}, RequestError, "GOGOKU_API_URL"),
        (401, {"message": "Unauthorized"}, CredentialsError, "JQUANTS_API_KEY"),
        (400, {"message": "'code' must be 4 or 5 digits."}, RequestError, "4 or 5 digits"),
        (413, {"message": "Response data is too large."}, RequestError, "too large"),
        (210, "", NotAvailableError, "not available now"),
        (210, {"message": "Not Found"}, NotAvailableError, "Not Found"),
        (302, "", RequestError, "HTTP 302"),
    ],
)
def test_refusals_are_told_apart_and_never_repeated(run, serve, steps, fast_clock, status, body, error, words):
    async def go():
        async with serve(steps((status, body))) as service:
            with pytest.raises(error, match=words) as caught:
                await fetched(service, fast_clock)
            return caught.value, len(service.asked)

    problem, calls = run(go())
    assert type(problem) is error
    assert problem.status == status
    assert calls == 1


@pytest.mark.parametrize(
    ("dates", "first", "last"),
    [("2016-09-21 ~ ", date(2016, 9, 21), None), ("2022-02-14 ~ 2024-02-14", date(2022, 2, 14), date(2024, 2, 14))],
)
def test_dates_outside_the_plan_tell_the_window(run, serve, steps, fast_clock, dates, first, last):
    text = f"Your subscription covers the following dates: {dates}. If you want more data, please check other plans: x"
    with pytest.raises(CoverageError) as caught:
        attempt(run, serve, fast_clock, steps((400, {"message": text})))
    assert (caught.value.covered_from, caught.value.covered_to) == (first, last)


@pytest.mark.parametrize("html", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_stumble_is_repeated_until_it_succeeds(run, serve, steps, fast_clock, status, html):
    body = "<html><body>Bad Gateway</body></html>" if html else {"message": "Unexpected error."}
    pages, _, service = attempt(run, serve, fast_clock, steps((status, body), (status, body), GOOD))
    assert (len(pages), len(service.asked)) == (1, 3)


def test_a_stumble_that_lasts_is_reported(run, serve, steps, fast_clock):
    with pytest.raises(ServerError, match="HTTP 502 'an answer that is not JSON'"):
        attempt(run, serve, fast_clock, steps((502, "<html>")))


def _cut(kind):
    body = json.dumps({"data": ROWS * 2_000}).encode()

    async def handler(request, n):
        if n > 2:
            return web.Response(body=body, content_type="application/json")
        packed = gzip.compress(body)
        if kind == "whole framing, short text":
            return web.Response(body=body[:-40], content_type="application/json")
        if kind == "whole framing, short gzip":
            return web.Response(body=packed[:-12], headers={"Content-Encoding": "gzip"})
        response = web.StreamResponse()
        if kind == "content length":
            response.content_length = len(body)
        else:
            response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        request.transport.abort() if kind == "reset" else request.transport.close()
        return response

    return handler


@pytest.mark.parametrize(
    "kind", ["content length", "chunked", "reset", "whole framing, short text", "whole framing, short gzip"]
)
def test_a_lost_byte_is_never_silent(run, serve, fast_clock, kind):
    pages, _, service = attempt(run, serve, fast_clock, _cut(kind))
    assert [page.row_count for page in pages] == [2_000]
    assert len(service.asked) == 3


def test_a_slow_answer_is_given_up_and_asked_again(run, serve, fast_clock):
    import asyncio

    async def slow(request, n):
        if n == 1:
            await asyncio.sleep(5)
        return web.json_response({"data": ROWS})

    pages, _, service = attempt(run, serve, fast_clock, slow, transport=AiohttpTransport(timeout_seconds=0.3))
    assert (len(pages), len(service.asked)) == (1, 2)


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_body_above_the_cap_is_refused_while_streaming(run, serve, fast_clock, is_packed):
    async def huge(request, n):
        plain = b'{"data": [' + b" " * 30_000_000 + b"]}"
        if is_packed:
            return web.Response(body=gzip.compress(plain), headers={"Content-Encoding": "gzip"})
        return web.Response(body=io.BytesIO(plain))

    with pytest.raises(PayloadError, match="more than 1000000 bytes"):
        attempt(run, serve, fast_clock, huge, transport=AiohttpTransport(max_bytes=1_000_000))


@pytest.mark.parametrize(
    "body",
    [
        {"rows": []},
        {"data": None},
        {"data": [1]},
        [],
        "3",
        {"data": [], "pagination_key": 7},
        {"data": [], "cursor": 7},
        {"message": "ok"},
    ],
)
def test_json_of_another_shape_is_refused_at_once(run, serve, steps, fast_clock, body):
    async def go():
        async with serve(steps((200, body))) as service:
            with pytest.raises(PayloadError):
                await fetched(service, fast_clock)
            return len(service.asked)

    assert run(go()) == 1


def test_no_match_is_an_answer(run, serve, steps, fast_clock):
    pages, _, _ = attempt(run, serve, fast_clock, steps((200, {"data": []})))
    assert [(page.row_count, page.pagination_key) for page in pages] == [(0, None)]


def test_a_rate_limit_pauses_and_then_goes_on(run, serve, steps, fast_clock):
    limit = (429, {"message": "Rate limit exceeded."})
    before = fast_clock.monotonic()
    pages, client, service = attempt(run, serve, fast_clock, steps(limit, limit, GOOD))
    assert (len(pages), len(service.asked)) == (1, 3)
    assert fast_clock.monotonic() - before >= 180
    assert client.utilisation["plan"].paused_seconds == 180


def test_a_rate_limit_that_lasts_is_reported(run, serve, steps, fast_clock):
    with pytest.raises(RateLimitError, match="one at a time"):
        attempt(run, serve, fast_clock, steps((429, {"message": "Rate limit exceeded."})))


@pytest.mark.parametrize(
    ("source", "params"), [("daily_bars", {}), ("daily_bars", {"day": "x"}), ("topix", {"code": "0000"}), ("bars", {})]
)
def test_a_query_the_service_would_refuse_costs_no_call(run, serve, steps, fast_clock, source, params):
    async def go():
        async with serve(steps(GOOD)) as service:
            with pytest.raises(RequestError):
                await fetched(service, fast_clock, source=source, params=params)
            return len(service.asked)

    assert run(go()) == 0
