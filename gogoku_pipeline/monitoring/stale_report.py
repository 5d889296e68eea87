"""The stale-feature report of a deployment: what its feature tables hold lately, judged by `stale_features`.

Belongs here: which sessions are read. Raw features are read, not the panel: a normalised value moves with the stocks it
is compared with even when its source has stopped. A feature's own RankIC is measured over a year that ends before the
frozen hold-out: leaving a feature out because of sealed sessions would be choosing a design by them (decision 0021).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.dataset.holdout import Holdout
from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.graph.catalogue import family_table, feature_set, registry
from gogoku_pipeline.monitoring import stale_features as stale
from gogoku_pipeline.monitoring.feature_health import drift
from gogoku_pipeline.monitoring.feature_samples import YEAR, rows_of, sampled
from gogoku_pipeline.registry.explanation_tables import IMPORTANCE
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store

LABEL = "gauss_open"
LOOKED_AT = stale.EVENT_QUIET + 1
_WITHIN_A_DAY = ("stock", "sector")


def stale_report(
    store: Store,
    plan: str,
    set_name: str = "",
    *,
    newest: date | None = None,
    horizon_d: int = 5,
    holdout: Holdout | None = None,
) -> pl.DataFrame:
    """Every feature of a deployed set with what it shows lately, the dead first.

    Args:
        store: feature tables and labels.
        plan: J-Quants plan of the deployment.
        set_name: named set the models read; empty for all of the plan.
        newest: judged as of this session; None for the newest one stored.
        horizon_d: outcome a feature's own RankIC is measured against.
        holdout: sealed sessions, whose labels are not looked at.

    Returns:
        [feature, table, role, verdict, words, null_share, last_value_on, last_move_on, psi, rank_ic, rank_ic_low,
        rank_ic_high, days, importance]: `psi` of the newest month against the year before; `importance` is the largest
        drop of RankIC any model showed on the newest evening it was measured; null where neither is known.

    Raises:
        DataError: no table of the set holds a session.
    """
    known, names = registry(plan), feature_set(set_name or plan.lower(), plan)
    features = [known.feature(name) for name in names]
    sources = {name: _sources(known.in_order([name])) for name in names}
    parts = []
    for family in dict.fromkeys(feature.family for feature in features):
        table, members = family_table(family, plan), [each for each in features if each.family == family]
        stored = [day for day in store.tables.sessions(table) if newest is None or day <= newest]
        if stored:
            parts.append(_of_family(store, table, members, stored, sources, (horizon_d, holdout)))
    if not parts:
        raise DataError(
            "stale features", got="no feature table with a session", want="some", remedy="Materialise the features."
        )
    order = {name: place for place, name in enumerate(stale.ORDER)}
    rank = pl.col("verdict").replace_strict(order, return_dtype=pl.Int32)
    return pl.concat(parts).join(_importance(store), on="feature", how="left").sort(rank, "table", "feature")


def _sources(below: Sequence[Feature]) -> tuple[str, ...]:
    """Published fields of a feature and everything it is made of."""
    return tuple(dict.fromkeys(field for each in below for field in each.sources if not field.startswith("@")))


def _of_family(
    store: Store,
    table: Table,
    features: Sequence[Feature],
    stored: Sequence[date],
    sources: dict[str, tuple[str, ...]],
    outcome: tuple[int, Holdout | None],
) -> pl.DataFrame:
    """The report of one table."""
    names, days = [feature.name for feature in features], list(stored[-LOOKED_AT:])
    quiet = {each.name: stale.expected(each, sources[each.name]).quiet for each in features}
    measured = stale.movement(rows_of(store, table, days, names), names, quiet)
    apart = [each.name for each in features if each.role in _WITHIN_A_DAY]
    signals = _signals(store, table, apart, stored, outcome)
    found = stale.verdicts(measured, signals, features, days, len(stored), sources)
    seen = sampled(store, table, features, stored[-1])
    moved = drift(seen.reference, seen.current, features) if seen.is_enough else None
    psi = pl.DataFrame(schema={"feature": pl.String, "psi": pl.Float64}) if moved is None else moved
    roles = pl.DataFrame({"feature": names, "role": [each.role for each in features]})
    return found.join(psi, on="feature", how="left").join(roles, on="feature").select(
        "feature", pl.lit(table.name).alias("table"), "role", "verdict", "words", "null_share", "last_value_on",
        "last_move_on", "psi", "rank_ic", "rank_ic_low", "rank_ic_high", "days",
    )  # fmt: skip


def _signals(
    store: Store, table: Table, names: Sequence[str], stored: Sequence[date], outcome: tuple[int, Holdout | None]
) -> pl.DataFrame:
    """RankIC of each feature over a year of sessions whose outcomes do not overlap and are not sealed."""
    horizon_d, holdout = outcome
    judged: Sequence[date] = stored
    if holdout is not None:
        judged = holdout.before(stored, horizon_d) if stored[0] < holdout.start else ()
    chosen = judged[-YEAR:][:: -(horizon_d + 1)][::-1]
    if not chosen or not names:
        return pl.DataFrame(schema=stale.SIGNAL)
    labels = store.tables.scan(LABELS, start=chosen[0], end=chosen[-1], ordered=False).filter(
        (pl.col("horizon_d") == horizon_d) & pl.col("session").is_in(chosen)
    )
    outcomes = labels.select("session", "code", LABEL).collect()
    return stale.signal(rows_of(store, table, chosen, names), outcomes, names)


def _importance(store: Store) -> pl.DataFrame:
    """[feature, importance] of the newest evening it was measured."""
    held = store.tables.sessions(IMPORTANCE)
    if not held:
        return pl.DataFrame(schema={"feature": pl.String, "importance": pl.Float64})
    rows = store.tables.scan(IMPORTANCE, start=held[-1], end=held[-1]).filter(pl.col("kind") == "feature")
    return rows.group_by(pl.col("name").alias("feature")).agg(pl.col("drop").max().alias("importance")).collect()
