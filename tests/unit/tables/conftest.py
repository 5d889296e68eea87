"""A real store in a temporary folder, and landings written by hand."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import RawPage, Store, open_store

TUESDAY, WEDNESDAY, THURSDAY = date(2024, 5, 7), date(2024, 5, 8), date(2024, 5, 9)


def evening(day: date, hour: int = 19, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=JST)


def bar_row(day: date = WEDNESDAY, code: str = "72030", **changed: Any) -> dict[str, Any]:
    """A response row of daily bars."""
    prices = dict.fromkeys(("O", "H", "L", "C", "AdjO", "AdjH", "AdjL", "AdjC"), 3500.0)
    flags = {"UL": "0", "LL": "0", "Vo": 100.0, "Va": 350000.0, "AdjFactor": 1.0, "AdjVo": 100.0}
    return {"Date": day.isoformat(), "Code": code, **prices, **flags, "MktCap": 5.0, "ExRT": None} | changed


def listed_row(day: date = WEDNESDAY, code: str = "72030", **changed: Any) -> dict[str, Any]:
    """A response row of the listing."""
    row = dict.fromkeys((field.name for field in SOURCES["listed_issues"].fields), "x")
    row |= {"Date": day.isoformat(), "Code": code, "S17": "6", "S33": "3700", "Mkt": "0111", "Mrgn": "1"}
    return row | {"ProdCat": "011", "ScaleCat": "TOPIX Core30"} | changed


@pytest.fixture
def bar() -> Callable[..., dict[str, Any]]:
    return bar_row


@pytest.fixture
def listed() -> Callable[..., dict[str, Any]]:
    return listed_row


@pytest.fixture
def store(tmp_path) -> Store:
    return open_store(f"file://{tmp_path}/store")


_walks = itertools.count()


def land_pages(
    store: Store,
    source: str,
    day: date | None,
    *pages: list[dict[str, Any]],
    fetched_at: datetime | None = None,
    last: bool = True,
    params: dict[str, str] | None = None,
) -> None:
    """Land one walk; it is complete unless `last` is False."""
    at = fetched_at or evening(day or THURSDAY)
    fetch_id = f"walk-{next(_walks):06}"
    for number, rows in enumerate(pages, start=1):
        is_last = last and number == len(pages)
        body = {"data": rows} | ({} if is_last else {"pagination_key": f"key.{number}."})
        store.raw.land(
            RawPage(
                source=source,
                params=params or ({"date": day.isoformat()} if day else {"from": "2008-05-07"}),
                event_date=day,
                payload=json.dumps(body, ensure_ascii=False).encode(),
                row_count=len(rows),
                page_number=number,
                pagination_key_next=None if is_last else f"key.{number}.",
                url=f"https://example.invalid{SOURCES[source].path}",
                status=200,
                fetched_at=at + timedelta(seconds=number),
                field_names=tuple(rows[0]) if rows else (),
                fetch_id=fetch_id,
                run_id="test",
            )
        )


@pytest.fixture(scope="session")
def land_into() -> Callable[..., None]:
    return land_pages


@pytest.fixture
def land(store) -> Callable[..., None]:
    return functools.partial(land_pages, store)
