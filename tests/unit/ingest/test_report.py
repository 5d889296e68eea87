"""What a fetch will cost, said before it starts."""

from datetime import date

import pytest

from gogoku_pipeline.core.errors import ConfigError, RequestError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest import estimate_calls
from gogoku_pipeline.jquants import PLANS

TODAY = date(2024, 5, 8)
FIVE_YEARS = tse_calendar().between(date(2019, 5, 9), TODAY)


@pytest.mark.parametrize(
    ("plan", "sources", "calls", "minutes"),
    [
        ("premium", ["daily_bars"], len(FIVE_YEARS), len(FIVE_YEARS) / 500),
        ("light", ["daily_bars", "listed_issues"], 2 * len(FIVE_YEARS), 2 * len(FIVE_YEARS) / 60),
        ("light", ["topix", "calendar"], 2, 2 / 60),
        ("free", ["topix", "calendar"], 1, 1 / 5),
        ("free", [], 0, 0),
    ],
)
def test_days_cost_a_call_each_and_ranges_one(plan, sources, calls, minutes):
    estimate = estimate_calls(plan, sources, FIVE_YEARS)
    assert (estimate.calls, estimate.minutes) == (calls, pytest.approx(minutes))


def test_what_the_plan_does_not_cover_costs_nothing():
    free = estimate_calls(PLANS["free"], ["daily_bars"], FIVE_YEARS, today=TODAY)
    first, last = PLANS["free"].window(TODAY)
    assert free.calls == len([day for day in FIVE_YEARS if first <= day <= last])
    assert 480 < free.calls < 500
    assert estimate_calls("light", ["daily_bars"], FIVE_YEARS, today=TODAY).calls == len(FIVE_YEARS)


def test_unknown_names_are_refused():
    with pytest.raises(ConfigError, match="GOGOKU_PLAN"):
        estimate_calls("gold", ["daily_bars"], FIVE_YEARS)
    with pytest.raises(RequestError, match="unknown"):
        estimate_calls("free", ["bars"], FIVE_YEARS)
