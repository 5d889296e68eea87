"""The one engine: from declarations and tables to a frame of features.

Belongs here: order of work, evaluation of expressions, minimum observations, what becomes null, the output frame.
Does not belong here: formulas, kernels, names.

Formulas of single stocks become one plan (`plan`), which runs over blocks of a few dozen codes: intermediate results
stay in the processor's cache, and equal sub-expressions are computed once. A market or cross-section series waits
until all blocks before it are done.
Accumulation is float64, storage Float32; a value that is not finite is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.across import Across, Shown, together
from gogoku_pipeline.features.axes import StockAxis, build_axis
from gogoku_pipeline.features.evaluation import Past, Stocks, Store
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    Floats,
    Values,
    Whole,
    constant,
    greater,
    only_where_present,
    where,
)
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.lifetimes import Lifetimes
from gogoku_pipeline.features.operators.cross_section import members_count
from gogoku_pipeline.features.operators.recursive import observations
from gogoku_pipeline.features.operators.windows import count, lag
from gogoku_pipeline.features.output import Order, nullable, order_of_block, output_rows, put
from gogoku_pipeline.features.output_memory import OUTPUTS
from gogoku_pipeline.features.plan import Finished, planned
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.states.register import STATES

ENDS_ONLY = ("E", "P", "Q", "C")
"""Windows whose missing values are told by `needs` alone."""

BLOCK_ROWS = 16_384
"""Rows per block: about 128 KiB per intermediate array."""


def compute(
    names: Sequence[str],
    inputs: FeatureInputs,
    *,
    start: date,
    end: date,
    registry: Registry | None = None,
) -> pl.DataFrame:
    """Features of every listed stock on every session of a range.

    Args:
        names: exact feature names, in the order of the output columns.
        inputs: staged prices, universe and index; rows after `end` are not looked at. Windowed features need
            `warmup_sessions(names)` sessions before `start`, recursive ones each listing's first stored row.
        start: first session of the output.
        end: last session of the output, included.
        registry: where the names are declared; None for the house registry.

    Returns:
        [session, code, *names] Float32, one row per row of `inputs.prices` in the range that is no gap, sorted by
        session and code. Null: too few observations, no trade where one is needed, undefined.

    Raises:
        FeatureError: unknown name, or a feature another room computes that is not in `inputs.given`.
        PartitionMissingError: a feature reads a source whose table is not in `inputs.tables`.
        DataError: a stock's sessions are doubled or not consecutive.
    """
    axis = build_axis(inputs.until(end))
    run = Run(axis, registry or house(), tuple(dict.fromkeys(names)), output_rows(axis, start, end))
    return run.done()


def warmup_sessions(names: Iterable[str], registry: Registry | None = None) -> int | None:
    """Sessions needed before the first one asked for; None if the first stored row of each listing is needed."""
    registry = registry or house()
    reach: dict[str, int | None] = {}
    wanted = tuple(names)
    for feature in registry.in_order(wanted):
        below = [reach[needed] for needed in feature.depends_on] + [
            STATES[alias].price_sessions for alias in feature.states
        ]
        known = [places for places in below if places is not None]
        unbounded = feature.is_recursive or len(known) < len(below)
        reach[feature.name] = None if unbounded else own_reach(feature) + max(known, default=0)
    every = [reach[name] for name in wanted]
    return None if None in every else max((places for places in every if places is not None), default=0)


def own_reach(feature: Feature) -> int:
    """Sessions before t that a feature looks at by itself; a window of releases reaches over the sessions between."""
    if feature.axis != "release":
        return feature.reach
    state = STATES[feature.by]
    releases = max(feature.window.sessions, feature.reach + 1)
    return releases * state.sessions_per_release + (state.expires_sessions or 0)


def stages(features: Sequence[Feature]) -> dict[str, int]:
    """Stage of each feature: a stock feature waits one stage for every session-wide series it is made of."""
    stage: dict[str, int] = {}
    axis = {feature.name: feature.axis for feature in features}
    for feature in features:
        waits = feature.axis == "stock"
        below = [stage[name] + (waits and axis[name] not in ("stock", "external")) for name in feature.depends_on]
        stage[feature.name] = max(below, default=0)
    return stage


def waves(features: Sequence[Feature]) -> list[list[Feature]]:
    """Features of one stage that look across stocks, those that wait for others of them in a later wave."""
    wave: dict[str, int] = {}
    for feature in features:
        wave[feature.name] = max((wave[name] + 1 for name in feature.depends_on if name in wave), default=0)
    many = range(max(wave.values(), default=-1) + 1)
    return [[feature for feature in features if wave[feature.name] == number] for number in many]


@dataclass
class Run:
    """One computation over the sessions of an axis.

    Attributes:
        axis: stocks by sessions; registry: where names are declared; names: columns of the output.
        out_row: [rows] place of each row in the output, -1 for none.
        past: what recursions start from, and who is told of values that later sessions read.
    """

    axis: StockAxis
    registry: Registry
    names: tuple[str, ...]
    out_row: Whole
    past: Past = field(default_factory=Past)
    store: Store = field(init=False)
    table: Floats = field(init=False)
    column: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Order the work and make room for the output."""
        self.features = self.registry.in_order(self.names)
        self.store = Store(self.axis, {f.name: f for f in self.features}, self.past)
        size = int((self.out_row >= 0).sum())
        self.table = OUTPUTS.table(len(self.names), size)
        self.column = {name: number for number, name in enumerate(self.names)}
        self.axes = {feature.name: feature.axis for feature in self.features}
        self.keys = {feature.name: F(feature.name).key for feature in self.features}

    def done(self) -> pl.DataFrame:
        """Do the work; [session, code, *names] Float32, sorted by session and code."""
        keys = keys_of(self.axis, self.out_row)
        with np.errstate(all="ignore"):
            self._work()
        return frame_of(keys, self.names, self.table)

    def _work(self) -> None:
        recipes = {f.name: (f, *recipe(f, self.registry)) for f in self.features if f.axis != "external"}
        lives = Lifetimes(self.store, recipes.values())
        across = Across(self.store, Shown.of(self.axis, self.out_row, self.table, self.column))
        external = [feature for feature in self.features if feature.axis == "external"]
        self.store.values.update({feature.name: given_values(self.axis, feature.name) for feature in external})
        across.show(external)
        stage = stages(self.features)
        for number in range(max(stage.values(), default=-1) + 1):
            now = [feature for feature in self.features if stage[feature.name] == number]
            stocks = [feature for feature in now if feature.axis == "stock"]
            self._stocks(stocks, lives.read(stocks))
            lives.done(stocks)
            for wave in waves([feature for feature in now if feature.axis not in ("stock", "external")]):
                for piece in together([recipes[feature.name] for feature in wave], self.axes):
                    across.make(piece, lives.read())
                    lives.done([feature for feature, *_ in piece])

    def _stocks(self, features: list[Feature], kept: set[str]) -> None:
        """Features of single stocks, block by block; those in `kept` are read by others."""
        if not features:
            return
        for feature in features:
            if feature.name in kept:
                self.store.values[feature.name] = np.empty(self.axis.rows)
        told = {feature.name for feature in features if self.past.reads(self.keys[feature.name])}
        plan = planned([(feature, *recipe(feature, self.registry)) for feature in features], kept | told)
        bounds = _blocks(self.axis.starts)
        room = np.empty(plan.slots * max((int(np.diff(self.axis.starts[[*pair]])[0]) for pair in bounds), default=0))
        for low, high in bounds:
            block = Stocks(self.store, low, high)
            rows = block.rows.stop - block.rows.start
            memory = room[: plan.slots * rows].reshape(plan.slots, rows)
            order = order_of_block(self.out_row[block.rows])
            for done in plan.run(block, memory):
                self._finish(done, block, memory, order)

    def _finish(self, done: Finished, block: Stocks, memory: Values, order: Order) -> None:
        """Keep what others read, put out what is asked for."""
        for name, slot in zip(done.names, done.slots, strict=True):
            self.past.note(self.keys[name], memory[slot], block)
            if name in self.store.values:
                self.store.values[name][block.rows] = memory[slot]
        wanted = [
            (slot, self.column[name]) for name, slot in zip(done.names, done.slots, strict=True) if name in self.column
        ]
        slots, columns = np.array(wanted, dtype=np.int64).reshape(-1, 2).T
        put(memory, slots, order, self.table, columns)


