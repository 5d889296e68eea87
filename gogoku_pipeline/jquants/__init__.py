"""The J-Quants V2 service as a client sees it: endpoints, plans, rate limits, pages, and its errors in our words.

Belongs here: the declarative register of endpoints, what each plan may do, the limiters that fill the allowed
rates, the HTTP transport, paging, bulk files, retries, classification of refusals.
Does not belong here: keeping what was fetched (store), deciding what to fetch and whether it is complete (ingest).
"""

from gogoku_pipeline.jquants.bulk import BulkAnswer
from gogoku_pipeline.jquants.bulk_keys import BulkFile
from gogoku_pipeline.jquants.client import JQuantsClient
from gogoku_pipeline.jquants.download import Downloader
from gogoku_pipeline.jquants.endpoints import BUDGETS, ENDPOINTS, Budget, Endpoint, endpoint
from gogoku_pipeline.jquants.limiter import Pace, RateLimiter, Utilisation
from gogoku_pipeline.jquants.pages import Page
from gogoku_pipeline.jquants.plans import PLANS, Plan
from gogoku_pipeline.jquants.transport import AiohttpTransport, Answer, Transport

__all__ = [
    "BUDGETS",
    "ENDPOINTS",
    "PLANS",
    "AiohttpTransport",
    "Answer",
    "Budget",
    "BulkAnswer",
    "BulkFile",
    "Downloader",
    "Endpoint",
    "JQuantsClient",
    "Pace",
    "Page",
    "Plan",
    "RateLimiter",
    "Transport",
    "Utilisation",
    "endpoint",
]
