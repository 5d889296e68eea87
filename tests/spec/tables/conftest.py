"""Tiny tables to write by hand: bars and listings with honest defaults for every column nobody mentions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.schema.tables import Table

_BAR = {
    "code": "10000",
    "close_jpy": None,
    "is_limit_up": False,
    "is_limit_down": False,
    "volume_shares": None,
    "turnover_jpy": None,
    "adjustment_factor": 1.0,
    "served_adjusted_close_jpy": None,
    "market_cap_mjpy": None,
    "ex_rights_type": None,
}
_LISTED = {
    "code": "10000",
    "name": "会社",
    "name_english": "Company",
    "sector17_code": "1",
    "sector33_code": "0050",
    "scale_category": "-",
    "market_code": "0111",
    "margin_class": "1",
    "product_category": "011",
}


def _frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    assert table.rule is not None
    frame = pl.DataFrame(
        [{name: row.get(name) for name in table.polars_schema} for row in rows], schema=table.polars_schema
    )
    return frame.with_columns(
        pl.coalesce(pl.col("available_at"), table.rule.instant(pl.col("session"))).alias("available_at")
    )


def bars_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Typed daily bars; open, high and low follow the close, yen follow shares, unless the row says otherwise."""
    filled = []
    for row in rows:
        full = _BAR | row
        for name in ("open_jpy", "high_jpy", "low_jpy"):
            full.setdefault(name, full["close_jpy"])
        if full["close_jpy"] is not None and "volume_shares" not in row:
            full["volume_shares"] = 100.0
        if full["volume_shares"] is not None and full["close_jpy"] is not None and full["turnover_jpy"] is None:
            full["turnover_jpy"] = full["volume_shares"] * full["close_jpy"]
        filled.append(full)
    return _frame(daily_bars.TABLE, filled)


def listed_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """Typed listing snapshots."""
    return _frame(listed_issues.SNAPSHOT, [_LISTED | row for row in rows])


@pytest.fixture
def make_bars() -> Callable[..., pl.DataFrame]:
    return bars_of


@pytest.fixture
def make_listed() -> Callable[..., pl.DataFrame]:
    return listed_of


@pytest.fixture
def sessions() -> tuple[Any, ...]:
    """Sessions from 2024-01-04 on."""
    return tuple(day for day in tse_calendar().sessions if day.year >= 2024)
