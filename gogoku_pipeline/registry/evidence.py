"""The stored evidence on every model: walk-forward scores, served and shadow lists, and what became of them.

Belongs here: names by which scores may be asked for, and reading scores, labels, exposures and regimes for a
judgement. Does not belong here: measuring anything (`evaluation`), deciding anything (`judging`).

Names: a recipe of the walk (`lightgbm`), `served` for the lists that were served, `shadow:<model>` for the scores kept
every evening of the champion and of the baseline, whichever of them served, `oracle` for a simulated market's truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import EvaluationError, PartitionMissingError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.breakdown import market_regimes
from gogoku_pipeline.evaluation.neutral import EXPOSURES, SECTOR
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.registry.champions import BASELINE
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS, SHADOW
from gogoku_pipeline.schema import topix
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.intervals import LEVEL
from gogoku_pipeline.training.walk_forward import SCORES, scores_from_table

SERVED, SHADOWED, ORACLE = "served", "shadow:", "oracle"
KEY = ("session", "code", "horizon_d", "score")
EXPOSED = ("feat__prices", "feat__market")
"""Families whose tables hold size, turnover, volatility and beta."""


@dataclass(frozen=True)
class Asked:
    """Which part of the evidence is asked for.

    Attributes:
        cutoff: of the walk; None for the newest one.
        start: first session of a decision; None for the first there is.
        end: last session of a decision; None for the newest.
        horizon_d: sessions the scores look ahead; None for all that are stored.
        plan: whose features are stored.
    """

    cutoff: date | None = None
    start: date | None = None
    end: date | None = None
    horizon_d: int | None = None
    plan: str = PLANS[-1]

    def __post_init__(self) -> None:
        """Refuse a range that ends before it begins."""
        if self.start and self.end and self.end < self.start:
            raise EvaluationError(
                "sessions asked for",
                got=f"{self.start} .. {self.end}",
                want="an end on or after the start",
                remedy="Correct the range.",
            )


def known_names(store: Store, asked: Asked, oracle: pl.DataFrame | None = None) -> list[str]:
    """Every name scores may be asked for by: recipes of the walk, `served`, `shadow:<model>`, `oracle` if given."""
    day = _walk_day(store, asked.cutoff)
    names: list[str] = []
    if day is not None:
        rows = store.tables.scan(SCORES, start=day, end=day, ordered=False).select("model")
        names += rows.unique().collect()["model"].sort().to_list()
    if store.tables.sessions(PREDICTIONS):
        names.append(SERVED)
    if store.tables.sessions(SHADOW):
        shadows = store.tables.scan(SHADOW, ordered=False).select("model").unique().collect()["model"]
        names += [f"{SHADOWED}{name}" for name in shadows.sort()]
    return names if oracle is None else [*names, ORACLE]


def scores_of(store: Store, name: str, asked: Asked, oracle: pl.DataFrame | None = None) -> pl.DataFrame:
    """Scores stored under a name.

    Args:
        store: where they lie.
        name: see `known_names`.
        asked: cut-off of the walk, sessions, horizon.
        oracle: [session, code, horizon_d, score] of a simulated market's truth.

    Returns:
        [model, seed, session, code, horizon_d, score, is_counted]; `model` is the name.

    Raises:
        EvaluationError: a name nobody knows, a horizon or sessions of which nothing is stored.
        PartitionMissingError: no walk ended at that cut-off.
    """
    rows = oracle if name == ORACLE and oracle is not None else _stored(store, name, asked)
    if rows.is_empty():
        names = known_names(store, Asked(asked.cutoff), oracle)
        raise EvaluationError(
            f"model {name!r}",
            got="no scores",
            want=f"one of {', '.join(names)}" if names else "any stored score",
            remedy="Correct the name." if names else "Run `gogoku demo`, or materialise eval__gate at a cut-off.",
        )
    return named(rows, name, asked)


def named(rows: pl.DataFrame, name: str, asked: Asked) -> pl.DataFrame:
    """Rows [session, code, horizon_d, score, seed?, is_counted?] as one model's scores, cut to what is asked for."""
    held = rows.filter(_between(asked))
    if held.is_empty():
        days = rows["session"].unique().sort()
        raise EvaluationError(
            f"scores of {name}",
            got=f"sessions {days[0]} .. {days[-1]}",
            want=f"some in {asked.start or 'the beginning'} .. {asked.end or 'today'}",
            remedy="Widen the range.",
        )
    found = held if asked.horizon_d is None else held.filter(pl.col("horizon_d") == asked.horizon_d)
    if found.is_empty():
        raise EvaluationError(
            f"scores of {name}",
            got=f"horizons {sorted(held['horizon_d'].unique().to_list())}",
            want=f"horizon {asked.horizon_d}",
            remedy="Ask for a horizon that is stored.",
        )
    seed = pl.col("seed") if "seed" in found.columns else pl.lit(0, dtype=pl.Int64).alias("seed")
    counts = pl.col("is_counted") if "is_counted" in found.columns else pl.lit(True).alias("is_counted")
    return found.select(
        pl.lit(name).alias("model"), seed, "session", "code", pl.col("horizon_d").cast(pl.Int16), "score", counts
    )


