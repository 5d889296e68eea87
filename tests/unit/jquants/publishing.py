"""A publisher of bulk files, as far as a client sees it."""

import gzip
from datetime import date

from aiohttp import web

from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.jquants import JQuantsClient
from tests.unit.jquants.asking import CANARY

SIGNATURE = "canary-signature-91c2"
HOME = "equities/bars/daily"
KEYS = [
    f"{HOME}/live/equities_bars_daily_20240502.csv.gz",
    f"{HOME}/historical/2024/equities_bars_daily_202404.csv.gz",
    f"{HOME}/historical/2024/equities_bars_daily_202403.csv.gz",
]
TABLE = gzip.compress(b"Date,Code,C\r\n2024-04-01,72030,3500.0\r\n", mtime=0)


def listing(*keys):
    return {"data": [{"Key": key, "LastModified": "2024-05-02T18:00:00+00:00", "Size": len(TABLE)} for key in keys]}


class Publisher:
    """Lists, signs and serves; `file(request, n)` is the n-th download."""

    def __init__(self, file, listed=None, address=None):
        self.file, self.listed, self.address = file, listed or listing(*KEYS), address
        self.downloads = 0

    async def __call__(self, request, n):
        if request.path == "/v2/bulk/list":
            return web.json_response(self.listed)
        if request.path == "/v2/bulk/get":
            signed = f"http://{request.host}/store/{request.query['key']}?X-Amz-Signature={SIGNATURE}{n}%2F"
            return web.json_response({"url": signed if self.address is None else self.address})
        self.downloads += 1
        return await self.file(request, self.downloads)


async def whole(request, n):
    return web.Response(body=TABLE, content_type="application/gzip")


def fetch(run, serve, clock, publisher, pick=1, **options):
    """The file as fetched, and the service that was asked."""

    async def go():
        async with (
            serve(publisher) as service,
            JQuantsClient(service.base_url, CANARY, clock=clock, plan="light", **options) as client,
        ):
            files = await client.bulk_list("daily_bars", date(2024, 3, 1), date(2024, 5, 8))
            try:
                return await client.bulk_file("daily_bars", files[pick]), service, client.utilisation
            except GogokuError as problem:
                return problem, service, client.utilisation

    return run(go())