def keys_of(axis: StockAxis, out_row: Whole) -> dict[str, pl.Series]:
    """Session and code of every row that is put out, in the order of the output."""
    order = axis.by_session
    shown = (out_row >= 0)[order.rows]
    days = np.repeat(axis.sessions.astype(np.int32), np.diff(order.first))[shown]
    code_id = np.repeat(np.arange(len(axis.codes), dtype=np.int32), np.diff(axis.starts))
    return {
        "session": pl.Series("session", days).cast(pl.Date),
        "code": axis.codes.gather(code_id[order.rows[shown]]).alias("code"),
    }


def frame_of(keys: dict[str, pl.Series], names: Sequence[str], table: Floats) -> pl.DataFrame:
    """[session, code, names...] of the output [names, rows put out]; the frame stands on these very numbers."""
    return pl.DataFrame(keys | {name: nullable(name, values) for name, values in zip(names, table, strict=True)})


def given_values(axis: StockAxis, name: str) -> Values:
    """[rows] values of a feature another room computed; raises FeatureError where they were not handed in."""
    given = axis.inputs.given
    if given is None or name not in given.columns:
        raise FeatureError(
            f"feature {name}",
            got="no values in inputs.given",
            want="the column, because another room computes it",
            remedy="Compute it there and hand it in as FeatureInputs(given=...).",
        )
    rows = axis.locate(given)
    out = np.full(axis.rows, np.nan)
    out[rows[rows >= 0]] = given[name].cast(pl.Float64).to_numpy()[rows >= 0]
    return out