def bar_of(store: Store, asked: Asked) -> str:
    """The baseline of the gate's verdict on a walk: the stronger of its objectives; the baseline's name without one."""
    day = _walk_day(store, asked.cutoff)
    rows = GATE.empty() if day is None else store.tables.scan(GATE, start=day, end=day).collect()
    return BASELINE if rows.is_empty() else str(rows["baseline"][0])


def intervals_of(store: Store, asked: Asked) -> pl.DataFrame:
    """[model, session, code, horizon_d, quantile, value]: ends of the intervals that were served with the lists."""
    held = store.tables.scan(PREDICTIONS).filter(_between(asked) & pl.col("interval_low").is_not_null()).collect()
    ends = {"interval_low": (1 - LEVEL) / 2, "interval_high": (1 + LEVEL) / 2}
    return pl.concat(
        held.select(
            pl.lit(SERVED).alias("model"),
            "session",
            "code",
            pl.col("horizon_d").cast(pl.Int16),
            pl.lit(round(quantile, 4)).alias("quantile"),
            pl.col(name).alias("value"),
        )
        for name, quantile in ends.items()
    )


def outcomes(store: Store, name: str, asked: Asked, sessions: pl.Series) -> pl.DataFrame:
    """Labels of these sessions that are decided: for a walk by its cut-off, for a live list by today.

    A session before its planned exit is left out whole: the few of its names whose outcome is known early (no entry,
    delisted) are no cross-section.

    Returns:
        Rows of `data__labels`.

    Raises:
        EvaluationError: not one session is decided.
    """
    first, last = sessions.min(), sessions.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    rows = store.tables.scan(LABELS, start=first, end=last).filter(pl.col("available_at").is_not_null()).collect()
    day = None if is_live(name) else _walk_day(store, asked.cutoff)
    known = decided(known_by(rows, day or date.max))
    if known.filter(pl.col("session").is_in(sessions.implode())).is_empty():
        raise EvaluationError(
            f"scores of {name}",
            got=f"{sessions.n_unique()} sessions, {first} .. {last}, none with a known outcome",
            want="sessions whose planned exit is behind us",
            remedy="Wait until as many sessions have passed as the scores look ahead, and build labels.",
        )
    return known


def decided(labels: pl.DataFrame) -> pl.DataFrame:
    """Labels of (session, horizon) pairs whose planned exit is not after the newest outcome among them.

    The last sessions before it are left out whole, though a few of their names (no entry, delisted) are known.
    """
    calendar = tse_calendar()
    newest = labels["available_at"].dt.date().max()
    pairs = labels.select("session", "horizon_d").unique()
    places = [calendar.index(day) + 1 + horizon for day, horizon in pairs.iter_rows()]
    behind = [at < len(calendar.sessions) and calendar.sessions[at] <= newest for at in places]
    return labels.join(pairs.filter(pl.Series(behind, dtype=pl.Boolean)), on=["session", "horizon_d"], how="semi")


