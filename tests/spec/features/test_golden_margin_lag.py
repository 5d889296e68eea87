"""Golden example G10: from when a margin balance may be used, before and after publication turned daily."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import margin
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.tables.prices import stage_prices
from tests.unit.features.position_rows import balance, published
from tests.unit.features.short_rows import CUTOFF, bars

G10 = [
    (date(2024, 5, 10), None, date(2024, 5, 14)),
    (date(2024, 4, 26), None, date(2024, 5, 1)),
    (date(2024, 5, 2), None, date(2024, 5, 8)),
    (date(2024, 12, 27), None, date(2025, 1, 6)),
    (date(2026, 9, 18), None, date(2026, 9, 25)),
    (date(2026, 9, 25), date(2026, 9, 28), date(2026, 9, 28)),
    (date(2026, 9, 25), None, date(2026, 9, 28)),
]


@pytest.mark.parametrize(("applied", "pub", "usable"), G10, ids=[f"{row[0]} published {row[1]}" for row in G10])
def test_golden_example_g10(applied, pub, usable):
    rows = published("margin_interest", [balance(applied, 500.0, published_date=pub)])
    assert rows["available_at"].item() == datetime(usable.year, usable.month, usable.day, 16, 30, tzinfo=JST)
    place = tse_calendar().index(applied)
    days = list(tse_calendar().sessions[place - 3 : place + 12])
    prices = stage_prices(bars(days), extra=("volume_factor",))
    known = Known({"margin_interest": rows}, prices, pl.DataFrame(), pl.Series("session", days), CUTOFF)
    frame = margin.STATE.frame(known)
    assert frame["known_session"].to_list() == [usable]
    assert frame["long_shares"].to_list() == [500.0]
