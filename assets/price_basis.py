"""The basis of prices: every first row and ex-date of the bars, going on from what an earlier session left.

Belongs here: reading the events, from the session before where its bars still stand, else from all bars there are.
Does not belong here: what an event is, staging on it (`gogoku_pipeline.tables.prices`).

Six families and the universe ask for it every evening: the first one adds the session, the others find it done.
"""

import io
import json
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from assets.reading import history, sessions_before
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.carried_states import CarriedStates
from gogoku_pipeline.tables import prices
from gogoku_pipeline.tables.prices import factor_events

NAME = "factor_events"
COLUMNS = ("session", "code", "adjustment_factor", "ex_rights_type")


def factors(store: Store, end: date) -> pl.DataFrame:
    """Every first row and ex-date up to a session: what a chunk needs to stand on the whole history's basis.

    Raises:
        PartitionMissingError: the bars have holes.
    """
    version = store.tables.version(daily_bars.TABLE)  # before anything is read: a later write must not go unseen
    states = CarriedStates(store.objects)
    if (done := _left(store, states, end)) is not None:
        return done
    before = _left(store, states, sessions_before(end, 1))
    events = factor_events(
        history(store, daily_bars.TABLE, end, None if before is None else end).select(COLUMNS).collect()
    )
    if before is not None:
        fresh = events.filter((pl.col("factor") != 1.0) | ~pl.col("code").is_in(before["code"].unique().implode()))
        events = pl.concat([before, fresh]).sort("session", "code")
    states.save(NAME, _code(), end, _bytes(events, version))
    return events


def _left(store: Store, states: CarriedStates, through: date) -> pl.DataFrame | None:
    """The events an earlier run left for a session, where no bar up to it was rewritten since."""
    for payload in states.of(NAME, _code(), through):
        head, _, rows = payload.partition(b"\n")
        rewritten = store.tables.rewritten_since(daily_bars.TABLE, json.loads(head)["bars"])
        if rewritten is not None and all(session > through for session in rewritten):
            return pl.read_parquet(io.BytesIO(rows))
    return None


def _bytes(events: pl.DataFrame, version: int | None) -> bytes:
    file = io.BytesIO()
    events.write_parquet(file, compression="zstd")
    return json.dumps({"bars": version}).encode() + b"\n" + file.getvalue()


@cache
def _code() -> str:
    """What decides an event."""
    return sha256_bytes(Path(prices.__file__).read_bytes())