def known_by(labels: pl.DataFrame, last: date) -> pl.DataFrame:
    """Labels that were known by the evening of a session: exit behind them, outcome decided."""
    return labels.filter(
        (pl.col("session") <= last) & (pl.col("exit_session") <= last) & (pl.col("available_at").dt.date() <= last)
    )


def is_live(name: str) -> bool:
    """Whether a name stands for what was scored in the evening, not for a walk."""
    return name == SERVED or name.startswith(SHADOWED)


def universe_of(store: Store, sessions: pl.Series) -> pl.DataFrame:
    """[session, code, is_tradable, sector33_code] of the sessions between the first and the last of these."""
    first, last = sessions.min(), sessions.max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    return store.tables.scan(UNIVERSE, start=first, end=last).select("session", "code", "is_tradable", SECTOR).collect()


def exposures_in(store: Store, universe: pl.DataFrame, plan: str = PLANS[-1]) -> pl.DataFrame | None:
    """Size, risk and sector of a universe's stocks, as far as feature tables are stored; None without any.

    Returns:
        [session, code, sector33_code, those of EXPOSURES that exist].
    """
    first, last = universe["session"].min(), universe["session"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    frame, key = universe.select("session", "code", SECTOR), ["session", "code"]
    for name in EXPOSED:
        table = family_table(name, registry(plan))
        held = [column for column in EXPOSURES if column in table.polars_schema]
        if held and store.tables.exists(table):
            rows = store.tables.scan(table, start=first, end=last, ordered=False).select(*key, *held).collect()
            frame = frame.join(rows, on=key, how="left")
    return frame if any(column in frame.columns for column in EXPOSURES) else None


def regimes_of(store: Store) -> pl.DataFrame | None:
    """[session, regime] of the market, None where the plan has no TOPIX."""
    if not store.tables.exists(topix.TABLE):
        return None
    return market_regimes(store.tables.scan(topix.TABLE).select("session", "close_points").collect())


def _stored(store: Store, name: str, asked: Asked) -> pl.DataFrame:
    if name == SERVED:
        return store.tables.scan(PREDICTIONS).select(KEY).collect()
    if name.startswith(SHADOWED):
        rows = store.tables.scan(SHADOW)
        return rows.filter(pl.col("model") == name.removeprefix(SHADOWED)).select(KEY).collect()
    day = _walk_day(store, asked.cutoff)
    return scores_from_table(
        store.tables.scan(SCORES, start=day, end=day, ordered=False).filter(pl.col("model") == name).collect()
    )


def _walk_day(store: Store, cutoff: date | None) -> date | None:
    """Cut-off of the walk that is asked for; None where there is no walk at all and none was asked for."""
    kept = store.tables.sessions(SCORES)
    if cutoff is not None and cutoff not in kept:
        raise PartitionMissingError(
            f"walk-forward scores of cut-off {cutoff}",
            got=_spoken(kept),
            want="the cut-off of a walk that was made",
            remedy="Ask for one of these, or materialise eval__gate at that cut-off.",
        )
    return cutoff or (kept[-1] if kept else None)


def _spoken(days: Iterable[date]) -> str:
    listed = [str(day) for day in days]
    return f"walks of {', '.join(listed[-5:])}" + (" and earlier" if len(listed) > 5 else "") if listed else "no walk"


def _between(asked: Asked) -> pl.Expr:
    inside = pl.lit(True)
    if asked.start is not None:
        inside = inside & (pl.col("session") >= asked.start)
    if asked.end is not None:
        inside = inside & (pl.col("session") <= asked.end)
    return inside
