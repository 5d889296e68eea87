"""Bringing data in: what to ask for, landing it page by page, resuming where it stopped, judging what is missing.

Belongs here: fetches by session and by range, resumption, the judgement of empty answers by calendar, clock and
source, the lock that keeps a key to one process, estimates. This is the only room where jquants meets store.
Does not belong here: HTTP (jquants), keeping (store), the meaning of a value (tables).
"""

from gogoku_pipeline.ingest.by_range import fetch_range
from gogoku_pipeline.ingest.by_session import fetch_sessions
from gogoku_pipeline.ingest.key_lock import exclusive_key
from gogoku_pipeline.ingest.publication import published_at
from gogoku_pipeline.ingest.report import Estimate, FetchReport, Progress, estimate_calls

__all__ = [
    "Estimate",
    "FetchReport",
    "Progress",
    "estimate_calls",
    "exclusive_key",
    "fetch_range",
    "fetch_sessions",
    "published_at",
]
