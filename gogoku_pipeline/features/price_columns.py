"""Which optional columns of staged prices a set of features reads, so that nobody carries columns nobody needs.

Belongs here: the answer for a set of names. Does not belong here: values (`axes`), staging (`tables.prices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gogoku_pipeline.features.expressions import COLUMN_OF_PRICE
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS

OWN_LEAVES = ("constant", "price", "index", "feature")
"""Beginnings of leaves that are no state of another source."""

STATE_COLUMNS = ("volume_factor",)
"""Columns the states of other sources may read: shares are brought to one basis."""


def price_columns(names: Iterable[str], registry: Registry | None = None) -> tuple[str, ...]:
    """What `stage_prices(extra=...)` must carry for these features and everything they are made of.

    Args:
        names: exact feature names.
        registry: where they are declared; None for the house registry.

    Returns:
        Keys of EXTRA_COLUMNS in their order there.
    """
    found: set[str] = set()
    for feature in (registry or house()).in_order(names):
        for leaf in _leaves(feature):
            kind, _, name = leaf.partition(".")
            if kind == "price":
                found.add(COLUMN_OF_PRICE.get(name, name))
            elif kind not in OWN_LEAVES:
                found.update(STATE_COLUMNS)
    return tuple(column for column in EXTRA_COLUMNS if column in found)


def _leaves(feature: Feature) -> Iterator[str]:
    """Leaf names of the formula, of its undefined case, and of what it observes and needs."""
    for expr in (feature.expr, feature.undefined):
        if expr is not None:
            yield from (leaf.name for leaf in expr.leaves())
    observed = (text.partition("[")[0] for text in feature.observes)
    for name in (*observed, *(need.name for need in feature.needs)):
        yield f"feature.{name[1:]}" if name.startswith("@") else name if "." in name else f"price.{name}"
