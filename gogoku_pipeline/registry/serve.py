"""The lists of some evenings: who serves, what it says, ranked, with everything needed to make them again.

A pure read of the registry, the stored scores and the labels: nothing decided or known after a session can change who
serves on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.evaluation.sequential import Standing
from gogoku_pipeline.registry.champions import (
    Champion,
    Serving,
    champion,
    champions,
    serving,
    serving_baseline,
    serving_champion,
)
from gogoku_pipeline.registry.predictions import Lineage, ranked_predictions
from gogoku_pipeline.registry.standing import claim_of, labels_since, live_rank_ic, shadow_scores, standing_on
from gogoku_pipeline.registry.tables import SHADOW
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import Store
from gogoku_pipeline.training.predict import predict_session, with_intervals


@dataclass(frozen=True)
class Served:
    """The lists of some sessions and what stands behind them.

    Attributes:
        lists: rows of `tables.PREDICTIONS`.
        shadow: rows of `tables.SHADOW`: scores of champion and baseline.
        standings: of the champion, for sessions that have one that is watched.
    """

    lists: pl.DataFrame
    shadow: pl.DataFrame
    standings: dict[date, Standing]


def serve_sessions(
    store: Store,
    panel: Panel,
    sessions: Sequence[date],
    terms: Terms,
    *,
    available_at: Callable[[date], datetime],
) -> Served:
    """The ranked lists of some sessions, each by whoever serves on it.

    Champion and baseline are both scored on every session. The champion's live record up to a session decides
    whether it may serve on it; where it may not, or cannot, the baseline serves and the list says why.

    Args:
        store: holds versions, verdicts, earlier scores and labels.
        panel: features with the sessions and the look-back before them.
        sessions: ascending.
        terms: horizon and terms of the live test.
        available_at: instant of a session's decision, aware.

    Raises:
        RegistryError: nobody can serve, or the scores do not tell stocks apart.
        DatasetError: the panel lacks a session.
    """
    shadow = pl.concat([_scored(store, panel, session, available_at(session)) for session in sessions])
    standings = standings_of(store, sessions, terms, shadow)
    lists = []
    for session in sessions:
        found = standings.get(session)
        server = serving(
            store,
            session,
            feature_hash=panel.catalogue_hash,
            suspended=suspension(found) if found is not None and found.state == "suspended" else "",
        )
        own = shadow.filter((pl.col("session") == session) & (pl.col("model") == server.model))
        lineage = Lineage(
            model=server.model,
            model_version=server.version,
            feature_hash=panel.catalogue_hash,
            served_because=server.reason,
            table_versions=dict(panel.table_versions),
        )
        scores = own.select("session", "code", "horizon_d", "score")
        scores = with_intervals(store, server.model, server.version, panel, scores)
        lists.append(ranked_predictions(scores, session, lineage, available_at=available_at(session)))
    return Served(pl.concat(lists), shadow, standings)


def standings_of(
    store: Store, sessions: Sequence[date], terms: Terms, fresh: pl.DataFrame | None = None
) -> dict[date, Standing]:
    """The champion's standing on each session; sessions whose champion is the baseline have none.

    Args:
        store: holds verdicts, scores and labels.
        sessions: ascending.
        terms: horizon and terms of the live test.
        fresh: rows of `tables.SHADOW` not yet stored; they replace stored ones of their sessions.
    """
    horizon = terms.gate.horizon_d
    reigns: dict[date, tuple[Champion, list[date]]] = {}
    for session, chosen in champions(store, sessions).items():
        if chosen.since is not None:
            reigns.setdefault(chosen.since, (chosen, []))[1].append(session)
    out: dict[date, Standing] = {}
    for since, (chosen, days) in reigns.items():
        claim = claim_of(store, chosen, horizon)
        if claim is None:
            continue
        scores = shadow_scores(store, chosen.model, horizon, since, days[-1])
        if fresh is not None:
            own = fresh.filter((pl.col("model") == chosen.model) & (pl.col("horizon_d") == horizon))
            kept = scores.join(own, on="session", how="anti")
            scores = pl.concat([kept, own.select(kept.columns)]).filter(pl.col("session") >= since)
        live = live_rank_ic(scores, labels_since(store, since), horizon, days[-1])
        out |= standing_on(live, chosen, days, claim, terms.live)
    return out


def suspension(found: Standing) -> str:
    """In words why a champion does not serve."""
    since = f"{found.mean:+.4f} over {found.days} days since" if found.days else "no day since is known yet"
    return (
        f"suspended by its live RankIC of {found.turn_mean:+.4f} over {found.turn_days} days; {since}; it returns when "
        f"the evidence of recovery, {found.evidence:.1f}, reaches {found.threshold:.0f}"
    )


def _scored(store: Store, panel: Panel, session: date, at: datetime) -> pl.DataFrame:
    """Scores of the champion (if it can be scored) and of the baseline (if there is one), as rows of SHADOW."""
    chosen = champion(store, session)
    able = serving_champion(store, chosen, session, panel.catalogue_hash)
    scored: list[Serving] = [able] if isinstance(able, Serving) else []
    try:
        scored.append(serving_baseline(store, session, [], feature_hash=panel.catalogue_hash))
    except RegistryError:
        if not scored:
            raise
    parts = []
    for server in {server.model: server for server in scored}.values():
        scores = predict_session(store, server.model, server.version, panel, session)
        parts.append(
            scores.select(
                "session",
                "code",
                pl.col("horizon_d").cast(pl.Int16),
                pl.lit(server.model).alias("model"),
                pl.lit(server.version).alias("model_version"),
                pl.col("score").cast(pl.Float64),
                pl.lit(at.astimezone(JST), dtype=SHADOW.column("available_at").dtype).alias("available_at"),
            )
        )
    return pl.concat(parts).sort(SHADOW.key)
