"""Is a feature family alive: do its features vary, keep their shape, move on from yesterday, stay plausible?

Belongs here: the questions, what each is given, the words of an answer.
Does not belong here: measures and thresholds (`gogoku_pipeline.monitoring.feature_health`).

All of them warn: each can have an honest cause, and none may keep an evening waiting.
"""

from datetime import date

import polars as pl

from assets.checks import WARN, Judgement, Scope, TableCheck
from gogoku_pipeline.evaluation.plots_features import drift_bars
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.graph.catalogue import registry
from gogoku_pipeline.monitoring import feature_health as health
from gogoku_pipeline.monitoring.feature_samples import ENOUGH, Sampled, days_to_compare, rows_of, sampled

SHOWN = 5


def members(scope: Scope) -> list[Feature]:
    """The features of the table judged."""
    known = registry()
    return [known.feature(name) for name in scope.frame.columns if name in known]


def around(scope: Scope) -> Sampled:
    """Samples up to the run's newest session, read once for all questions of a step."""
    if "sampled" not in scope.memo:
        scope.memo["sampled"] = sampled(scope.store, scope.table, members(scope), scope.sessions[-1])
    found = scope.memo["sampled"]
    assert isinstance(found, Sampled)
    return found


def values_vary(scope: Scope) -> Judgement:
    """Over a year no flag is always 0 or always 1, and no other feature has one value alone."""
    seen = around(scope)
    if not seen.is_enough:
        return too_short(seen)
    flags = [f for f in members(scope) if f.unit == "flag"]
    others = [f for f in members(scope) if f.unit != "flag"]
    bad = health.constant_features(seen.year, flags)
    bad += health.constant_features(pl.concat([seen.reference, seen.current]), others)
    return Judgement({None: f"one value all year: {listed(bad)}"} if bad else {}, {"constant": len(bad)})


def drift_small(scope: Scope) -> Judgement:
    """The newest month is distributed like the year before it."""
    seen = around(scope)
    if not seen.is_enough:
        return too_short(seen)
    found = health.drift(seen.reference, seen.current, members(scope))
    moved = found.filter(pl.col("psi") > health.PSI_LIMIT)
    words = listed([f"{name} {psi:.2f}" for name, psi in moved.rows()])
    counts = {"judged": found.height, "moved": moved.height, "largest": found["psi"].max() or 0.0}
    pictures = {"drift": drift_bars(found, health.PSI_LIMIT)} if found.height else {}
    return Judgement(
        {None: f"PSI above {health.PSI_LIMIT}: {words}"} if moved.height else {}, counts, pictures=pictures
    )


def moved_since_yesterday(scope: Scope) -> Judgement:
    """No price feature repeats yesterday for every stock, and no slow one turns against it."""
    names = [feature.name for feature in members(scope) if feature.role == "stock"]
    failures: dict[date | None, str] = {}
    pairs = days_to_compare(scope.store, scope.table, scope.sessions)
    rows = rows_of(scope.store, scope.table, sorted({day for pair in pairs for day in pair}), names)
    for day, before in pairs:
        today, yesterday = rows.filter(pl.col("session") == day), rows.filter(pl.col("session") == before)
        measured = health.with_yesterday(today, yesterday, members(scope))
        if words := health.stale_or_flipped(measured, members(scope)):
            failures[day] = listed(words)
    return Judgement(failures, {"compared": len(pairs)})


def plausible(scope: Scope) -> Judgement:
    """No value is larger than its unit can honestly be."""
    found = health.implausible_values(scope.frame, members(scope))
    return Judgement({**found}, {"judged": len(members(scope))})


def too_short(seen: Sampled) -> Judgement:
    """The answer where there is no year to compare with."""
    return Judgement({}, {}, f"not judged: {seen.reference_sessions} of the {ENOUGH} earlier sessions it takes")


def listed(words: list[str]) -> str:
    """The first few of a list."""
    return ", ".join(words[:SHOWN]) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")


HEALTH = (
    TableCheck("values_in_unit_range", "No value is larger than its unit can honestly be.", plausible, WARN),
    TableCheck("values_vary", "In a year no flag is always the same and no feature has one value.", values_vary, WARN),
    TableCheck("drift", "The newest month has the shape of the year before it (PSI).", drift_small, WARN),
    TableCheck("moved_on", "Features moved since yesterday, and none against it.", moved_since_yesterday, WARN),
)
