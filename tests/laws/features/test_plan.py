"""The plan of a run gives what walking each formula by itself gives: sharing and order change no bit."""

from __future__ import annotations

import numpy as np
import pytest

from gogoku_pipeline.features.axes import build_axis
from gogoku_pipeline.features.engine import Run, recipe
from gogoku_pipeline.features.evaluation import Stocks, Store, evaluate
from gogoku_pipeline.features.expressions import F, P, constant, greater, larger, log, only_where_present, where
from gogoku_pipeline.features.feature import Feature, Window
from gogoku_pipeline.features.operators.recursive import ema
from gogoku_pipeline.features.operators.regression import pair_regression
from gogoku_pipeline.features.operators.windows import count, deviation, highest, lag, lowest, mean, total, variance
from gogoku_pipeline.features.output import FIRST, observed_often, order_of_block, output_rows, put
from gogoku_pipeline.features.plan import planned
from gogoku_pipeline.features.registry import Registry, house


class PlainRun(Run):
    """Every stock at once, every formula by itself."""

    def _stocks(self, features, kept):
        block = Stocks(self.store, 0, len(self.axis.codes))
        for feature in features:
            expr, observed = recipe(feature, self.registry)
            often = np.ones(self.axis.rows) if observed is None else evaluate(observed, block)
            least = 0 if observed is None else feature.min_obs
            values = observed_often(np.broadcast_to(evaluate(expr, block), self.axis.rows).copy(), often, least)
            block.memo = {**block.memo, F(feature.name).key: values}
            self.store.values[feature.name] = values
            if feature.name in self.column:
                row = np.array([self.column[feature.name]])
                put(values.reshape(1, -1), FIRST, order_of_block(self.out_row), self.table, row)


def differing(names, inputs, registry):
    axis = build_axis(inputs)
    days = inputs.known.sessions
    wanted = output_rows(axis, days[0], days[-1])
    planned = Run(axis, registry, names, wanted).done()
    plain = PlainRun(build_axis(inputs), registry, names, wanted).done()
    bits = {name: (planned[name].to_numpy().view(np.int32), plain[name].to_numpy().view(np.int32)) for name in names}
    missing = [name for name in names if not planned[name].is_null().equals(plain[name].is_null())]
    there = {name: planned[name].is_not_null().to_numpy() for name in names}
    return missing + [name for name, (a, b) in bits.items() if (a[there[name]] != b[there[name]]).any()]


def test_every_feature_of_the_house(inputs):
    assert differing(tuple(feature.name for feature in house().features), inputs, house()) == []


def made_up(name, expr, depends_on=()):
    return Feature(
        name=name, group="returns", family="feat__prices", axis="stock", role="stock", unit="ratio", plan="Free",
        window=Window.parse("X1"), min_obs=1, sources=tuple(f"@{below}" for below in depends_on), summary=name,
        formula=expr.key, expr=expr,
    )  # fmt: skip


def awkward():
    """Formulas no feature of the house has: every operation, and values that are read from everywhere at once."""
    registry, nothing = Registry("awkward"), constant(float("nan"))
    move = P.close / lag(P.close, 1) - 1
    lines = pair_regression(move, P.volume / mean(P.volume, 20), 60)
    made = {
        "leaf": P.close,
        "number": only_where_present(constant(2.5), P.close),
        "infinite": P.close / (P.close - P.close),
        "root": deviation(move, 3) - variance(move, 3, ddof=0),
        "windows": total(move, 5) + mean(move, 5) * count(move, 5) - deviation(move, 250),
        "extremes": (P.close - lowest(P.low, 14)) / (highest(P.high, 14) - lowest(P.low, 14)),
        "claims": where(greater(move, 0.0), larger(move, 0.01), where(greater(-0.01, move), nothing, -log(P.close))),
        "line": lines.slope + lines.r2 * lines.residual_deviation,
        "smooth": ema(move, 5) + mean(only_where_present(P.volume, move, P.high), 7),
    }
    for name, expr in made.items():
        registry.add(made_up(name, expr))
    registry.add(made_up("again", F("leaf"), ["leaf"]))
    registry.add(made_up("of_others", mean(F("infinite"), 4) + mean(F("claims"), 4) - F("windows") * F("again"),
                         ["infinite", "claims", "windows", "again"]))  # fmt: skip
    return registry, (*made, "again", "of_others")


def test_every_operation_and_values_read_from_everywhere(inputs):
    registry, names = awkward()
    assert differing(names, inputs, registry) == []


@pytest.mark.parametrize("at_once", [1, 2, 50])
def test_how_many_features_are_finished_together_changes_no_bit(inputs, at_once):
    registry, names = awkward()
    recipes = [(feature, *recipe(feature, registry)) for feature in registry.in_order(names)]
    plan = planned(recipes, set(names), at_once)
    usual = planned(recipes, set(names))
    assert finished(plan, inputs) == finished(usual, inputs)


def finished(plan, inputs):
    """Bytes of each feature on the first stocks."""
    block = Stocks(Store(build_axis(inputs), {}), 0, 7)
    memory = np.empty((plan.slots, block.rows.stop))
    return {
        name: memory[slot].tobytes()
        for done in plan.run(block, memory)
        for name, slot in zip(done.names, done.slots, strict=True)
    }
