"""The laws every registered feature obeys, as functions that report violations.

Belongs here: truncation, isolation, row order, names of stocks, chunks, re-basing, bounds, market-wide constancy and
the null budget, each over any registry and any inputs, so that tests run them on synthetic markets and asset checks on
samples of the stored one. Does not belong here: formulas, or thresholds of one feature.

An empty list means the law holds. "Exact" is to the bit of the stored Float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features import what_if
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.features.states.register import STATES

KEY = ["session", "code"]
EPSILON = float(np.finfo(np.float32).eps)
SMALLEST = 1e-6
"""Values below this are compared as if they were this large: around zero an ulp has no meaning."""

FIRST, LAST = date(1990, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class Violation:
    """One law broken by one feature, with the first cell that shows it.

    Attributes:
        law: its name; feature: which one; session, code: the first cell; words: what was seen.
    """

    law: str
    feature: str
    session: date
    code: str
    words: str


def truncation(registry: Registry, names: Sequence[str], inputs: FeatureInputs, cut: date) -> list[Violation]:
    """Values up to `cut` are equal to the bit whether what was not yet known exists, is garbled or is gone."""
    gone = _values(registry, names, what_if.known_at(inputs, cut))
    whole = _values(registry, names, inputs).filter(pl.col("session") <= cut)
    garbled = _values(registry, names, what_if.garbled_after(inputs, cut)).filter(pl.col("session") <= cut)
    return [
        *compare("truncation", names, whole, gone),
        *compare("truncation (scrambled future)", names, garbled, gone),
    ]


def isolation(registry: Registry, names: Sequence[str], inputs: FeatureInputs, code: str) -> list[Violation]:
    """A stock's own features are equal to the bit when every other stock is gone.

    A feature may read what a source says about the whole session, e.g. that a list was published. Where that is made
    of other stocks' rows, the rows stay and only their content is garbled.
    """
    own = [name for name in names if not uses_universe(registry, name)]
    together = _values(registry, own, inputs).filter(pl.col("code") == code)
    found = []
    for other_tables in ("gone", "garbled"):
        alone = what_if.of_one_stock(inputs, code, other_tables=other_tables)
        moved = _moved_series(registry, own, inputs, alone)
        judged = [name for name in own if not moved & _states_of(registry, name)]
        here = _values(registry, judged, alone).filter(pl.col("code") == code)
        found += compare("isolation", judged, together, here)
        own = [name for name in own if name not in judged]
    return [*found, *(Violation("isolation", name, FIRST, code, "a session's state adds up stocks") for name in own)]


def late_listing(registry: Registry, names: Sequence[str], inputs: FeatureInputs, code: str) -> list[Violation]:
    """A listing moves nothing that happened before it: the table without the stock is equal to the bit until then."""
    first = inputs.prices.filter(pl.col("code") == code)["session"].dt.date().min()
    if not isinstance(first, date):
        raise FeatureError(f"law of late listing for {code}", got="no rows", want="a listed code", remedy="Choose one.")
    before = pl.col("session") < first
    return compare(
        "late listing",
        names,
        _values(registry, names, inputs).filter(before),
        _values(registry, names, what_if.without_stock(inputs, code)).filter(before),
    )


def row_order(registry: Registry, names: Sequence[str], inputs: FeatureInputs, seed: int = 0) -> list[Violation]:
    """The order of rows in any input changes no bit."""
    here, mixed = (_values(registry, names, one) for one in (inputs, what_if.shuffled(inputs, seed)))
    return compare("row order", names, here, mixed)


def names_of_stocks(registry: Registry, names: Sequence[str], inputs: FeatureInputs) -> list[Violation]:
    """Codes carry no meaning: when they are dealt out in reverse order, every value follows its stock.

    Exact for a stock's own features, 4 ulp where sums over stocks are taken in another order.
    """
    other, back = what_if.renamed(inputs)
    here = _values(registry, names, inputs)
    there = _values(registry, names, other).with_columns(back).sort(KEY)
    shared = [name for name in names if uses_universe(registry, name)]
    own = [name for name in names if name not in shared]
    return compare("names of stocks", own, here, there) + compare("names of stocks", shared, here, there, ulps=4)


def chunks(
    registry: Registry, names: Sequence[str], inputs: FeatureInputs, start: date, ulps: int = 1
) -> list[Violation]:
    """Computed from `start` on with only the declared warm-up, windowed features equal the whole within `ulps`.

    Recursive features promise this from the first stored row on and are computed from there. Other sources are cut to
    the history their states ask for.
    """
    whole = _values(registry, names, inputs).filter(pl.col("session") >= start)
    oldest: date = inputs.prices["session"].sort()[0]
    parts: dict[tuple[date, tuple[tuple[str, date], ...]], list[str]] = {}
    for name in names:
        begins = _begins(registry, name, start)
        first = begins.pop("", FIRST)
        if first < oldest:
            first = FIRST  # the index may reach further back than prices do, and the whole was made with all of it
        parts.setdefault((first, tuple(sorted(begins.items()))), []).append(name)
    found = []
    for (first, sources), several in parts.items():
        part = what_if.only_from(inputs, first, dict(sources))
        chunk = compute(several, part, start=start, end=LAST, registry=registry)
        found += compare("chunks", several, whole, chunk, ulps=ulps)
    return found


def rebasing(registry: Registry, names: Sequence[str], inputs: FeatureInputs, factor: float) -> list[Violation]:
    """Multiplying adjusted histories (dividing volumes) changes nothing: exact for powers of two, else 4 ulp.

    Intermediates may be amounts on the common basis; what is made of them may not.
    """
    public = [name for name in names if not registry.feature(name).is_internal]
    here, there = (_values(registry, public, what_if.rebased(inputs, by)) for by in (1.0, factor))
    ulps = 0 if np.frexp(factor)[0] == 0.5 else 4
    return compare(f"re-basing x{factor:g}", public, here, there, ulps=ulps)


def bounds(registry: Registry, names: Sequence[str], inputs: FeatureInputs) -> list[Violation]:
    """Values are finite and inside their bounds; a market or calendar feature is one value per session or none."""
    frame = _values(registry, names, inputs)
    found = []
    for name in names:
        feature, value = registry.feature(name), pl.col(name)
        slack = 4 * EPSILON
        bad = value.is_nan() | value.is_infinite()
        if feature.at_least is not None:
            bad |= value < feature.at_least - slack * max(1.0, abs(feature.at_least))
        if feature.at_most is not None:
            bad |= value > feature.at_most + slack * max(1.0, abs(feature.at_most))
        if feature.role in ("market", "calendar"):
            bad |= value.ne_missing(value.first().over("session"))
        wrong = frame.filter(bad).select(*KEY, name)
        if not wrong.is_empty():
            session, code, seen = wrong.row(0)
            found.append(Violation("bounds", name, session, code, f"{wrong.height} cells, first {seen}"))
    return found


def budget_of_nulls(registry: Registry, names: Sequence[str], inputs: FeatureInputs) -> list[Violation]:
    """Nulls are the ones the inputs owe, no fewer, and no more than the group's cap."""
    frame = _values(registry, names, inputs)
    return [
        Violation("null budget", count.feature, frame["session"][0], frame["code"][0], str(count))
        for count in null_budget(frame, inputs, registry)
        if not count.is_within
    ]


