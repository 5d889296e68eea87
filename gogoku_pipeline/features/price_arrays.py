"""Price inputs of formulas as arrays in the order of an axis.

Belongs here: which staged column an input is, null as NaN, and inputs that are claims about the row. Does not belong
here: the order of rows (`axes`, `tail_tables`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.features.crowd import taken_in_order
from gogoku_pipeline.features.expressions import COLUMN_OF_PRICE, Claims, Values, Whole


class PriceArrays:
    """Staged prices laid out over rows, each input once.

    Args:
        prices: staged prices, any row order.
        where: [price rows] row of the table each one goes to; every row of the table has one.
        chosen: numbers of the price rows that `where` speaks of; None for all of them.
    """

    def __init__(self, prices: pl.DataFrame, where: Whole, chosen: Whole | None = None) -> None:
        self._prices = prices
        self._chosen = chosen
        self._where = where
        self._known: dict[str, Values] = {}
        self._source = np.empty(where.size, np.int32)
        self._source[where] = np.arange(where.size, dtype=np.int32)

    def of(self, name: str) -> Values:
        """[rows] an input by its expression name, NaN for null; raises DataError where its column was not staged."""
        if name not in self._known:
            self._known[name] = self._make(name)
        return self._known[name]

    def keep_only(self, names: set[str]) -> None:
        """Let go of the others."""
        for name in set(self._known) - names:
            del self._known[name]

    def claim(self, name: str) -> Claims:
        """[rows] a boolean column; null is false."""
        out = np.empty(self._where.size, dtype=np.bool_)
        out[self._where] = self._column(name).fill_null(False).to_numpy()
        return out

    def _make(self, name: str) -> Values:
        if name == "listed":
            return np.where(self.claim("is_gap"), np.nan, 1.0)
        if name == "open_session":
            return np.where(self.claim("is_gap") | self.claim("is_market_halt"), np.nan, 1.0)
        if name == "traded_value":
            turnover = self.of("turnover")
            return np.where(turnover > 0, turnover, np.nan)
        values = self._column(COLUMN_OF_PRICE.get(name, name), name).cast(pl.Float64)
        return np.asarray(taken_in_order(values.fill_null(float("nan")).to_numpy(), self._source))

    def _column(self, column: str, name: str = "") -> pl.Series:
        if column not in self._prices.columns:
            raise DataError(
                f"price input `{name or column}`",
                got=f"no column `{column}` in the staged prices",
                want="the column, because a formula reads it",
                remedy="Stage with stage_prices(bars, extra=price_columns(names)).",
            )
        return self._prices[column] if self._chosen is None else self._prices[column].gather(self._chosen)
