"""Computing a whole history and keeping what the next session needs; the collecting that appending shares.

Belongs here: `compute_carrying`, which gives the bits of `engine.compute`, and what is kept while it runs. Does not
belong here: going on from it (`append`), the record (`carried`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.axes import StockAxis, build_axis
from gogoku_pipeline.features.carried import Carried, Place, Prints, code_of
from gogoku_pipeline.features.engine import Run
from gogoku_pipeline.features.evaluation import EvaluationTable, Past, kernel_of
from gogoku_pipeline.features.expressions import Claims, Expr, Values, Whole
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.needs import Needs, needs_of
from gogoku_pipeline.features.output import output_rows
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.tail_rows import dense, spans

EPOCH = date(1970, 1, 1)


def compute_carrying(
    names: Sequence[str], inputs: FeatureInputs, *, start: date, end: date, registry: Registry | None = None
) -> tuple[pl.DataFrame, Carried]:
    """Features of a range from the whole history, and what a session appended after it needs.

    Args:
        names: exact feature names, in the order of the output columns.
        inputs: the whole history, from each listing's first stored row on.
        start: first session of the output.
        end: last session of the output; the last one of `inputs` up to it is carried.
        registry: where the names are declared; None for the house registry.

    Returns:
        The frame of `engine.compute`, bit for bit, and the carried state.

    Raises:
        FeatureError, PartitionMissingError, DataError: as `engine.compute`.
    """
    registry = registry or house()
    wanted = tuple(dict.fromkeys(names))
    needs = needs_of(wanted, registry)
    given = inputs.until(end)
    days = given.known.sessions
    if days.is_empty():
        raise FeatureError(
            "carried state of features", got="no session", want="a history", remedy="Hand in staged prices."
        )
    ends = spans(given.prices)
    recent = days[max(len(days) - needs.tail, 0)]
    awake, asleep = ends.filter(pl.col("last_bar") >= recent), ends.filter(pl.col("last_bar") < recent)
    axis = build_axis(dense(given, awake, is_tail=False))
    keeping = Keeping(axis, needs)
    frame = Run(axis, registry, wanted, output_rows(axis, start, end), keeping).done()
    chosen = np.flatnonzero(axis.codes.is_in(awake["code"].implode()).to_numpy())
    return frame, keeping.carried(wanted, registry, chosen, first=days[0], asleep=tuple(asleep["code"]))


class Keeping(Past):
    """Collects states and newest results while formulas run; every unit's rows reach to the last session."""

    def __init__(self, axis: StockAxis, needs: Needs) -> None:
        self.axis = axis
        self.needs = needs
        self.states = {place: np.zeros((self.units(place[0]), size)) for place, size in needs.states.items()}
        far = {place: sessions for place, sessions in needs.kept.items() if sessions}
        self.kept = {place: np.full((self.units(place[0]), sessions), np.nan) for place, sessions in far.items()}

    def units(self, table: str) -> int:
        """How many stocks, markets or groups a table has."""
        if table == "stock":
            return len(self.axis.codes)
        return 1 if table == "market" else self.axis.cells(table)[1] // max(self.axis.sessions.size, 1)

    def recursion(self, expr: Expr, args: list[Values], table: EvaluationTable) -> Any:
        """Results of a recursive operator from the first row on; its state is kept."""
        return self.from_state(expr, args, table, np.zeros((table.starts.size - 1, expr.state_size)))

    def from_state(
        self, expr: Expr, args: list[Values], table: EvaluationTable, state: Values, begin: Whole | None = None
    ) -> Any:
        """Results from a state on; what it becomes is kept."""
        first = table.starts[:-1] if begin is None else begin
        found = kernel_of(expr)(*args, table.starts, first, state, *expr.params)
        if (table.name, expr.root) in self.states:
            self.states[table.name, expr.root][table.first_unit : table.first_unit + len(state)] = state
        return found

    def reads(self, key: str) -> bool:
        """Whether later sessions read a finished stock feature."""
        return ("stock", key) in self.kept

    def note(self, key: str, values: Values, table: EvaluationTable) -> None:
        """Keep the newest results of what later sessions read."""
        if (kept := self.kept.get((table.name, key))) is not None:
            units = table.starts.size - 1
            kept[table.first_unit : table.first_unit + units] = newest(values, table.starts, kept.shape[1])

    def carried(
        self, names: tuple[str, ...], registry: Registry, chosen: Whole, *, first: date, asleep: tuple[str, ...]
    ) -> Carried:
        """The record, with the chosen codes."""

        def of_units(place: Place, values: Values) -> Values:
            return values[chosen] if place[0] == "stock" else values

        groups = {table for table, _ in (*self.states, *self.kept)} - {"stock", "market"}
        return Carried(
            names=names,
            code=code_of(registry),
            first=first,
            through=EPOCH + timedelta(days=int(self.axis.sessions[-1])),
            codes=tuple(self.axis.codes.gather(chosen)),
            asleep=asleep,
            groups={by: tuple(self.axis.labels(by)) for by in sorted(groups)},
            states={place: of_units(place, values) for place, values in self.states.items()},
            kept={place: of_units(place, values) for place, values in self.kept.items()},
            prints=session_prints(self.axis)[-self.needs.tail :],
        )


def session_prints(axis: StockAxis) -> Prints:
    """One number per session made of closes and volumes of its bars, whatever their order."""
    prices = axis.inputs.prices
    close, volume = (prices[name].cast(pl.Float64).fill_null(-1.0).to_numpy() for name in ("close", "volume"))
    present = ~prices["is_gap"].fill_null(value=False).to_numpy()
    return np.asarray(_prints(close, volume, present, axis.place[axis.row_of_price], axis.sessions.size))


@compiled
def _prints(close: Values, volume: Values, present: Claims, place: Whole, sessions: int) -> Prints:
    out = np.zeros(sessions, np.uint64)
    for row in range(place.size):
        if present[row]:
            mixed = np.uint64(1469598103934665603)
            for value in (close[row], volume[row]):
                mixed = (mixed ^ np.float64(value).view(np.uint64)) * np.uint64(1099511628211)
                mixed ^= mixed >> np.uint64(29)
            out[place[row]] += mixed
    return out


@compiled
def newest(values: Values, starts: Whole, sessions: int) -> Values:
    """[units, sessions] the last values of each unit, NaN before its first row."""
    out = np.full((starts.size - 1, sessions), np.nan)
    for u in range(starts.size - 1):
        held = min(sessions, starts[u + 1] - starts[u])
        for k in range(held):
            out[u, sessions - held + k] = values[starts[u + 1] - held + k]
    return out
