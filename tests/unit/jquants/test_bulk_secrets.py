"""Whatever goes wrong with a bulk file, neither the key nor the signature of its address is told to anybody."""

import logging
import traceback
from contextlib import nullcontext

import pytest
from aiohttp import web

from gogoku_pipeline.core.errors import GogokuError
from tests.unit.jquants.asking import CANARY
from tests.unit.jquants.publishing import SIGNATURE, Publisher, fetch, whole

MISHAPS = (302, 403, 404, 500, 0)


def refused(status):
    async def handler(request, n):
        if not status:
            request.transport.abort()
        return web.Response(status=status or 500, text=SIGNATURE, headers={"Location": f"/x?sig={SIGNATURE}"})

    return handler


def test_neither_key_nor_signature_is_told_in_any_mishap(run, serve, fast_clock, caplog):
    caplog.set_level(logging.DEBUG)

    async def gone(request, n):
        return web.Response(status=404, text=SIGNATURE)

    async def expired(request, n):
        return web.Response(status=403, text=SIGNATURE)

    async def moved(request, n):
        return web.Response(status=302, headers={"Location": f"/x?sig={SIGNATURE}"})

    async def broken(request, n):
        request.transport.abort()
        return web.Response(status=500)

    told = []
    for file in (gone, expired, moved, broken, whole):
        told.append(fetch(run, serve, fast_clock, Publisher(file))[0])
    for address in (
        "ftp://x.test/",
        "http://127.0.0.1:1/",
        "https://evil.test/",
        "http://user:pw@127.0.0.1/",
        "\n",
        "x",
    ):
        told.append(fetch(run, serve, fast_clock, Publisher(whole, address=f"{address}?sig={SIGNATURE}"))[0])

    async def leaky(request, n):
        return web.json_response({"message": f"{CANARY} http://x.test/?sig={SIGNATURE}"}, status=400)

    for status in ("list", "get"):

        async def publisher(request, n, status=status):
            return await (leaky(request, n) if request.path.endswith(status) else Publisher(whole)(request, n))

        with pytest.raises(GogokuError) if status == "list" else nullcontext() as caught:
            told.append(fetch(run, serve, fast_clock, publisher)[0])
        told += [caught.value] if caught else []
    assert sum(isinstance(item, GogokuError) for item in told) == 12
    texts = [repr(item) + repr(getattr(item, "args", "")) for item in told]
    texts += ["".join(traceback.format_exception(item)) for item in told if isinstance(item, GogokuError)]
    records = [record.getMessage() + str(record.args) for record in caplog.records]
    found = [text for text in [*texts, *records, caplog.text] if SIGNATURE in text or CANARY in text]
    assert found == []
