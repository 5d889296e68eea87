"""Session by session: who was champion, who served, what the live test knew, and why.

Belongs here: the one table a person reads to follow a champion through promotion, decline, suspension and return.
Does not belong here: the test (`evaluation.sequential`), the choice (`champions`, `serve`), the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.evaluation.sequential import Standing
from gogoku_pipeline.registry.champions import Champion, champions
from gogoku_pipeline.registry.serve import standings_of, suspension
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import Store

TIMELINE = pl.Schema(
    {
        "session": pl.Date,
        "champion": pl.String,
        "champion_version": pl.String,
        "server": pl.String,
        "server_version": pl.String,
        "state": pl.String,
        "evidence": pl.Float64,
        "threshold": pl.Float64,
        "live_days": pl.Int32,
        "live_rank_ic": pl.Float64,
        "reason": pl.String,
    }
)
"""`state` is the champion's: `serves` or `suspended` by its live test, `unwatched` where no verdict says what it
claimed, `baseline` where nobody was promoted."""


def champion_timeline(store: Store, terms: Terms, sessions: Sequence[date] | None = None) -> pl.DataFrame:
    """Who was champion and who served on each session, with the evidence of the live test and the reason.

    A pure read: champion and standing depend on nothing decided or known after a session, and who served is what the
    session's list says.

    Args:
        store: holds verdicts, lists, scores and labels.
        terms: horizon and terms of the live test.
        sessions: ascending; None for every session that has a list.

    Returns:
        One row per session as `TIMELINE` says. `evidence` is of decline in state `serves`, of recovery in state
        `suspended`, and the state turns at `threshold`; `live_rank_ic` is the mean over the `live_days` behind it.
        Server and its version are null for a session without a list.
    """
    days = store.tables.sessions(PREDICTIONS) if sessions is None else list(sessions)
    if not days:
        return TIMELINE.to_frame()
    served = _served(store, days, terms.gate.horizon_d)
    chosen, found = champions(store, days), standings_of(store, days, terms)
    rows = [_row(day, chosen[day], found.get(day), served.get(day)) for day in days]
    return pl.DataFrame(rows, schema=TIMELINE, orient="row")


Listed = tuple[str, str, str]
"""Model, version and reason of a list."""


def _served(store: Store, days: Sequence[date], horizon_d: int) -> dict[date, Listed]:
    """Who made the list of each session that has one."""
    lists = store.tables.scan(PREDICTIONS, start=days[0], end=days[-1]).filter(pl.col("horizon_d") == horizon_d)
    heads = lists.group_by("session").agg(pl.col("model", "model_version", "served_because").first()).collect()
    return {day: (model, version, why) for day, model, version, why in heads.rows()}


def _row(day: date, chosen: Champion, found: Standing | None, listed: Listed | None) -> tuple[object, ...]:
    """One row of the timeline."""
    server, version, reason = listed or (None, None, _expected(chosen, found))
    named = (day, chosen.model, chosen.version, server, version)
    if found is None:
        state = "baseline" if chosen.version is None else "unwatched"
        return (*named, state, None, None, None, None, reason)
    mean = None if math.isnan(found.mean) else found.mean
    return (*named, found.state, found.evidence, found.threshold, found.days, mean, reason)


def _expected(chosen: Champion, found: Standing | None) -> str:
    """Why somebody would serve on a session nobody made a list for."""
    is_suspended = found is not None and found.state == "suspended"
    return f"baseline: {chosen.model} {suspension(found)}" if found is not None and is_suspended else chosen.reason
