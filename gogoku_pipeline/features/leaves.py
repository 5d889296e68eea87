"""What a leaf of a formula means on rows of stocks, whatever the order of the rows.

Belongs here: price inputs, numbers, states and finished features of other tables, and the error for anything else.
Does not belong here: the order of rows (`evaluation` by stock, `days` by session).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.staged import Releases


def leaf_of_rows(
    name: str,
    axis: StockAxis,
    features: Mapping[str, Feature],
    finished: Mapping[str, Values],
    joined: Callable[[Values, Whole | None], Values],
) -> Values:
    """What a leaf is on rows of stocks.

    Args:
        name: of the leaf.
        axis: stocks by sessions.
        features: by name.
        finished: their values, each on its own table.
        joined: brings a column onto the rows asked for; with the place each row reads in it where the column is of
            another table, None where it is of rows itself.

    Raises:
        FeatureError: an input of another table.
    """
    kind, _, rest = name.partition(".")
    if kind == "constant":
        return np.asarray(float(rest))
    if kind == "price":
        return joined(axis.price(rest), None)
    if kind == "feature":
        feature = features[rest]
        return joined(finished[rest], axis.rows_of(feature.axis, feature.by))
    if kind == "state":
        alias, _, column = rest.partition(".")
        state, found = axis.staged(alias)
        values = found.columns if isinstance(found, Releases) else found
        return joined(values[column], axis.rows_of(state.axis, alias))
    raise unknown(name, "an input of another table")


def unknown(name: str, got: str) -> FeatureError:
    """The error of a formula that reaches for something its table does not have."""
    return FeatureError(
        f"`{name}` in a formula",
        got=got,
        want="inputs of the formula's own table",
        remedy="Declare the missing piece as a feature of its own axis and name it with F().",
    )
