"""What the fetch tests share."""

import json

import polars as pl

from gogoku_pipeline.ingest import fetch_group, fetch_sessions

BARS = "/equities/bars/daily"


def bars(store, days, **options):
    options.setdefault("run_id", "run-1")
    options.setdefault("bulk", False)  # the road day by day; months by file have tests of their own
    return lambda client: fetch_sessions(client, store, options.pop("source", "daily_bars"), days, **options)


def group(store, sources, days, **options):
    options.setdefault("run_id", "run-1")
    options.setdefault("bulk", False)
    return lambda client: fetch_group(client, store, sources, days, **options)


def asked_days(evening, path, parameter="date"):
    """The days the service was asked for, in order."""
    return [request.params[parameter] for request in evening.calls() if request.path == path]


def landed_rows(store, source="daily_bars"):
    """(day, code) of every row of the newest complete fetches, pages only."""
    rows = []
    for request in store.raw.newest(source).filter(pl.col("media") == "json").iter_rows(named=True):
        rows += [(row["Date"], row["Code"]) for row in json.loads(store.raw.payload(source, request))["data"]]
    return rows


class Watcher:
    def __init__(self):
        self.seen = []

    def advance(self, n, text):
        self.seen.append((n, text))
