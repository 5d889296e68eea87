"""The key stays secret; the plan is found out with one call."""

import logging
import traceback

import pytest
from aiohttp import web

from gogoku_pipeline.core.errors import (
    ConfigError,
    CredentialsError,
    GogokuError,
    ServerError,
)
from gogoku_pipeline.jquants import JQuantsClient
from tests.unit.jquants.asking import CANARY, GOOD, attempt, fetched


@pytest.mark.parametrize("key", ["", " ", "two words", "line\nbreak", "キー"])
def test_what_cannot_be_a_key_is_refused_before_any_call(key):
    with pytest.raises(CredentialsError, match="JQUANTS_API_KEY") as caught:
        JQuantsClient("https://api.jquants.com/v2", key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.jquants.com/v2", "ftp://127.0.0.1", "", "https://u:p@h.example/v2"),
        *("http://127.evil.test/v2", "http://134744072/v2", "http://0x08080808/v2"),
    ],
)
def test_a_url_that_would_leak_the_key_is_refused(url):
    with pytest.raises(ConfigError, match="GOGOKU_API_URL"):
        JQuantsClient(url, CANARY)


COVERED = "Your subscription covers the following dates: {}. If you want more data, please check other plans: x"


@pytest.mark.parametrize(
    ("answer", "plan"),
    [
        ((400, {"message": COVERED.format("2022-02-14 ~ 2024-02-14")}), "free"),
        ((400, {"message": COVERED.format("2019-05-08 ~ ")}), "light"),
        ((400, {"message": COVERED.format("2014-05-08 ~ ")}), "standard"),
        ((400, {"message": COVERED.format("2008-05-07 ~ ")}), "premium"),
        ((200, {"data": []}), "premium"),
    ],
)
def test_the_plan_is_found_with_one_call_and_paces_the_rest(run, serve, steps, fast_clock, answer, plan):
    async def go():
        async with serve(steps(answer, GOOD)) as service:
            _, client = await fetched(service, fast_clock, plan=None)
            return await client.plan(), len(service.asked), repr(client)

    found, calls, words = run(go())
    assert found.name == plan
    assert calls == 2
    assert plan in words


def test_the_key_appears_nowhere(run, serve, fast_clock, caplog):
    caplog.set_level(logging.DEBUG)
    echo = f"your key {CANARY} at https://x.example/buy?key={CANARY} is odd"
    seen = []
    for status in (200, 302, 400, 401, 403, 413, 429, 500):

        async def leaky(request, n, status=status):
            return web.json_response({"message": echo}, status=status, headers={"Location": "/?k=" + CANARY})

        try:
            attempt(run, serve, fast_clock, leaky)
        except GogokuError as problem:
            seen.append("".join(traceback.format_exception(problem)) + repr(problem) + repr(problem.args))
    client = JQuantsClient("http://127.0.0.1:9/v2", CANARY, clock=fast_clock, plan="free")
    with pytest.raises(ServerError) as caught:
        run(client.detect_plan())
    run(client.close())
    seen += ["".join(traceback.format_exception(caught.value)), repr(client), str(vars(client)), caplog.text]
    assert len(seen) == 12
    assert not [text for text in seen if CANARY in text]
    assert CANARY not in client.key_fingerprint
