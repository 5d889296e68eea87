"""Price limits and ticks of the Tokyo Stock Exchange, as data.

Daily limit: in force since January 2010 for domestic shares. Ticks: the tables in force since 2023-06-05 (one for
TOPIX 500 members, one for all others); earlier tick changes are not in the table, so `tick_jpy` refuses no date but
its docstring says what it answers with.
Source: JPX rules "Daily price limits" and "Tick size".
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@lru_cache(maxsize=2)
def _table(name: str) -> dict[str, FloatArray]:
    with (files("gogoku_pipeline.core") / name).open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


def limit_jpy(base_jpy: npt.ArrayLike) -> FloatArray:
    """How far a price may travel from its base in one session, in yen.

    Args:
        base_jpy: base prices (the previous close), any shape; NaN stays NaN.

    Returns:
        The limit of the first bracket whose bound exceeds the base, same shape.
    """
    base = np.asarray(base_jpy, dtype=np.float64)
    table = _table("daily_price_limits.csv")
    place = np.searchsorted(table["base_price_below"], base, side="right")
    limit = table["limit_yen"][np.minimum(place, len(table["limit_yen"]) - 1)]
    return np.where(np.isnan(base), np.nan, limit)


def tick_jpy(price_jpy: npt.ArrayLike, *, is_topix500: npt.ArrayLike = False) -> FloatArray:
    """The price step at a price, in yen, by the table of 2023-06-05.

    Args:
        price_jpy: prices, any shape; NaN stays NaN.
        is_topix500: whether the issue belongs to TOPIX 500 (finer steps), broadcast against the prices.
    """
    price = np.asarray(price_jpy, dtype=np.float64)
    table = _table("tick_sizes.csv")
    place = np.minimum(np.searchsorted(table["price_up_to"], price, side="left"), len(table["price_up_to"]) - 1)
    tick = np.where(np.asarray(is_topix500), table["tick_topix500"][place], table["tick_other"][place])
    return np.where(np.isnan(price), np.nan, tick)