def compare(law: str, names: Sequence[str], left: pl.DataFrame, right: pl.DataFrame, ulps: int = 0) -> list[Violation]:
    """Violations between two computed frames over the same cells: nulls equal, values within `ulps` of Float32."""
    if not left.select(KEY).equals(right.select(KEY)):
        return [Violation(law, ",".join(names), FIRST, "", f"{left.height} and {right.height} rows of other keys")]
    found = []
    for name in names:
        a, b = left[name].to_numpy(), right[name].to_numpy()
        empty = np.isnan(a) & np.isnan(b)
        if ulps == 0:
            same = a.view(np.int32) == b.view(np.int32)
        else:
            size = np.maximum(np.maximum(np.abs(a), np.abs(b)), SMALLEST)
            same = np.abs(a.astype(np.float64) - b) <= ulps * EPSILON * size
        if not (same | empty).all():
            row = int(np.flatnonzero(~(same | empty))[0])
            words = f"{int((~(same | empty)).sum())} of {a.size} cells, first {left[name][row]} and {right[name][row]}"
            found.append(Violation(law, name, left["session"][row], left["code"][row], words))
    return found


def uses_universe(registry: Registry, name: str) -> bool:
    """Whether other stocks may move a feature: a cross-section is named somewhere below it."""
    return any(
        feature.expr is None or any(part.kind in ("reduce", "cross") for part in feature.expr.parts())
        for feature in registry.in_order([name])
    )


def _values(registry: Registry, names: Sequence[str], inputs: FeatureInputs) -> pl.DataFrame:
    return compute(names, inputs, start=FIRST, end=LAST, registry=registry)


def _states_of(registry: Registry, name: str) -> set[str]:
    """Aliases of every state a feature is made of."""
    return {alias for feature in registry.in_order([name]) for alias in feature.states}


def _begins(registry: Registry, name: str, start: date) -> dict[str, date]:
    """First session needed of prices ("") and of each source, for a feature from `start` on; absent for everything."""
    warmup = warmup_sessions([name], registry)
    if warmup is None:
        return {}
    calendar = tse_calendar()
    place = calendar.index(start) - warmup
    found = {"": calendar.sessions[max(place, 0)]}
    for source, back in state_tables([name], registry).items():
        if back is not None:
            found[source] = calendar.sessions[max(place - back, 0)]
    return found


def _moved_series(registry: Registry, names: Sequence[str], inputs: FeatureInputs, other: FeatureInputs) -> set[str]:
    """States of the whole session that differ between two inputs; those of single stocks are not looked at."""
    aliases = {alias for name in names for alias in _states_of(registry, name)}
    series = [state for state in map(STATES.__getitem__, sorted(aliases)) if "code" not in state.key]
    return {
        state.alias
        for state in series
        if not state.frame(inputs.known).sort(state.key).equals(state.frame(other.known).sort(state.key))
    }
