"""Graphs small enough to check by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

DAYS = [date(2024, 5, day) for day in (7, 8, 9, 10, 13, 14)]


@pytest.fixture
def days() -> list[date]:
    """Six sessions."""
    return DAYS


@pytest.fixture
def table():
    """Returns from a table: code -> one value per session (None: no trade), all members, market standing still."""

    def make(rows: dict[str, list[float | None]], market: list[float] | None = None) -> pl.DataFrame:
        length = len(next(iter(rows.values())))
        return pl.concat(
            pl.DataFrame(
                {
                    "session": DAYS[:length],
                    "code": [code] * length,
                    "ret_1d": pl.Series(values, dtype=pl.Float64),
                    "ret_5d": pl.Series(values, dtype=pl.Float64) * 3,
                    "xs_ret_1d": market or [0.0] * length,
                    "is_in_universe": [True] * length,
                }
            )
            for code, values in rows.items()
        )

    return make