def recipe(feature: Feature, registry: Registry) -> tuple[Expr, Expr | None]:
    """The formula and the count of its observations (None where both end points are all it needs)."""
    if feature.expr is None:
        raise FeatureError(
            f"feature {feature.name}", got="no formula", want="a declared one", remedy="Declare it external."
        )
    if feature.window.kind in ENDS_ONLY or not feature.observes:
        return feature.expr, None
    inputs = [_observation(text, feature, registry) for text in feature.observes]
    complete = only_where_present(inputs[0], *inputs)
    if feature.window.kind == "X":
        return feature.expr, observations(complete)
    return feature.expr, count(complete, feature.window.sessions)


def _observation(text: str, feature: Feature, registry: Registry) -> Expr:
    name, _, place = text.partition("[t-")
    if name.startswith("@"):
        leaf = F(name[1:])
        if feature.axis in ("market", "group") and registry.feature(name[1:]).axis in ("stock", "day", "external"):
            present = members_count(leaf)
            leaf = where(greater(present, feature.members - 0.5), present, constant(float("nan")))
    else:
        leaf = leaf_of(name)
    return lag(leaf, int(place.rstrip("]"))) if place else leaf


def leaf_of(name: str) -> Expr:
    """The leaf a need or an observation names: `close`, `index.close`, `margin.long_shares`."""
    alias, dot, _ = name.partition(".")
    if not dot:
        return Expr(f"price.{name}", "leaf")
    return Expr(name if alias == "index" else f"state.{name}", "leaf")


def _blocks(starts: Whole) -> list[tuple[int, int]]:
    """Ranges of codes with about BLOCK_ROWS rows each."""
    bounds = [0]
    for code in range(1, starts.size):
        if starts[code] - starts[bounds[-1]] >= BLOCK_ROWS or code == starts.size - 1:
            bounds.append(code)
    return list(zip(bounds[:-1], bounds[1:], strict=True))
