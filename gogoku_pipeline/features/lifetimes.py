"""How long the columns of a run live: a column is dropped as soon as nobody is left who reads it.

Belongs here: who reads what. Does not belong here: making columns (`engine`, `across`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gogoku_pipeline.features.evaluation import Store
from gogoku_pipeline.features.expressions import Expr
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.formulas import Recipe


class Lifetimes:
    """Who is still to come, and what they read.

    Args:
        store: finished features and the axis with its inputs.
        recipes: every feature of the run that has a formula.
    """

    def __init__(self, store: Store, recipes: Iterable[Recipe]) -> None:
        self._store = store
        self._reads = {feature.name: set(feature.depends_on) for feature, *_ in recipes}
        self._inputs = {feature.name: _inputs(exprs) for feature, *exprs in recipes}

    def read(self, besides: Iterable[Feature] = ()) -> set[str]:
        """Features that somebody is still to read, besides some readers."""
        known = {feature.name for feature in besides}
        return {name for reader, names in self._reads.items() if reader not in known for name in names}

    def done(self, features: Iterable[Feature]) -> None:
        """Some features are finished: what only they read goes."""
        for feature in features:
            self._reads.pop(feature.name, None)
        read = self.read()
        for name in [name for name in self._store.values if name not in read]:
            del self._store.values[name]
        leaves = {leaf for name in self._reads for leaf in self._inputs[name]}
        prices = {leaf.removeprefix("price.") for leaf in leaves if leaf.startswith("price.")}
        states = {leaf.split(".")[1] for leaf in leaves if leaf.startswith("state.")}
        joined = (self._store.features[name] for name in read | set(self._reads))
        self._store.axis.keep_only(prices, states | {feature.by for feature in joined if feature.axis == "release"})


def _inputs(exprs: Iterable[Expr | None]) -> set[str]:
    """Names of the leaves of some expressions."""
    return {leaf.name for expr in exprs if expr is not None for leaf in expr.leaves()}
