"""The J-Quants V2 service as a client sees it: endpoints, plans, rate limits, pages, and its errors in our words.

Belongs here: the declarative register of endpoints, what each plan may do, the limiter that fills the allowed rate,
the HTTP transport, paging, retries, classification of refusals.
Does not belong here: keeping what was fetched (store), deciding what to fetch and whether it is complete (ingest).
"""

from gogoku_pipeline.jquants.client import JQuantsClient
from gogoku_pipeline.jquants.endpoints import ENDPOINTS, Endpoint, endpoint
from gogoku_pipeline.jquants.limiter import Pace, RateLimiter, Utilisation
from gogoku_pipeline.jquants.pages import Page
from gogoku_pipeline.jquants.plans import PLANS, Plan
from gogoku_pipeline.jquants.transport import AiohttpTransport, Answer, Transport

__all__ = [
    "ENDPOINTS",
    "PLANS",
    "AiohttpTransport",
    "Answer",
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
