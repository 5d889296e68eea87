"""What the client tests share."""

from gogoku_pipeline.jquants import JQuantsClient

CANARY = "canary-5f1e9-secret"
ROWS = [{"Date": "2024-05-08", "Code": "72030", "C": 3500.0}]
DAY = {"date": "2024-05-08"}
GOOD = (200, {"data": ROWS})


async def fetched(service, clock, source="daily_bars", params=DAY, **options):
    options.setdefault("plan", "premium")
    key = options.pop("pagination_key", None)
    async with JQuantsClient(service.base_url, CANARY, clock=clock, **options) as client:
        return [page async for page in client.pages(source, params, pagination_key=key)], client


def attempt(run, serve, clock, handler, **options):
    async def go():
        async with serve(handler) as service:
            pages, client = await fetched(service, clock, **options)
            return pages, client, service

    return run(go())
