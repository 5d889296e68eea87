"""How a champion does since it serves: its live RankIC, and whether it may go on serving.

Belongs here: which scores and outcomes make the live record of a champion, and its standing on each session.
Does not belong here: the test itself (`evaluation.sequential`), who is champion (`champions`).

Every evening scores are kept of the champion and of the baseline, whoever of them serves (`pred__shadow`): a
suspended champion goes on being measured and can return. A standing is read from those scores and the labels alone,
so asking again years later says the same. A RankIC counts from the session after its planned exit: labels are made in
the night after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.sequential import Claim, LiveTerms, Standing, standings
from gogoku_pipeline.registry.champions import Champion
from gogoku_pipeline.registry.tables import GATE, SHADOW
from gogoku_pipeline.store import Store

AFTER_EXIT = 2
"""Sessions from decision to knowledge beyond the horizon: entry on the next open, labels the night after the exit."""

Live = pl.Schema({"session": pl.Date, "rank_ic": pl.Float64})


def claim_of(store: Store, chosen: Champion, horizon_d: int) -> Claim | None:
    """What the gate saw of a champion when it first promoted this design; None where no such verdict is kept."""
    rows = store.tables.scan(GATE, start=chosen.since, end=chosen.since).collect()
    said = dict(rows.filter(challenger=chosen.model).select("criterion", "value").iter_rows())
    mean, ratio = said.get("edge_ratio"), said.get("rank_icir")
    if mean is None or ratio is None or not (mean > 0 and ratio > 0):
        return None
    return Claim(float(mean), float(mean) / float(ratio), horizon_d)


def shadow_scores(store: Store, model: str, horizon_d: int, since: date, until: date) -> pl.DataFrame:
    """[session, code, horizon_d, score] a model gave from one session to another, whether it served or not."""
    kept = store.tables.scan(SHADOW, start=since, end=until)
    chosen = kept.filter((pl.col("model") == model) & (pl.col("horizon_d") == horizon_d))
    return chosen.select("session", "code", "horizon_d", "score").collect()


def live_rank_ic(scores: pl.DataFrame, labels: pl.DataFrame, horizon_d: int, until: date) -> pl.DataFrame:
    """Daily RankIC of decisions whose planned exit lies before a session.

    Args:
        scores: [session, code, horizon_d, score] of one model.
        labels: `dataset.labels.LABELS` rows.
        horizon_d: horizon of the list.
        until: the session that asks; only what was known on it is used.

    Returns:
        [session, rank_ic], ascending; NaN for a day without a ranking. Positions that could not be closed on the
        planned day are left out, so that a day's figure never changes later.
    """
    calendar = tse_calendar()
    decided = [day for day in scores["session"].unique().sort() if _known_on(day, horizon_d) <= calendar.index(until)]
    planned = [calendar.sessions[calendar.index(day) + 1 + horizon_d] for day in decided]
    exits = pl.DataFrame({"session": decided, "planned": planned}, schema={"session": pl.Date, "planned": pl.Date})
    closed = labels.join(exits, on="session").filter(
        (pl.col("horizon_d") == horizon_d) & (pl.col("exit_session") <= pl.col("planned"))
    )
    asked = scores.filter(pl.col("session").is_in(closed["session"].unique().implode()))
    if asked.is_empty():
        return Live.to_frame()
    return daily_rank_ic(asked, closed.drop("planned")).select("session", pl.col("rank_ic")).sort("session")


def standing_on(
    live: pl.DataFrame, chosen: Champion, sessions: Sequence[date], claim: Claim, terms: LiveTerms
) -> dict[date, Standing]:
    """The standing of a champion on each session since its promotion.

    Args:
        live: [session, rank_ic] as `live_rank_ic` gives it; rows that a session cannot know are not used for it.
        chosen: the champion, its design first promoted for a session not after the first one asked for.
        sessions: ascending.
        claim: see `claim_of`.
        terms: registered terms.

    Raises:
        EvaluationError: the champion is the baseline by default, or was promoted later than a session asked for.
    """
    if chosen.since is None or chosen.since > sessions[0]:
        raise EvaluationError(
            f"standing of {chosen.model}",
            got=f"promoted for {chosen.since}",
            want=f"a promotion for {sessions[0]} or earlier",
            remedy="Ask champion() who serves on the session first.",
        )
    calendar = tse_calendar()
    first = calendar.index(chosen.since)
    days = live.filter(pl.col("session") >= chosen.since).sort("session")
    place = [calendar.index(day) - first for day in days["session"]]
    known = [_known_on(day, claim.horizon_d) - first for day in days["session"]]
    values = [math.nan if value is None else value for value in days["rank_ic"]]
    evenings = standings(values, place, known, calendar.index(sessions[-1]) - first + 1, claim, terms)
    return {session: evenings[calendar.index(session) - first] for session in sessions}


def labels_since(store: Store, since: date) -> pl.DataFrame:
    """Labels of decisions from a session on."""
    return store.tables.scan(LABELS).filter(pl.col("session") >= since).collect()


def _known_on(day: date, horizon_d: int) -> int:
    """Number of the session from which the RankIC of a decision may be used."""
    return tse_calendar().index(day) + horizon_d + AFTER_EXIT
