"""Part 7, the audit of the audit: known leaks are planted in a copy of the case, and the checks must name them.

A check that does not see its leak is worse than none. One source after the other is published a day early; then a
feature looks ahead, a ruler knows the whole span, labels slip by a session, a walk forgets its purge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.audit.market import SOURCES, AuditedMarket
from gogoku_pipeline.dataset.normaliser import CatalogueLike, NormalisedFrame, Normaliser
from gogoku_pipeline.dataset.splits import Fold
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.features.registry import Registry

LAW = "self_test"
FEATURES = 3
"""Features a planted case computes; one would do."""


def sources_a_day_early(case: Case) -> Answer:
    """Every source, its instants moved one day ahead, is found by the check of availability."""
    found: list[Violation] = []
    compared = 0
    for name in dict.fromkeys((*SOURCES, *case.market.tables)):
        spoilt = _a_day_early(case.market, name)
        if spoilt is None:
            continue
        compared += 1
        seen, _ = case.guards["availability"](replace(case, market=spoilt))
        if not seen:
            words = "published a day early, and the check of availability is silent"
            found.append(Violation(LAW, name, case.market.sessions[0], "", words))
    return found, compared


def known_leaks(case: Case) -> Answer:
    """One known leak per stage is named by the check of that stage."""
    names = tuple(name for name in case.road.public if name in case.road.names)[:FEATURES]
    plain = replace(case, road=replace(case.road, names=names), sample=1, stored=None)
    found: list[Violation] = []
    for check, spoil in LEAKS.items():
        seen, _ = case.guards[check](spoil(plain))
        if not seen:
            words = f"{spoil.__name__.strip('_').replace('_', ' ')}, and the check is silent"
            found.append(Violation(LAW, check, case.market.sessions[0], "", words))
    return found, len(LEAKS)


def _a_day_early(market: AuditedMarket, name: str) -> AuditedMarket | None:
    """The market with one source known a day early; None where the source has no rows."""
    early = pl.col("available_at") - timedelta(days=1)
    frame = getattr(market, name) if name in SOURCES else market.tables[name]
    if frame.is_empty():
        return None
    spoilt = frame.with_columns(early)
    own: dict[str, Any] = {name: spoilt} if name in SOURCES else {}
    return replace(market, tables={name: spoilt} if name in market.tables else {}, **own)


def _a_feature_reads_tomorrow(case: Case) -> Case:
    plain = case.road.compute

    def ahead(
        names: Sequence[str], inputs: FeatureInputs, *, start: date, end: date, registry: Registry | None = None
    ) -> pl.DataFrame:
        frame = plain(names, inputs, start=start, end=end, registry=registry)
        return frame.with_columns(pl.col(names[0]).shift(-1).over("code", order_by="session"))

    return replace(case, road=replace(case.road, compute=ahead))


class _FittedOnEverything(Normaliser):
    """A ruler made of all it is handed, which does not say so."""

    def transform(
        self, features: pl.DataFrame | NormalisedFrame, universe: pl.DataFrame, market: pl.DataFrame | None = None
    ) -> NormalisedFrame:
        """Values less the mean of every session."""
        done = super().transform(features, universe, market)
        values = pl.col(self.names)
        return NormalisedFrame(done.frame.with_columns(values - values.mean()), done.key, None)


def _a_ruler_knows_the_whole_span(case: Case) -> Case:
    def fitted(rules: CatalogueLike) -> Normaliser:
        return _FittedOnEverything(rules)

    return replace(case, road=replace(case.road, scaler=fitted))


def _labels_slip_by_a_session(case: Case) -> Case:
    slipped = pl.col("ret_open").shift(1).over("code", "horizon_d", order_by="session")
    return replace(case, market=replace(case.market, labels=case.market.labels.with_columns(slipped)))


def _a_walk_forgets_its_purge(case: Case) -> Case:
    walk = case.road.folds

    def unpurged(sessions: Sequence[date]) -> list[Fold]:
        return [
            replace(fold, validation=_next_to(sessions, fold.test[0], len(fold.validation))) for fold in walk(sessions)
        ]

    return replace(case, road=replace(case.road, folds=unpurged))


def _next_to(sessions: Sequence[date], first: date, count: int) -> tuple[date, ...]:
    place = list(sessions).index(first)
    return tuple(sessions[place - count : place])


LEAKS: dict[str, Callable[[Case], Case]] = {
    "truncation_of_features": _a_feature_reads_tomorrow,
    "truncation_of_scaler": _a_ruler_knows_the_whole_span,
    "label_windows": _labels_slip_by_a_session,
    "folds": _a_walk_forgets_its_purge,
}
"""Check to the leak it must see."""
