"""Bringing data in: what to ask for, landing it page by page, resuming where it stopped, judging what is missing.

Belongs here: fetches by session, range, present and monthly file, groups of them, a user's own files and series,
resumption, the judgement of empty answers by calendar, clock and data set, the lock that keeps a key to one process,
estimates. This is the only room where jquants meets store.
Does not belong here: HTTP (jquants), keeping (store), the meaning of a value (tables).
"""

from gogoku_pipeline.ingest.by_range import fetch_range
from gogoku_pipeline.ingest.by_session import fetch_sessions
from gogoku_pipeline.ingest.estimate import Estimate, estimate_calls
from gogoku_pipeline.ingest.external import land_external, series_named
from gogoku_pipeline.ingest.files import LandedFile, land_files
from gogoku_pipeline.ingest.group import SourcesFailedError, fetch_group, steps
from gogoku_pipeline.ingest.key_lock import exclusive_key
from gogoku_pipeline.ingest.present import fetch_now
from gogoku_pipeline.ingest.publication import published_at
from gogoku_pipeline.ingest.recheck import ChangedFile, recheck_history
from gogoku_pipeline.ingest.report import FetchReport, Progress

__all__ = [
    "ChangedFile",
    "Estimate",
    "FetchReport",
    "LandedFile",
    "Progress",
    "SourcesFailedError",
    "estimate_calls",
    "exclusive_key",
    "fetch_group",
    "fetch_now",
    "fetch_range",
    "fetch_sessions",
    "land_external",
    "land_files",
    "published_at",
    "recheck_history",
    "series_named",
    "steps",
]
