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
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.registry import Registry

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
    """Values up to `cut` are equal to the bit whether later rows exist, are scrambled or are gone."""
    gone = _values(registry, names, inputs.until(cut))
    whole = _values(registry, names, inputs).filter(pl.col("session") <= cut)
    garbled = _values(registry, names, _scrambled(inputs, cut)).filter(pl.col("session") <= cut)
    return [
        *compare("truncation", names, whole, gone),
        *compare("truncation (scrambled future)", names, garbled, gone),
    ]


def isolation(registry: Registry, names: Sequence[str], inputs: FeatureInputs, code: str) -> list[Violation]:
    """A stock's own features are equal to the bit when every other stock is gone."""
    own = [name for name in names if not uses_universe(registry, name)]
    alone = FeatureInputs(inputs.prices.filter(pl.col("code") == code), inputs.universe, inputs.topix, inputs.given)
    together = _values(registry, own, inputs).filter(pl.col("code") == code)
    return compare("isolation", own, together, _values(registry, own, alone))


def late_listing(registry: Registry, names: Sequence[str], inputs: FeatureInputs, code: str) -> list[Violation]:
    """A listing moves nothing that happened before it: the table without the stock is equal to the bit until then."""
    first = inputs.prices.filter(pl.col("code") == code)["session"].dt.date().min()
    if not isinstance(first, date):
        raise FeatureError(f"law of late listing for {code}", got="no rows", want="a listed code", remedy="Choose one.")
    without = FeatureInputs(
        inputs.prices.filter(pl.col("code") != code),
        inputs.universe.filter(pl.col("code") != code),
        inputs.topix,
        inputs.given,
    )
    before = pl.col("session") < first
    return compare(
        "late listing",
        names,
        _values(registry, names, inputs).filter(before),
        _values(registry, names, without).filter(before),
    )


def row_order(registry: Registry, names: Sequence[str], inputs: FeatureInputs, seed: int = 0) -> list[Violation]:
    """The order of rows in any input changes no bit."""
    frames = (inputs.prices, inputs.universe, inputs.topix)
    mixed = [frame.sample(fraction=1.0, shuffle=True, seed=seed + n) for n, frame in enumerate(frames)]
    return compare(
        "row order",
        names,
        _values(registry, names, inputs),
        _values(registry, names, FeatureInputs(mixed[0], mixed[1], mixed[2], inputs.given)),
    )


def names_of_stocks(registry: Registry, names: Sequence[str], inputs: FeatureInputs) -> list[Violation]:
    """Codes carry no meaning: when they are dealt out in reverse order, every value follows its stock.

    Exact for a stock's own features, 4 ulp where sums over stocks are taken in another order.
    """
    codes = inputs.prices["code"].unique().sort()
    renamed = dict(zip(codes, reversed(codes), strict=True))
    known = pl.col("code").is_in(codes.implode())
    swap = pl.col("code").replace(renamed)
    other = FeatureInputs(
        inputs.prices.with_columns(swap),
        inputs.universe.filter(known).with_columns(swap),
        inputs.topix,
        None if inputs.given is None else inputs.given.filter(known).with_columns(swap),
    )
    here = _values(registry, names, inputs)
    there = _values(registry, names, other).with_columns(swap).sort(KEY)
    shared = [name for name in names if uses_universe(registry, name)]
    own = [name for name in names if name not in shared]
    return compare("names of stocks", own, here, there) + compare("names of stocks", shared, here, there, ulps=4)


def chunks(
    registry: Registry, names: Sequence[str], inputs: FeatureInputs, start: date, ulps: int = 1
) -> list[Violation]:
    """Computed from `start` on with only the declared warm-up, windowed features equal the whole within `ulps`.

    Recursive features promise this from the first stored row on and are computed from there.
    """
    sessions = inputs.prices["session"].unique().sort().to_list()
    found = []
    whole = _values(registry, names, inputs).filter(pl.col("session") >= start)
    for name in names:
        warmup = warmup_sessions([name], registry)
        first = sessions[0] if warmup is None else sessions[max(0, sessions.index(start) - warmup)]
        keep = pl.col("session") >= first
        given = None if inputs.given is None else inputs.given.filter(keep)
        part = FeatureInputs(inputs.prices.filter(keep), inputs.universe.filter(keep), inputs.topix.filter(keep), given)
        chunk = compute([name], part, start=start, end=LAST, registry=registry)
        found += compare("chunks", [name], whole, chunk, ulps=ulps)
    return found


def rebasing(registry: Registry, names: Sequence[str], inputs: FeatureInputs, factor: float) -> list[Violation]:
    """Multiplying adjusted histories (dividing volumes) changes nothing: exact for powers of two, else 4 ulp."""
    prices = ("open", "high", "low", "close", "mark")
    scaled = inputs.prices.with_columns(pl.col(prices) * factor, pl.col("volume") / factor)
    other = FeatureInputs(scaled, inputs.universe, inputs.topix, inputs.given)
    ulps = 0 if np.frexp(factor)[0] == 0.5 else 4
    return compare(
        f"re-basing x{factor:g}", names, _values(registry, names, inputs), _values(registry, names, other), ulps=ulps
    )


def bounds(registry: Registry, names: Sequence[str], inputs: FeatureInputs) -> list[Violation]:
    """Values are finite, inside their declared bounds, and a market feature is one value per session or none."""
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
        if feature.role == "market":
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


def _scrambled(inputs: FeatureInputs, cut: date) -> FeatureInputs:
    """The same inputs with every later number replaced by another."""
    rng = stream(0, "laws", str(cut))

    def garble(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
        noise = pl.Series(rng.uniform(0.2, 5.0, frame.height))
        later = pl.col("session") > cut
        return frame.with_columns(
            pl.when(later).then(pl.col(name) * noise).otherwise(pl.col(name)).alias(name) for name in columns
        )

    prices = garble(inputs.prices, ("open", "high", "low", "close", "volume", "turnover_jpy", "mark"))
    outside = pl.when(pl.col("session") > cut).then(~pl.col("is_in_universe")).otherwise(pl.col("is_in_universe"))
    universe = inputs.universe.with_columns(outside.alias("is_in_universe"))
    return FeatureInputs(prices, universe, garble(inputs.topix, ("close_points",)), inputs.given)
